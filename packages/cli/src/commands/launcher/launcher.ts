import { existsSync, mkdirSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Mode } from "@sigtool/core";
import { ioError, quote } from "@sigtool/core/errors";
import { announcedOf } from "../../launcher/announced.js";
import { checkLauncher, type LauncherFinding } from "../../launcher/launcher-check.js";
import { compareFiles } from "../../launcher/launcher-files.js";
import { CONF_NAME, launcherIn, placeLauncher } from "../../launcher/launcher-place.js";
import { shareIndexes } from "../../launcher/shared-index.js";
import { nativeParts } from "../../native/native-parts.js";
import { usageError } from "../../options/usage.js";
import { escaped, type OutputOptions, type Report, rows } from "../../output/output.js";
import { colour } from "../../output/terminal.js";

export interface LauncherInstallOptions extends OutputOptions {
	readonly prefix: string;
	/** False if --no-node was given. */
	readonly node?: string | false;
	readonly python?: string;
	readonly nodeNext?: readonly string[];
	readonly pythonNext?: readonly string[];
	readonly index: string;
	readonly config: string;
	readonly mode: Mode;
	readonly allowDevelopment?: boolean;
}

export async function launcherInstall(options: LauncherInstallOptions): Promise<Report> {
	if (options.node === false && options.python === undefined) throw usageError("Use --no-node with --python");
	const node = options.node === false ? undefined : (options.node ?? process.execPath);
	const announced = announcedOf({ node, spython: options.python }, options);
	const parts = nativeParts();
	const [config, index] = [resolve(options.config), resolve(options.index)];
	if (existsSync(config) && !statSync(config).isFile())
		throw usageError(`Cannot use ${quote(config)} as configuration: it is not a file`);
	const skeleton = existsSync(config) ? "kept" : writeSkeleton(config, index, options.mode);
	makeDirectory(options.prefix);
	const prefix = realpathSync(options.prefix);
	const conf = placeLauncher(prefix, parts, {
		node,
		spython: options.python,
		announced,
		index,
		config,
		mode: options.mode,
		development: options.allowDevelopment === true ? "allow" : "refuse",
	});
	const shared = isRoot() && existsSync(index) ? shareIndexes(prefix, [index]) : [];
	return {
		exit: 0,
		fields: { prefix, configuration: { file: config, skeleton }, settings: conf, shared },
		lines: [
			`installed ${escaped(launcherIn(prefix))}`,
			...rows([
				[CONF_NAME, escaped(join(prefix, CONF_NAME))],
				["node", conf.node && `${escaped(conf.node.path)}, release ${conf.nodeMajor}`],
				["node next", listed(conf.nodeNext)],
				["hook", conf.bundle && escaped(conf.bundle.path)],
				["addon", conf.node && (conf.addon === undefined ? "none" : escaped(conf.addon.path))],
				["python", conf.python && escaped(conf.python.path)],
				["python next", listed(conf.pythonNext)],
				["spython", conf.spython && escaped(conf.spython.path)],
				["index", existsSync(index) ? escaped(index) : `${escaped(index)}, which does not exist yet`],
				["shared index", shared[0] && escaped(shared[0].copy)],
				["configuration", `${escaped(config)}, ${skeleton === "kept" ? "kept as it was" : "new: add a pin to it"}`],
				["mode", conf.mode],
			]),
		],
		warnings:
			conf.node !== undefined && conf.addon === undefined
				? [
						"the addon is missing, so the kernel is not asked about files; run `sigtool native build`, then install again",
					]
				: [],
	};
}

/** A launcher accepts a shared index only from root. */
function isRoot(): boolean {
	return process.getuid?.() === 0;
}

/** Returns the beginnings of digests, or undefined if there are none. */
function listed(digests: readonly string[]): string | undefined {
	return digests.length === 0 ? undefined : digests.map((digest) => `${digest.slice(0, 16)}…`).join(", ");
}

/** Writes a host configuration that trusts nobody yet. Never replaces an existing file. @throws ERR_IO */
function writeSkeleton(file: string, index: string, mode: Mode): "new" {
	const document = {
		version: 1,
		mode,
		onRefusal: "exit",
		...{ pins: [], authorities: [], products: [], deny: [] },
		index,
		audit: { stderr: "refusals" },
	};
	makeDirectory(dirname(file));
	try {
		writeFileSync(file, `${JSON.stringify(document, null, "\t")}\n`, { mode: 0o644, flag: "wx" });
	} catch (cause) {
		throw ioError("write", file, cause);
	}
	return "new";
}

/** @throws ERR_IO */
function makeDirectory(directory: string): void {
	try {
		mkdirSync(directory, { recursive: true, mode: 0o755 });
	} catch (cause) {
		throw ioError("make", directory, cause);
	}
}

export interface LauncherCheckOptions extends OutputOptions {
	readonly prefix: string;
	readonly files?: boolean;
}

export async function launcherCheck({ prefix, files, quiet }: LauncherCheckOptions): Promise<Report> {
	const installed = checkLauncher(resolve(prefix));
	const compared = files === true ? await compareFiles(resolve(prefix)) : undefined;
	const findings = [...installed, ...(compared?.findings ?? [])];
	const isWrong = findings.some(({ status }) => status === "wrong");
	const width = Math.max(...findings.map(({ what }) => what.length));
	const shown = quiet === true ? findings.filter(({ status }) => status === "wrong") : findings;
	const lines = shown.map(({ what, status, says }) => {
		return `${COLOURS[status](status.padEnd(5))}  ${what.padEnd(width)}  ${escaped(says)}`;
	});
	return {
		exit: installed.some(({ status }) => status === "wrong") ? 1 : (compared?.exit ?? 0),
		fields: { prefix: resolve(prefix), findings, ...(compared && { files: compared.products }) },
		lines,
		failures: isWrong ? lines : [],
	};
}

const COLOURS: Readonly<Record<LauncherFinding["status"], (text: string) => string>> = {
	ok: colour.green,
	wrong: colour.red,
	note: colour.yellow,
};
