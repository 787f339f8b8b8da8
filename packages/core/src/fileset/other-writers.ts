/**
 * Checks who can write to a tree whose unsigned content is adopted. The tree is refused when everyone can write to it,
 * and causes a warning when other users or a group can.
 */

import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";

export interface OtherWriters {
	/** Checks a file or directory. @throws ERR_USAGE when everyone can write to it */
	look(path: string, stats?: Pick<Stats, "mode" | "uid">): void;
	/** Returns one warning when a group, or a user other than root and this one, can write to any checked path. */
	warnings(): readonly string[];
}

/**
 * Checks the directory with the real path `root` and those above it; the caller checks the entries below.
 * @throws ERR_USAGE when everyone can write to one of them
 */
export function findOtherWriters(root: string): OtherWriters {
	const open: string[] = [];
	const me = process.getuid?.() ?? 0;
	const look = (path: string, stats: Pick<Stats, "mode" | "uid"> | undefined = statsOf(path)) => {
		if (stats === undefined || process.platform === "win32") return; // Windows has no modes to check.
		const { mode, uid } = stats;
		if ((mode & 0o002) !== 0) throw openToAll(root, path);
		if ((mode & 0o020) !== 0 || (uid !== 0 && uid !== me)) open.push(path);
	};
	look(root);
	for (let above = dirname(root); ; above = dirname(above)) {
		// In a directory with the sticky bit users cannot replace each other's files.
		if (process.platform !== "win32" && ((statsOf(above)?.mode ?? 0) & 0o1002) === 0o002) throw openToAll(root, above);
		if (above === dirname(above)) break;
	}
	return {
		look,
		warnings: () => {
			if (open.length === 0) return [];
			const others = open.length === 1 ? "" : ` and ${open.length - 1} more of ${quote(root)}`;
			return [`other users can write to ${quote(open[0])}${others}: the content as it is now is adopted`];
		},
	};
}

function statsOf(path: string): Stats | undefined {
	return lstatSync(path, { throwIfNoEntry: false });
}

function openToAll(root: string, path: string): SigtoolError {
	const remedy = "remove that permission (chmod o-w), or sign the directory";
	const message = `Cannot adopt ${quote(root)}: everyone can write to ${quote(path)}; ${remedy}`;
	return new SigtoolError("ERR_USAGE", message, { path });
}
