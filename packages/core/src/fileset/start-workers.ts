/** Worker threads for `hashFileSet`, in a module of their own: a small set never loads it. */

import { Worker } from "node:worker_threads";
import type { HashJob } from "./row-hasher.js";

/** Starts `count` workers on a job, as its threads from `first` on. They end by themselves and keep no process alive. */
export function startWorkers(job: HashJob, first: number, count: number, onError: (error: Error) => void): void {
	for (let thread = first; thread < first + count; thread++) {
		const worker = new Worker(new URL("./hash-worker.js", import.meta.url), {
			workerData: { job, thread },
			execArgv: [],
			// Every descriptor is closed by who opened it; keeping a set of them costs at each file.
			trackUnmanagedFds: false,
		});
		worker.on("error", onError);
		worker.unref();
	}
}
