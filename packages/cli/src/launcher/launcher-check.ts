/** Checks that a launcher is unchanged since its installation, and that it can start a process safely. */

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { mountOptions } from "@sigtool/core";
import { errnoReason, reasonOf, SigtoolError } from "@sigtool/core/errors";
import { examineHost, faultOfFile, verifyHost } from "@sigtool/verifier";
import { type NativeParts, nativeParts } from "../native/native-parts.js";
import { VERSION } from "../output/version.js";
import { aboutSpython, libraryOutside, modeOfSpython } from "../python/spython.js";
import { endNotice } from "./end-notice.js";
import { type LaunchedProcess, processesOf } from "./launched-processes.js";
import { identityOf, type LauncherConf, type PinnedFile, parseLauncherConf, pin } from "./launcher-conf.js";
import {
	CONF_NAME,
	type DerivedSettings,
	derivedSettings,
	hostDocument,
	launcherIn,
	majorOf,
} from "./launcher-place.js";
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
	readonly processes: readonly LaunchedProcess[];
}

export interface LauncherAudit {
	readonly findings: LauncherFinding[];
	readonly facts: LauncherFacts;
}

/** Returns the findings in the order in which they are printed, and the facts. Findings are returned, never thrown. */
export function checkLauncher(directory: string): LauncherAudit {
	const findings = findingsAbout(directory);
	return { findings, facts: factsAbout(directory, findings) };
}

function factsAbout(directory: string, findings: readonly LauncherFinding[]): LauncherFacts {
	// A program that is not as installed is not run, because the user may be root.
	const mayRun = (...names: string[]) =>
		!findings.some(({ what, status }) => names.includes(what) && status === "wrong");
	const own = { host: hostname(), uid: process.getuid?.(), processes: processesOf(directory) };
	try {
		const file = join(directory, CONF_NAME);
		const { index, config, development, node, spython } = parseLauncherConf(readFileSync(file), file);
		return {
			...own,
			versions: {
				sigtool: VERSION,
				node: node && mayRun("node") ? versionOf(node) : undefined,
				python: spython && mayRun("python", "spython") ? aboutSpython(spython.path).python : undefined,
			},
			start: verifyHost({ index, config, development }).facts,
		};
	} catch {
		return { ...own, versions: { sigtool: VERSION } }; // The findings tell what is wrong.
	}
}

function versionOf(node: PinnedFile): string | undefined {
	const { stdout } = spawnSync(node.path, ["--version"], { encoding: "utf8", env: {} });
	return stdout?.trim().replace(/^v/, "");
}

/** If the settings cannot be read, that is the only finding. */
function findingsAbout(directory: string): LauncherFinding[] {
	const confFile = join(resolve(directory), CONF_NAME);
	let conf: LauncherConf;
	try {
		conf = parseLauncherConf(readFileSync(confFile), confFile);
	} catch (error) {
		const says = error instanceof SigtoolError ? why(error) : `${confFile}: ${why(error)}`;
		return [wrong("settings", `${says}; run \`sigtool launcher install\``)];
	}
	const { development } = conf;
	const parts = partsOrUndefined();
	const launcher = launcherIn(directory);
	const program = judged("launcher", () => {
		return fault(launcher, development) ?? (isStatic(launcher) ? launcher : refuse("it is not static"));
	});
	return [
		judged("settings", () => fault(confFile, development) ?? `${confFile}, mode ${conf.mode}`),
		program,
		...sameAsOwn("launcher", launcher, parts?.launcher),
		...nodeFindings(conf, parts),
		...pythonFindings(conf),
		judged("configuration", () => fault(conf.config, development) ?? configurationSays(conf)),
		...indexFindings(conf),
		...examinationFindings(conf),
		...sharedFindings(directory, conf),
		judged("flags", () => flagsSay(conf, directory)),
		...(conf.audit === undefined ? [] : [eventsFinding(conf.audit)]),
		...conf.writable.map((directory) => grantedFinding(directory)),
		// A launcher that somebody could have replaced must not be run.
		...(program.status === "ok" ? protectionFindings(conf, launcher) : []),
		...(development === "allow" ? [note("development", "allowed: files of this user count; not for production")] : []),
	];
}

function pinned(
	what: string,
	file: PinnedFile,
	development: LauncherConf["development"],
	announced: readonly string[] = [],
): LauncherFinding {
	return judged(what, () => {
		const { path, sha256 } = pin(file.path);
		if (path !== file.path) refuse(`${file.path} is a link to ${path}`);
		const isUpgraded = sha256 !== file.sha256;
		if (isUpgraded && !announced.includes(sha256)) refuse(`${file.path} changed: its SHA-256 is ${sha256}`);
		const short = `sha256 ${sha256.slice(0, 16)}…${isUpgraded ? ", as announced" : ""}`;
		return fault(file.path, development) ?? `${file.path}, ${short}`;
	});
}

function nodeFindings(conf: LauncherConf, parts: NativeParts | undefined): LauncherFinding[] {
	const { node, bundle, addon, development } = conf;
	if (node === undefined || bundle === undefined) return [];
	return [
		...nodeProgramFindings(conf, node),
		pinned("hook", bundle, development),
		...sameAsOwn("hook", bundle.path, parts?.bundle),
		addon === undefined
			? note("addon", "none: the kernel is not asked about files")
			: pinned("addon", addon, development),
	];
}

function nodeProgramFindings({ nodeMajor, nodeIdentity, nodeNext, development }: LauncherConf, node: PinnedFile) {
	const program = pinned("node", node, development, nodeNext);
	// A program that is not as installed must not be run.
	if (program.status === "wrong") return [program];
	const version = judged("node release", () => {
		const major = majorOf(node.path);
		return major === nodeMajor ? String(major) : refuse(`it is ${major}, installed was ${nodeMajor}`);
	});
	const isMoved = version.status !== "wrong" && identityOf(node.path) !== nodeIdentity;
	const moved = "moved since the installation: it is digested at every start; install again";
	return [program, version, ...(isMoved ? [note("node file", moved)] : [])];
}

function pythonFindings(conf: LauncherConf): LauncherFinding[] {
	const { python, spython, development } = conf;
	if (python === undefined || spython === undefined) return [];
	const programs = [pinned("python", python, development, conf.pythonNext), pinned("spython", spython, development)];
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
	const byNode = judged("index", () => says(verifyHost({ index, config, development }).mode));
	if (spython === undefined) return [byNode];
	const byPython = judged("index", () => {
		// A file that is not as installed must not be run.
		if (pin(spython.path).sha256 !== spython.sha256) refuse("not judged, because the spython changed");
		return says(modeOfSpython(spython.path, conf));
	});
	return node === undefined ? [byPython] : [byNode, { ...byPython, what: "index for python" }];
}

/** Names what ends soon, and the signed files that the deny list names. An index that is refused has none of these. */
function examinationFindings({ index, config, development }: LauncherConf): LauncherFinding[] {
	try {
		const { ends, denied } = examineHost({ index, config, development });
		return [
			...ends.flatMap((end) => endNotice(end, Date.now()) ?? []).map((says) => note("end", says)),
			...denied.map(({ product, path, reason }) => note("denied", `"${path}" of "${product}": ${reason}`)),
		];
	} catch {
		return []; // Other findings tell why.
	}
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
function flagsSay(conf: LauncherConf, prefix: string): string {
	const asked = derivedSettings(conf);
	const differing = Object.entries(DERIVED).filter(([member]) => {
		// The type assertion is safe: DERIVED has exactly the members of DerivedSettings.
		const name = member as keyof DerivedSettings;
		return JSON.stringify(conf[name]) !== JSON.stringify(asked[name]);
	});
	if (differing.length === 0) return "as index and configuration ask";
	const what = differing.map(([, words]) => words).join(", ");
	return refuse(`index or configuration ask for others by now (${what}): run \`${installing(conf, prefix)}\` as root`);
}

const DERIVED: Readonly<Record<keyof DerivedSettings, string>> = {
	audit: "the file of events",
	trees: "the roots of products",
	writable: "the policy's launch.write",
	network: "the policy's launch.network",
	writableCode: "the policy's launch.writableCode",
	refused: "what the policy's runtime refuses",
};

/** Returns the command that installs the same launcher again. */
function installing(conf: LauncherConf, prefix: string): string {
	const { node, nodeNext, spython, pythonNext, index, config, mode, development } = conf;
	const options: readonly [string, string | undefined][] = [
		["--prefix", resolve(prefix)],
		["--node", node?.path],
		...nodeNext.map((digest): [string, string] => ["--node-next", digest]),
		["--python", spython?.path],
		...pythonNext.map((digest): [string, string] => ["--python-next", digest]),
		["--index", index],
		["--config", config],
		["--mode", mode],
	];
	const given = options.flatMap(([option, value]) => (value === undefined ? [] : [option, quoted(value)]));
	const switches = [
		...(node === undefined ? ["--no-node"] : []),
		...(development === "allow" ? ["--allow-development"] : []),
	];
	return ["sigtool launcher install", ...given, ...switches].join(" ");
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
