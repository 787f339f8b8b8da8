/**
 * The rows of a file set while it is hashed: columns and counters in memory that all threads share.
 *
 * Only the walking thread adds rows. A row below `published` is claimed by exactly one thread, which alone writes its
 * facts. Memory is reserved for the most rows there may be; the system provides it page by page as rows come.
 */

import type { HashColumns } from "./hash-file.js";

export interface SharedRows extends Omit<HashColumns, "digests" | "sha1Digests"> {
	readonly pathBytes: Uint8Array;
	readonly pathOffsets: Uint32Array;
	/** ROW_STATE. */
	readonly states: Uint8Array;
	readonly digests: Uint8Array;
	readonly sha1Digests: Uint8Array | undefined;
	/** Rows of big files in the order they were met, plus one; 0 until written. */
	readonly bigRows: Int32Array;
	/** COUNTER. */
	readonly counters: Int32Array;
	/** Bytes hashed by each thread, written by that thread alone. */
	readonly threadBytes: Float64Array;
}

/** `settled` rows are not to be hashed: links. `failed` rows are hashed again where the reason can be reported. */
export const ROW_STATE = { waiting: 0, settled: 1, changed: 2, failed: 3 } as const;

export const COUNTER = {
	/** Rows that may be claimed. */
	published: 0,
	/** 1 when no more rows will come. */
	complete: 1,
	/** Rows claimed, in blocks. */
	claimed: 2,
	/** Rows that are done with. */
	finished: 3,
	/** Big files met, and claimed. */
	bigMet: 4,
	bigClaimed: 5,
	/** 1 when the work was given up. */
	abandoned: 6,
	/** Goes up whenever a waiting thread may have something to do. */
	news: 7,
} as const;

export interface RowLimits {
	readonly rows: number;
	readonly pathBytes: number;
}

/** As many rows as a catalog holds members, with 128 bytes of path each. */
export const MOST_ROWS: RowLimits = { rows: 2 ** 21, pathBytes: 2 ** 28 };
/** Native threads, and as many workers: numbers below this and from it on. */
export const MOST_THREADS = 16;

export function allocateRows(limits: RowLimits, digestBytes: number, twins: "with-sha1" | "none"): SharedRows {
	const { rows, pathBytes } = limits;
	const shared = (bytes: number) => new SharedArrayBuffer(bytes);
	return {
		pathBytes: new Uint8Array(shared(pathBytes)),
		pathOffsets: new Uint32Array(shared(4 * (rows + 1))),
		states: new Uint8Array(shared(rows)),
		kinds: new Uint8Array(shared(rows)),
		modes: new Uint16Array(shared(2 * rows)),
		sizes: new Float64Array(shared(8 * rows)),
		digests: new Uint8Array(shared(digestBytes * rows)),
		sha1Digests: twins === "with-sha1" ? new Uint8Array(shared(20 * rows)) : undefined,
		bigRows: new Int32Array(shared(4 * rows)),
		counters: new Int32Array(shared(4 * Object.keys(COUNTER).length)),
		threadBytes: new Float64Array(shared(8 * 2 * MOST_THREADS)),
	};
}

/** The columns a hashed file is written to. */
export function hashColumns(rows: SharedRows): HashColumns {
	const { kinds, modes, sizes, digests, sha1Digests } = rows;
	return { kinds, modes, sizes, digests: bufferOver(digests), sha1Digests: sha1Digests && bufferOver(sha1Digests) };
}

export function bufferOver(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
