/** Where an open file lies, whatever was renamed or linked since its path was looked up. */

import { fstatSync, readlinkSync, realpathSync, statSync } from "node:fs";

/**
 * Real path of the file that is open as `descriptor`: on Linux the kernel knows; elsewhere where `path`, by which it was
 * opened, leads if it still is that file, else undefined.
 */
export function pathOfDescriptor(descriptor: number, path: string): string | undefined {
	if (process.platform === "linux") return readlinkSync(`/proc/self/fd/${descriptor}`);
	const real = realpathSync.native(path);
	const [mine, theirs] = [fstatSync(descriptor, { bigint: true }), statSync(real, { bigint: true })];
	return mine.dev === theirs.dev && mine.ino === theirs.ino ? real : undefined;
}
