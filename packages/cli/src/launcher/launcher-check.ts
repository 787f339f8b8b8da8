/** Checks that a launcher is unchanged since its installation, and that it can start a process safely. */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, realpathSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { mountOptions } from "@sigtool/core";
import { errnoReason, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { examineHost, faultOfFile, verifyHost } from "@sigtool/verifier";
import { type NativeParts, nativeParts } from "../native/native-parts.js";
import { VERSION } from "../output/version.js";
import { aboutSpython, libraryOutside, modeOfSpython } from "../python/spython.js";
import { endNotice } from "./end-notice.js";
import { identityOf, type LauncherConf, type PinnedFile, parseLauncherConf, pin } from "./launcher-conf.js";
import { foreignLinks } from "./launcher-links.js";
import { judgeMode } from "./launcher-mode.js";
import {
	CONF_NAME,
	type DerivedSettings,
	derivedSettings,
	hostDocument,
	launcherIn,
	majorOf,
} from "./launcher-place.js";
import { type ListedProcess, listedProcesses } from "./listed-processes.js";
import { protectionsOf } from "./protections.js";
import { faultsOfShared, isShared } from "./shared-index.js";

/** The status `note` means that nothing is wrong, but that the administrator should know about the fact. */
export interface LauncherFinding {
	readonly what: string;
	readonly status: "ok" | "wrong" | "note";
	readonly says: string;
}

/** The facts about this host, for programs that look after many hosts. */
export interface LauncherFacts {
	readonly host: string;
	/** The number of the user who asked. */
	readonly uid: number | undefined;
	readonly versions: {
		readonly sigtool: string;
		readonly node?: string | undefined;
		readonly python?: string | undefined;
	};
	/** Tells which index and signer were verified, in the words of the event `verifier.start`. Undefined if it is not trusted. */
	readonly start?: ReturnType<typeof verifyHost>["facts"];
	readonly processes: readonly ListedProcess[];
}

export interface LauncherAudit {
	readonly findings: LauncherFinding[];
	readonly facts: LauncherFacts;
}

/**
 * Returns the findings in the order in which they are printed, and the facts. Findings are returned, never thrown.
 * `denied` is the status of signed files that the deny list names.
 */
export function checkLauncher(directory: string, denied: "note" | "wrong"): LauncherAudit {
	const findings = findingsAbout(directory, denied);
	return { findings, facts: factsAbout(directory, findings) };
}

function factsAbout(directory: string, findings: readonly LauncherFinding[]): LauncherFacts {
	// A program that is not as installed is not run, because the user may be root.
	const mayRun = (...names: string[]) =>
		!findings.some(({ what, status }) => names.includes(what) && status === "wrong");
	const own = { host: hostname(), uid: process.getuid?.() };
	const real = existsSync(directory) ? realpathSync(directory) : directory;
	try {
		const file = join(directory, CONF_NAME);
		const conf = parseLauncherConf(readFileSync(file), file);
		const { index, config, development, node, spython } = conf;
		return {
			...own,
			processes: listedProcesses(real, conf),
			versions: {
				sigtool: VERSION,
				node: node && mayRun("node") ? versionOf(node) : undefined,
				python: spython && mayRun("python", "spython") ? aboutSpython(spython.path).python : undefined,
			},
			start: startFacts({ index, config, development }),
		};
	} catch {
		// The findings tell what is wrong.
		return { ...own, processes: listedProcesses(real, undefined), versions: { sigtool: VERSION } };
	}
}

function startFacts(place: Parameters<typeof verifyHost>[0]): LauncherFacts["start"] {
	try {
		return verifyHost({ ...place, addon: partsOrUndefined()?.addon }).facts;
	} catch {
		return undefined;
	}
}

function versionOf(node: PinnedFile): string | undefined {
	const { stdout } = spawnSync(node.path, ["--version"], { encoding: "utf8", env: {} });
	return stdout?.trim().replace(/^v/, "");
}

/** If the settings cannot be read, that is the only finding. */
function findingsAbout(directory: string, denied: "note" | "wrong"): LauncherFinding[] {
	const confFile = join(resolve(directory), CONF_NAME);
	let conf: LauncherConf;
	try {
		conf = parseLauncherConf(readFileSync(confFile), confFile);
	} catch (error) {
		const says = error instanceof SigtoolError ? why(error) : `${confFile}: ${why(error)}`;
		return [
			wrong("settings", `${says}; run \`sigtool launcher install --prefix ${quoted(resolve(directory))}\` as root`),
		];
	}
	const { development } = conf;
	const parts = partsOrUndefined();
	const launcher = launcherIn(directory);
	const program = judged("launcher", () => {
		return fault(launcher, development) ?? (isStatic(launcher) ? launcher : refuse("it is not static"));
	});
	const again = installing(conf, directory);
	const configuration = judged("configuration", () => fault(conf.config, development) ?? configurationSays(conf));
	const index =
		configuration.status === "wrong"
			? [note("index", "not judged: the configuration cannot be used")]
			: indexFindings(conf);
	const isJudged = index.every(({ status }) => status === "ok");
	return [
		judged("settings", () => fault(confFile, development) ?? confFile),
		{ what: "mode", ...judgeMode(conf, confFile) },
		program,
		...sameAsOwn("launcher", launcher, parts?.launcher),
		...nodeFindings(conf, parts, again),
		...pythonFindings(conf, again),
		configuration,
		...index,
		...linkFindings(conf),
		...examinationFindings(conf, denied),
		...sharedFindings(directory, conf),
		// An index that cannot be used does not say what to install.
		...(isJudged ? [judged("flags", () => flagsSay(conf, again))] : []),
		...(conf.audit === undefined ? [] : [eventsFinding(conf.audit)]),
		...conf.writable.map((directory) => grantedFinding(directory)),
		// A launcher that somebody could have replaced must not be run.
		...(program.status === "ok" ? protectionFindings(conf, launcher) : []),
		...(development === "allow" ? [note("development", "allowed: files of this user count; not for production")] : []),
	];
}

/** `mend` says what to do about another digest. */
function pinned(
	what: string,
	file: PinnedFile,
	development: LauncherConf["development"],
	mend: string,
	announced: readonly string[] = [],
): LauncherFinding {
	return judged(what, () => {
		const { path, sha256 } = pin(file.path);
		if (path !== file.path) refuse(`${file.path} is a link to ${path}`);
		const isUpgraded = sha256 !== file.sha256;
		if (isUpgraded && !announced.includes(sha256)) refuse(`${file.path} changed: its SHA-256 is ${sha256}; ${mend}`);
		const short = `sha256 ${sha256.slice(0, 16)}…${isUpgraded ? ", as announced" : ""}`;
		return fault(file.path, development) ?? `${file.path}, ${short}`;
	});
}

/** A program that its distribution replaces, and a part that only an installation does. */
function mendsBy(again: string): { readonly program: string; readonly part: string } {
	return {
		program: `if an upgrade replaced it, run \`${again}\` as root (docs/launcher.md#upgrades-of-node-and-python), else put the former back`,
		part: `run \`${again}\` as root`,
	};
}

function nodeFindings(conf: LauncherConf, parts: NativeParts | undefined, again: string): LauncherFinding[] {
	const { node, bundle, addon, development } = conf;
	if (node === undefined || bundle === undefined) return [];
	return [
		...nodeProgramFindings(conf, node, again),
		pinned("hook", bundle, development, mendsBy(again).part),
		...sameAsOwn("hook", bundle.path, parts?.bundle),
		addon === undefined
			? note("addon", "none: the kernel is not asked about files")
			: pinned("addon", addon, development, mendsBy(again).part),
	];
}

function nodeProgramFindings(conf: LauncherConf, node: PinnedFile, again: string) {
	const { nodeMajor, nodeIdentity, nodeNext, development } = conf;
	const program = pinned("node", node, development, mendsBy(again).program, nodeNext);
	// A program that is not as installed must not be run.
	if (program.status === "wrong") return [program];
	const version = judged("node release", () => {
		const major = majorOf(node.path);
		return major === nodeMajor ? String(major) : refuse(`it is ${major}, installed was ${nodeMajor}`);
	});
	const isMoved = version.status !== "wrong" && identityOf(node.path) !== nodeIdentity;
	const isUpgraded = isMoved && pin(node.path).sha256 !== node.sha256;
	const why = isUpgraded ? "replaced as announced" : "moved since the installation";
	const moved = `${why}: it is digested at every start; run \`${again}\` as root`;
	return [program, version, ...(isMoved ? [note("node file", moved)] : [])];
}

function pythonFindings(conf: LauncherConf, again: string): LauncherFinding[] {
	const { python, spython, development } = conf;
	if (python === undefined || spython === undefined) return [];
	const programs = [
		pinned("python", python, development, mendsBy(again).program, conf.pythonNext),
		pinned("spython", spython, development, `run \`${again} --python SPYTHON\` as root, with the one that you built`),
	];
	// A program that is not as installed must not be run.
	if (programs.some(({ status }) => status === "wrong")) return programs;
	let outside: string[] = [];
	const release = judged("python release", () => {
		const facts = aboutSpython(spython.path);
		if (facts.development && development === "refuse") refuse("it was built to trust a development identity");
		if (existsSync(conf.index)) outside = libraryOutside(facts, treesOf(conf));
		return `${facts.python}, library below ${facts.home}, keys built in: ${facts.pins.length}`;
	});
	const missing = outside.map((directory) =>
		note("library", `${directory} is not in the index: nothing is loaded from it`),
	);
	return [...programs, release, ...missing];
}

/** Tells which options are missing on the mount of a directory that the program may write below. */
function grantedFinding(directory: string): LauncherFinding {
	let options: readonly string[] = [];
	const found = judged("write", () => {
		options = mountOptions(directory);
		return directory;
	});
	const missing = Object.entries(MOUNT_RISKS).filter(([option]) => !options.includes(option));
	if (found.status === "wrong" || missing.length === 0) return found;
	return note(
		"write",
		`${directory}: its mount is ${missing.map(([option, risk]) => `not ${option}, so ${risk}`).join("; ")}`,
	);
}

/** The risk of a mount without each option. */
const MOUNT_RISKS = {
	nosuid: "mode strict does not start as root",
	noexec: "signed native code could map as code what is written there",
} as const;

/** Returns a finding for each protection of the kernel that the settings ask for. */
function protectionFindings(conf: LauncherConf, launcher: string): LauncherFinding[] {
	const { connect, bind, sockets } = conf.network;
	const isAsked: Readonly<Record<string, boolean>> = {
		"landlock-network": connect !== undefined || bind !== undefined,
		"landlock-sockets": sockets !== undefined,
		"writable-code": conf.python !== undefined && conf.writableCode === "refuse",
	};
	return protectionsOf(launcher)
		.filter(({ name }) => isAsked[name] !== false)
		.map(({ name, since, required, holds, effect }) => {
			if (holds) return { what: name, status: "ok", says: `${effect} (Linux ${since})` };
			const without = `missing: it ${effect}, since Linux ${since}`;
			return required && conf.mode === "strict"
				? wrong(name, `${without}; mode strict does not start`)
				: note(name, without);
		});
}

/**
 * Returns the trees that the current index and host configuration give. If one of these two files cannot be read,
 * returns the trees at the time of installation. The fault is not reported here, because another finding reports it.
 */
function treesOf(conf: LauncherConf): readonly string[] {
	try {
		return derivedSettings(conf).trees;
	} catch {
		return conf.trees;
	}
}

function sameAsOwn(what: string, installed: string, own: string | undefined): LauncherFinding[] {
	if (own === undefined || !existsSync(installed) || pin(installed).sha256 === pin(own).sha256) return [];
	return [note(what, "of another version than this command; `sigtool launcher install` brings them together")];
}

function configurationSays({ config, node, bundle }: LauncherConf): string {
	const document = hostDocument(config);
	if (document === undefined) return refuse(`${config} does not exist`);
	const { pins, authorities, launcher } = document;
	if (pins.length + authorities.length === 0) refuse(`${config} trusts nobody: add a pin`);
	const { node: nodes, bundle: hook } = launcher ?? {};
	if (node && nodes !== undefined && !nodes.some((each) => isSame(each, node))) refuse(`${config} pins another node`);
	if (bundle && hook !== undefined && !isSame(hook, bundle)) refuse(`${config} pins another hook`);
	return `${config}, pinned keys: ${pins.length}, authorities: ${authorities.length}`;
}

function isSame(a: PinnedFile, b: PinnedFile): boolean {
	return a.path === b.path && a.sha256 === b.sha256;
}

/**
 * Reports if each launched runtime would start with the index. For Node.js this process judges that itself, by the same
 * code as the hook. For CPython it runs the installed spython and asks it.
 */
function indexFindings(conf: LauncherConf): LauncherFinding[] {
	const { index, config, development, node, spython } = conf;
	if (!existsSync(index)) {
		return [judged("index", () => refuse(`${index} does not exist: make it with \`sigtool compile\``))];
	}
	const says = (mode: string) => `${index}, trusted, mode ${mode}`;
	const byNode = judged("index", () =>
		says(verifyHost({ index, config, development, addon: partsOrUndefined()?.addon }).mode),
	);
	if (spython === undefined) return [byNode];
	const byPython = judged("index", () => {
		// A file that is not as installed must not be run.
		if (pin(spython.path).sha256 !== spython.sha256) refuse("not judged, because the spython changed");
		return says(modeOfSpython(spython.path, conf));
	});
	return node === undefined ? [byPython] : [byNode, { ...byPython, what: "index for python" }];
}

/** Names what ends soon, and the signed files that the deny list names. An index that is refused has none of these. */
function examinationFindings(
	{ index, config, development }: LauncherConf,
	status: "note" | "wrong",
): LauncherFinding[] {
	try {
		const { ends, denied } = examineHost({ index, config, development });
		return [
			...ends.flatMap((end) => endNotice(end, Date.now()) ?? []).map((says) => note("end", says)),
			...denied.map(({ product, path, reason }): LauncherFinding => {
				const says = `"${path}" of "${product}" is on the deny list of ${config}: ${reason}; put a release without it in place`;
				return { what: "denied", status, says };
			}),
		];
	} catch {
		return []; // Other findings tell why.
	}
}

/** A start refuses these links, because their owner could switch them. */
function linkFindings(conf: LauncherConf): LauncherFinding[] {
	const found = judged("link", () => {
		const foreign = foreignLinks(conf).map(({ path, owner }) => `"${path}" belongs to user ${owner}`);
		if (foreign.length === 0) return "";
		return refuse(`${foreign.join(", ")}, and leads to a signed tree or index; make it anew as root`);
	});
	return found.status === "ok" ? [] : [found];
}

/** Each process digests and keeps an index that is not shared. Only a large one is worth a word. */
function sharedFindings(directory: string, { index }: LauncherConf): LauncherFinding[] {
	try {
		const faults = faultsOfShared(directory).map((fault) => wrong("shared index", `${fault}; ${SHARE_AGAIN}`));
		if (faults.length > 0 || !existsSync(index)) return faults;
		if (isShared(directory, index)) return [{ what: "shared index", status: "ok", says: "one copy for all processes" }];
		const mib = Math.round(statSync(index).size / 2 ** 20);
		return mib < 1 ? [] : [note("shared index", `none: each process has ${mib} MiB of its own; ${SHARE_AGAIN}`)];
	} catch (error) {
		return [wrong("shared index", why(error))];
	}
}

const SHARE_AGAIN = "run `sigtool launcher share` as root";

/** Compares the copies of settings that launcher.conf has. Names those that differ, and the command that copies anew. */
function flagsSay(conf: LauncherConf, again: string): string {
	const asked = derivedSettings(conf);
	const differing = Object.entries(DERIVED).filter(([member]) => {
		// The type assertion is safe: DERIVED has exactly the members of DerivedSettings.
		const name = member as keyof DerivedSettings;
		return JSON.stringify(conf[name]) !== JSON.stringify(asked[name]);
	});
	if (differing.length === 0) return "as index and configuration ask";
	const what = differing.map(([, words]) => words).join(", ");
	return refuse(`index or configuration ask for others by now (${what}): run \`${again}\` as root`);
}

const DERIVED: Readonly<Record<keyof DerivedSettings, string>> = {
	audit: "the file of events",
	trees: "the roots of products",
	writable: "the policy's launch.write",
	network: "the policy's launch.network",
	writableCode: "the policy's launch.writableCode",
	refused: "what the policy's runtime refuses",
};

/** Returns the command that installs the same launcher again. It keeps all settings but announced programs. */
function installing({ nodeNext, pythonNext }: LauncherConf, prefix: string): string {
	const announced = [
		...nodeNext.map((digest) => `--node-next ${digest}`),
		...pythonNext.map((digest) => `--python-next ${digest}`),
	];
	return ["sigtool launcher install --prefix", quoted(resolve(prefix)), ...announced].join(" ");
}

/** Quotes a word for a shell if that is needed. */
function quoted(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/**
 * Checks that the directory of the events file exists. The file need not exist, because the launcher, or the first
 * process that appends to the file, creates it.
 */
function eventsFinding(file: string): LauncherFinding {
	const directory = dirname(file);
	const found = judged("events", () => {
		return existsSync(directory)
			? file
			: refuse(`${directory} does not exist: make it, for the application's user to write in`);
	});
	// events-directory.c of the launcher judges alike.
	if (found.status === "wrong" || !holdsOthers(directory, basename(file))) return found;
	return note(
		"events",
		`${file}: a running process cannot open it again after a rotation, because ${directory} holds other files`,
	);
}

/** Tells whether a directory holds anything but this file. A directory that cannot be read is not judged. */
function holdsOthers(directory: string, file: string): boolean {
	try {
		return readdirSync(directory).some((name) => name !== file);
	} catch {
		return false;
	}
}

/** Throws if sigtool-launch would refuse the file. The result is always undefined, so that a call can stand before `??`. */
function fault(file: string, development: LauncherConf["development"]): undefined {
	const found = faultOfFile(resolve(file), { development, sticky: development === "allow" ? "accept" : "refuse" });
	return found === undefined ? undefined : refuse(found);
}

/** Tells whether an ELF program is static: none of its program headers, which follow the ELF header, is PT_INTERP (3). */
function isStatic(program: string): boolean {
	const head = Buffer.alloc(4096);
	const file = openSync(program, "r");
	readSync(file, head, 0, head.length, 0);
	closeSync(file);
	const [offset, size, count] = [Number(head.readBigUInt64LE(32)), head.readUInt16LE(54), head.readUInt16LE(56)];
	for (let i = 0; i < count; i++) if (head.readUInt32LE(offset + i * size) === 3) return false;
	return true;
}

function partsOrUndefined(): NativeParts | undefined {
	try {
		return nativeParts();
	} catch {
		return undefined; // The installed parts can be checked without the parts of this package.
	}
}

function judged(what: string, look: () => string): LauncherFinding {
	try {
		return { what, status: "ok", says: look() };
	} catch (error) {
		return wrong(what, why(error));
	}
}

function refuse(reason: string): never {
	throw new SigtoolError("ERR_LAUNCHER", reason);
}

function why(error: unknown): string {
	if (error instanceof SigtoolError) return `${reasonOf(error)} [${error.code}]`;
	return error instanceof SyntaxError ? `it is not JSON: ${error.message}` : errnoReason(error);
}

function wrong(what: string, says: string): LauncherFinding {
	return { what, status: "wrong", says };
}

function note(what: string, says: string): LauncherFinding {
	return { what, status: "note", says };
}
