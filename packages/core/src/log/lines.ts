/**
 * Splits a log into lines while it is read, and digests them. A line is every byte up to a line feed, which does not
 * belong to it. The last line of a log may lack its line feed.
 */

import { createHash, type Hash, hash } from "node:crypto";

/** A longer line is digested but not kept. */
export const MAX_LINE_BYTES = 2 ** 20;

export interface LogLine {
	/** The number of the line in its file, from 1. */
	readonly number: number;
	/** Where the line begins in its file, after decompression. */
	readonly offsetBytes: number;
	readonly sizeBytes: number;
	/** The line, until the splitter gets the next piece. Undefined if the line is longer than MAX_LINE_BYTES. */
	readonly bytes: Buffer | undefined;
	readonly end: "line feed" | "end of file";
	/** The hash of the leaf of a line that is not kept. */
	readonly leaf: Buffer | undefined;
}

/** A part of a line that is not kept. All parts come before the line. */
export interface LinePart {
	readonly bytes: Buffer;
	/** The number of the line in its file, from 1. */
	readonly number: number;
	/** The line begins with this part. */
	readonly isFirst: boolean;
}

export interface LineSplitter {
	/** Yields the lines that this piece ends. The caller must take all of them before the next call. */
	push(piece: Buffer): Generator<LogLine, void, undefined>;
	/** Returns the last line if it has no line feed. */
	end(): LogLine | undefined;
}

export function createLineSplitter(takePart: (part: LinePart) => void = () => {}): LineSplitter {
	let number = 0;
	let offsetBytes = 0;
	/** The beginning of a line whose end has not come yet, in pieces. */
	let kept: Buffer[] = [];
	let keptBytes = 0;
	let long: Hash | undefined;

	function keep(part: Buffer): void {
		keptBytes += part.length;
		if (long === undefined && keptBytes > MAX_LINE_BYTES) {
			long = createHash("sha256").update(LEAF_PREFIX);
			const [first = part, ...others] = [...kept.splice(0), part];
			passOn(long, first, true);
			for (const other of others) passOn(long, other, false);
		} else if (long === undefined) kept.push(Buffer.from(part));
		else passOn(long, part, false);
	}

	function passOn(leaf: Hash, bytes: Buffer, isFirst: boolean): void {
		leaf.update(bytes);
		takePart({ bytes, number: number + 1, isFirst });
	}

	function take(rest: Buffer, end: LogLine["end"]): LogLine {
		let bytes: Buffer | undefined = rest;
		if (keptBytes > 0 || rest.length > MAX_LINE_BYTES) {
			keep(rest);
			bytes = long === undefined ? Buffer.concat(kept) : undefined;
		}
		const sizeBytes = bytes?.length ?? keptBytes;
		number++;
		const line = { number, offsetBytes, sizeBytes, bytes, end, leaf: long?.digest() };
		offsetBytes += sizeBytes + (end === "line feed" ? 1 : 0);
		kept = [];
		keptBytes = 0;
		long = undefined;
		return line;
	}

	return {
		*push(piece) {
			let start = 0;
			for (let feed = piece.indexOf(FEED); feed !== -1; feed = piece.indexOf(FEED, start)) {
				const rest = piece.subarray(start, feed);
				start = feed + 1;
				yield take(rest, "line feed");
			}
			if (start < piece.length) keep(piece.subarray(start));
		},
		end: () => (keptBytes === 0 ? undefined : take(Buffer.alloc(0), "end of file")),
	};
}

/**
 * Returns the SHA-256 of a line in lower-case hexadecimal. If the line has a `chain` and is the last of a file, the next
 * file's first line has this digest as `chain`.
 */
export function lineDigest({ bytes, leaf }: Pick<LogLine, "bytes" | "leaf">): string {
	if (bytes !== undefined) return hash("sha256", bytes, "hex");
	return leafHash({ bytes, leaf }).toString("hex");
}

const scratch = Buffer.alloc(MAX_LINE_BYTES + 1);

/** Returns the hash of a leaf of the Merkle tree: SHA-256(0x00 ‖ line). RFC 6962 §2.1. */
export function leafHash({ bytes, leaf }: Pick<LogLine, "bytes" | "leaf">): Buffer {
	if (leaf !== undefined) return leaf;
	const size = bytes?.copy(scratch, LEAF_PREFIX.length) ?? 0;
	return hash("sha256", scratch.subarray(0, LEAF_PREFIX.length + size), "buffer");
}

const FEED = 0x0a;
const LEAF_PREFIX = Buffer.of(0x00);
