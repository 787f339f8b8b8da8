/**
 * Starts native threads, which hash regular files without JavaScript. These threads leave files that may be PE images or
 * cabinets to JavaScript. The native addon is optional: without it, worker threads do the work.
 */

import { loadNative } from "../../system/native.js";
import type { HashJob } from "./row-hasher.js";

export interface NativeThreads {
	/**
	 * Claims and hashes up to `most` rows on the calling thread, and returns the number of rows that this call
	 * claimed.
	 */
	work(most: number): number;
	/** Waits until the threads have ended. They end when the work is finished or abandoned. */
	stop(): void;
}

/** Starts `count` threads on a job. Returns undefined if the native package is missing or cannot do the job. */
export function startNativeThreads(
	{ base, digest, rows, attributes }: HashJob,
	count: number,
): NativeThreads | undefined {
	const isOther = attributes?.attributes.some((attribute) => attribute.digest !== "sha256") ?? false;
	if (digest !== "sha256" || rows.sha1Digests !== undefined || isOther) return undefined;
	const native = loadNative();
	const job = native?.start(rows, base, count, attributes);
	if (native === undefined || job === undefined) return undefined;
	let isRunning = true;
	return {
		work: (most) => native.work(job, most),
		stop() {
			if (isRunning) native.stop(job);
			isRunning = false;
		},
	};
}
