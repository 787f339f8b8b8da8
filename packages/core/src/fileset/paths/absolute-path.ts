/**
 * Makes a path absolute without changing the file to which the path leads.
 *
 * `resolve()` of Node.js removes `name/..` as text. The kernel looks at `name` first: it follows a symbolic link, and
 * refuses a name that is no directory. With `resolve()`, sigtool would judge another file than a program opens.
 */

import { type BigIntStats, closeSync, lstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
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

/**
 * Returns true if the kernel finds the same file by both paths, or if it finds none by either. On Linux a directory that
 * is reached by another mount is another one: below it, other things may be mounted. No two mounts have the same number,
 * not even those of different namespaces.
 */
export function leadToOneFile(first: string, second: string): boolean {
	const [a, b] = [statOrUndefined(first), statOrUndefined(second)];
	return a?.dev === b?.dev && a?.ino === b?.ino && mountOf(first) === mountOf(second);
}

/** Returns the number of the mount (proc_pid_fdinfo(5)), or undefined if the system does not tell it. */
function mountOf(path: string): string | undefined {
	if (process.platform !== "linux") return undefined;
	const opened: number[] = [];
	try {
		opened.push(openSync(path, O_PATH));
		opened.push(openSync(`/proc/self/fdinfo/${opened[0]}`, "r"));
		const head = Buffer.alloc(256);
		const length = readSync(opened[1], head, 0, head.length, 0);
		return /^mnt_id:\s*(\d+)\n/m.exec(head.toString("latin1", 0, length))?.[1];
	} catch {
		return undefined;
	} finally {
		for (const descriptor of opened) closeSync(descriptor);
	}
}

/** A flag of open(2) on Linux, which Node.js does not name: the file is found, and neither read nor asked for rights. */
const O_PATH = 0o10000000;

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
