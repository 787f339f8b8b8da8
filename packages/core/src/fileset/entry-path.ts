/** What a legal entry name is: relative, "/"-separated, and the same file on every system it may be unpacked on. */

import { type ErrorCode, quote, quoteAscii, SigtoolError } from "../errors.js";

/** @throws ERR_PATH_* for the first rule the name breaks; collisions need the whole set, see `checkCollisions` */
export function checkEntryPath(path: string): void {
	const problem = entryPathProblem(path);
	if (problem !== undefined) throw problem;
}

/** The error `checkEntryPath` throws, or undefined for a legal name. */
export function entryPathProblem(path: string): SigtoolError | undefined {
	if (PLAIN_PATH.test(path)) return undefined;
	if (path === "") return refusal("ERR_PATH_EMPTY", path, "it is empty");
	if (path.includes("\0")) return refusal("ERR_PATH_NUL", path, "it contains a NUL character");
	if (LONE_SURROGATE.test(path)) return refusal("ERR_PATH_ENCODING", path, "it is not well-formed Unicode");
	if (path.startsWith("/")) return refusal("ERR_PATH_ABSOLUTE", path, "it starts at the root");
	if (DRIVE.test(path)) return refusal("ERR_PATH_DRIVE", path, "it starts with a drive letter");
	if (path.includes("\\")) return refusal("ERR_PATH_BACKSLASH", path, "it contains a backslash");
	for (const segment of path.split("/")) {
		if (segment === "") return refusal("ERR_PATH_EMPTY", path, "a segment of it is empty");
		if (segment === "." || segment === "..") {
			return refusal("ERR_PATH_PARENT", path, `it contains the segment "${segment}"`);
		}
		if (segment.endsWith(".") || segment.endsWith(" ")) {
			return refusal("ERR_PATH_TRAILING_DOT", path, "a segment of it ends in a dot or a space");
		}
	}
	return undefined;
}

/** Names nothing can be wrong with, recognised at once: nearly all. */
const PLAIN_PATH = /^[\w.@+ -]*[\w@+-](?:\/[\w.@+ -]*[\w@+-])*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;
const DRIVE = /^[A-Za-z]:/;

function refusal(code: ErrorCode, path: string, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot use entry name ${quote(path)}: ${reason}`, { path });
}

export interface CollisionOptions {
	/** Names that differ only by case, which one directory of Windows or macOS cannot hold. Default `refuse`. */
	readonly caseCollisions?: "refuse" | "allow";
}

/**
 * Refuses a set in which two names, or the directories leading to them, are one name on another system. Linear in the
 * length of all paths.
 * @throws ERR_PATH_DUPLICATE, ERR_PATH_CASE_COLLISION, ERR_PATH_NFC_COLLISION, naming both paths
 */
export function checkCollisions(paths: Iterable<string>, options: CollisionOptions = {}): void {
	const findCollision = collisionFinder(options);
	for (const path of paths) {
		const problem = findCollision(path);
		if (problem !== undefined) throw problem;
	}
}

interface SeenName {
	readonly name: string;
	/** First entry path that contained the name. */
	readonly path: string;
	/** Number of a directory, or -1 for an entry. */
	readonly directory: number;
}

/** Takes a set's paths one by one; returns the error `checkCollisions` throws for a path that collides with an earlier. */
export function collisionFinder(options: CollisionOptions = {}): (path: string) => SigtoolError | undefined {
	const equivalent = options.caseCollisions === "allow" ? normalized : folded;
	// Keyed by the number of the directory and the name's equivalent, so that no prefix is looked at twice.
	const seen = new Map<string, SeenName>();
	let directories = 0;
	// Paths mostly come sorted: the directory of the path before is mostly this one's too.
	let lastPrefix = "";
	let lastDirectory = 0;

	return (path) => {
		const prefix = path.slice(0, path.lastIndexOf("/") + 1);
		let directory = 0;
		let start = 0;
		if (prefix === lastPrefix) {
			directory = lastDirectory;
			start = prefix.length;
		}
		while (start <= path.length) {
			const slash = path.indexOf("/", start);
			const isEntry = slash === -1;
			const name = path.slice(start, isEntry ? path.length : slash);
			const key = `${directory}/${equivalent(name)}`;
			const other = seen.get(key);
			if (other === undefined) {
				const number = isEntry ? -1 : ++directories;
				seen.set(key, { name, path, directory: number });
				directory = number;
			} else {
				if (other.name !== name) return collision(path, name, other);
				if (isEntry || other.directory === -1) return duplicate(path, other);
				directory = other.directory;
			}
			if (isEntry) break;
			start = slash + 1;
			if (start === prefix.length) {
				lastPrefix = prefix;
				lastDirectory = directory;
			}
		}
		return undefined;
	};
}

function collision(path: string, name: string, other: SeenName): SigtoolError {
	const pair = `${quoteAscii(path)} from ${quoteAscii(other.path)}`;
	if (normalized(name) === normalized(other.name)) {
		const message = `Cannot tell ${pair}: the names are equal in Unicode form NFC`;
		return new SigtoolError("ERR_PATH_NFC_COLLISION", message, { path });
	}
	const message = `Cannot tell ${pair} where case does not matter; rename one`;
	return new SigtoolError("ERR_PATH_CASE_COLLISION", `${message} or use --case-collisions allow`, { path });
}

function duplicate(path: string, other: SeenName): SigtoolError {
	const reason = path === other.path ? "is listed twice" : `is both an entry and a directory (${quote(other.path)})`;
	return new SigtoolError("ERR_PATH_DUPLICATE", `Cannot use entry name ${quote(path)}: it ${reason}`, { path });
}

function normalized(name: string): string {
	return ASCII.test(name) ? name : name.normalize("NFC");
}

/** Full case folding through both mappings: finds K and the Kelvin sign, ß and SS, σ and ς equal. */
function folded(name: string): string {
	if (ASCII.test(name)) return name.toLowerCase();
	return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

const ASCII = /^[\0-\x7f]*$/;

/** Byte order of the paths' UTF-8: code point order, which differs from `<` only where surrogates are involved. */
export function comparePathBytes(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const x = a.charCodeAt(i);
		const y = b.charCodeAt(i);
		if (x !== y) return rank(x) - rank(y);
	}
	return a.length - b.length;
}

/** Moves the surrogates D800–DFFF, which stand for code points above FFFF, behind E000–FFFF. */
function rank(unit: number): number {
	if (unit < 0xd800) return unit;
	return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
