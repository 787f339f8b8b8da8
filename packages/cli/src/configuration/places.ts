/** Finds out through which directories the kernel reaches a file, because each of them decides which file that is. */

import { existsSync, lstatSync, readlinkSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, join, parse, resolve, sep } from "node:path";

/** The number of links that Linux follows on a path. */
const MAX_LINKS = 40;

/**
 * Returns the real path of every entry that is looked up on the way to a file: directories, links, what links lead to,
 * and the file itself, which comes last. The way ends at an entry that does not exist or cannot be looked up.
 */
export function entriesOnWayTo(file: string): string[] {
	const path = resolve(file);
	if (process.platform === "win32") return existsSync(path) ? [path, realpathSync.native(path)] : [path];
	const entries: string[] = [];
	let place = parse(path).root;
	let steps = path.split(sep);
	for (let links = 0; steps.length > 0 && links <= MAX_LINKS; ) {
		const [step, ...rest] = steps;
		steps = rest;
		if (step === "" || step === ".") continue;
		if (step === "..") {
			place = dirname(place);
			continue;
		}
		const entry = join(place, step);
		entries.push(entry);
		const stats = lookUp(entry);
		if (stats === undefined) return entries;
		if (!stats.isSymbolicLink()) {
			place = entry;
			continue;
		}
		links++;
		const target = readlinkSync(entry);
		if (target.startsWith(sep)) place = parse(path).root;
		steps = [...target.split(sep), ...steps];
	}
	// After a link to `..` the way ends at a directory that was passed before.
	return entries.at(-1) === place ? entries : [...entries, place];
}

/** Returns undefined for any error, because whoever opens the file later gets the same one. */
function lookUp(entry: string): Stats | undefined {
	try {
		return lstatSync(entry);
	} catch {
		return undefined;
	}
}

/** Returns true if a tree has an entry on the way to the file, so that whoever can write the tree decides about it. */
export function leadsThrough(tree: string, file: string): boolean {
	return entriesOnWayTo(file).some((entry) => isBelow(tree, entry));
}

/**
 * Returns true if the real path `entry` lies below the directory `tree`. Directories are compared by their numbers,
 * because a bind mount gives one directory several real paths.
 */
export function isBelow(tree: string, entry: string): boolean {
	const root = statSync(tree, { bigint: true });
	for (let directory = dirname(entry); ; directory = dirname(directory)) {
		const stats = statSync(directory, { bigint: true, throwIfNoEntry: false });
		if (stats?.dev === root.dev && stats.ino === root.ino) return true;
		if (directory === dirname(directory)) return false;
	}
}
