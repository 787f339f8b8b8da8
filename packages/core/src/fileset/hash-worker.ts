/** A worker thread of `hashFileSet`: hashes rows of the job it was given until there are no more. */

import { workerData } from "node:worker_threads";
import { createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER } from "./shared-rows.js";

const { job, thread } = workerData as { job: HashJob; thread: number }; // Given by start-workers.ts.
const { counters } = job.rows;
const hasher = createRowHasher(job, thread);

while (!isOver(counters)) {
	const news = Atomics.load(counters, COUNTER.news);
	if (!hasher.step()) {
		if (isOver(counters)) break;
		Atomics.wait(counters, COUNTER.news, news);
	}
}
