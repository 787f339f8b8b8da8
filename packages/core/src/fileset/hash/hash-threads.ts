/**
 * Runs the threads that hash the files of one job: the calling thread and, as soon as there is enough work, native
 * threads or workers.
 */

import { availableParallelism } from "node:os";
import { SigtoolError } from "../../errors.js";
import { createPauses, runSteps } from "../../system/abort.js";
import type { FileVisitor } from "./hash-file.js";
import { type NativeThreads, startNativeThreads } from "./native-threads.js";
import { announce, createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER, MOST_THREADS } from "./shared-rows.js";

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
	/**
	 * With a signal, the calling thread lets the event loop run every few milliseconds. So it leaves to native threads,
	 * which cannot be stopped in the middle of a call, all that they can hash, and one more of them is started.
	 */
	readonly signal: AbortSignal | undefined;
}

/** For fewer files, loading the native module takes more time than the module saves. */
const NATIVE_MIN_FILES = 64;
/** For fewer files or bytes, starting a worker takes more time (25 ms) than the worker saves. */
const WORKER_MIN_FILES = 4096;
const WORKER_MIN_BIG_BYTES = 2 ** 25;

/**
 * The longest wait for other threads, in milliseconds. A wait must have an end, because a worker may have died
 * meanwhile, and native threads do not notify this thread when they finish.
 */
const IDLE_MS = { workers: 20, native: 0.2 };
/**
 * If no native thread has claimed a row for this time in milliseconds, the system may have allowed none, and the calling
 * thread hashes natively after all.
 */
const STALLED_MS = 100;
/**
 * The number of rows that the calling thread hashes natively before it looks for rows that only JavaScript can hash.
 */
const NATIVE_BLOCK_ROWS = 8;

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

	function step(): boolean {
		if (native === undefined) return hasher.step();
		// Native threads put the rows that only JavaScript can hash on the list of big files.
		if (hasher.bigStep()) return true;
		const done = native.work(NATIVE_BLOCK_ROWS);
		onPiece();
		return done > 0;
	}

	/** The rows that were claimed when the calling thread last looked, and the time at which that number changed. */
	let claimed = -1;
	let claimedAt = 0;

	/** Returns true if there are rows, and none of them was claimed for STALLED_MS. */
	function isStalled(): boolean {
		const now = Atomics.load(counters, COUNTER.claimed);
		if (now !== claimed) [claimed, claimedAt] = [now, performance.now()];
		return now < Atomics.load(counters, COUNTER.published) && performance.now() - claimedAt > STALLED_MS;
	}

	/** Does what `step` does, in pieces that take milliseconds. */
	async function shortStep(ending: AbortSignal): Promise<boolean> {
		if (await runSteps(hasher.bigSteps(), ending)) return true;
		if (native === undefined) return hasher.blockStep();
		return isStalled() && native.work(1) > 0;
	}

	/** Waits for other threads. */
	async function idle(news: number): Promise<void> {
		if (pauses !== undefined && native !== undefined) {
			await new Promise((resolve) => setTimeout(resolve, 1));
		} else {
			Atomics.wait(counters, COUNTER.news, news, native === undefined ? IDLE_MS.workers : IDLE_MS.native);
			// If a worker died, its "error" event arrives through the event loop, which must run for that.
			await new Promise((resolve) => setImmediate(resolve));
		}
	}

	return {
		async publish(rows) {
			Atomics.store(counters, COUNTER.published, rows);
			announce(counters);
			onPiece();
			if (!triedNative && (engine === "native" || rows > NATIVE_MIN_FILES)) {
				triedNative = true;
				native = startNativeThreads(job, pauses === undefined ? count : Math.min(count + 1, MOST_THREADS - 1));
			}
			if (!started && native === undefined && (workers !== undefined || rows > WORKER_MIN_FILES)) await startWorkers();
			await pauses?.take();
		},
		async finish() {
			Atomics.store(counters, COUNTER.complete, 1);
			announce(counters);
			while (!isOver(counters)) {
				const news = Atomics.load(counters, COUNTER.news);
				await pauses?.take();
				if (signal === undefined ? step() : await shortStep(signal)) {
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
