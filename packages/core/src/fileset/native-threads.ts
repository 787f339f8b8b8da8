/**
 * Threads of `@sigtool/native`, which hash plain files without JavaScript. The package is optional: where it is missing
 * or was not built, there are none, and worker threads do the same work.
 */

import { createRequire } from "node:module";
import type { HashJob } from "./row-hasher.js";

export interface NativeThreads {
	/** Hashes up to `most` rows on the calling thread as well; returns how many there were to claim. */
	work(most: number): number;
	/** Waits until the threads have ended, which they do when the work is over or was abandoned. */
	stop(): void;
}

/** Starts `count` threads on a job; undefined where that cannot be done. */
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

/** What hash-threads.c registers; a job is opaque. */
interface NativeModule {
	start(rows: HashJob["rows"], root: string, threads: number, attributes: HashJob["attributes"]): object | undefined;
	work(job: object, most: number): number;
	stop(job: object): void;
}

let loaded: NativeModule | "missing" | undefined;

function loadNative(): NativeModule | undefined {
	if (loaded === undefined) {
		try {
			loaded = createRequire(import.meta.url)("@sigtool/native") as NativeModule; // Its types end at C.
		} catch {
			loaded = "missing";
		}
	}
	return loaded === "missing" ? undefined : loaded;
}
