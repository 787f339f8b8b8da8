import { lstatSync } from "node:fs";
import { isErrnoException } from "@sigtool/core/internal/errors";

/**
 * Returns true if a path has one of the wildcards, and does not exist. What exists is never a pattern, so that a file
 * with any name can be named. What cannot be looked up is none either, and whoever opens it reports the error.
 */
export function isPattern(path: string, wildcards: RegExp): boolean {
	if (!wildcards.test(path)) return false;
	try {
		return lstatSync(path, { throwIfNoEntry: false }) === undefined;
	} catch (error) {
		return isErrnoException(error) && MISSING.has(error.code);
	}
}

/** `throwIfNoEntry` covers ENOENT. A pattern may be longer than a name, and Windows knows no name with `*`. */
const MISSING: ReadonlySet<string | undefined> = new Set(["ENAMETOOLONG", "ENOTDIR", "EINVAL"]);
