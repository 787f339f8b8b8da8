/**
 * Reads the project's configuration, `sigtool.config.json` or the member `sigtool` of package.json, in the working
 * directory or the nearest directory above it that has one.
 *
 * An attacker may have written these files, because they can be a part of what is verified. So a configuration can only
 * make sigtool refuse more, and never makes it trust anything.
 */

import { dirname, join, resolve } from "node:path";
import { readBounded } from "@sigtool/core";
import { quote, SigtoolError } from "@sigtool/core/errors";

export interface ProjectConfiguration {
	/** The file that was read. */
	readonly file: string;
	/** The value `refuse` refuses development identities, as --no-development does. */
	readonly development?: "refuse";
}

const MAX_BYTES = 2 ** 24;

/**
 * Returns the nearest configuration, or undefined if there is none.
 * @throws ERR_CONFIG for a file that is not JSON, and for a member or value that this version does not know
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

/** A package.json that is not JSON has no configuration: other tools report it. */
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
