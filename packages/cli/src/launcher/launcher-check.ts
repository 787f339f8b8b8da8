/** Checks that a launcher is unchanged since its installation, and that it can start a process safely. */

import { spawnSync } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { COMMAND, shell } from "@sigtool/core/internal/errors";
import { verifyHost } from "@sigtool/verifier/internal";
import { partsOrUndefined } from "../native/native-parts.js";
import { VERSION } from "../output/version.js";
import { aboutSpython } from "../python/spython.js";
import { type Account, accountsOf } from "./account.js";
import { type DerivedSettings, derivedSettings, hostDocument } from "./derived-settings.js";
import { fault, judged, type LauncherFinding, note, refuse, why, wrong } from "./finding.js";
import {
	examinationFindings,
	indexFindings,
	linkFindings,
	otherIndexFindings,
	policyFindings,
	sharedFindings,
} from "./index-findings.js";
import { launcherCommand } from "./launcher-command.js";
import { type LauncherConf, type PinnedFile, readLauncherConf } from "./launcher-conf.js";
import { judgeMode } from "./launcher-mode.js";
import { CONF_NAME, launcherIn } from "./launcher-place.js";
import { type ListedProcess, listedProcesses } from "./listed-processes.js";
import { eventsFinding, grantedFinding, missingEventsFindings, protectionFindings } from "./place-findings.js";
import { isSameFile, isStatic, nodeFindings, pythonFindings, sameAsOwn } from "./runtime-findings.js";
import { usersFindings } from "./user-findings.js";

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

export interface LauncherCheck {
	/** The status of signed files that the deny list names. */
	readonly denied: "note" | "wrong";
	/** The account as which it tries what a start needs. Default: those of the processes that run. */
	readonly account: Account | undefined;
}

/**
 * Returns the findings in the order in which they are printed, and the facts. Findings are returned, never thrown.
 */
export function checkLauncher(directory: string, { denied, account }: LauncherCheck): LauncherAudit {
	const findings = findingsAbout(directory, denied);
	const facts = factsAbout(directory, findings);
	const accounts = account === undefined ? accountsOf(facts.processes) : [account];
	return { findings: [...findings, ...triedFindings(directory, accounts)], facts };
}

/** Without settings nothing can be tried, and another finding tells why. */
function triedFindings(directory: string, accounts: readonly Account[]): LauncherFinding[] {
	let conf: LauncherConf;
	try {
		conf = readLauncherConf(join(directory, CONF_NAME));
	} catch {
		return [];
	}
	return usersFindings(directory, conf, accounts, mayRun(launcherIn(directory), conf));
}

/** A launcher that another user could have written, or that is not the one of this package, must not be run. */
function mayRun(launcher: string, { development }: LauncherConf): boolean {
	const parts = partsOrUndefined();
	const program = judged("launcher", () => fault(launcher, development) ?? "");
	return program.status === "ok" && parts !== undefined && isSameFile(launcher, parts.launcher);
}

function factsAbout(directory: string, findings: readonly LauncherFinding[]): LauncherFacts {
	// A program that is not as installed is not run, because the user may be root.
	const isAsInstalled = (...names: string[]) =>
		!findings.some(({ what, status }) => names.includes(what) && status === "wrong");
	const own = { host: hostname(), uid: process.getuid?.() };
	const real = existsSync(directory) ? realpathSync(directory) : directory;
	try {
		const file = join(directory, CONF_NAME);
		const conf = readLauncherConf(file);
		const { index, config, development, node, spython } = conf;
		return {
			...own,
			processes: listedProcesses(real, conf),
			versions: {
				sigtool: VERSION,
				node: node && isAsInstalled("node") ? versionOf(node) : undefined,
				python: spython && isAsInstalled("python", "spython") ? aboutSpython(spython.path).python : undefined,
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
	const { stdout } = spawnSync(node.path, ["--version"], {
		encoding: "utf8",
		env: {},
		timeout: 10_000,
		killSignal: "SIGKILL",
	});
	return stdout?.trim().replace(/^v/, "");
}

/** If the settings cannot be read, that is the only finding. */
function findingsAbout(directory: string, denied: "note" | "wrong"): LauncherFinding[] {
	const confFile = join(resolve(directory), CONF_NAME);
	let conf: LauncherConf;
	try {
		conf = readLauncherConf(confFile);
	} catch (error) {
		return [
			wrong(
				"settings",
				`${why(error)}; run \`${launcherCommand("install", directory)}\` as root, or name the directory of an installed launcher with --prefix`,
			),
		];
	}
	const { development } = conf;
	const parts = partsOrUndefined();
	const launcher = launcherIn(directory);
	const again = installing(conf, directory);
	const program = judged("launcher", () => {
		return (
			fault(launcher, development) ??
			(isStatic(launcher) ? launcher : refuse(`${launcher} is no static program: run \`${again}\` as root`))
		);
	});
	const configuration = judged("configuration", () => {
		if (!existsSync(conf.config)) refuse(`${conf.config} does not exist: run \`${again}\` as root, which writes one`);
		return fault(conf.config, development) ?? configurationSays(conf);
	});
	const index =
		configuration.status === "wrong"
			? [note("index", "not judged: the configuration cannot be used")]
			: indexFindings(conf);
	const isJudged = index.every(({ status }) => status === "ok");
	return [
		judged("settings", () => fault(confFile, development) ?? confFile),
		{ what: "mode", ...judgeMode(conf, confFile) },
		program,
		...sameAsOwn("launcher", launcher, parts?.launcher, again),
		...nodeFindings(conf, parts, again),
		...pythonFindings(conf, again),
		configuration,
		...index,
		...otherIndexFindings(conf, again),
		...policyFindings(conf),
		...linkFindings(conf),
		...examinationFindings(conf, denied),
		...sharedFindings(directory, conf),
		// An index that cannot be used does not say what to install.
		...(isJudged ? [judged("flags", () => flagsSay(conf, again)), ...missingEventsFindings(conf, again)] : []),
		...(conf.audit === undefined ? [] : [eventsFinding(conf.audit, conf)]),
		...conf.writable.map((directory) => grantedFinding(directory, conf)),
		...(mayRun(launcher, conf) ? protectionFindings(conf, launcher) : []),
		...(development === "allow" ? [note("development", "allowed: files of this user count; not for production")] : []),
	];
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

/** Compares the copies of settings that launcher.conf has. Names those that differ, and the command that copies anew. */
function flagsSay(conf: LauncherConf, again: string): string {
	const asked = derivedSettings(conf);
	const differing = Object.entries(DERIVED).filter(([member]) => {
		// The type assertion is safe: DERIVED has exactly the members of DerivedSettings.
		const name = member as keyof DerivedSettings;
		return ordered(conf[name]) !== ordered(asked[name]);
	});
	if (differing.length === 0) return "as index and configuration ask";
	const isEvents = (member: string) => member === "audit";
	const files = `${asked.audit ?? "none"}, installed ${conf.audit ?? "none"}`;
	const what = differing.map(([member, words]) => (isEvents(member) ? `${words}: ${files}` : words)).join("; ");
	return refuse(`index or configuration ask for others by now (${what}): run \`${again}\` as root`);
}

/** Each of these lists is a set: the launcher tries, grants or protects every item. So order and repetition do not count. */
function ordered(setting: unknown): string | undefined {
	return JSON.stringify(setting, (_, value) => (Array.isArray(value) ? [...new Set(value)].sort() : value));
}

const DERIVED: Readonly<Record<keyof DerivedSettings, string>> = {
	audit: "the file of events",
	trees: "the roots of products",
	writable: "the policy's launch.write",
	network: "the policy's launch.network",
	environment: "the policy's launch.environment",
	writableCode: "the policy's launch.writableCode",
	refused: "what the policy's runtime refuses",
};

/** Returns the command that installs the same launcher again. It keeps all settings but announced programs. */
function installing({ nodeNext, pythonNext }: LauncherConf, prefix: string): string {
	const announced = [
		...nodeNext.map((digest) => shell`--node-next ${digest}`),
		...pythonNext.map((digest) => shell`--python-next ${digest}`),
	];
	return [shell`${COMMAND} launcher install --prefix ${resolve(prefix)}`, ...announced].join(" ");
}
