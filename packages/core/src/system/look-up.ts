/** Looks up files and directories by their paths, and reads no file. */

import { lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { ioError, isErrnoException } from "../errors.js";

/** Returns true if the path names a file of any type, including a directory and a dangling link. @throws ERR_IO */
export function exists(path: string): boolean {
	return lstatIfThere(path) !== undefined;
}

/**
 * Returns true if the path is a directory that this user owns, and not a link to a directory. On Windows the owner is
 * not checked. @throws ERR_IO
 */
export function isOwnDirectory(path: string): boolean {
	const stats = lstatIfThere(path);
	const user = process.getuid?.(); // Undefined on Windows.
	return stats?.isDirectory() === true && (user === undefined || stats.uid === user);
}

/** Returns the sorted names in a directory, or no names if the directory does not exist. @throws ERR_IO */
export function listDirectory(path: string): string[] {
	try {
		return readdirSync(path).sort();
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return [];
		throw ioError("list", path, cause);
	}
}

/** Returns the status of the file itself, which may be a link, or undefined if there is none. @throws ERR_IO */
export function lstatIfThere(path: string): Stats | undefined {
	try {
		return lstatSync(path);
	} catch (cause) {
		if (isErrnoException(cause) && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return undefined;
		throw ioError("look up", path, cause);
	}
}

/** Returns the status of the file to which the path leads, or undefined if there is none. @throws ERR_IO */
export function statIfThere(path: string): Stats | undefined {
	try {
		return statSync(path, { throwIfNoEntry: false });
	} catch (cause) {
		// A part of the path before the last `/` is not a directory. The function that writes to the path will report
		// this error, so it is ignored here.
		if (isErrnoException(cause) && cause.code === "ENOTDIR") return undefined;
		throw ioError("look up", path, cause);
	}
}

/**
 * Returns the path of the file `name` in the directory of `path`. This does not call join(), which would shorten
 * `link/..` without asking the kernel where the link leads.
 */
export function beside(path: string, name: string): string {
	return `${dirname(path)}/${name}`;
}
