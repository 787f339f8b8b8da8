/**
 * Does the work of every thread: claims rows with Atomics, hashes their files, and writes the results into the columns.
 * No locks are needed.
 */

import { SigtoolError } from "../../errors.js";
import { runAtOnce } from "../../system/abort.js";
import type { DigestAttributes } from "./attribute-writer.js";
import { type FileVisitor, type HashFileOptions, hashFileInto, hashFileSteps } from "./hash-file.js";
import { bufferOver, COUNTER, hashColumns, ROW_STATE, type SharedRows } from "./shared-rows.js";

/** The data that a thread needs. It can be passed to a worker thread. */
export interface HashJob {
	/** The absolute real path of the root, ending in "/". */
	readonly base: string;
	readonly digest: "sha256" | "sha1";
	readonly rows: SharedRows;
	/** The attributes that each thread writes to the files it hashes. */
	readonly attributes?: DigestAttributes | undefined;
}

export interface RowHasherOptions {
	/** The number of this thread among the threads of the job. */
	readonly thread: number;
	/** This function is called after every few files, and repeatedly within big files. */
	readonly onPiece?: () => void;
	/**
	 * This visitor receives the content of the files that this thread hashes, for example to write extended attributes.
	 */
	readonly visitor?: FileVisitor | undefined;
}

export interface RowHasher {
	/** Hashes a block of rows or one big file. Returns false if there is nothing to claim now. */
	step(): boolean;
	/** Hashes a block of rows, without big files. Returns false if there is no row to claim now. */
	blockStep(): boolean;
	/** Hashes one file from the list of big files. Returns false if the list has no file to claim. */
	bigStep(): boolean;
	/** Does what `bigStep` does, and yields after each piece of the file. */
	bigSteps(): Generator<void, boolean>;
	/**
	 * The total size in bytes of the big files that this thread put on the list, and of those files that native threads
	 * put on the list and this thread hashed.
	 */
	readonly bigBytes: number;
}

/** The number of rows that are claimed at a time. */
const BLOCK_ROWS = 64;

export function createRowHasher(job: HashJob, { thread, onPiece = () => {}, visitor }: RowHasherOptions): RowHasher {
	const { base, digest, rows } = job;
	const { counters, states, sizes, bigRows, threadBytes, pathBytes, pathOffsets } = rows;
	const columns = hashColumns(rows);
	const paths = bufferOver(pathBytes);
	const first: HashFileOptions = { digest, visitor, bigFiles: "defer" };
	const later: HashFileOptions = {
		digest,
		visitor,
		bigFiles: "hash",
		onBytes(bytes) {
			threadBytes[thread] += bytes;
			onPiece();
			if (Atomics.load(counters, COUNTER.abandoned) === 1) throw new Abandoned();
		},
	};
	let bigBytes = 0;

	function hashBlock(start: number, end: number): void {
		const text = paths.toString("latin1", pathOffsets[start], pathOffsets[end]);
		const isAscii = !NOT_ASCII.test(text);
		let finished = 0;
		let bytes = 0;
		for (let row = start; row < end; row++) {
			const from = pathOffsets[row];
			const to = pathOffsets[row + 1];
			if (states[row] === ROW_STATE.waiting) {
				const path = isAscii
					? text.substring(from - pathOffsets[start], to - pathOffsets[start])
					: paths.toString("utf8", from, to);
				if (hash(row, path) === "deferred") {
					bigBytes += sizes[row];
					Atomics.store(bigRows, Atomics.add(counters, COUNTER.bigMet, 1), row + 1);
					announce(counters);
					continue;
				}
				bytes += sizes[row];
			}
			finished++;
		}
		threadBytes[thread] += bytes;
		finish(finished);
	}

	function* hashBig(row: number): Generator<void, void> {
		const isMetByOthers = sizes[row] === 0;
		const path = paths.toString("utf8", pathOffsets[row], pathOffsets[row + 1]);
		try {
			yield* hashFileSteps(columns, row, base + path, visitor === undefined ? later : { ...later, name: path });
		} catch (error) {
			noteFailure(row, error);
		}
		if (isMetByOthers) bigBytes += sizes[row];
		finish(1);
	}

	function hash(row: number, path: string): "hashed" | "deferred" | "failed" {
		try {
			return hashFileInto(columns, row, base + path, visitor === undefined ? first : { ...first, name: path });
		} catch (error) {
			noteFailure(row, error);
			return "failed";
		}
	}

	function noteFailure(row: number, error: unknown): void {
		// toManifest() hashes the file again to report why a system call failed. But only this attempt has seen that
		// the file changed.
		const isChange = error instanceof SigtoolError && error.code === "ERR_FILE_CHANGED" && error.cause === undefined;
		states[row] = isChange ? ROW_STATE.changed : ROW_STATE.failed;
	}

	function finish(count: number): void {
		Atomics.add(counters, COUNTER.finished, count);
		announce(counters);
		onPiece();
	}

	function* bigSteps(): Generator<void, boolean> {
		const big = claimBig(counters);
		if (big === -1) return false;
		let row = 0;
		while (row === 0) row = Atomics.load(bigRows, big);
		yield* hashBig(row - 1);
		return true;
	}

	function bigStep(): boolean {
		return runAtOnce(bigSteps());
	}

	function blockStep(): boolean {
		const block = claimBlock(counters);
		if (block === undefined) return false;
		hashBlock(block.start, block.end);
		return true;
	}

	return {
		bigStep,
		bigSteps,
		blockStep,
		step: () => bigStep() || blockStep(),
		get bigBytes() {
			return bigBytes;
		},
	};
}

/** Ends the hashing of a big file whose job was abandoned. Nobody reads the facts of such a job. */
class Abandoned extends Error {}

/** Returns true if all rows are finished and no more will come, or if the work was abandoned. */
export function isOver(counters: Int32Array): boolean {
	if (Atomics.load(counters, COUNTER.abandoned) === 1) return true;
	if (Atomics.load(counters, COUNTER.complete) === 0) return false;
	return Atomics.load(counters, COUNTER.finished) === Atomics.load(counters, COUNTER.published);
}

/** Wakes threads that wait for `COUNTER.news`. */
export function announce(counters: Int32Array): void {
	Atomics.add(counters, COUNTER.news, 1);
	Atomics.notify(counters, COUNTER.news);
}

function claimBig(counters: Int32Array): number {
	for (;;) {
		const next = Atomics.load(counters, COUNTER.bigClaimed);
		if (next === Atomics.load(counters, COUNTER.bigMet)) return -1;
		if (Atomics.compareExchange(counters, COUNTER.bigClaimed, next, next + 1) === next) return next;
	}
}

function claimBlock(counters: Int32Array): { start: number; end: number } | undefined {
	for (;;) {
		const start = Atomics.load(counters, COUNTER.claimed);
		const end = Math.min(start + BLOCK_ROWS, Atomics.load(counters, COUNTER.published));
		if (start === end) return undefined;
		if (Atomics.compareExchange(counters, COUNTER.claimed, start, end) === start) return { start, end };
	}
}

const NOT_ASCII = /[\x80-\xff]/;
