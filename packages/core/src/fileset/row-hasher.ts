/** The loop every thread runs: claim rows through Atomics, hash them, write their columns. No messages, no locks. */

import { SigtoolError } from "../errors.js";
import type { DigestAttributes } from "./attribute-writer.js";
import { type FileVisitor, type HashFileOptions, hashFileInto } from "./hash-file.js";
import { bufferOver, COUNTER, hashColumns, ROW_STATE, type SharedRows } from "./shared-rows.js";

/** What a thread needs to know; can be passed to a worker. */
export interface HashJob {
	/** Absolute real path of the root, "/" behind it. */
	readonly base: string;
	readonly digest: "sha256" | "sha1";
	readonly rows: SharedRows;
	/** Attributes that each thread writes to the files it hashes. */
	readonly attributes?: DigestAttributes | undefined;
}

export interface RowHasherOptions {
	/** Numbers the threads of a job. */
	readonly thread: number;
	/** Called after every few files and within big ones. */
	readonly onPiece?: () => void;
	/** Looks at the files this thread hashes. */
	readonly visitor?: FileVisitor | undefined;
}

export interface RowHasher {
	/** Does one piece of work: a block of rows or one big file. False when there is none to be claimed now. */
	step(): boolean;
	/** Hashes one file of the list of big ones, if there is any. */
	bigStep(): boolean;
	/** Bytes of the big files this thread has met or, where others met them, hashed. */
	readonly bigBytes: number;
}

/** Rows claimed at a time. */
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
				if (hash(row, path, first) === "deferred") {
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

	function hashBig(row: number): void {
		const isMetByOthers = sizes[row] === 0;
		hash(row, paths.toString("utf8", pathOffsets[row], pathOffsets[row + 1]), later);
		if (isMetByOthers) bigBytes += sizes[row];
		finish(1);
	}

	function hash(row: number, path: string, options: HashFileOptions): "hashed" | "deferred" | "failed" {
		try {
			return hashFileInto(columns, row, base + path, visitor === undefined ? options : { ...options, name: path });
		} catch (error) {
			// A failed system call can be made again where its reason is reported; that a file changed is seen only here.
			const isChange = error instanceof SigtoolError && error.code === "ERR_FILE_CHANGED" && error.cause === undefined;
			states[row] = isChange ? ROW_STATE.changed : ROW_STATE.failed;
			return "failed";
		}
	}

	function finish(count: number): void {
		Atomics.add(counters, COUNTER.finished, count);
		announce(counters);
		onPiece();
	}

	function bigStep(): boolean {
		const big = claimBig(counters);
		if (big === -1) return false;
		let row = 0;
		while (row === 0) row = Atomics.load(bigRows, big);
		hashBig(row - 1);
		return true;
	}

	return {
		bigStep,
		step() {
			if (bigStep()) return true;
			const block = claimBlock(counters);
			if (block === undefined) return false;
			hashBlock(block.start, block.end);
			return true;
		},
		get bigBytes() {
			return bigBytes;
		},
	};
}

/** True when every row there will ever be is done with, or the work was given up. */
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
