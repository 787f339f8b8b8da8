import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Mode } from "@sigtool/core";
import { outputFile, writeAtomically } from "@sigtool/core/internal";
import { quote } from "@sigtool/core/internal/errors";
import { accountOf, isRoot } from "../../launcher/account.js";
import { announcedOf } from "../../launcher/announced.js";
import type { LauncherFinding } from "../../launcher/finding.js";
import { settingsFor } from "../../launcher/kept-settings.js";
import { checkLauncher } from "../../launcher/launcher-check.js";
import { hasControlCharacter, readLauncherConf } from "../../launcher/launcher-conf.js";
import { compareFiles } from "../../launcher/launcher-files.js";
import {
	CONF_NAME,
	changesOf,
	installedIn,
	launcherIn,
	planInstallation,
	writeInstallation,
} from "../../launcher/launcher-place.js";
import { type ListedProcess, listedProcesses } from "../../launcher/listed-processes.js";
import { requireSignedPolicy } from "../../launcher/require-signed-policy.js";
import { isShared, shareIndexes } from "../../launcher/shared-index.js";
import { nativeParts, nativePartsAbsence } from "../../native/native-parts.js";
import { makePublicDirectory } from "../../options/output-directory.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

export interface LauncherInstallOptions extends OutputOptions {
	readonly prefix: string;
	/** False if --no-node was given. The same holds for `python`. */
	readonly node?: string | false;
	readonly python?: string | false;
	readonly nodeNext?: readonly string[];
	readonly pythonNext?: readonly string[];
	readonly index?: string;
	readonly config?: string;
	readonly mode?: Mode;
	readonly allowDevelopment?: boolean;
	/** True if nothing is written, and the report tells what would be. */
	readonly check?: boolean;
}

export async function launcherInstall(options: LauncherInstallOptions): Promise<Report> {
	const { node, python, allowDevelopment } = options;
	const prefix = realPlace(options.prefix);
	requirePlainPath("--prefix", prefix);
	const given = { node, python, index: options.index, config: options.config, mode: options.mode, allowDevelopment };
	const { kept, ...settings } = settingsFor(prefix, given);
	const announced = announcedOf(settings, options);
	const parts = nativeParts();
	const [config, index] = [resolve(settings.config), resolve(settings.index)];
	requirePlainPath("--config", config);
	requirePlainPath("--index", index);
	if (existsSync(config) && !statSync(config).isFile())
		throw usageError(`Cannot use ${quote(config)} as configuration: it is not a file`);
	const isNew = !existsSync(config);
	const verified = requireSignedPolicy({ index, config, development: settings.development });
	const installation = planInstallation(prefix, parts, { ...settings, announced, index, config }, verified);
	// Nothing is written before the plan is whole.
	if (options.check !== true) {
		makePublicDirectory(prefix);
		if (isNew) writeSkeleton(config, index, settings.mode);
	}
	// A launcher accepts a shared index only from root.
	const canShare = isRoot() && existsSync(index);
	const sharing = canShare && !isShared(prefix, index) ? ["shared index"] : [];
	const changes = [...(isNew ? [config] : []), ...changesOf(installation), ...sharing];
	if (options.check !== true) writeInstallation(installation);
	const shared = options.check !== true && canShare ? shareIndexes(prefix, [index]) : [];
	const { conf } = installation;
	const skeleton = isNew ? "new" : "kept";
	const done = options.check === true ? "would change" : "installed";
	return {
		exit: options.check === true && changes.length > 0 ? 1 : 0,
		fields: {
			prefix,
			changed: changes.length > 0,
			changes,
			configuration: { file: config, skeleton },
			settings: conf,
			kept,
			shared,
		},
		lines: [
			`${changes.length === 0 ? "unchanged" : done} ${escaped(launcherIn(prefix))}`,
			...rows([
				["changed", escaped(changes.join(", "))],
				[CONF_NAME, escaped(join(prefix, CONF_NAME))],
				["node", conf.node && `${escaped(conf.node.path)}, release ${conf.nodeMajor}`],
				["node next", listed(conf.nodeNext)],
				["hook", conf.bundle && escaped(conf.bundle.path)],
				["addon", conf.node && (conf.addon === undefined ? "none" : escaped(conf.addon.path))],
				["gate", conf.node && (conf.gate === undefined ? "none" : escaped(conf.gate.path))],
				["python", conf.python && escaped(conf.python.path)],
				["python next", listed(conf.pythonNext)],
				["spython", conf.spython && escaped(conf.spython.path)],
				["index", existsSync(index) ? escaped(index) : `${escaped(index)}, which does not exist yet`],
				["shared index", shared[0] && escaped(shared[0].copy)],
				["configuration", `${escaped(config)}, ${isNew ? "new: add a pin to it" : "kept as it was"}`],
				["mode", conf.mode],
				["development", conf.development === "allow" ? "allowed: files of this user count" : undefined],
				["kept", kept.length > 0 ? `${kept.join(", ")}: as installed before` : undefined],
			]),
		],
		warnings: conf.node !== undefined && conf.addon === undefined ? [addonWarning()] : [],
	};
}

function addonWarning(): string {
	const { reason, remedy } = nativePartsAbsence();
	return `the addon is missing, so the kernel is not asked about files: ${reason}; ${remedy}, then install again`;
}

/** launcher.conf, which has the path, is lines of text. @throws ERR_USAGE */
function requirePlainPath(option: string, path: string): void {
	if (!hasControlCharacter(path)) return;
	const reason = "the path has a control character, such as a line break; name another";
	throw usageError(`Cannot use ${quote(path)} with ${option}: ${reason}`);
}

/** Returns the real path that a directory has, or will have when it is made. */
function realPlace(directory: string): string {
	let existing = resolve(directory);
	while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
	return join(realpathSync(existing), relative(existing, resolve(directory)));
}

/** Returns the beginnings of digests, or undefined if there are none. */
function listed(digests: readonly string[]): string | undefined {
	return digests.length === 0 ? undefined : digests.map((digest) => `${digest.slice(0, 16)}…`).join(", ");
}

/** Writes a host configuration that trusts nobody yet, where no file is. @throws ERR_IO */
function writeSkeleton(file: string, index: string, mode: Mode): void {
	const document = {
		version: 1,
		mode,
		onRefusal: "exit",
		...{ pins: [], authorities: [], products: [], deny: [] },
		index,
		audit: { stderr: "refusals" },
	};
	makePublicDirectory(dirname(file));
	writeAtomically(outputFile(file), Buffer.from(`${JSON.stringify(document, null, "\t")}\n`), { mode: 0o644 });
}

export interface LauncherCheckOptions extends OutputOptions {
	readonly prefix: string;
	readonly files?: boolean;
	readonly user?: string;
}

export async function launcherCheck({ prefix, files, user, quiet }: LauncherCheckOptions): Promise<Report> {
	const account = user === undefined ? undefined : accountOf(user);
	const denied = files === true ? "wrong" : "note";
	const { findings: installed, facts } = checkLauncher(resolve(prefix), { denied, account });
	const isUsable = !installed.some(({ what, status }) => UNUSABLE.includes(what) && status === "wrong");
	const compared = files === true && isUsable ? await compareFiles(resolve(prefix)) : undefined;
	const findings = [...installed, ...(compared?.findings ?? [])];
	const isWrong = findings.some(({ status }) => status === "wrong");
	const width = Math.max(...findings.map(({ what }) => what.length));
	const shown = quiet === true ? findings.filter(({ status }) => status === "wrong") : findings;
	const lines = shown.map(({ what, status, says }) => {
		return `${COLOURS[status](status.padEnd(5))}  ${what.padEnd(width)}  ${escaped(says)}`;
	});
	return {
		exit: installed.some(({ status }) => status === "wrong") ? 1 : (compared?.exit ?? 0),
		fields: { prefix: resolve(prefix), findings, ...facts, ...(compared && { files: compared.products }) },
		lines,
		failures: isWrong ? lines : [],
	};
}

/** Without these nothing tells which files to compare, and their own findings say why. */
const UNUSABLE = ["settings", "configuration"];

const COLOURS: Readonly<Record<LauncherFinding["status"], (text: string) => string>> = {
	ok: colour.green,
	wrong: colour.red,
	note: colour.yellow,
};

/** Lists processes. Says which of them run with another version than the installed one, until they are started again. */
export async function launcherStatus({ prefix }: LauncherCheckOptions): Promise<Report> {
	const { directory, confFile } = installedIn(prefix);
	const processes = listedProcesses(directory, readLauncherConf(confFile));
	const others = processes.filter(({ version }) => version === "other").length;
	return {
		exit: 0,
		fields: { prefix: directory, processes },
		lines: processes.length === 0 ? [`no process of ${escaped(directory)} runs`] : processes.map(processLine),
		warnings: [
			...(process.getuid?.() === 0 ? [] : ["only processes of this user are seen completely; run it as root for all"]),
			...(others === 0
				? []
				: [`${others} of ${processes.length} run with another version until they are started again`]),
		],
	};
}

function processLine({ pid, uid, runtime, restricted, unit, script, started, version }: ListedProcess): string {
	const kind = `${runtime}, ${restricted ? "restricted" : "not restricted"}, ${version} version`;
	return `${pid}  user ${uid}  ${started}  ${kind}  ${escaped(unit ?? "no unit")}  ${escaped(script ?? "unknown script")}`;
}
