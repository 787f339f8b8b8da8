/** Finds the real path of an open file, although the file or a directory above it may have been renamed since. */

import { fstatSync, readlinkSync, realpathSync, statSync } from "node:fs";

// These functions are captured when the module is loaded, so that a program that later replaces functions of node:fs
// cannot change the result.
const [fstat, readLink, realPathOf, stat] = [fstatSync, readlinkSync, realpathSync.native, statSync];
const isLinux = process.platform === "linux";

/**
 * Returns the real path of the file that is open as `descriptor`. On Linux the kernel provides the path, and appends
 * "(deleted)" to the path of a deleted file. On other systems the result is the real path of `path`, by which the file
 * was opened. It is undefined if `path` now leads to another file.
 */
export function pathOfDescriptor(descriptor: number, path: string): string | undefined {
	if (isLinux) return readLink(`/proc/self/fd/${descriptor}`);
	const real = realPathOf(path);
	const mine = fstat(descriptor, EXACT);
	const theirs = stat(real, EXACT);
	return mine.dev === theirs.dev && mine.ino === theirs.ino ? real : undefined;
}

const EXACT = { bigint: true } as const;
