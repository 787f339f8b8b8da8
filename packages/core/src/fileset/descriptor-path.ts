/** Finds the real path of an open file, even when something was renamed or linked after it was opened. */

import { fstatSync, readlinkSync, realpathSync, statSync } from "node:fs";

/**
 * Returns the real path of the file that is open as `descriptor`. On Linux the kernel tells it. Elsewhere it is the
 * real path of `path`, by which the file was opened, or undefined when `path` now leads to another file.
 */
export function pathOfDescriptor(descriptor: number, path: string): string | undefined {
	if (process.platform === "linux") return readlinkSync(`/proc/self/fd/${descriptor}`);
	const real = realpathSync.native(path);
	const [mine, theirs] = [fstatSync(descriptor, { bigint: true }), statSync(real, { bigint: true })];
	return mine.dev === theirs.dev && mine.ino === theirs.ino ? real : undefined;
}
