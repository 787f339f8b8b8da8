/** Lists one directory of a tree in order, checks every name, and classifies links and special files. */

import { type Dirent, readdirSync } from "node:fs";
import { ioError, quote, SigtoolError } from "../../errors.js";
import { type CollisionOptions, collisionFinder, comparePathBytes, entryPathProblem } from "../paths/entry-path.js";
import { followLink, type LinkOptions, linkTarget } from "./links.js";

export interface ListOptions extends LinkOptions, CollisionOptions {
	/** Returns true for entries that are left out and counted. A directory that is left out is not entered. */
	readonly exclude?: (path: string, kind: "file" | "directory") => boolean;
}

/** An entry that is neither a regular file to hash nor a directory to enter. */
export type SpecialEntry =
	| { readonly kind: "link"; readonly path: string; readonly target: string }
	/** A followed link to a file. The file's content is hashed under the link's path. */
	| { readonly kind: "linked-file"; readonly path: string; readonly realPath: string }
	/** A followed link to a directory, whose `realPath` ends in "/". */
	| { readonly kind: "linked-directory"; readonly realPath: string }
	| { readonly kind: "ignored" }
	| { readonly kind: "problem"; readonly error: SigtoolError };

export interface Listing {
	/** The names in byte order. A directory's name ends in "/". */
	readonly keys: readonly string[];
	/** The special entries by key. */
	readonly special: ReadonlyMap<string, SpecialEntry>;
	/**
	 * An error for each name that collides with a sibling. These entries are in `keys` too, so that other problems of
	 * these entries, and of what is below them, are found as well.
	 */
	readonly collisions: readonly SigtoolError[];
}

/**
 * Lists the directory `base + prefix`. `base` ends in "/", and so does `prefix` if it is not empty. Files and links
 * whose entry paths are in `skipped` are left out. Throws only what `exclude` throws: ERR_IO, ERR_PATH_*, ERR_FILE_TYPE
 * and ERR_LINK_* become problems of the entries concerned.
 *
 * The directory is read at `realPath`, because a link in `base + prefix` may be changed after it was followed. Besides,
 * while another process mounts, Linux may refuse a path through more than 20 links with ELOOP: it begins again then, and
 * counts the links from before too (total_link_count in fs/namei.c).
 */
export function listDirectory(
	base: string,
	{ prefix, realPath }: { readonly prefix: string; readonly realPath: string },
	skipped: ReadonlySet<string> | undefined,
	options: ListOptions,
): Listing {
	const { exclude } = options;
	const keys: string[] = [];
	const special = new Map<string, SpecialEntry>();
	let entries: readonly Entry[];
	try {
		entries = readEntries(realPath);
	} catch (cause) {
		const error = ioError("read directory", prefix === "" ? base : prefix.slice(0, -1), cause);
		return { keys: [UNREADABLE], special: new Map([[UNREADABLE, { kind: "problem", error }]]), collisions: [] };
	}
	for (const entry of entries) {
		const isDirectory = entry.isDirectory();
		let key = isDirectory ? `${entry.name}/` : entry.name;
		if (!isDirectory && skipped?.has(key) === true) continue;
		const path = prefix + entry.name;
		if (exclude?.(path, isDirectory ? "directory" : "file") === true) special.set(key, { kind: "ignored" });
		else if (entry.encoding === "unknown") special.set(key, problem(notUtf8(path)));
		else if (!isDirectory && !entry.isFile()) {
			const judged = judgeSpecial(base, path, entry, options);
			if (judged.kind === "linked-directory") key += "/";
			special.set(key, judged);
		}
		keys.push(key);
	}
	const collisions = checkNames(prefix, keys, special, options);
	return { keys: sort(keys), special, collisions };
}

/** The key under which a directory that cannot be read is reported. No entry has this key, because no name is empty. */
const UNREADABLE = "";

type EntryType = Pick<Dirent, "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket">;
interface Entry extends EntryType {
	readonly name: string;
	/** The value `unknown` means that the name is not UTF-8. In this case `name` has its bytes above 7F as \\xNN. */
	readonly encoding?: "unknown" | undefined;
}

/** Classifies an entry that is neither a regular file nor a directory. */
export function judgeSpecial(base: string, path: string, type: EntryType, options: LinkOptions): SpecialEntry {
	if (!type.isSymbolicLink()) {
		return problem(notRegular(path, type.isFIFO() ? "a FIFO" : type.isSocket() ? "a socket" : "a device"));
	}
	try {
		if (options.links !== "follow") return { kind: "link", path, target: linkTarget(base, path, options) };
		const { kind, realPath } = followLink(base, path, options);
		if (kind === "file") return { kind: "linked-file", path, realPath };
		if (kind === "directory") return { kind: "linked-directory", realPath: `${realPath}/` };
		return problem(notRegular(path, "a link to a FIFO, socket or device"));
	} catch (error) {
		if (error instanceof SigtoolError) return problem(error);
		throw error;
	}
}

function readEntries(directory: string): readonly Entry[] {
	const entries = readdirSync(directory, { withFileTypes: true });
	if (!entries.some((entry) => entry.name.includes("\ufffd"))) return entries;
	// U+FFFD is either part of the name, or replaces bytes that are not UTF-8. Only the bytes of the name show which of
	// the two is true.
	return readdirSync(directory, { withFileTypes: true, encoding: "buffer" }).map((entry) => {
		const text = entry.name.toString();
		const isUtf8 = Buffer.from(text).equals(entry.name);
		return {
			name: isUtf8 ? text : escaped(entry.name),
			encoding: isUtf8 ? undefined : "unknown",
			isFile: () => entry.isFile(),
			isDirectory: () => entry.isDirectory(),
			isSymbolicLink: () => entry.isSymbolicLink(),
			isFIFO: () => entry.isFIFO(),
			isSocket: () => entry.isSocket(),
		};
	});
}

function escaped(bytes: Buffer): string {
	return bytes.toString("latin1").replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/**
 * Adds a problem to `special` for each name that is illegal, and returns the collisions. For most directories, one test
 * of all names together shows that no name is illegal or collides.
 */
function checkNames(
	prefix: string,
	keys: readonly string[],
	special: Map<string, SpecialEntry>,
	options: ListOptions,
): SigtoolError[] {
	const text = `${keys.join("/")}/`;
	const isSuspect = process.platform === "win32" || prefix.length > LONG_PREFIX || SUSPECT.test(text);
	const mayCollide = options.caseCollisions === "allow" ? NOT_ASCII.test(text) : NOT_LOWERCASE.test(text);
	if (!isSuspect && !mayCollide) return [];
	const findCollision = collisionFinder(options);
	const collisions: SigtoolError[] = [];
	for (const key of keys) {
		const kind = special.get(key)?.kind;
		if (kind === "ignored" || kind === "problem") continue;
		const path = prefix + (key.endsWith("/") ? key.slice(0, -1) : key);
		const illegal = entryPathProblem(path);
		const collision = illegal === undefined ? findCollision(path) : undefined;
		if (illegal !== undefined) special.set(key, problem(illegal));
		if (collision !== undefined) collisions.push(collision);
	}
	return collisions;
}

/**
 * With a prefix of up to this number of UTF-16 units, a path is not longer than `checkEntryPath` accepts: the prefix
 * has at most 3,000 bytes, and a name at most 1,023 (on ZFS).
 */
const LONG_PREFIX = 1000;
/**
 * Matches every name that `checkEntryPath` refuses for its characters, and some names that it accepts. Windows refuses
 * more names.
 */
const SUSPECT = /[\\:\ud800-\udfff]|[. ]\//;
const NOT_ASCII = /[\x80-\uffff]/;
const NOT_LOWERCASE = /[A-Z\x80-\uffff]/;

/** Sorts by UTF-8 bytes. The order differs from the default order of strings only if a name contains surrogates. */
function sort(keys: string[]): string[] {
	return keys.some((key) => SURROGATE.test(key)) ? keys.sort(comparePathBytes) : keys.sort();
}

const SURROGATE = /[\ud800-\udfff]/;

function problem(error: SigtoolError): SpecialEntry {
	return { kind: "problem", error };
}

function notRegular(path: string, what: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot hash ${quote(path)}: it is ${what}`, { path });
}

function notUtf8(path: string): SigtoolError {
	const message = `Cannot use entry name ${quote(path).replaceAll("\\\\x", "\\x")}: it is not valid UTF-8`;
	return new SigtoolError("ERR_PATH_ENCODING", message, { path });
}
