/** Finds out if the paths of a large set are legal and do not collide, without making a string of each path. */

import { type CollisionOptions, isLegalAscii, MAX_PATH_BYTES } from "./entry-path.js";

/**
 * Maps entry paths to numbers.
 *
 * Adding returns true only if the path is ASCII and legal, and collides with no path that was added before, by the
 * rules of `checkEntryPath` and `checkCollisions`. Adding returns false in every other case. It also returns false for
 * some legal paths: if a name in the path is illegal at the start of a path (`a/c:`), if there are more directories
 * than paths, or if many names have the same hash. After the result false the table must not be used any more. The
 * caller then checks all paths by `checkEntryPath` and `checkCollisions`.
 */
export interface PathTable {
	/** Adds a path that is separated by "/". The value is a 32-bit integer above -2^31. */
	add(path: string, value: number): boolean;
	/** Adds the path between two offsets of `bytes`. The path is in UTF-16LE, and separated by "/" or "\". */
	addUtf16(bytes: Uint8Array, start: number, end: number, value: number): boolean;
	/** Returns the value that was added with exactly this path, or undefined if there is none. */
	get(path: string): number | undefined;
}

/** Returns a table for at most `paths` paths, which together have at most `length` UTF-16 units. */
export function createPathTable(paths: number, length: number, { caseCollisions }: CollisionOptions): PathTable {
	const folding = caseCollisions === "allow" ? SAME : LOWER_CASE;
	/** The added paths, one after the other, with "/". */
	const text = Buffer.alloc(length);
	let used = 0;
	/** The path that is looked up. */
	const wanted = Buffer.alloc(MAX_PATH_BYTES);
	// The columns have a row for each name in each directory, so that no prefix is compared twice. Row 0 is the root.
	const rows = 2 * paths + 1;
	const directories = new Uint32Array(rows);
	const starts = new Uint32Array(rows);
	const ends = new Uint32Array(rows);
	const values = new Int32Array(rows);
	let lastRow = ROOT;
	// A hash table with open addressing. A slot has the row of a name, or FREE. A third of the slots stays free.
	const slots = new Uint32Array(2 ** Math.ceil(Math.log2(1.5 * rows)));

	function addUtf16(bytes: Uint8Array, start: number, end: number, value: number): boolean {
		if (end - start > 2 * MAX_PATH_BYTES) return false;
		let nameStart = used;
		let to = used;
		let directory = ROOT;
		let hash = HASH_START;
		// One loop copies and hashes, because a short program ends before V8 has compiled several loops.
		for (let at = start; at < end; at += 2) {
			const code = bytes[at];
			if (code >= 0x80 || bytes[at + 1] !== 0) return false;
			if (code === SLASH || code === BACKSLASH) {
				directory = enter(hash, directory, nameStart, to, DIRECTORY);
				if (directory === NONE) return false;
				text[to++] = SLASH;
				nameStart = to;
				hash = HASH_START;
			} else {
				text[to++] = code;
				hash = hashed(hash, folding[code]);
			}
		}
		used = to;
		return enter(hash, directory, nameStart, to, value) !== NONE;
	}

	/**
	 * Adds a name to a directory, unless the name is a directory that was added before. Returns the row of the name.
	 * Returns NONE if the name is illegal or collides, or if there is no room for it.
	 */
	function enter(hash: number, directory: number, start: number, end: number, value: number): number {
		const slot = slotOf(hash, directory, text, start, end);
		if (slot === NONE) return NONE;
		const row = slots[slot];
		if (row !== FREE) {
			const isKnownDirectory = value === DIRECTORY && values[row] === DIRECTORY;
			return isKnownDirectory && isSame(row, text, start, end, SAME) ? row : NONE;
		}
		if (lastRow === rows - 1 || !isLegalAscii(text, start, end)) return NONE;
		slots[slot] = ++lastRow;
		directories[lastRow] = directory;
		starts[lastRow] = start;
		ends[lastRow] = end;
		values[lastRow] = value;
		return lastRow;
	}

	/**
	 * Returns the slot of the added name that is the same name by the rules of `folding`, or else a free slot. Returns
	 * NONE after MAX_PROBES slots, which limits the time if an attacker chooses many names with the same hash.
	 */
	function slotOf(hash: number, directory: number, bytes: Uint8Array, start: number, end: number): number {
		const mask = slots.length - 1;
		const mixed = hashed(hash, directory);
		let slot = (mixed ^ (mixed >>> 15)) & mask;
		for (let probe = 1; probe <= MAX_PROBES; probe++) {
			const row = slots[slot];
			if (row === FREE) return slot;
			if (directories[row] === directory && isSame(row, bytes, start, end, folding)) return slot;
			slot = (slot + probe) & mask;
		}
		return NONE;
	}

	function isSame(row: number, bytes: Uint8Array, start: number, end: number, fold: Uint8Array): boolean {
		const shift = starts[row] - start;
		if (ends[row] - end !== shift) return false;
		for (let at = start; at < end; at++) if (fold[text[at + shift]] !== fold[bytes[at]]) return false;
		return true;
	}

	/** Returns the row of the added name that is exactly the one between two offsets of `wanted`, or NONE. */
	function rowOf(hash: number, directory: number, start: number, end: number): number {
		const slot = slotOf(hash, directory, wanted, start, end);
		if (slot === NONE || slots[slot] === FREE) return NONE;
		return isSame(slots[slot], wanted, start, end, SAME) ? slots[slot] : NONE;
	}

	return {
		add(path, value) {
			const bytes = Buffer.from(path, "utf16le");
			return !path.includes("\\") && addUtf16(bytes, 0, bytes.length, value);
		},
		addUtf16,
		get(path) {
			if (path.length > wanted.length) return undefined;
			let row = ROOT;
			let start = 0;
			let hash = HASH_START;
			for (let at = 0; at < path.length; at++) {
				const code = path.charCodeAt(at);
				if (code >= 0x80) return undefined;
				wanted[at] = code;
				if (code !== SLASH) {
					hash = hashed(hash, folding[code]);
					continue;
				}
				row = rowOf(hash, row, start, at);
				if (row === NONE) return undefined;
				start = at + 1;
				hash = HASH_START;
			}
			row = rowOf(hash, row, start, path.length);
			return row === NONE || values[row] === DIRECTORY ? undefined : values[row];
		},
	};
}

/**
 * The largest number of slots that are tried for a name. With two of three slots in use, about one name in 10^11 needs
 * so many.
 */
const MAX_PROBES = 64;

const ROOT = 0;
/** This value marks a free slot. It is the row of the root, which has no slot. */
const FREE = 0;
const NONE = -1;
const DIRECTORY = -(2 ** 31);

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const SAME = Uint8Array.from({ length: 256 }, (_, code) => code);
const LOWER_CASE = SAME.map((code) => (code >= 0x41 && code <= 0x5a ? code + 0x20 : code));

/** Adds a number to a hash as FNV-1a does. */
function hashed(hash: number, value: number): number {
	return Math.imul(hash ^ value, 0x01000193);
}

const HASH_START = 0x811c9dc5 | 0;
