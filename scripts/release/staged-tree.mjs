/** Makes a staged tree independent of who staged it, when and under which umask. */

import { chmodSync, lstatSync, lutimesSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** Returns the paths of everything below `folder`, sorted, relative to it, with their lstat. */
export function listTree(folder) {
	return readdirSync(folder, { recursive: true, encoding: "utf8" })
		.sort((a, b) => (a < b ? -1 : 1))
		.map((path) => ({ path, stats: lstatSync(join(folder, path)) }));
}

/**
 * Gives every file the mode 0644, or 0755 if its owner may execute it, and every directory 0755. All of them get the same
 * time of modification.
 */
export function normalizeTree(folder, seconds) {
	chmodSync(folder, 0o755);
	for (const { path, stats } of listTree(folder).reverse()) {
		const file = join(folder, path);
		if (stats.isSymbolicLink()) {
			lutimesSync(file, seconds, seconds);
			continue;
		}
		chmodSync(file, stats.isDirectory() || (stats.mode & 0o100) !== 0 ? 0o755 : 0o644);
		utimesSync(file, seconds, seconds);
	}
	utimesSync(folder, seconds, seconds);
}
