/** The verb: files without the extended attributes that sigtool writes. */

import { isErrnoException, quote, SigtoolError } from "../errors.js";
import type { Finding } from "../fileset/compare.js";
import { kindOf } from "../fileset/locate-catalogs.js";
import { type OpenedFile, openFile, openFiles } from "../fileset/open-files.js";
import { type AttributeFormat, type AttributeNaming, attributeName } from "../formats/attribute-format.js";
import { type AttributeAccess, attributeError, loadAttributes } from "../system/attributes.js";
import { worstExitStatus } from "../verify/verification.js";

export interface StripOptions extends AttributeNaming {
	/** `ima-hash`, `ima` and `ima-verity` are one attribute: each removes what is there. */
	readonly formats: readonly AttributeFormat[];
}

export interface StripResult {
	readonly path: string;
	/** `undecided`: what is not stripped is so only because the system refused. */
	readonly verdict: "stripped" | "failed" | "undecided";
	/** Regular files that were looked at. */
	readonly fileCount: number;
	/** Attributes removed, by name. */
	readonly removed: ReadonlyMap<string, number>;
	/** Files that kept an attribute, and what is no file, link or directory with a usable name; in path order. */
	readonly findings: readonly Finding[];
}

/**
 * Removes the formats' attributes from every regular file below a directory, or from one file. What cannot be stripped
 * does not keep the others from it.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_ATTRIBUTES_UNAVAILABLE; ERR_FILE_TYPE for a link, device or the like named as
 * the path
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
				// A name that no file can have is not about this one.
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

/** False when there was nothing to remove: the system may refuse the attempt before it looks whether it is there. */
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
