/**
 * Looks up entries in the bytes of a trust index, without decoding all other entries.
 *
 * The verifier looks up entries while it guards a running program. That program can replace the methods of every
 * built-in prototype. Therefore `findEntry`, `hasContent` and `pathOf` read bytes by their position, and call only functions that
 * were saved or bound when this module was loaded. This does not hold for the errors that they throw.
 */

import { SigtoolError } from "../errors.js";
import { KIND, LIMITS, RECORD, RECORD_BYTES } from "./index-layout.js";

export type IndexEntry =
	/**
	 * A regular file. `sha256` is the SHA-256 of its whole content in lower-case hexadecimal, and `size` is its size in
	 * bytes.
	 */
	| { readonly kind: "file"; readonly sha256: string; readonly size: number }
	/** A symbolic link. `target` is the text that readlink(2) returns. */
	| { readonly kind: "link"; readonly target: string };

export interface EntryTable {
	readonly bytes: Uint8Array;
	/**
	 * The offset in `bytes` of the first record. The names (paths and targets of links) are between the offsets
	 * `namesStart` and `namesEnd` (exclusive).
	 */
	readonly recordsStart: number;
	readonly namesStart: number;
	readonly namesEnd: number;
	/**
	 * A native function for the same search, or undefined. The search in this module takes ten times as long until V8
	 * has compiled it.
	 */
	readonly findRecord: FindRecord | undefined;
}

/**
 * Returns the number of the record of `path` among the records from `first` up to `end` (exclusive). Returns -1 if
 * there is no such record. Returns -2 if the index is malformed; then the search in this module runs, and throws the
 * error that says what is wrong.
 */
export type FindRecord = (
	bytes: Uint8Array,
	recordsStart: number,
	namesStart: number,
	namesEnd: number,
	first: number,
	end: number,
	path: string,
) => number;

/**
 * Returns the entry of `path` among the records from `first` up to `end` (exclusive), or undefined if there is none.
 * The records must be sorted by path. In an unsorted index the search may miss a path. Before it returns an entry, it
 * refuses an index in which the neighbours of the found record do not have a smaller and a greater path.
 * @throws ERR_INDEX_FORMAT
 */
export function findEntry(table: EntryTable, first: number, end: number, path: string): IndexEntry | undefined {
	if (path.length > LIMITS.pathBytes) return undefined;
	const { bytes, recordsStart, namesStart, namesEnd } = table;
	const found = table.findRecord?.(bytes, recordsStart, namesStart, namesEnd, first, end, path) ?? -2;
	if (found === -1) return undefined;
	if (found >= first && found < end) return entryAt(table, found);
	const pathBytes = encodeInto(path, sought).written;
	let low = first;
	let high = end;
	// The numbers of leading bytes that `path` shares with the nearest smaller and with the nearest greater path
	// compared so far. Every path between these two shares at least the smaller of the two numbers with `path`.
	let sharedBelow = 0;
	let sharedAbove = 0;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const shared = sharedBytes(table, middle, pathBytes, smaller(sharedBelow, sharedAbove));
		const order = orderBehind(table, middle, pathBytes, shared);
		if (order < 0) {
			low = middle + 1;
			sharedBelow = shared;
		} else if (order > 0) {
			high = middle;
			sharedAbove = shared;
		} else {
			if (middle > first && compareToSought(table, middle - 1, pathBytes) >= 0) throw malformed(middle, UNSORTED);
			if (middle + 1 < end && compareToSought(table, middle + 1, pathBytes) <= 0) throw malformed(middle, UNSORTED);
			return compareToSought(table, middle, pathBytes) === 0 ? entryAt(table, middle) : undefined;
		}
	}
	return undefined;
}

/**
 * Returns true if one of the first `count` records is a file with this SHA-256 (lower-case hexadecimal), and `counts`, if
 * given, accepts the number of this record.
 */
export function hasContent(
	{ bytes, recordsStart }: EntryTable,
	count: number,
	sha256: string,
	counts?: (record: number) => boolean,
): boolean {
	const first = +`0x${sha256[0]}${sha256[1]}`;
	for (let record = 0; record < count; record++) {
		const at = recordsStart + record * RECORD_BYTES;
		const digest = at + RECORD.digest;
		// The first byte is compared as a number. Only one digest in 256 has the same first byte by chance, so a
		// hexadecimal string is made for few records.
		if (bytes[digest] !== first || uint16(bytes, at + RECORD.kind) !== KIND.file) continue;
		if (hexAt(bytes, digest) === sha256 && (counts === undefined || counts(record))) return true;
	}
	return false;
}

/** Returns the path of a record. @throws ERR_INDEX_FORMAT */
export function pathOf(table: EntryTable, record: number): string {
	return decode(bytesAt(table.bytes, pathStart(table, record), pathBytesOf(table, record)));
}

/**
 * Yields the path and the entry of each record from `first` up to `end` (exclusive).
 * @throws ERR_INDEX_FORMAT for a malformed record, or if the paths are not in ascending order of their bytes
 */
export function* namedEntries(table: EntryTable, first: number, end: number): Generator<[string, IndexEntry]> {
	let previous = new Bytes(0);
	for (let record = first; record < end; record++) {
		const path = bytesAt(table.bytes, pathStart(table, record), pathBytesOf(table, record));
		if (Buffer.compare(previous, path) >= 0) throw malformed(record, UNSORTED);
		yield [decode(path), entryAt(table, record)];
		previous = path;
	}
}

const UNSORTED = "paths are not in ascending order";

/**
 * Compares the path of a record with the path in `sought`, byte by byte. The result is negative if the record's path is
 * smaller, 0 if both are equal, and positive if the record's path is greater.
 */
function compareToSought(table: EntryTable, record: number, soughtBytes: number): number {
	return orderBehind(table, record, soughtBytes, sharedBytes(table, record, soughtBytes, 0));
}

/**
 * Returns the number of leading bytes that a record's path shares with the path in `sought`. The caller knows that the
 * first `known` bytes are equal, so these are not compared.
 */
function sharedBytes(table: EntryTable, record: number, soughtBytes: number, known: number): number {
	const { bytes } = table;
	const start = pathStart(table, record);
	const pathBytes = pathBytesOf(table, record);
	const end = smaller(pathBytes, soughtBytes);
	let shared = known;
	while (shared < end && bytes[start + shared] === sought[shared]) shared++;
	return shared;
}

/** Returns the result of `compareToSought` for two paths that share exactly `shared` leading bytes. */
function orderBehind(table: EntryTable, record: number, soughtBytes: number, shared: number): number {
	const pathBytes = pathBytesOf(table, record);
	if (shared >= pathBytes || shared >= soughtBytes) return pathBytes - soughtBytes;
	return table.bytes[pathStart(table, record) + shared] - sought[shared];
}

function entryAt(table: EntryTable, record: number): IndexEntry {
	const { bytes, recordsStart } = table;
	const at = recordsStart + record * RECORD_BYTES;
	const kind = uint16(bytes, at + RECORD.kind);
	const size = uint32(bytes, at + RECORD.size) + uint32(bytes, at + RECORD.size + 4) * 2 ** 32;
	if (size >= 2 ** 53) throw malformed(record, "its size is 2^53 or more");
	if (kind === KIND.file) return { kind: "file", sha256: hexAt(bytes, at + RECORD.digest), size };
	if (kind !== KIND.link) throw malformed(record, "it is neither a file nor a link");
	const target = pathStart(table, record) + pathBytesOf(table, record);
	if (size > table.namesEnd - target) throw malformed(record, "its target reaches past the names");
	return { kind: "link", target: decode(bytesAt(bytes, target, size)) };
}

/**
 * Returns the offset in the index at which a record's path starts.
 * @throws ERR_INDEX_FORMAT if the path reaches past the end of the names
 */
function pathStart(table: EntryTable, record: number): number {
	const start = table.namesStart + uint32(table.bytes, table.recordsStart + record * RECORD_BYTES + RECORD.nameStart);
	if (start + pathBytesOf(table, record) > table.namesEnd) throw malformed(record, "its path reaches past the names");
	return start;
}

function pathBytesOf({ bytes, recordsStart }: EntryTable, record: number): number {
	return uint16(bytes, recordsStart + record * RECORD_BYTES + RECORD.pathBytes);
}

function malformed(record: number, reason: string): SigtoolError {
	return new SigtoolError("ERR_INDEX_FORMAT", `Cannot read the trust index: entry ${record}: ${reason}`);
}

function hexAt(bytes: Uint8Array, start: number): string {
	return hexSlice(bytes, start, start + 32);
}

function bytesAt(bytes: Uint8Array, start: number, length: number): Uint8Array<ArrayBuffer> {
	const copy = new Bytes(length);
	for (let i = 0; i < length; i++) copy[i] = bytes[start + i];
	return copy;
}

function uint16(bytes: Uint8Array, at: number): number {
	return bytes[at] | (bytes[at + 1] << 8);
}

function uint32(bytes: Uint8Array, at: number): number {
	return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

const Bytes = Uint8Array;
const smaller = Math.min;
const encodeInto = TextEncoder.prototype.encodeInto.bind(new TextEncoder());
/**
 * Decodes UTF-8. A method of Buffer does this, because the creation of a TextDecoder would slow down the start of a
 * program.
 */
const decode: (bytes: Uint8Array) => string = Function.prototype.call.bind(Buffer.prototype.utf8Slice);
const hexSlice: (bytes: Uint8Array, start: number, end: number) => string = Function.prototype.call.bind(
	Buffer.prototype.hexSlice,
);
/** The buffer for the sought path in UTF-8. UTF-8 needs at most three bytes for each UTF-16 code unit. */
const sought = new Bytes(3 * LIMITS.pathBytes);
