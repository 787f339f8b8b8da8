/**
 * Gives the columns of `shared-rows.ts` to one job after the other.
 *
 * A process has one set of columns of full size, which its jobs use again and again. The garbage collector does not
 * count shared memory. If each job had a new set, with 360 MiB of address space, dozens of unused sets would stay until
 * the system refuses another one.
 */

import { unlessAborted } from "../../system/abort.js";
import { allocateRows, clearRows, MOST_ROWS, newCounters, type RowLimits, type SharedRows } from "./shared-rows.js";

/**
 * A job with a list of up to this number of paths gets columns of exactly its size. Each column usually takes less than
 * a page.
 */
const MOST_OWN_ROWS = 64;
const DIGEST_BYTES = 32;

let arena: SharedRows | undefined;
/**
 * The number of rows that the last job wrote. These rows are cleared only when the next job begins, because most
 * processes have no next job.
 */
let writtenRows = 0;
/** This promise is settled when no job uses the arena. */
let free: Promise<unknown> = Promise.resolve();

export interface RowUse<T> {
	/** Does the job with rows in which all columns are zero, except for the paths and the columns about whole files. */
	readonly run: (rows: SharedRows) => Promise<T>;
	/**
	 * Resolves when no thread of the job will write to the rows any more. The result is the number of rows that were
	 * written.
	 */
	readonly end: () => Promise<number>;
	/** Ends the waiting for other jobs. */
	readonly signal: AbortSignal | undefined;
}

/** Runs a job and throws its errors. Jobs that need the arena wait for each other. @throws AbortError */
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
	// This job waits for the workers of a job that failed. Workers do not keep the process alive, so a timer keeps it
	// alive.
	const waiting = setInterval(() => {}, 60_000);
	try {
		await unlessAborted(use.signal, turn);
	} catch (error) {
		void turn.then(release);
		throw error;
	} finally {
		clearInterval(waiting);
	}
	try {
		return await use.run(cleanRows(twins));
	} finally {
		// The caller gets an error at once, even if a thread is in the middle of a big file.
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
