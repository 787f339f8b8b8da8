/**
 * Follows paths as the kernel does: a path from the command line, to find the entry that the kernel would open, and a
 * link of the tree, to find out whether it leaves the tree.
 */

import { isUtf8 } from "node:buffer";
import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { basename, dirname, isAbsolute, join, parse, sep } from "node:path";
import { ioError, quote, SigtoolError } from "../../errors.js";
import { entryPathOf, isBelow, missingFile } from "./locate-catalogs.js";

export interface ResolvedEntry {
	/** The entry path without links, "" for the root. It is undefined if the path leads out of the tree. */
	readonly entry: string | undefined;
	/** The entry paths of the tree's links that were followed, in order. */
	readonly links: readonly string[];
}

/**
 * Follows `path`, which is absolute or relative to the real directory `root`, segment by segment as the kernel does. A
 * `..` after a link goes up from the link's target. A path may leave the tree and come back. Segments that do not exist
 * are kept as they are.
 * @throws ERR_LINK_CYCLE, ERR_IO; ERR_ROOT_MISSING if a segment before `..` does not exist, or if a file is used as a
 * directory by "/", `.` or `..` after it
 */
export function resolveEntry(root: string, path: string): ResolvedEntry {
	const way = wayOf(root, path);
	follow(way);
	return { entry: isWithin(root, way.place) ? entryPathOf(root, way.place) : undefined, links: way.links };
}

/**
 * Returns the places of the symbolic links that the kernel follows for an absolute path, in order. The directory of each
 * is real.
 * @throws the errors of `resolveEntry`
 */
export function linksOnWay(path: string): string[] {
	const { root } = parse(path);
	return resolveEntry(root, path).links.map((link) => join(root, link));
}

/**
 * Tells where the link at the entry path `path` leads, also through other links. The value `outside` means that it ends
 * outside the tree. The value `through-outside` means that it leaves the tree, and then comes back or leads nowhere. A
 * segment before `..` that does not exist counts as a directory, because it can become one. A link in a circle leads
 * nowhere. A link that cannot be followed for another reason counts as `outside`, because the kernel may be able to
 * follow it. The directories above the link must not be links.
 */
export function whereLinkLeads(root: string, path: string): "inside" | "through-outside" | "outside" {
	const way = wayOf(root, basename(path), join(root, dirname(path)));
	try {
		follow(way);
		if (!isWithin(root, way.place)) return "outside";
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		const rest = way.ahead.reverse().join("/");
		const isMissing = error.code === "ERR_ROOT_MISSING";
		if (!isMissing && error.code !== "ERR_LINK_CYCLE") return "outside";
		if (isMissing && leavesRoot(`${entryPathOf(root, way.place)}/`, rest)) return "through-outside";
	}
	return way.hasLeft ? "through-outside" : "inside";
}

/**
 * Returns true if `target` is absolute, or if its segments lead above the root when they are taken as text. `target` is
 * the target of the link at the entry path `path`.
 */
export function leavesRoot(path: string, target: string): boolean {
	if (target.startsWith("/") || /^[A-Za-z]:/.test(target)) return true;
	let depth = path.split("/").length - 1;
	for (const segment of target.split("/")) {
		if (segment === "..") depth--;
		else if (segment !== "" && segment !== ".") depth++;
		if (depth < 0) return true;
	}
	return false;
}

/** Holds the state of follow() while it follows a path. */
interface Way {
	readonly root: string;
	readonly path: string;
	/** The path, without links, that was reached so far. */
	place: string;
	/** The segments that were not followed yet, the last one first. */
	readonly ahead: string[];
	/** The entry paths of the tree's links that were followed, in order. */
	readonly links: string[];
	/** True if a place outside of the root was reached, even if the path then came back. */
	hasLeft: boolean;
}

function wayOf(root: string, path: string, directory = root): Way {
	const place = isAbsolute(path) ? parse(path).root : directory;
	return { root, path, place, ahead: stepsOf(path), links: [], hasLeft: !isWithin(root, place) };
}

/** The largest number of links that Linux follows in one path (MAXSYMLINKS, linux/namei.h). */
const MAX_LINKS = 40;

/** Follows all segments that are ahead, through at most MAX_LINKS links. @throws the errors of resolveEntry() */
function follow(way: Way): void {
	const { root, path, ahead } = way;
	let kind: "directory" | "other" = "directory";
	let followed = 0;
	const moveTo = (place: string) => {
		way.place = place;
		way.hasLeft ||= !isWithin(root, place);
	};
	while (ahead.length > 0) {
		const step = ahead.pop();
		if (step === undefined || step === "" || step === "." || step === "..") {
			if (kind === "other") {
				ahead.push(step ?? "");
				throw missingFile(path);
			}
			if (step === "..") moveTo(dirname(way.place));
			continue;
		}
		way.place = join(way.place, step);
		const stats: Stats | undefined = kind === "directory" ? lstatOrUndefined(way.place) : undefined;
		if (stats === undefined) {
			if (ahead.includes("..")) throw missingFile(path);
			way.place = join(way.place, ...ahead.reverse()); // One call copies the path only once.
			break;
		}
		if (!stats.isSymbolicLink()) {
			kind = stats.isDirectory() ? "directory" : "other";
			continue;
		}
		if (way.place !== root && isWithin(root, way.place)) way.links.push(entryPathOf(root, way.place));
		followed++;
		if (followed > MAX_LINKS) throw new SigtoolError("ERR_LINK_CYCLE", `Cannot follow ${quote(path)}: too many links`);
		const target = readTarget(way.place);
		moveTo(isAbsolute(target) ? parse(target).root : dirname(way.place));
		ahead.push(...stepsOf(target));
	}
}

/**
 * Returns true if `place` is `root` or below it. For most places the comparison of texts decides, which takes a fifth
 * of the time of isBelow().
 */
function isWithin(root: string, place: string): boolean {
	return place === root || place.startsWith(`${root}${sep}`) || isBelow(root, place);
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

/** Returns the target of a link as it is written. @throws ERR_PATH_ENCODING, ERR_IO */
export function readTarget(path: string): string {
	let target: Buffer;
	try {
		target = readlinkSync(path, { encoding: "buffer" });
	} catch (cause) {
		throw ioError("read link", path, cause);
	}
	if (isUtf8(target)) return target.toString();
	throw new SigtoolError("ERR_PATH_ENCODING", `Cannot follow ${quote(path)}: its target is not UTF-8`, { path });
}
