/**
 * Makes a path absolute without changing the file to which the path leads.
 *
 * `resolve()` of Node.js removes `name/..` as text. The kernel looks at `name` first: it follows a symbolic link, and
 * refuses a name that is no directory. With `resolve()`, sigtool would judge another file than a program opens.
 */

import { type BigIntStats, lstatSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";

/**
 * Returns an absolute path without `.` and `..` segments that leads to the same file as `path`. Links stay in the
 * path, except for a link that is followed by `..`. The last segments need not exist.
 * @throws ERR_ROOT_MISSING if a segment before `..`, or before a "/" at the end, is no directory; ERR_IO
 */
export function absolutePath(path: string): string {
	if (process.platform === "win32") return resolve(path); // Windows removes `name/..` as text, too.
	let place = "/";
	for (const step of pathFromRoot(path).split("/")) {
		if (step === "..") place = parentOf(place, path);
		else if (step !== "" && step !== ".") place = join(place, step);
	}
	if (/\/\.?$/.test(path)) lookUp(path, () => realpathSync.native(`${place}/.`));
	return place;
}

/**
 * Returns `path` as an absolute path. Its segments stay as given, except on Windows, where `.` and `..` are removed.
 */
export function pathFromRoot(path: string): string {
	if (process.platform === "win32") return resolve(path);
	return isAbsolute(path) ? path : `${process.cwd()}/${path}`;
}

/** Returns true if the kernel finds the same file by both paths, or if it finds none by either. */
export function leadToOneFile(first: string, second: string): boolean {
	const [a, b] = [statOrUndefined(first), statOrUndefined(second)];
	return a?.dev === b?.dev && a?.ino === b?.ino;
}

function statOrUndefined(path: string): BigIntStats | undefined {
	try {
		return statSync(path, { bigint: true });
	} catch {
		return undefined; // The caller later accesses the file, and then reports why that fails.
	}
}

/**
 * Returns the directory that the kernel reaches by `place/..`. If `place` is a link, this is the directory above the
 * link's target.
 */
function parentOf(place: string, path: string): string {
	return lookUp(path, () => {
		return lstatSync(place).isDirectory() ? dirname(place) : realpathSync.native(`${place}/..`);
	});
}

function lookUp<T>(path: string, run: () => T): T {
	try {
		return run();
	} catch (cause) {
		if (!isErrnoException(cause) || (cause.code !== "ENOENT" && cause.code !== "ENOTDIR")) {
			throw ioError("open", path, cause);
		}
		const reason =
			cause.code === "ENOTDIR"
				? /\/$/.test(path)
					? "it is not a directory"
					: "a part of it is not a directory"
				: "it does not exist";
		throw new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: ${reason}`, { cause, path });
	}
}
