/** Implements `sigtool strip`: removes the extended attributes that sigtool writes. */

import { isErrnoException, quote, SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import { kindOf } from "../fileset/paths/locate-catalogs.js";
import { type OpenedFile, openFile, openFiles } from "../fileset/walk/open-files.js";
import { type AttributeFormat, type AttributeNaming, attributeName } from "../formats/attribute-format.js";
import { type AttributeAccess, attributeError, loadAttributes } from "../system/attributes.js";
import { worstExitStatus } from "../verify/verification.js";

/** The options of `stripAttributes`. */
export interface StripOptions extends AttributeNaming {
	/**
	 * The formats whose attributes are removed. `ima-hash`, `ima` and `ima-verity` share one attribute, so each of them
	 * removes the attribute whatever its value is.
	 */
	readonly formats: readonly AttributeFormat[];
}

/** Reports what `stripAttributes` has removed. */
export interface StripResult {
	readonly path: string;
	/**
	 * The value is `undecided` if the code of every finding has exit status 3, for example because the system refused
	 * each removal.
	 */
	readonly verdict: "stripped" | "failed" | "undecided";
	/** The number of regular files that were opened. */
	readonly fileCount: number;
	/** The number of removed attributes, by the name of the attribute. */
	readonly removed: ReadonlyMap<string, number>;
	/**
	 * The failures, in path order: a file that may still have one of the attributes, or an entry that could not be
	 * opened, for example because of its type. A file has one finding for each attribute that was not removed.
	 */
	readonly findings: readonly Finding[];
}

/**
 * Removes the attributes of the formats from every regular file below a directory, or from one file. If a file cannot
 * be stripped, this becomes a finding, and the work goes on with the next file.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_ATTRIBUTES_UNAVAILABLE; ERR_FILE_TYPE if `path` is neither a regular file
 * nor a directory
 * @example
 * ```ts
 * import { signPaths, stripAttributes } from "@sigtool/core";
 *
 * const spython = { formats: ["spython"], namespace: "user", attribute: "user.hash" } as const;
 * await signPaths(["src"], { ...spython, signer: "none" });
 * const { removed } = await stripAttributes("src", spython);
 * console.log(removed); // Map(1) { 'user.hash' => 2 }
 * ```
 */
export async function stripAttributes(path: string, options: StripOptions): Promise<StripResult> {
	const names = new Set(options.formats.map((format) => attributeName(format, options)));
	const kind = kindOf(path);
	if (kind === "link" || kind === "other") throw notStrippable(path, kind);
	const access = await loadAttributes();
	const removed = new Map(Array.from(names, (name) => [name, 0]));
	const findings: Finding[] = [];
	const report = ({ code, message, path: entry }: SigtoolError) => {
		findings.push({ code, path: entry ?? path, message: message.replace(/^Cannot hash /, "Cannot strip ") });
	};
	const strip = (file: OpenedFile) => {
		for (const name of names) {
			try {
				if (removeFrom(access, file, name)) removed.set(name, (removed.get(name) ?? 0) + 1);
			} catch (error) {
				// An ERR_USAGE is about the name of the attribute. No file can have such a name, so the error ends the
				// work.
				if (!(error instanceof SigtoolError) || error.code === "ERR_USAGE") throw error;
				report(error);
			}
		}
	};
	let fileCount = 1;
	if (kind === "directory") fileCount = openFiles(path, strip, { onProblem: report });
	else openFile(path, path, strip);
	const verdict = findings.length === 0 ? "stripped" : worstExitStatus(findings) === 3 ? "undecided" : "failed";
	return { path, verdict, fileCount, removed, findings };
}

/**
 * Removes an attribute. Returns false if the file does not have the attribute. Some systems refuse the removal before
 * they look for the attribute. So after a refusal the attribute is read, and if it is missing, the result is false and
 * not an error.
 */
function removeFrom(access: AttributeAccess, { descriptor, name: path }: OpenedFile, name: string): boolean {
	try {
		return access.remove(descriptor, name);
	} catch (cause) {
		if (!isThere(access, descriptor, name)) return false;
		throw attributeError("remove", path, name, cause);
	}
}

function isThere(access: AttributeAccess, descriptor: number, name: string): boolean {
	try {
		return access.read(descriptor, name) !== undefined;
	} catch (cause) {
		return !isErrnoException(cause) || cause.code !== "ENOTSUP";
	}
}

function notStrippable(path: string, kind: "link" | "other"): SigtoolError {
	const reason =
		kind === "link"
			? "it is a symbolic link, and links have no such attributes; name the file it leads to"
			: "it is neither a regular file nor a directory";
	return new SigtoolError("ERR_FILE_TYPE", `Cannot strip ${quote(path)}: ${reason}`, { path });
}
