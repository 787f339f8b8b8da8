/**
 * Runs the threads that hash the files of one job: the calling thread and, as soon as there is enough work, native
 * threads or workers.
 */

import { availableParallelism } from "node:os";
import { SigtoolError } from "../errors.js";
import type { FileVisitor } from "./hash-file.js";
import { type NativeThreads, startNativeThreads } from "./native-threads.js";
import { announce, createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER, MOST_THREADS } from "./shared-rows.js";

export interface HashThreads {
	/** Allows the threads to claim rows below `count`. */
	publish(count: number): Promise<void>;
	/**
	 * Declares that no more rows will come, and hashes until all rows are done.
	 * @throws ERR_INTERNAL if a worker died
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
 * The number of rows that the calling thread hashes natively before it looks for rows that only JavaScript can hash.
 */
const NATIVE_BLOCK_ROWS = 8;

export function createHashThreads(
	job: HashJob,
	{ workers, engine, onPiece, visitor }: HashThreadsOptions,
): HashThreads {
	const { counters } = job.rows;
	const hasher = createRowHasher(job, { thread: 0, onPiece, visitor });
	const count = Math.min(workers ?? availableParallelism() - 1, MOST_THREADS - 1);
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

	return {
		async publish(rows) {
			Atomics.store(counters, COUNTER.published, rows);
			announce(counters);
			onPiece();
			if (!triedNative && (engine === "native" || rows > NATIVE_MIN_FILES)) {
				triedNative = true;
				native = startNativeThreads(job, count);
			}
			if (!started && native === undefined && (workers !== undefined || rows > WORKER_MIN_FILES)) await startWorkers();
		},
		async finish() {
			Atomics.store(counters, COUNTER.complete, 1);
			announce(counters);
			while (!isOver(counters)) {
				const news = Atomics.load(counters, COUNTER.news);
				if (step()) {
					const isWorth = hasher.bigBytes > WORKER_MIN_BIG_BYTES && bigFilesWaiting(counters) > 1;
					if (!started && isWorth) await startWorkers();
					continue;
				}
				if (isOver(counters)) break;
				Atomics.wait(counters, COUNTER.news, news, native === undefined ? IDLE_MS.workers : IDLE_MS.native);
				onPiece();
				// If a worker died, its "error" event arrives through the event loop, which must run for that.
				await new Promise((resolve) => setImmediate(resolve));
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
