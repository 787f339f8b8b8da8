/**
 * Resolves a path from the command line to the entry that the kernel would open, and records the symbolic links in it.
 */

import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { dirname, isAbsolute, join, parse } from "node:path";
import { ioError, quote, SigtoolError } from "../errors.js";
import { entryPathOf, isBelow } from "./locate-catalogs.js";

export interface ResolvedEntry {
	/** The entry path without links, "" for the root. It is undefined if the path leads out of the tree. */
	readonly entry: string | undefined;
	/** The entry paths of the tree's links that were followed, in order. */
	readonly links: readonly string[];
}

/** The largest number of links that Linux follows in one path (MAXSYMLINKS, linux/namei.h). */
const MAX_LINKS = 40;

/**
 * Follows `path`, which is absolute or relative to the real directory `root`, segment by segment as the kernel does. A
 * `..` after a link goes up from the link's target. A path may leave the tree and come back. Segments that do not exist
 * are kept as they are.
 * @throws ERR_LINK_CYCLE, ERR_IO; ERR_ROOT_MISSING if a segment before `..` does not exist, or if a file is used as a
 * directory by "/", `.` or `..` after it
 */
export function resolveEntry(root: string, path: string): ResolvedEntry {
	const links: string[] = [];
	let place = isAbsolute(path) ? parse(path).root : root;
	let kind: "directory" | "other" = "directory";
	let followed = 0;
	const ahead = stepsOf(path);
	while (ahead.length > 0) {
		const step = ahead.pop();
		if (step === undefined || step === "" || step === "." || step === "..") {
			if (kind === "other") throw missing(path);
			if (step === "..") place = dirname(place);
			continue;
		}
		place = join(place, step);
		const stats: Stats | undefined = kind === "directory" ? lstatOrUndefined(place) : undefined;
		if (stats === undefined) {
			if (ahead.includes("..")) throw missing(path);
			place = join(place, ...ahead.reverse()); // One call, because each copies the whole path.
			break;
		}
		if (!stats.isSymbolicLink()) {
			kind = stats.isDirectory() ? "directory" : "other";
			continue;
		}
		if (isBelow(root, place)) links.push(entryPathOf(root, place));
		followed++;
		if (followed > MAX_LINKS) throw new SigtoolError("ERR_LINK_CYCLE", `Cannot follow ${quote(path)}: too many links`);
		const target = readTarget(place);
		place = isAbsolute(target) ? parse(target).root : dirname(place);
		ahead.push(...stepsOf(target));
	}
	const isInside = place === root || isBelow(root, place);
	return { entry: isInside ? entryPathOf(root, place) : undefined, links };
}

/** Returns the segments of a path, the last one first. The root of an absolute path is left out. */
function stepsOf(path: string): string[] {
	const root = isAbsolute(path) ? parse(path).root : "";
	return path.slice(root.length).split(SEPARATOR).reverse();
}

const SEPARATOR = process.platform === "win32" ? /[\\/]/ : "/";

function lstatOrUndefined(path: string): Stats | undefined {
	try {
		return lstatSync(path, { throwIfNoEntry: false });
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException; // lstatSync() throws no other type for a string.
		if (code === "ENOTDIR") return undefined;
		throw ioError("open", path, cause);
	}
}

function readTarget(path: string): string {
	try {
		return readlinkSync(path);
	} catch (cause) {
		throw ioError("read link", path, cause);
	}
}

function missing(path: string): SigtoolError {
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: it does not exist`, { path });
}
