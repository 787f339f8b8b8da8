/**
 * Runs the threads that hash the files of one job: the calling thread and, as soon as there is enough work, native
 * threads or workers.
 */

import { lstatSync } from "node:fs";
import { availableParallelism } from "node:os";
import { SigtoolError } from "../../errors.js";
import { createPauses, runSteps } from "../../system/abort.js";
import type { FileVisitor } from "./hash-file.js";
import { type NativeThreads, startNativeThreads } from "./native-threads.js";
import { announce, createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { bufferOver, COUNTER, MOST_THREADS, ROW_STATE } from "./shared-rows.js";

export interface HashThreads {
	/** Allows the threads to claim rows below `count`. */
	publish(count: number): Promise<void>;
	/**
	 * Declares that no more rows will come, and hashes until all rows are done.
	 * @throws ERR_INTERNAL if a worker died; AbortError
	 */
	finish(): Promise<void>;
	/** Ends the threads, even if there are rows left. Resolves when no thread will write to the rows any more. */
	end(): Promise<void>;
}

export interface HashThreadsOptions {
	/**
	 * The number of threads beside the calling thread, at most MOST_THREADS - 1. If it is undefined, the job gets one
	 * thread for each processor as soon as there is enough work.
	 */
	readonly workers: number | undefined;
	/**
	 * The value `native` means that native threads are used if they are installed, and `javascript` that they are not
	 * used. If the option is undefined, installed native threads are used as soon as there is enough work.
	 */
	readonly engine: "native" | "javascript" | undefined;
	/** A function that is called after every few files, and repeatedly within big files. */
	readonly onPiece: () => void;
	/** A visitor of the files that the calling thread hashes. */
	readonly visitor: FileVisitor | undefined;
	/** With a signal, the calling thread lets the event loop run every few milliseconds. */
	readonly signal: AbortSignal | undefined;
}

/**
 * For fewer files, and fewer bytes beside the largest file, loading the native module (2 ms) takes more time than the
 * module saves.
 */
const NATIVE_MIN_FILES = 64;
const NATIVE_MIN_BYTES = 2 ** 23;
/** For fewer files or bytes, starting a worker takes more time (25 ms) than the worker saves. */
const WORKER_MIN_FILES = 4096;
const WORKER_MIN_BIG_BYTES = 2 ** 25;

/**
 * The longest wait for workers, in milliseconds. A wait must have an end, because a worker may have died meanwhile.
 * Native threads do not notify this thread when they finish, so it looks again and again: first after 0.2 ms, then each
 * time after a tenth more, up to 5 ms. Looking more often would cost processor time, and waiting longer would delay the
 * end.
 */
const IDLE_MS = { workers: 20, native: { first: 0.2, growth: 1.1, most: 5 } };
/**
 * If no native thread has done anything for this time in milliseconds, the system may have allowed none, and the calling
 * thread hashes natively.
 */
const STALLED_MS = 100;

export function createHashThreads(
	job: HashJob,
	{ workers, engine, onPiece, visitor, signal }: HashThreadsOptions,
): HashThreads {
	const { counters } = job.rows;
	const hasher = createRowHasher(job, { thread: 0, onPiece, visitor });
	const count = Math.min(workers ?? availableParallelism() - 1, MOST_THREADS - 1);
	const pauses = signal && createPauses(signal);
	let native: NativeThreads | undefined;
	// Native threads can write the job's own attributes, but they cannot call any other visitor.
	let triedNative = engine === "javascript" || (visitor !== undefined && job.attributes === undefined);
	let started = count === 0;
	let death: Error | undefined;
	let workersEnd: Promise<unknown> | undefined;

	async function startWorkers(): Promise<void> {
		started = true;
		const { startWorkers } = await import("./start-workers.js");
		workersEnd = startWorkers(job, native === undefined ? 1 : MOST_THREADS, count, (error) => {
			death = error;
		});
	}

	/**
	 * A call of the native module cannot be stopped and reports no progress. So the calling thread leaves to native
	 * threads all that they can hash, and one more of them is started.
	 */
	function startNative(): void {
		triedNative = true;
		native = startNativeThreads(job, Math.min(count + 1, MOST_THREADS - 1));
	}

	/** The work that was done when the calling thread last looked, and the time at which that number changed. */
	let done = -1;
	let doneAt = 0;

	/** Returns true if there are rows, and no thread has done anything for STALLED_MS. */
	function isStalled(): boolean {
		const claimed = Atomics.load(counters, COUNTER.claimed);
		const now = job.rows.threadBytes.reduce((sum, bytes) => sum + bytes, claimed);
		if (now !== done) [done, doneAt] = [now, performance.now()];
		return claimed < Atomics.load(counters, COUNTER.published) && performance.now() - doneAt > STALLED_MS;
	}

	/** Hashes some rows, in pieces that take milliseconds. Returns false if there is nothing to do now. */
	async function step(): Promise<boolean> {
		// Native threads put the rows that only JavaScript can hash on the list of big files.
		if (await runSteps(hasher.bigSteps(), signal)) return true;
		if (native === undefined) return hasher.blockStep();
		return isStalled() && native.work(1) > 0;
	}

	let nativeIdleMs = IDLE_MS.native.first;

	/** Waits for other threads. */
	async function idle(news: number): Promise<void> {
		const ms = native === undefined ? IDLE_MS.workers : nativeIdleMs;
		if (native !== undefined) nativeIdleMs = Math.min(ms * IDLE_MS.native.growth, IDLE_MS.native.most);
		if (pauses !== undefined && native !== undefined) {
			await new Promise((resolve) => setTimeout(resolve, ms));
		} else {
			Atomics.wait(counters, COUNTER.news, news, ms);
			// If a worker died, its "error" event arrives through the event loop, which must run for that.
			await new Promise((resolve) => setImmediate(resolve));
		}
	}

	return {
		async publish(rows) {
			Atomics.store(counters, COUNTER.published, rows);
			announce(counters);
			onPiece();
			if (!triedNative && (engine === "native" || rows > NATIVE_MIN_FILES)) startNative();
			if (!started && native === undefined && (workers !== undefined || rows > WORKER_MIN_FILES)) await startWorkers();
			await pauses?.take();
		},
		async finish() {
			Atomics.store(counters, COUNTER.complete, 1);
			announce(counters);
			if (!triedNative && workersEnd === undefined && hasManyBytes(job)) startNative();
			while (!isOver(counters)) {
				const news = Atomics.load(counters, COUNTER.news);
				await pauses?.take();
				if (await step()) {
					const isWorth = hasher.bigBytes > WORKER_MIN_BIG_BYTES && bigFilesWaiting(counters) > 1;
					if (!started && isWorth) await startWorkers();
					continue;
				}
				if (isOver(counters)) break;
				await idle(news);
				onPiece();
				if (death !== undefined) {
					throw new SigtoolError("ERR_INTERNAL", "Cannot go on hashing: a worker thread died", { cause: death });
				}
			}
			native?.stop();
		},
		async end() {
			const isFinished = isOver(counters);
			Atomics.store(counters, COUNTER.abandoned, 1);
			announce(counters);
			native?.stop();
			if (!isFinished) await workersEnd;
		},
	};
}

function bigFilesWaiting(counters: Int32Array): number {
	return Atomics.load(counters, COUNTER.bigMet) - Atomics.load(counters, COUNTER.bigClaimed);
}

/** Returns true if the published files, without the largest one, have NATIVE_MIN_BYTES or more. */
function hasManyBytes({ base, rows }: HashJob): boolean {
	const { states, pathBytes, pathOffsets } = rows;
	const published = Atomics.load(rows.counters, COUNTER.published);
	const paths = bufferOver(pathBytes);
	let total = 0;
	let largest = 0;
	for (let row = 0; row < published && total - largest < NATIVE_MIN_BYTES; row++) {
		if (states[row] !== ROW_STATE.waiting) continue;
		const bytes = sizeOf(base + paths.toString("utf8", pathOffsets[row], pathOffsets[row + 1]));
		total += bytes;
		largest = Math.max(largest, bytes);
	}
	return total - largest >= NATIVE_MIN_BYTES;
}

/** Returns the size in bytes, or 0 for a file that cannot be examined. */
function sizeOf(path: string): number {
	try {
		return lstatSync(path).size;
	} catch {
		return 0;
	}
}
