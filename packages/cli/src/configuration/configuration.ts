/**
 * Finds the project's configuration. `--config FILE` or SIGTOOL_CONFIG names one. Otherwise it is searched for in the
 * working directory and then in each directory above: `sigtool.config.json`, or the member `sigtool` of package.json.
 * The first one counts.
 *
 * An attacker may have written a configuration that was found, because it can come with the files that are to be
 * verified. Therefore it can make sigtool refuse more, but it cannot make sigtool trust anything.
 */

import { dirname, isAbsolute, join, resolve } from "node:path";
import { readBounded } from "@sigtool/core/internal";
import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { ConfigurationDocument } from "./read-document.js";

export interface ConfigurationOptions {
	/** The value of --config, or false if --no-config was given. */
	readonly config?: string | false;
}

export interface ProjectConfiguration extends ConfigurationDocument {
	/** The option or variable that named the file, or `found` if nothing did. */
	readonly origin: "--config" | "SIGTOOL_CONFIG" | "found";
}

export const CONFIGURATION_FILE = "sigtool.config.json";
const CONFIGURATION_VARIABLE = "SIGTOOL_CONFIG";

/**
 * The size limit of a configuration, and of a package.json that has one, in bytes. Every command reads it, also in a
 * hostile checkout, and its parser takes a hundred times as much memory.
 */
const MAX_CONFIGURATION_BYTES = 2 ** 20;
/** The size limit of a package.json that may have a configuration, in bytes. */
const MAX_MANIFEST_BYTES = 2 ** 24;

/**
 * Returns true if --config or SIGTOOL_CONFIG names a configuration. @throws ERR_CONFIG for a relative path in the
 * variable, which would name another file in each directory
 */
export function isNamed(options: ConfigurationOptions): boolean {
	return named(options) !== undefined;
}

/**
 * Returns the configuration, or undefined if there is none or --no-config was given. A file that was named must exist.
 * The search begins in the working directory.
 * @throws ERR_CONFIG for a configuration that is not in the expected form; the errors of `readBounded`
 */
export async function projectConfiguration(
	options: ConfigurationOptions = {},
): Promise<ProjectConfiguration | undefined> {
	if (options.config === false) return undefined;
	const given = named(options);
	const place = given === undefined ? search() : { ...given, bytes: readBounded(given.file, MAX_MANIFEST_BYTES) };
	if (place === undefined) return undefined;
	const { file, bytes, origin } = place;
	if (bytes.length > MAX_CONFIGURATION_BYTES) {
		const reason = `it has more than ${MAX_CONFIGURATION_BYTES} bytes`;
		throw new SigtoolError("ERR_CONFIG", `Cannot use the configuration ${quote(file)}: ${reason}`, { path: file });
	}
	// The parser is loaded only here, so that commands in directories without a configuration start faster.
	const { readDocument } = await import("./read-document.js");
	return { ...readDocument(file, bytes, file.endsWith("package.json") ? "package.json" : "own"), origin };
}

interface NamedPlace {
	readonly file: string;
	readonly origin: ProjectConfiguration["origin"];
}

function named({ config }: ConfigurationOptions): NamedPlace | undefined {
	if (config === false) return undefined;
	if (config !== undefined) return { file: resolve(config), origin: "--config" };
	const file = process.env[CONFIGURATION_VARIABLE];
	if (file === undefined) return undefined;
	if (isAbsolute(file)) return { file, origin: "SIGTOOL_CONFIG" };
	const mistake = file === "" ? "or unset it: it is empty" : `not ${quote(file)}`;
	throw new SigtoolError("ERR_CONFIG", `Set ${CONFIGURATION_VARIABLE} to the absolute path of a file, ${mistake}`);
}

function search(): (NamedPlace & { readonly bytes: Buffer }) | undefined {
	for (let directory = process.cwd(); ; directory = dirname(directory)) {
		const own = join(directory, CONFIGURATION_FILE);
		const bytes = readIfThere(own);
		if (bytes !== undefined) return { file: own, bytes, origin: "found" };
		const manifest = join(directory, "package.json");
		const text = readIfThere(manifest);
		if (text !== undefined && hasMember(text)) return { file: manifest, bytes: text, origin: "found" };
		if (directory === dirname(directory)) return undefined;
	}
}

/**
 * Returns true if a package.json has the member `sigtool`, or may have it. If the file is not JSON and contains the name,
 * its reader then refuses it, because the member may be one that makes sigtool stricter. If it is not JSON and does not
 * contain the name, other tools report it.
 */
function hasMember(bytes: Buffer): boolean {
	const text = bytes.toString("utf8").replace(/^\ufeff/, "");
	try {
		const document: unknown = JSON.parse(text);
		return typeof document === "object" && document !== null && Object.hasOwn(document, "sigtool");
	} catch {
		return text.includes('"sigtool"');
	}
}

function readIfThere(file: string): Buffer | undefined {
	try {
		return readBounded(file, MAX_MANIFEST_BYTES);
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_ROOT_MISSING") return undefined;
		throw error;
	}
}
