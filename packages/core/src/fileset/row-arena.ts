/**
 * Lends the columns of `shared-rows.ts` to one job after the other.
 *
 * A process has one set of full size, which is used again. The garbage collector does not count shared memory, so it
 * would leave dozens of unused sets, 360 MiB of address space each, until the system refuses one more.
 */

import { allocateRows, clearRows, MOST_ROWS, newCounters, type RowLimits, type SharedRows } from "./shared-rows.js";

/** Lists of files up to this many paths get columns of their own size, which cost less than a page each. */
const MOST_OWN_ROWS = 64;
const DIGEST_BYTES = 32;

let arena: SharedRows | undefined;
/** The number of rows that the last job wrote. They are cleared for the next job, which most processes do not have. */
let writtenRows = 0;
/** Is settled when the arena is free. */
let free: Promise<unknown> = Promise.resolve();

export interface RowUse<T> {
	/** Does the job with rows that are zero. */
	readonly run: (rows: SharedRows) => Promise<T>;
	/** Resolves, when no thread of the job will write to the rows any more, to the number of rows that were written. */
	readonly end: () => Promise<number>;
}

/** Runs a job, whose errors it throws. Jobs that need the arena wait for each other. */
export async function withRows<T>(limits: RowLimits | "most", twins: "with-sha1" | "none", use: RowUse<T>): Promise<T> {
	if (limits !== "most" && limits.rows <= MOST_OWN_ROWS) {
		const rows = allocateRows(limits, DIGEST_BYTES, twins);
		return use.run(rows).finally(() => void use.end());
	}
	const turn = free;
	let release = () => {};
	free = new Promise<void>((resolve) => {
		release = resolve;
	});
	// The workers of a job that failed keep no process alive, and this job waits for them.
	const waiting = setInterval(() => {}, 60_000);
	await turn;
	clearInterval(waiting);
	try {
		return await use.run(cleanRows(twins));
	} finally {
		// The caller gets an error at once, even when a thread is in the middle of a big file.
		void use.end().then((count) => {
			writtenRows = count;
			release();
		});
	}
}

function cleanRows(twins: "with-sha1" | "none"): SharedRows {
	if (arena === undefined) arena = allocateRows(MOST_ROWS, DIGEST_BYTES, twins);
	else clearRows(arena, writtenRows);
	if (twins === "with-sha1" && arena.sha1Digests === undefined) {
		arena = { ...arena, sha1Digests: new Uint8Array(new SharedArrayBuffer(20 * MOST_ROWS.rows)) };
	}
	return { ...arena, ...newCounters(), sha1Digests: twins === "with-sha1" ? arena.sha1Digests : undefined };
}
