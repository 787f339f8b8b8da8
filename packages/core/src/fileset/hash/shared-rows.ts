/**
 * Holds the rows of a file set while it is hashed, as columns and counters in memory that all threads share.
 *
 * Only the walking thread adds rows. Each row below `published` is claimed by at most one thread, and only that thread
 * writes the row's facts. Address space is reserved for the largest number of rows. The system provides the memory page
 * by page when rows are written. `row-arena.ts` uses one set of columns again and again.
 */

import type { HashColumns } from "./hash-file.js";

export interface SharedRows extends Omit<HashColumns, "digests" | "sha1Digests"> {
	readonly pathBytes: Uint8Array;
	readonly pathOffsets: Uint32Array;
	/** The ROW_STATE of each row. */
	readonly states: Uint8Array;
	readonly digests: Uint8Array;
	readonly sha1Digests: Uint8Array | undefined;
	/**
	 * The list of big files in the order in which they were found. An element is the row's number plus 1, or 0 until
	 * it is written.
	 */
	readonly bigRows: Int32Array;
	/** The counters, with the indices of COUNTER. */
	readonly counters: Int32Array;
	/** The number of bytes that each thread has hashed. Only that thread writes its element. */
	readonly threadBytes: Float64Array;
}

/**
 * A `waiting` row has a file to hash, and stays `waiting` after the file was hashed. A `settled` row is not
 * hashed, because it is a link, or a file that nobody has to open. The file of a `changed` row changed while it was read. A `failed` row is hashed again by `toManifest()`,
 * which reports the error.
 */
export const ROW_STATE = { waiting: 0, settled: 1, changed: 2, failed: 3 } as const;

export const COUNTER = {
	/** The number of rows that may be claimed. */
	published: 0,
	/** The value 1 means that no more rows will come. */
	complete: 1,
	/** The number of rows that were claimed. Threads claim rows in blocks. */
	claimed: 2,
	/** The number of rows that are finished. */
	finished: 3,
	/**
	 * `bigMet` is the number of big files that were put on the list. `bigClaimed` is the number of big files that were
	 * claimed from the list.
	 */
	bigMet: 4,
	bigClaimed: 5,
	/** The value 1 means that the work was abandoned. */
	abandoned: 6,
	/** This counter is incremented whenever a waiting thread may have something to do. */
	news: 7,
} as const;

export interface RowLimits {
	readonly rows: number;
	readonly pathBytes: number;
}

/** These limits are the number of members that a catalog can have, and 128 bytes for the path of each member. */
export const MOST_ROWS: RowLimits = { rows: 2 ** 21, pathBytes: 2 ** 28 };
/**
 * The largest number of native threads, and of workers. If workers run beside native threads, the first worker has this
 * number.
 */
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
		wholeDigests: new Uint8Array(shared(32 * rows)),
		malformed: new Uint8Array(shared(rows)),
		bigRows: new Int32Array(shared(4 * rows)),
		...newCounters(),
	};
}

/**
 * Returns the counters of a new job. Each job has its own counters, so that a thread of an earlier job, which may still
 * run, cannot claim rows of the new job.
 */
export function newCounters(): Pick<SharedRows, "counters" | "threadBytes"> {
	return {
		counters: new Int32Array(new SharedArrayBuffer(4 * Object.keys(COUNTER).length)),
		threadBytes: new Float64Array(new SharedArrayBuffer(8 * 2 * MOST_THREADS)),
	};
}

/**
 * Sets the first `count` rows to zero, except for the paths and the columns about whole files. A job reads these
 * columns only after it has written them.
 */
export function clearRows(rows: SharedRows, count: number): void {
	const { pathOffsets, states, kinds, modes, sizes, digests, sha1Digests, bigRows } = rows;
	for (const column of [states, kinds, modes, sizes, bigRows]) column.fill(0, 0, count);
	pathOffsets.fill(0, 0, count + 1);
	digests.fill(0, 0, (digests.length / states.length) * count);
	sha1Digests?.fill(0, 0, 20 * count);
}

/** Returns the columns that `hashFileInto()` writes. */
export function hashColumns(rows: SharedRows): HashColumns {
	const { digests, sha1Digests } = rows;
	return { ...rows, digests: bufferOver(digests), sha1Digests: sha1Digests && bufferOver(sha1Digests) };
}

export function bufferOver(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
