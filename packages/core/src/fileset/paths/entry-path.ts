/**
 * Checks entry names. They must be relative and "/"-separated. Names with a backslash, a drive letter, `..`, or a dot
 * or a space at the end are refused too, because they name another file on some systems. Windows refuses more names.
 */

import { type ErrorCode, quote, quoteAscii, SigtoolError } from "../../errors.js";
import { windowsNameProblem } from "./windows-names.js";

/**
 * Checks one name. Only `checkCollisions` finds collisions, because it gets all names of a set.
 * @throws ERR_PATH_* for the first broken rule; ERR_LIMIT
 */
export function checkEntryPath(path: string): void {
	const problem = entryPathProblem(path);
	if (problem !== undefined) throw problem;
}

/** Returns the error that `checkEntryPath` would throw, or undefined for a legal name. */
export function entryPathProblem(path: string): SigtoolError | undefined {
	if (path.length > MAX_PATH_BYTES / MAX_UNIT_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES) {
		return refusal("ERR_LIMIT", path, `it is longer than ${MAX_PATH_BYTES} bytes`);
	}
	if (PLAIN_PATH.test(path)) return reservedName(path);
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
	return reservedName(path);
}

/**
 * Names that only Windows reserves are refused only there, because trees of other systems have them: `aux.c` is in the
 * sources of Linux.
 */
function reservedName(path: string): SigtoolError | undefined {
	const reason = IS_WINDOWS ? windowsNameProblem(path) : undefined;
	return reason === undefined ? undefined : refusal("ERR_PATH_RESERVED", path, reason);
}

const IS_WINDOWS = process.platform === "win32";

/**
 * Returns true if `checkEntryPath` accepts the ASCII text between two offsets. Makes a string only if PLAIN_PATH does
 * not match the text.
 */
export function isLegalAscii(text: Buffer, start: number, end: number): boolean {
	if (!IS_WINDOWS && end - start <= MAX_PATH_BYTES && isPlain(text, start, end)) return true;
	return entryPathProblem(text.toString("latin1", start, end)) === undefined;
}

/** Returns true if the text matches PLAIN_PATH. */
function isPlain(text: Uint8Array, start: number, end: number): boolean {
	let place = NOWHERE;
	for (let at = start; at < end; at++) {
		const code = text[at];
		if (code === SLASH) {
			if (place !== ANYWHERE) return false;
			place = NOWHERE;
		} else {
			place = PLAIN_CHARACTERS[code];
			if (place === NOWHERE) return false;
		}
	}
	return place === ANYWHERE;
}

const SLASH = 0x2f;

/**
 * The largest length of a path in bytes of UTF-8. Linux cannot open a longer path (PATH_MAX), and the limit of macOS is
 * 1,024 bytes. Only Windows accepts longer paths, up to 32,767 UTF-16 units. The length of one name is not limited
 * here, because the limits of file systems differ: 255 bytes on ext4, 255 UTF-16 units on NTFS, 1,023 bytes on ZFS.
 */
export const MAX_PATH_BYTES = 4096;
/** The largest number of bytes that one UTF-16 unit needs in UTF-8. */
const MAX_UNIT_BYTES = 3;

/** Matches nearly all legal names and no illegal name, so that most names need only this test. */
const PLAIN_PATH = /^[\w.@+ -]*[\w@+-](?:\/[\w.@+ -]*[\w@+-])*$/;
const [NOWHERE, NOT_LAST, ANYWHERE] = [0, 1, 2];
/** Maps each ASCII character to the places in a name at which PLAIN_PATH accepts this character. */
const PLAIN_CHARACTERS = Uint8Array.from({ length: 128 }, (_, code) => {
	const character = String.fromCharCode(code);
	if (PLAIN_PATH.test(character)) return ANYWHERE;
	return PLAIN_PATH.test(`${character}-`) ? NOT_LAST : NOWHERE;
});
const LONE_SURROGATE = /\p{Surrogate}/u;
const DRIVE = /^[A-Za-z]:/;

function refusal(code: ErrorCode, path: string, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot use entry name ${quote(path)}: ${reason}`, { path });
}

export interface CollisionOptions {
	/**
	 * The default is `refuse`, because one directory of Windows or macOS cannot have names that differ only by case.
	 */
	readonly caseCollisions?: "refuse" | "allow";
}

/**
 * Refuses a set in which two names of entries or directories are the same name on another system, or in which one path
 * is an entry twice, or both an entry and a directory. The time is proportional to the total length of the paths.
 * @throws ERR_PATH_DUPLICATE, ERR_PATH_CASE_COLLISION, ERR_PATH_NFC_COLLISION, naming both paths; ERR_LIMIT
 */
export function checkCollisions(paths: readonly string[], options: CollisionOptions = {}): void {
	if (areFreeOfCollisions(paths, options)) return;
	const findCollision = collisionFinder(options);
	for (const path of paths) {
		const problem = findCollision(path);
		if (problem !== undefined) throw problem;
	}
}

/**
 * Returns true only if all paths are ASCII and no two paths or directories collide. This check takes a third of the
 * time of `collisionFinder`, which is needed only for the other sets. Returns false for very deep paths too, because
 * the names of all their directories together can be as long as the square of the length of the paths.
 */
function areFreeOfCollisions(paths: readonly string[], { caseCollisions }: CollisionOptions): boolean {
	const entries = new Set<string>();
	const directories = new Set<string>();
	let unitsLeft = MIN_DIRECTORY_UNITS;
	for (const path of paths) {
		if (!ASCII.test(path)) return false;
		unitsLeft += path.length;
		entries.add(caseCollisions === "allow" ? path : path.toLowerCase());
		let directory = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
		while (directory !== "" && !directories.has(directory)) {
			directories.add(directory);
			unitsLeft -= directory.length;
			if (unitsLeft < 0) return false;
			directory = directory.slice(0, Math.max(directory.lastIndexOf("/"), 0));
		}
	}
	if (entries.size < paths.length) return false;
	const seen = new Set<string>();
	for (const directory of directories) seen.add(caseCollisions === "allow" ? directory : directory.toLowerCase());
	if (seen.size < directories.size) return false;
	for (const directory of seen) if (entries.has(directory)) return false;
	return true;
}

/** The paths of all directories together may be longer than the entry paths together by this number of UTF-16 units. */
const MIN_DIRECTORY_UNITS = 2 ** 16;

/**
 * The largest number of entries and directories in a set. A Map can have about twice as many. With this limit, each
 * member of the largest catalog can have three directories of its own.
 */
const MAX_NAMES = 2 ** 23;

function tooManyNames(path: string): SigtoolError {
	const message = `Cannot use entry name ${quote(path)}: the set has more than ${MAX_NAMES} entries and directories`;
	return new SigtoolError("ERR_LIMIT", message, { path });
}

interface SeenName {
	readonly name: string;
	/** The first entry path that contains the name. */
	readonly path: string;
	/** The number that stands for a directory, or -1 for an entry. */
	readonly directory: number;
}

/**
 * Returns a function that receives the paths of a set one by one. For a path that collides with an earlier path, the
 * function returns the error that `checkCollisions` throws.
 */
export function collisionFinder(options: CollisionOptions = {}): (path: string) => SigtoolError | undefined {
	const equivalent = options.caseCollisions === "allow" ? normalized : folded;
	// The key has the number of the parent directory, and the name in the form in which names are compared. So no
	// prefix is compared twice.
	const seen = new Map<string, SeenName>();
	let directories = 0;
	// Paths usually come sorted, so most paths are in the directory of the previous path.
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
				if (seen.size === MAX_NAMES) return tooManyNames(path);
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

/** Maps a name to upper and then to lower case, so that K and the Kelvin sign, ß and SS, σ and ς become equal. */
export function folded(name: string): string {
	if (ASCII.test(name)) return name.toLowerCase();
	return name.normalize("NFC").toUpperCase().toLowerCase().normalize("NFC");
}

const ASCII = /^[\0-\x7f]*$/;

/**
 * Compares two paths by their bytes in UTF-8, which gives the order of code points. This order differs from the order
 * of `<` only if a path contains surrogates. Returns a negative number, 0, or a positive number.
 */
export function comparePathBytes(a: string, b: string): number {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const x = a.charCodeAt(i);
		const y = b.charCodeAt(i);
		if (x !== y) return rank(x) - rank(y);
	}
	return a.length - b.length;
}

/** Sorts the surrogates D800–DFFF, which encode code points above FFFF, after E000–FFFF. */
function rank(unit: number): number {
	if (unit < 0xd800) return unit;
	return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
