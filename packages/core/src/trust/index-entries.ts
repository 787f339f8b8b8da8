/**
 * The entries of a trust index, looked up where they lie.
 *
 * A verifier asks while the program it guards runs, and that program can replace methods of every built-in prototype. So
 * `findEntry` calls nothing but functions that were bound when this module was loaded, and reads octets by index.
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
	/** Where records and names start in `bytes`. */
	readonly recordsStart: number;
	readonly namesStart: number;
}

/** The entry of a path among the records [first, end), which are sorted by path. */
export function findEntry(table: EntryTable, first: number, end: number, path: string): IndexEntry | undefined {
	if (path.length > LIMITS.pathBytes) return undefined;
	const pathBytes = encodeInto(path, sought).written;
	let low = first;
	let high = end;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const order = compareToSought(table, middle, pathBytes);
		if (order === 0) return entryAt(table, middle);
		if (order < 0) low = middle + 1;
		else high = middle;
	}
	return undefined;
}

/** Path and entry of a record. */
export function namedEntryAt(table: EntryTable, record: number): [path: string, entry: IndexEntry] {
	const { bytes, recordsStart, namesStart } = table;
	const at = recordsStart + record * RECORD_BYTES;
	const start = namesStart + uint32(bytes, at + RECORD.nameStart);
	return [textAt(bytes, start, uint16(bytes, at + RECORD.pathBytes)), entryAt(table, record)];
}

/**
 * Checks that the names are the `nameBytes` behind `namesStart`, one behind the other, and that paths ascend from each of
 * the records `starts` to the next: then no look-up reads elsewhere and none has two answers.
 * @throws ERR_INDEX_FORMAT
 */
export function checkEntries(table: EntryTable, starts: readonly number[], count: number, nameBytes: number): void {
	const { bytes, recordsStart, namesStart } = table;
	let nameEnd = 0;
	let previous = 0;
	let previousBytes = 0;
	let product = 0;
	for (let record = 0; record < count; record++) {
		const at = recordsStart + record * RECORD_BYTES;
		const pathBytes = uint16(bytes, at + RECORD.pathBytes);
		const kind = uint16(bytes, at + RECORD.kind);
		const size = uint64(bytes, at + RECORD.size);
		if (uint32(bytes, at + RECORD.nameStart) !== nameEnd) throw malformed(record, "its name is not behind the last");
		if (pathBytes === 0 || pathBytes > LIMITS.pathBytes) throw malformed(record, `its path has ${pathBytes} octets`);
		if (kind !== KIND.file && kind !== KIND.link) throw malformed(record, `it is of kind ${kind}`);
		const start = namesStart + nameEnd;
		nameEnd += pathBytes;
		if (kind === KIND.link) {
			if (size === 0 || size > LIMITS.pathBytes) throw malformed(record, `its target has ${size} octets`);
			nameEnd += size;
		} else if (size > Number.MAX_SAFE_INTEGER) throw malformed(record, "its size is no whole number");
		if (nameEnd > nameBytes) throw malformed(record, "its name reaches past the names");
		if (record === starts[product]) {
			while (record === starts[product]) product++;
		} else if (!ascends(bytes, previous, previousBytes, start, pathBytes)) {
			throw malformed(record, "its path does not follow on the one before");
		}
		previous = start;
		previousBytes = pathBytes;
	}
	if (nameEnd !== nameBytes) throw new SigtoolError("ERR_INDEX_FORMAT", "Cannot read the trust index: unused names");
}

function malformed(record: number, reason: string): SigtoolError {
	return new SigtoolError("ERR_INDEX_FORMAT", `Cannot read the trust index: entry ${record}: ${reason}`);
}

/** Whether the path at `a` stands before the one at `b` in byte order. */
function ascends(bytes: Uint8Array, a: number, aBytes: number, b: number, bBytes: number): boolean {
	for (let i = 0; i < aBytes && i < bBytes; i++) {
		const difference = bytes[a + i] - bytes[b + i];
		if (difference !== 0) return difference < 0;
	}
	return aBytes < bBytes;
}

function compareToSought({ bytes, recordsStart, namesStart }: EntryTable, record: number, soughtBytes: number): number {
	const at = recordsStart + record * RECORD_BYTES;
	const start = namesStart + uint32(bytes, at + RECORD.nameStart);
	const pathBytes = uint16(bytes, at + RECORD.pathBytes);
	for (let i = 0; i < pathBytes && i < soughtBytes; i++) {
		const difference = bytes[start + i] - sought[i];
		if (difference !== 0) return difference;
	}
	return pathBytes - soughtBytes;
}

function entryAt({ bytes, recordsStart, namesStart }: EntryTable, record: number): IndexEntry {
	const at = recordsStart + record * RECORD_BYTES;
	const size = uint64(bytes, at + RECORD.size);
	if (uint16(bytes, at + RECORD.kind) === KIND.file) {
		return { kind: "file", sha256: hexAt(bytes, at + RECORD.digest), size };
	}
	const path = namesStart + uint32(bytes, at + RECORD.nameStart);
	return { kind: "link", target: textAt(bytes, path + uint16(bytes, at + RECORD.pathBytes), size) };
}

function hexAt(bytes: Uint8Array, start: number): string {
	let text = "";
	for (let i = start; i < start + 32; i++) text += HEX[bytes[i]];
	return text;
}

function textAt(bytes: Uint8Array, start: number, length: number): string {
	const octets = new Octets(length);
	for (let i = 0; i < length; i++) octets[i] = bytes[start + i];
	return decode(octets);
}

function uint16(bytes: Uint8Array, at: number): number {
	return bytes[at] | (bytes[at + 1] << 8);
}

function uint32(bytes: Uint8Array, at: number): number {
	return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function uint64(bytes: Uint8Array, at: number): number {
	return uint32(bytes, at) + uint32(bytes, at + 4) * 2 ** 32;
}

const Octets = Uint8Array;
const encodeInto = TextEncoder.prototype.encodeInto.bind(new TextEncoder());
const decode = TextDecoder.prototype.decode.bind(new TextDecoder("utf-8", { ignoreBOM: true }));
/** The path looked for: at most three octets a UTF-16 unit. */
const sought = new Octets(3 * LIMITS.pathBytes);
const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));
