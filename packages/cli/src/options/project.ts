/**
 * Reads the project's configuration: `sigtool.config.json`, or the member `sigtool` of package.json. It is searched for
 * in the working directory and then in each directory above, and the first one counts.
 *
 * An attacker may have written the configuration, because it can be one of the files that are to be verified. Therefore
 * a configuration can make sigtool refuse more, but it cannot make sigtool trust anything.
 */

import { dirname, join, resolve } from "node:path";
import { readBounded } from "@sigtool/core";
import { quote, SigtoolError } from "@sigtool/core/errors";

export interface ProjectConfiguration {
	/** The path of the file with the configuration. */
	readonly file: string;
	/**
	 * The value `refuse` has the effect of --no-development: development identities may not sign and are not trusted.
	 */
	readonly development?: "refuse";
}

const MAX_BYTES = 2 ** 24;

/**
 * Returns the nearest configuration, or undefined if there is none. The search begins in the directory `start`.
 * @throws ERR_CONFIG for a sigtool.config.json that is not JSON, and for a member or value that this version does not
 * know; the errors of `readBounded`
 */
export function projectConfiguration(start = "."): ProjectConfiguration | undefined {
	for (let directory = resolve(start); ; directory = dirname(directory)) {
		const own = join(directory, "sigtool.config.json");
		const document = readJson(own);
		if (document !== undefined) return parse(own, document);
		const manifest = join(directory, "package.json");
		const member = memberOf(manifest);
		if (member !== undefined) return parse(manifest, member);
		if (directory === dirname(directory)) return undefined;
	}
}

/**
 * Returns the member `sigtool` of a package.json, or undefined if there is none. A package.json that is not JSON is
 * ignored, because other tools report it.
 */
function memberOf(manifest: string): unknown {
	try {
		const document = readJson(manifest);
		return typeof document === "object" && document !== null && "sigtool" in document ? document.sigtool : undefined;
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_CONFIG") return undefined;
		throw error;
	}
}

function readJson(file: string): unknown {
	let bytes: Buffer;
	try {
		bytes = readBounded(file, MAX_BYTES);
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_ROOT_MISSING") return undefined;
		throw error;
	}
	try {
		return JSON.parse(bytes.toString("utf8"));
	} catch {
		throw unfit(file, "it is not JSON");
	}
}

function parse(file: string, document: unknown): ProjectConfiguration {
	if (typeof document !== "object" || document === null || Array.isArray(document)) {
		throw unfit(file, "give the configuration as an object");
	}
	for (const [name, value] of Object.entries(document)) {
		if (name === "$schema") continue;
		if (name !== "development") throw unfit(file, `this version knows no member ${quote(name)}`);
		if (value !== "refuse") throw unfit(file, 'give "development" the value "refuse", or leave it out');
	}
	return { file, ...("development" in document && { development: "refuse" as const }) };
}

function unfit(file: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_CONFIG", `Cannot use the project's configuration ${quote(file)}: ${reason}`, {
		path: file,
	});
}
