/** The threads of one job: the calling one, and workers from the moment the work is worth them. */

import { availableParallelism } from "node:os";
import { SigtoolError } from "../errors.js";
import { announce, createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER, MOST_THREADS } from "./shared-rows.js";

export interface HashThreads {
	/** Lets rows below `count` be claimed. */
	publish(count: number): Promise<void>;
	/** Says that no rows will come any more, and works until all are done with. @throws ERR_INTERNAL if a thread dies */
	finish(): Promise<void>;
	/** Ends the workers, whatever is left to do. */
	abandon(): void;
}

/** What makes a worker, which is ready after 25 ms, worth starting. */
const WORKER_MIN_FILES = 4096;
const WORKER_MIN_BIG_BYTES = 2 ** 25;

/** Longest wait for other threads between looks at whether one has died. */
const IDLE_MS = 20;

/** `workers`: how many to start at once; when absent, one less than processors when the work is worth it. */
export function createHashThreads(job: HashJob, workers: number | undefined, onPiece: () => void): HashThreads {
	const { counters } = job.rows;
	const hasher = createRowHasher(job, 0, onPiece);
	const count = Math.min(workers ?? availableParallelism() - 1, MOST_THREADS - 1);
	let started = count === 0;
	let death: Error | undefined;

	async function start(): Promise<void> {
		started = true;
		const { startWorkers } = await import("./start-workers.js");
		startWorkers(job, count, (error) => {
			death = error;
		});
	}

	return {
		async publish(rows) {
			Atomics.store(counters, COUNTER.published, rows);
			announce(counters);
			onPiece();
			if (!started && (workers !== undefined || rows > WORKER_MIN_FILES)) await start();
		},
		async finish() {
			Atomics.store(counters, COUNTER.complete, 1);
			announce(counters);
			while (!isOver(counters)) {
				const news = Atomics.load(counters, COUNTER.news);
				if (hasher.step()) {
					if (!started && hasher.bigBytes > WORKER_MIN_BIG_BYTES && bigFilesWaiting(counters) > 1) await start();
					continue;
				}
				if (isOver(counters)) break;
				Atomics.wait(counters, COUNTER.news, news, IDLE_MS);
				onPiece();
				// A worker's death is told through the event loop.
				await new Promise((resolve) => setImmediate(resolve));
				if (death !== undefined) {
					throw new SigtoolError("ERR_INTERNAL", "Cannot go on hashing: a worker thread died", { cause: death });
				}
			}
		},
		abandon() {
			Atomics.store(counters, COUNTER.abandoned, 1);
			announce(counters);
		},
	};
}

function bigFilesWaiting(counters: Int32Array): number {
	return Atomics.load(counters, COUNTER.bigMet) - Atomics.load(counters, COUNTER.bigClaimed);
}
