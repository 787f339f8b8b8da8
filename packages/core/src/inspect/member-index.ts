/**
 * Finds the members of a catalog and their order by path, without keeping the members in memory. Only the offset of
 * each member and the beginning of its path are kept.
 */

import { DerReader, encode, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { parseMembers } from "../formats/cat-columns.js";
import { type Catalog, MAX_MEMBERS } from "../formats/cat-model.js";
import { type Pieces, pieceOf } from "./catalog-pieces.js";

/** Some members, in the form of a small catalog. */
export type MemberBatch = Pick<Catalog, "bytes" | "members">;

export interface MemberIndex {
	readonly count: number;
	/** False if the tags are not in ascending order. */
	readonly isSorted: boolean;
	/** Yields all members in batches, sorted by the bytes of their paths in UTF-8. Members without a path come last. */
	batches(pieces: Pieces): Generator<MemberBatch, void, undefined>;
}

const WINDOW_BYTES = 2 ** 20;
const BATCH_MEMBERS = 1024;
/**
 * Paths that are longer than this number of bytes are sorted by their first bytes only. Linux cannot open a longer path
 * (PATH_MAX).
 */
const MAX_KEY_BYTES = 4096;
const CHUNK_BYTES = 2 ** 20;

/**
 * Reads all members once. `pathOf` checks a member and returns its path, or undefined if the member has none.
 * @throws ERR_DER, ERR_CATALOG_FORMAT, ERR_LIMIT
 */
export function indexMembers(
	pieces: Pieces,
	{ start, end, version }: { readonly start: number; readonly end: number; readonly version: Catalog["version"] },
	pathOf: (batch: MemberBatch, row: number) => string | undefined,
): MemberIndex {
	let starts = new Uint32Array(BATCH_MEMBERS);
	let count = 0;
	let isSorted = true;
	let last: Uint8Array | undefined;
	const keys = new KeyList();
	for (const { offsets, bytes } of windows(pieces, start, end)) {
		if (count + offsets.length > MAX_MEMBERS) {
			throw new SigtoolError("ERR_LIMIT", `Cannot read catalog: more than ${MAX_MEMBERS} members`);
		}
		if (count + offsets.length > starts.length) {
			starts = grown(starts, new Uint32Array(2 * starts.length));
		}
		// The last member of the previous window comes first, so that the order of the tags is checked across
		// windows.
		const batch = batchOf(last === undefined ? [bytes] : [last, bytes], version);
		if (batch.members.order === "unsorted") isSorted = false;
		const before = last === undefined ? 0 : 1;
		for (const [row, offset] of offsets.entries()) {
			keys.add(pathOf(batch, row + before));
			starts[count++] = offset;
		}
		last = bytes.slice(offsets[offsets.length - 1] - offsets[0]);
	}
	const order = keys.order();
	const endOf = (row: number) => (row + 1 === count ? end : starts[row + 1]);
	return {
		count,
		isSorted,
		*batches(source) {
			for (let first = 0; first < count; first += BATCH_MEMBERS) {
				const rows = order.subarray(first, Math.min(first + BATCH_MEMBERS, count));
				const bytes = new Uint8Array(rows.reduce((sum, row) => sum + endOf(row) - starts[row], 0));
				let at = 0;
				for (const row of rows) {
					source.copy(bytes, at, starts[row], endOf(row));
					at += endOf(row) - starts[row];
				}
				yield batchOf([bytes], version);
			}
		},
	};
}

function batchOf(members: readonly Uint8Array[], version: Catalog["version"]): MemberBatch {
	const bytes = encode(TAG.SEQUENCE, ...members);
	return { bytes, members: parseMembers(new DerReader(bytes, "catalog"), version) };
}

/** Yields whole elements, at most BATCH_MEMBERS at a time, with the offset of each. */
function* windows(
	pieces: Pieces,
	start: number,
	end: number,
): Generator<{ readonly offsets: readonly number[]; readonly bytes: Uint8Array }, void, undefined> {
	let sizeBytes = WINDOW_BYTES;
	for (let position = start; position < end; ) {
		const window = pieceOf(pieces, position, Math.min(position + sizeBytes, end));
		// The reader's end is the end of the list, so an element may reach past the window.
		const reader = new DerReader(window, "catalog", 0, end - position);
		const offsets: number[] = [];
		let whole = 0;
		while (offsets.length < BATCH_MEMBERS && !reader.done) {
			// The longest header that the reader accepts has six bytes.
			if (reader.position + 6 > window.length && position + window.length < end) break;
			reader.next();
			if (reader.position > window.length) break;
			offsets.push(position + whole);
			whole = reader.position;
		}
		if (whole === 0) {
			// One element is larger than a window, so the window is read again with the size of this element.
			sizeBytes = reader.position + 6;
			continue;
		}
		sizeBytes = WINDOW_BYTES;
		yield { offsets, bytes: window.subarray(0, whole) };
		position += whole;
	}
}

/** Keeps and sorts the beginnings of paths. These keys are in chunks, so that adding more keys copies none of them. */
class KeyList {
	readonly #chunks: Buffer[] = [];
	#used = CHUNK_BYTES;
	#count = 0;
	/** The chunk of each key, its offset in the chunk, and its length. */
	#chunkNumbers = new Uint16Array(BATCH_MEMBERS);
	#offsets = new Uint32Array(BATCH_MEMBERS);
	#lengths = new Uint16Array(BATCH_MEMBERS);

	add(path: string | undefined): void {
		if (this.#count === this.#lengths.length) {
			this.#chunkNumbers = grown(this.#chunkNumbers, new Uint16Array(2 * this.#count));
			this.#offsets = grown(this.#offsets, new Uint32Array(2 * this.#count));
			this.#lengths = grown(this.#lengths, new Uint16Array(2 * this.#count));
		}
		if (this.#used + MAX_KEY_BYTES > CHUNK_BYTES) {
			this.#chunks.push(Buffer.alloc(CHUNK_BYTES));
			this.#used = 0;
		}
		const number = this.#chunks.length - 1;
		const write = (key: string) => this.#chunks[number].write(key, this.#used, MAX_KEY_BYTES, "utf8");
		const length = path === undefined ? 0 : write(path.replaceAll("\\", "/"));
		this.#chunkNumbers[this.#count] = number;
		this.#offsets[this.#count] = this.#used;
		this.#lengths[this.#count++] = path === undefined ? NO_PATH : length;
		this.#used += length;
	}

	/** Returns the rows in order. Rows with equal keys stay in the order in which they were added. */
	order(): Uint32Array {
		const chunks = this.#chunks;
		const chunkNumbers = this.#chunkNumbers;
		const offsets = this.#offsets;
		const lengths = this.#lengths;
		const order = new Uint32Array(this.#count);
		for (let row = 0; row < order.length; row++) order[row] = row;
		return order.sort((a, b) => {
			const aLength = lengths[a];
			const bLength = lengths[b];
			if (aLength === NO_PATH || bLength === NO_PATH) return aLength - bLength;
			const aChunk = chunks[chunkNumbers[a]];
			const bChunk = chunks[chunkNumbers[b]];
			const aStart = offsets[a];
			const bStart = offsets[b];
			const length = Math.min(aLength, bLength);
			for (let i = 0; i < length; i++) {
				const difference = aChunk[aStart + i] - bChunk[bStart + i];
				if (difference !== 0) return difference;
			}
			return aLength - bLength;
		});
	}
}

function grown<Column extends Uint16Array | Uint32Array>(column: Column, larger: Column): Column {
	larger.set(column);
	return larger;
}

const NO_PATH = 0xffff;
