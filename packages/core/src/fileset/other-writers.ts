/** Who could have written to a tree that is taken as it is: nothing where everyone may, a warning where others may. */

import { lstatSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { quote, SigtoolError } from "../errors.js";

export interface OtherWriters {
	/** Looks at a file or directory. @throws ERR_USAGE where everyone may write */
	look(place: string, stats?: Pick<Stats, "mode" | "uid">): void;
	/** One, where a group or another user than root and this one may write. */
	warnings(): readonly string[];
}

/**
 * Starts with the directory, whose real path is `root`, and those above it.
 * @throws ERR_USAGE where everyone may write
 */
export function findOtherWriters(root: string): OtherWriters {
	const open: string[] = [];
	const me = process.getuid?.() ?? 0;
	const look = (place: string, stats: Pick<Stats, "mode" | "uid"> | undefined = statsOf(place)) => {
		if (stats === undefined || process.platform === "win32") return; // Gone, or without modes to look at.
		const { mode, uid } = stats;
		if ((mode & 0o002) !== 0) throw openToAll(root, place);
		if ((mode & 0o020) !== 0 || (uid !== 0 && uid !== me)) open.push(place);
	};
	look(root);
	for (let above = dirname(root); ; above = dirname(above)) {
		// In a directory with the sticky bit nobody replaces what is another's.
		if (process.platform !== "win32" && ((statsOf(above)?.mode ?? 0) & 0o1002) === 0o002) throw openToAll(root, above);
		if (above === dirname(above)) break;
	}
	return {
		look,
		warnings: () => {
			if (open.length === 0) return [];
			const others = open.length === 1 ? "" : ` and ${open.length - 1} more of ${quote(root)}`;
			return [`others than you may write ${quote(open[0])}${others}: adopted is what is there now`];
		},
	};
}

function statsOf(place: string): Stats | undefined {
	return lstatSync(place, { throwIfNoEntry: false });
}

function openToAll(root: string, place: string): SigtoolError {
	const message = `Cannot adopt ${quote(root)}: everyone may write ${quote(place)}; take that right away, or sign the directory`;
	return new SigtoolError("ERR_USAGE", message, { path: place });
}
