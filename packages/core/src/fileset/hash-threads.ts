/** The threads of one job: the calling one, and native ones or workers from the moment the work is worth them. */

import { availableParallelism } from "node:os";
import { SigtoolError } from "../errors.js";
import type { FileVisitor } from "./hash-file.js";
import { type NativeThreads, startNativeThreads } from "./native-threads.js";
import { announce, createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER, MOST_THREADS } from "./shared-rows.js";

export interface HashThreads {
	/** Lets rows below `count` be claimed. */
	publish(count: number): Promise<void>;
	/** Says that no rows will come any more, and works until all are done with. @throws ERR_INTERNAL if a thread dies */
	finish(): Promise<void>;
	/** Ends the threads, whatever is left to do. */
	abandon(): void;
}

export interface HashThreadsOptions {
	/** Threads beside the calling one; when absent, one less than processors when the work is worth it. */
	readonly workers: number | undefined;
	/** `native` where that is installed; when absent, only for work worth it. */
	readonly engine: "native" | "javascript" | undefined;
	/** Called after every few files and within big ones. */
	readonly onPiece: () => void;
	/** Looks at the files that the calling thread hashes. */
	readonly visitor: FileVisitor | undefined;
}

/** What makes loading the native module worth it. */
const NATIVE_MIN_FILES = 64;
/** What makes a worker, which is ready after 25 ms, worth starting. */
const WORKER_MIN_FILES = 4096;
const WORKER_MIN_BIG_BYTES = 2 ** 25;

/** Longest wait for other threads between looks at whether one has died; native ones give no sign when they are done. */
const IDLE_MS = { workers: 20, native: 0.2 };
/** Rows hashed natively at a time, between looks at what is left to JavaScript. */
const NATIVE_BLOCK_ROWS = 8;

export function createHashThreads(
	job: HashJob,
	{ workers, engine, onPiece, visitor }: HashThreadsOptions,
): HashThreads {
	const { counters } = job.rows;
	const hasher = createRowHasher(job, { thread: 0, onPiece, visitor });
	const count = Math.min(workers ?? availableParallelism() - 1, MOST_THREADS - 1);
	let native: NativeThreads | undefined;
	// The job's own attributes are written by native threads as well.
	let triedNative = engine === "javascript" || (visitor !== undefined && job.attributes === undefined);
	let started = count === 0;
	let death: Error | undefined;

	async function startWorkers(): Promise<void> {
		started = true;
		const { startWorkers } = await import("./start-workers.js");
		startWorkers(job, native === undefined ? 1 : MOST_THREADS, count, (error) => {
			death = error;
		});
	}

	function step(): boolean {
		if (native === undefined) return hasher.step();
		// Rows that the native threads leave to JavaScript are on the list of big files.
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
				// A worker's death is told through the event loop.
				await new Promise((resolve) => setImmediate(resolve));
				if (death !== undefined) {
					throw new SigtoolError("ERR_INTERNAL", "Cannot go on hashing: a worker thread died", { cause: death });
				}
			}
			native?.stop();
		},
		abandon() {
			Atomics.store(counters, COUNTER.abandoned, 1);
			announce(counters);
			native?.stop();
		},
	};
}

function bigFilesWaiting(counters: Int32Array): number {
	return Atomics.load(counters, COUNTER.bigMet) - Atomics.load(counters, COUNTER.bigClaimed);
}
