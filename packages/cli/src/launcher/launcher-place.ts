/**
 * Installs launcher, hook, addon and spython below one directory, with the launcher configuration that pins them.
 *
 * Processes start and run meanwhile, and an installation may be killed. So hook, addon and spython are never replaced:
 * each version has a directory of its own below `parts`. The launcher and its configuration are replaced last, each by
 * one rename. A launcher starts what a configuration of an earlier release names, so the launcher comes first, except
 * when an earlier release is installed over a later one.
 */

import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Mode } from "@sigtool/core";
import { writeAtomically } from "@sigtool/core/internal";
import { ioError, quote, requireStarted, SigtoolError } from "@sigtool/core/internal/errors";
import type { NativeParts } from "../native/native-parts.js";
import { makeOutputDirectory, makePublicDirectory } from "../options/output-directory.js";
import { aboutSpython } from "../python/spython.js";
import { derivedSettings, type IndexForSettings, wantsCollector } from "./derived-settings.js";
import { refuseGrantedCode } from "./granted-code.js";
import { launcherCommand } from "./launcher-command.js";
import {
	encodeLauncherConf,
	identityOf,
	type LauncherConf,
	type PinnedFile,
	pin,
	readLauncherConf,
} from "./launcher-conf.js";
import { partPath, removeUnusedParts, touchParts } from "./launcher-parts.js";

const LAUNCHER_NAME = "sigtool-launch";
export const CONF_NAME = "launcher.conf";
/** The name of the configuration that the last installation replaced. The parts that it names are kept. */
const PREVIOUS_CONF_NAME = "launcher.conf.previous";

export interface LauncherPlan {
	/**
	 * The path of the Node.js that runs scripts. Undefined if no Node.js is launched. `planInstallation` resolves the
	 * links on this path, so launcher.conf has the real path.
	 */
	readonly node: string | undefined;
	/** The path of a compiled spython, which is copied. Undefined if CPython is not launched. */
	readonly spython: string | undefined;
	/** The programs that upgrades will put in the place of these two. The default is none. */
	readonly announced?: Pick<LauncherConf, "nodeNext" | "pythonNext">;
	/** Absolute path of the trust index, which need not exist yet. */
	readonly index: string;
	/** Absolute path of the host configuration. */
	readonly config: string;
	readonly mode: Mode;
	readonly development: "refuse" | "allow";
}

/** A file of an installation. */
export interface PlannedFile {
	readonly name: string;
	readonly path: string;
	readonly bytes: Uint8Array;
	readonly mode: number;
}

export interface Installation {
	readonly directory: string;
	readonly conf: LauncherConf;
	/** The files in the order in which they have to be written. */
	readonly files: readonly PlannedFile[];
}

/** Returns the path of the launcher in a directory, even if the launcher does not exist. */
export function launcherIn(directory: string): string {
	return join(directory, LAUNCHER_NAME);
}

/**
 * Returns the real path of a directory with a launcher, and that of its settings.
 * @throws ERR_LAUNCHER if none is installed there, ERR_IO
 */
export function installedIn(prefix: string): { readonly directory: string; readonly confFile: string } {
	const directory = existsSync(prefix) ? realpathSync(prefix) : resolve(prefix);
	const confFile = join(directory, CONF_NAME);
	if (isThere(confFile)) return { directory, confFile };
	const mend = `run \`${launcherCommand("install", prefix)}\`, or name the directory with --prefix`;
	throw new SigtoolError("ERR_LAUNCHER", `Cannot find ${quote(confFile)}: ${mend}`, { path: confFile });
}

/** Tells whether a file exists. If this user may not look at it, throws, where `existsSync` would return false. @throws ERR_IO */
export function isThere(file: string): boolean {
	try {
		return statSync(file, { throwIfNoEntry: false }) !== undefined;
	} catch (cause) {
		throw ioError("look at", file, cause);
	}
}

/**
 * Reads the parts, and plans an installation into `directory`, which must be a real path and need not exist. Writes
 * nothing. The settings are derived from `verified`, if it is given, and else from the file of the index.
 * @throws ERR_LAUNCHER if `node` is no Node.js that can be launched, or if the policy grants a directory with signed
 * native code; ERR_IO, ERR_INDEX_FORMAT
 */
export function planInstallation(
	directory: string,
	parts: NativeParts,
	plan: LauncherPlan,
	verified?: IndexForSettings,
): Installation {
	const node = planNode(plan.node, parts, directory);
	const python = planPython(plan.spython, plan.development, directory);
	const { announced = { nodeNext: [], pythonNext: [] }, ...own } = plan;
	const runtimes = { ...node.settings, ...python.settings, ...announced };
	const derived = derivedSettings(plan, verified);
	const collector = derived.audit !== undefined && wantsCollector(plan.config) && node.canSend && python.canSend;
	const conf: LauncherConf = { ...own, ...runtimes, ...derived, collector };
	refuseGrantedCode(conf);
	const confFile = join(directory, CONF_NAME);
	const settings = { name: CONF_NAME, path: confFile, bytes: Buffer.from(encodeLauncherConf(conf)), mode: 0o644 };
	const launcher = { ...fileFrom(parts.launcher, 0o755), name: LAUNCHER_NAME, path: launcherIn(directory) };
	const last = isOfLaterRelease(confFile) ? [settings, launcher] : [launcher, settings];
	return { directory, conf, files: [...node.files, ...python.files, ...last] };
}

/** Returns the names of the files that the installation would write, because they are not there as planned. */
export function changesOf({ files }: Installation): string[] {
	return files.filter((file) => !isInPlace(file)).map(({ name }) => name);
}

/**
 * Writes the files that are not there as planned, each atomically, and removes parts that nothing uses any more. Until
 * the last file is written, the previous version applies.
 * @throws ERR_IO
 */
export function writeInstallation({ directory, conf, files }: Installation): void {
	for (const file of files.filter((each) => !isInPlace(each))) {
		if (file.name === CONF_NAME) keepPrevious(directory, file.path);
		else if (file.name !== LAUNCHER_NAME) makePublicDirectory(dirname(file.path));
		writeAtomically(file.path, file.bytes, { mode: file.mode });
	}
	const previous = confIn(join(directory, PREVIOUS_CONF_NAME));
	removeUnusedParts(directory, previous === undefined ? [conf] : [conf, previous]);
}

/** Makes the directory if it does not exist, and installs into it. Throws like the functions that it calls. */
export function placeLauncher(directory: string, parts: NativeParts, plan: LauncherPlan): LauncherConf {
	makeOutputDirectory(directory);
	const installation = planInstallation(realpathSync(directory), parts, plan);
	writeInstallation(installation);
	return installation.conf;
}

function isInPlace({ path, bytes, mode }: PlannedFile): boolean {
	let stats: Stats | undefined;
	try {
		stats = lstatSync(path, { throwIfNoEntry: false });
	} catch (cause) {
		throw ioError("read", path, cause);
	}
	if (stats === undefined || !stats.isFile() || stats.size !== bytes.length) return false;
	const isOwn = [0, process.getuid?.()].includes(stats.uid);
	return isOwn && (stats.mode & 0o7777) === mode && readFileSync(path).equals(bytes);
}

function keepPrevious(directory: string, confFile: string): void {
	if (!existsSync(confFile)) return;
	const previous = confIn(confFile);
	if (previous !== undefined) touchParts(directory, previous);
	writeAtomically(join(directory, PREVIOUS_CONF_NAME), readFileSync(confFile), { mode: 0o644 });
}

/** Returns the settings in a file, or undefined if it does not exist or this release does not understand it. */
function confIn(file: string): LauncherConf | undefined {
	try {
		return readLauncherConf(file);
	} catch {
		return undefined;
	}
}

/** Tells whether the file has settings that this release does not understand, so that only a later launcher does. */
function isOfLaterRelease(confFile: string): boolean {
	return existsSync(confFile) && confIn(confFile) === undefined;
}

function fileFrom(source: string, mode: number): Pick<PlannedFile, "bytes" | "mode"> {
	try {
		return { bytes: readFileSync(source), mode };
	} catch (cause) {
		throw ioError("read", source, cause);
	}
}

interface PlannedPart {
	readonly file: PlannedFile;
	readonly pinned: PinnedFile;
}

/** Plans a file whose directory is named by its digest. */
function planPart(directory: string, name: string, source: string, mode: number): PlannedPart {
	const { sha256 } = pin(source);
	const { bytes } = fileFrom(source, mode);
	if (pin(source).sha256 !== sha256) {
		const message = `Cannot install ${quote(source)}: it changed while it was read; install again`;
		throw new SigtoolError("ERR_FILE_CHANGED", message, { path: source });
	}
	const path = partPath(directory, sha256, name);
	return { file: { name, path, bytes, mode }, pinned: { path, sha256 } };
}

interface PlannedRuntime<Settings> {
	readonly settings: Settings;
	readonly files: readonly PlannedFile[];
	/** False if the runtime's parts cannot send events to a collector. */
	readonly canSend: boolean;
}

type NodeSettings = Pick<LauncherConf, "node" | "nodeMajor" | "nodeIdentity" | "bundle" | "addon" | "gate">;

/** Plans the hook, the addon and the gate if there is a Node.js to load them, and the settings that pin them. */
function planNode(program: string | undefined, parts: NativeParts, directory: string): PlannedRuntime<NodeSettings> {
	const nothing = { bundle: undefined, addon: undefined, gate: undefined };
	const none = { node: undefined, nodeMajor: undefined, nodeIdentity: undefined, ...nothing };
	if (program === undefined) return { settings: none, files: [], canSend: true };
	const node = pin(program);
	const bundle = planPart(directory, "register.cjs", parts.bundle, 0o644);
	const addon = parts.addon === undefined ? undefined : planPart(directory, "addon.node", parts.addon, 0o644);
	const gate = parts.gate === undefined ? undefined : planPart(directory, "gate.so", parts.gate, 0o644);
	return {
		settings: {
			node,
			nodeMajor: majorOf(node.path),
			nodeIdentity: identityOf(node.path),
			bundle: bundle.pinned,
			addon: addon?.pinned,
			gate: gate?.pinned,
		},
		files: [bundle, addon, gate].flatMap((part) => (part === undefined ? [] : [part.file])),
		canSend: addon !== undefined,
	};
}

/**
 * Plans the spython and the settings that pin it.
 * @throws ERR_LAUNCHER if the file is no spython, or if it trusts a development identity without permission
 */
function planPython(
	spython: string | undefined,
	development: LauncherPlan["development"],
	directory: string,
): PlannedRuntime<Pick<LauncherConf, "python" | "spython" | "libpython">> {
	if (spython === undefined)
		return { settings: { python: undefined, spython: undefined, libpython: undefined }, files: [], canSend: true };
	const about = aboutSpython(spython);
	if (about.development && development === "refuse") {
		const message = `Cannot install ${quote(spython)}: it was built to trust a development identity; build one with --trust`;
		throw new SigtoolError("ERR_LAUNCHER", message, { path: spython });
	}
	const part = planPart(directory, "spython", spython, 0o755);
	const libpython = about.libpython === null ? undefined : pin(about.libpython);
	const settings = { python: pin(about.program), spython: part.pinned, libpython };
	return { settings, files: [part.file], canSend: about.collector };
}

/** Asks a Node.js for its major release. @throws ERR_LAUNCHER if it is no Node.js that can be launched; ERR_IO */
export function majorOf(node: string): number {
	const { error, stdout } = spawnSync(node, ["--version"], {
		encoding: "utf8",
		env: {},
		timeout: 10_000,
		killSignal: "SIGKILL",
	});
	requireStarted(node, error);
	const major = Number(/^v(\d+)\.\d+\.\d+/.exec(stdout ?? "")?.[1]);
	if (major >= 20) return major;
	throw new SigtoolError("ERR_LAUNCHER", `Cannot launch ${quote(node)}: it is not Node.js 20 or later`, { path: node });
}
