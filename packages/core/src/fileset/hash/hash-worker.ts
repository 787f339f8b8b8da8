/**
 * Runs in a worker thread of `hashFileSet`. It hashes rows of the job until all rows are finished or the job is
 * abandoned.
 */

import { workerData } from "node:worker_threads";
import { loadAttributes } from "../../system/attributes.js";
import { digestAttributeWriter } from "./attribute-writer.js";
import { createRowHasher, type HashJob, isOver } from "./row-hasher.js";
import { COUNTER } from "./shared-rows.js";

work(workerData as { job: HashJob; thread: number }); // start-workers.ts passes this type.

async function work({ job, thread }: { job: HashJob; thread: number }): Promise<void> {
	const { counters } = job.rows;
	const visitor = job.attributes && digestAttributeWriter(await loadAttributes(), job.attributes);
	const hasher = createRowHasher(job, { thread, visitor });
	while (!isOver(counters)) {
		const news = Atomics.load(counters, COUNTER.news);
		if (!hasher.step()) {
			if (isOver(counters)) break;
			Atomics.wait(counters, COUNTER.news, news);
		}
	}
}
