/** Finds the settings that an installation keeps: those of an installed launcher for which no option is given. */

import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { Mode } from "@sigtool/core";
import { HOST_CONFIGURATION_FILE, requireHostNode } from "@sigtool/core/internal";
import { ioError, quote, reasonOf, SigtoolError } from "@sigtool/core/internal/errors";
import { faultOfFile } from "@sigtool/verifier/internal";
import { type LauncherConf, pin, readLauncherConf } from "./launcher-conf.js";
import { CONF_NAME, type LauncherPlan } from "./launcher-place.js";

/** The options of an installation. Each that is undefined was not given. */
export interface GivenSettings {
	/** False if no Node.js is to be started. The same holds for `python`. */
	readonly node: string | false | undefined;
	readonly python: string | false | undefined;
	readonly index: string | undefined;
	readonly config: string | undefined;
	readonly mode: Mode | undefined;
	readonly allowDevelopment: boolean | undefined;
}

export interface Settings extends Omit<LauncherPlan, "announced"> {
	/** The names of the settings that the installed launcher gave. */
	readonly kept: readonly string[];
}

const DEFAULT_INDEX = "/etc/sigtool/app.sigx";

/**
 * Returns the settings for an installation into a directory. If a launcher is there, its settings take the place of
 * those that are not given, else the defaults do. Announced programs are not kept.
 * @throws ERR_LAUNCHER if the installed settings are needed and cannot be kept, ERR_USAGE if no runtime is left
 */
export function settingsFor(directory: string, given: GivenSettings): Settings {
	const conf = installedSettings(directory, given);
	const { index = conf?.index ?? DEFAULT_INDEX, config = conf?.config ?? HOST_CONFIGURATION_FILE } = given;
	const mode = given.mode ?? conf?.mode ?? "enforce";
	const development = (given.allowDevelopment ?? conf?.development === "allow") ? "allow" : "refuse";
	const node =
		given.node === false ? undefined : (given.node ?? (conf === undefined ? requireHostNode() : conf.node?.path));
	const spython = given.python === false ? undefined : (given.python ?? keptSpython(conf, directory));
	if (node === undefined && spython === undefined)
		throw new SigtoolError("ERR_USAGE", "Use --no-node with --python, and --no-python with --node");
	const kept = conf === undefined ? [] : keptOf(conf, given);
	return { node, spython, index, config, mode, development, kept };
}

/**
 * Returns the settings of the launcher in a directory, or undefined if there is none, or none of its settings is needed.
 * The user may be root, and runs the programs that the settings name. So they count only if no other user could have
 * written them.
 */
function installedSettings(directory: string, given: GivenSettings): LauncherConf | undefined {
	const file = join(directory, CONF_NAME);
	const stats = statsOf(file);
	if (stats === undefined) return undefined;
	try {
		const fault = stats.isFile()
			? faultOfFile(file, { development: "allow", sticky: "accept" }, stats)
			: `${quote(file)} is no regular file`;
		if (fault !== undefined) throw new SigtoolError("ERR_LAUNCHER", fault);
		return readLauncherConf(file);
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const missing = missingOptions(given);
		if (missing.length === 0) return undefined;
		const message = `Cannot keep the settings of ${quote(file)}: ${reasonOf(cause)}; give ${missing.join(", ")}`;
		throw new SigtoolError("ERR_LAUNCHER", message, { cause, path: file });
	}
}

function statsOf(file: string) {
	try {
		return lstatSync(file, { throwIfNoEntry: false });
	} catch (cause) {
		throw ioError("read", file, cause);
	}
}

/** Names the options without which something would have to be kept. */
function missingOptions({ node, python, index, config, mode }: GivenSettings): string[] {
	return [
		...(node === undefined && typeof python !== "string" ? ["--node or --python"] : []),
		...(node === undefined && typeof python === "string" ? ["--node or --no-node"] : []),
		...(index === undefined ? ["--index"] : []),
		...(config === undefined ? ["--config"] : []),
		...(mode === undefined ? ["--mode"] : []),
	];
}

/** The installed spython is run to ask it for its release, so it must be the one that was installed. @throws ERR_LAUNCHER */
function keptSpython(conf: LauncherConf | undefined, directory: string): string | undefined {
	if (conf?.spython === undefined) return undefined;
	const { path, sha256 } = conf.spython;
	let reason = "it changed since it was installed";
	try {
		if (pin(path).sha256 === sha256) return path;
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		reason = reasonOf(error);
	}
	const message = `Cannot keep the spython of ${quote(directory)}: ${reason}; give the one that you built by --python`;
	throw new SigtoolError("ERR_LAUNCHER", message, { path });
}

function keptOf({ node, spython, development }: LauncherConf, given: GivenSettings): string[] {
	const isKept = {
		[node === undefined ? "no node" : "node"]: given.node === undefined,
		python: given.python === undefined && spython !== undefined,
		index: given.index === undefined,
		configuration: given.config === undefined,
		mode: given.mode === undefined,
		development: given.allowDevelopment === undefined && development === "allow",
	};
	return Object.entries(isKept).flatMap(([name, is]) => (is ? [name] : []));
}
