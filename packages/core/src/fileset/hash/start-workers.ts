/** Starts worker threads for `hashFileSet`. This code is a separate module, so that small sets do not load it. */

import { startThread } from "../../system/parts.js";
import type { HashJob } from "./row-hasher.js";

/**
 * Starts `count` workers with the thread numbers from `first` on. The workers end by themselves and keep no process
 * alive. The promise resolves when all workers have ended.
 */
export function startWorkers(
	job: HashJob,
	first: number,
	count: number,
	onError: (error: Error) => void,
): Promise<unknown> {
	const ends: Promise<unknown>[] = [];
	for (let thread = first; thread < first + count; thread++) {
		const worker = startThread(new URL("./hash-worker.js", import.meta.url), {
			workerData: { job, thread },
			execArgv: [],
			// Tracking descriptors would cost time for each file, and every descriptor is closed by the code that
			// opened it.
			trackUnmanagedFds: false,
		});
		worker.on("error", onError);
		ends.push(new Promise((resolve) => worker.on("exit", resolve)));
		worker.unref();
	}
	return Promise.all(ends);
}
