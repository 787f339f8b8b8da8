/**
 * The entries of a trust index, looked up where they lie.
 *
 * A verifier asks while the program it guards runs, and that program can replace methods of every built-in prototype. So
 * `findEntry` and `hasContent` call nothing but functions that were bound when this module was loaded, and read octets by
 * index.
 */

import { SigtoolError } from "../errors.js";
import { KIND, LIMITS, RECORD, RECORD_BYTES } from "./index-layout.js";

export type IndexEntry =
	/** `sha256`: hexadecimal, over the whole file as it is on the disk. */
	| { readonly kind: "file"; readonly sha256: string; readonly size: number }
	/** As readlink(2) gives it. */
	| { readonly kind: "link"; readonly target: string };

export interface EntryTable {
	readonly bytes: Uint8Array;
	/** Where records and names start in `bytes`, and where names end. */
	readonly recordsStart: number;
	readonly namesStart: number;
	readonly namesEnd: number;
	/** In place of the search here, which takes ten times as long until it is compiled. */
	readonly findRecord: FindRecord | undefined;
}

/**
 * Number of the record of a path among [first, end); -1: there is none; -2: something is not as it should be, which the
 * search here is to say.
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
 * The entry of a path among the records [first, end), which are sorted by path. Where they are not, a path may seem to be
 * absent; its neighbours must stand where they belong, so that no path has two entries.
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
	// How many octets the nearest paths known to be below and above share with the one looked for: all between share them.
	let sharedBelow = 0;
	let sharedAbove = 0;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const shared = sharedOctets(table, middle, pathBytes, smaller(sharedBelow, sharedAbove));
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

/** Whether the content of a file among the first `count` records has this digest; hexadecimal SHA-256. */
export function hasContent({ bytes, recordsStart }: EntryTable, count: number, sha256: string): boolean {
	const first = +`0x${sha256[0]}${sha256[1]}`;
	for (let record = 0; record < count; record++) {
		const at = recordsStart + record * RECORD_BYTES;
		const digest = at + RECORD.digest;
		// An octet first: for one other file in 256 a string is made.
		if (bytes[digest] !== first || uint16(bytes, at + RECORD.kind) !== KIND.file) continue;
		if (hexAt(bytes, digest) === sha256) return true;
	}
	return false;
}

/**
 * Path and entry of each of the records [first, end), in ascending order of the paths' octets.
 * @throws ERR_INDEX_FORMAT when they are in another
 */
export function* namedEntries(table: EntryTable, first: number, end: number): Generator<[string, IndexEntry]> {
	let previous = new Octets(0);
	for (let record = first; record < end; record++) {
		const path = octetsAt(table.bytes, pathStart(table, record), pathBytesOf(table, record));
		if (Buffer.compare(previous, path) >= 0) throw malformed(record, UNSORTED);
		yield [decode(path), entryAt(table, record)];
		previous = path;
	}
}

const UNSORTED = "paths are not in ascending order";

/** How the path of a record stands to the one looked for: below, at or above 0. */
function compareToSought(table: EntryTable, record: number, soughtBytes: number): number {
	return orderBehind(table, record, soughtBytes, sharedOctets(table, record, soughtBytes, 0));
}

/** How many octets the path of a record begins with as the one looked for does; the first `known` are taken to be so. */
function sharedOctets(table: EntryTable, record: number, soughtBytes: number, known: number): number {
	const { bytes } = table;
	const start = pathStart(table, record);
	const pathBytes = pathBytesOf(table, record);
	const end = smaller(pathBytes, soughtBytes);
	let shared = known;
	while (shared < end && bytes[start + shared] === sought[shared]) shared++;
	return shared;
}

/** As `compareToSought`, for a path of which so many octets are the same. */
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
	if (size >= 2 ** 53) throw malformed(record, "its size is no exact number");
	if (kind === KIND.file) return { kind: "file", sha256: hexAt(bytes, at + RECORD.digest), size };
	if (kind !== KIND.link) throw malformed(record, "it is neither a file nor a link");
	const target = pathStart(table, record) + pathBytesOf(table, record);
	if (size > table.namesEnd - target) throw malformed(record, "its target reaches past the names");
	return { kind: "link", target: decode(octetsAt(bytes, target, size)) };
}

/** Where the path of a record starts; all of it lies among the names. */
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

function octetsAt(bytes: Uint8Array, start: number, length: number): Uint8Array<ArrayBuffer> {
	const octets = new Octets(length);
	for (let i = 0; i < length; i++) octets[i] = bytes[start + i];
	return octets;
}

function uint16(bytes: Uint8Array, at: number): number {
	return bytes[at] | (bytes[at + 1] << 8);
}

function uint32(bytes: Uint8Array, at: number): number {
	return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

const Octets = Uint8Array;
const smaller = Math.min;
const encodeInto = TextEncoder.prototype.encodeInto.bind(new TextEncoder());
/** Decoding of Buffer, which costs a start less than a TextDecoder. */
const decode: (octets: Uint8Array) => string = Function.prototype.call.bind(Buffer.prototype.utf8Slice);
const hexSlice: (octets: Uint8Array, start: number, end: number) => string = Function.prototype.call.bind(
	Buffer.prototype.hexSlice,
);
/** The path looked for: at most three octets a UTF-16 unit. */
const sought = new Octets(3 * LIMITS.pathBytes);
