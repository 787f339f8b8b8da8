/**
 * Checks who can write to files. If everyone can write to a part of a tree, the tree cannot be adopted. If other users
 * or a group can write to a part of it, there is a warning.
 */

import { constants, lstatSync } from "node:fs";
import { dirname } from "node:path";
import { quote, SigtoolError } from "../../errors.js";

/**
 * The treatment of directories with the sticky bit. In such a directory, only the owner of a file, the owner of the
 * directory and root can replace the file, even if everyone can write to the directory. The value `accept` therefore
 * ignores the write permissions of the group and of everyone.
 */
export type StickyDirectories = "accept" | "refuse";

/** The owner and the mode of a file, as the Stats of node:fs have them. */
export interface OwnerAndMode {
	readonly uid: number;
	readonly mode: number;
}

/**
 * Returns who, other than root and the user `own`, may write to a file or directory: everyone, its group, or its
 * owner. Returns undefined if nobody else may.
 */
export function otherWriterOf(
	{ mode, uid }: OwnerAndMode,
	own: number | undefined,
	sticky: StickyDirectories,
): "everyone" | "group" | "owner" | undefined {
	const isSticky = (mode & S_IFMT) === S_IFDIR && (mode & S_ISVTX) !== 0 && sticky === "accept";
	if (!isSticky && (mode & S_IWOTH) !== 0) return "everyone";
	if (!isSticky && (mode & S_IWGRP) !== 0) return "group";
	return uid === 0 || uid === own ? undefined : "owner";
}

const { S_IFMT, S_IFDIR, S_IWGRP, S_IWOTH } = constants;
const S_ISVTX = 0o1000;

export interface OtherWriters {
	/**
	 * Checks who can write to a file or directory. Reads the mode and the owner if `stats` is not given.
	 * @throws ERR_USAGE if everyone can write to it
	 */
	look(path: string, stats?: OwnerAndMode): void;
	/**
	 * Returns one warning if a group, or a user other than root and the present user, can write to any checked path.
	 */
	warnings(): readonly string[];
}

/**
 * Checks the directory with the real path `root` and the directories above it. The caller checks the entries below
 * `root` by `look`.
 * @throws ERR_USAGE if everyone can write to one of these directories
 */
export function findOtherWriters(root: string): OtherWriters {
	const open: string[] = [];
	const me = process.getuid?.() ?? 0;
	const look = (path: string, stats: OwnerAndMode | undefined = statsOf(path)) => {
		if (stats === undefined || process.platform === "win32") return; // The file is gone, or Windows has no modes to check.
		const writer = otherWriterOf(stats, me, "refuse");
		if (writer === "everyone") throw openToAll(root, path);
		if (writer !== undefined) open.push(path);
	};
	look(root);
	for (let above = dirname(root); ; above = dirname(above)) {
		const stats = process.platform === "win32" ? undefined : statsOf(above);
		if (stats !== undefined && otherWriterOf(stats, me, "accept") === "everyone") throw openToAll(root, above);
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

function statsOf(path: string): OwnerAndMode | undefined {
	return lstatSync(path, { throwIfNoEntry: false });
}

function openToAll(root: string, path: string): SigtoolError {
	const remedy = "remove that permission (chmod o-w), or sign the directory";
	const message = `Cannot adopt ${quote(root)}: everyone can write to ${quote(path)}; ${remedy}`;
	return new SigtoolError("ERR_USAGE", message, { path });
}
