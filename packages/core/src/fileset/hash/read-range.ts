/** Reads and hashes parts of an open file, without moving its position. */

import { readSync } from "node:fs";

const BUFFER_BYTES = 2 ** 17;
let buffer: Buffer | undefined;

/** Returns the bytes from `offset` on: `length` bytes, or fewer if the file ends before. */
export function readAt(descriptor: number, offset: number, length: number): Buffer {
	const bytes = Buffer.alloc(length);
	return bytes.subarray(0, readSync(descriptor, bytes, 0, length, offset));
}

/** Returns false if the file ends before `end`. */
export function hashRange(
	descriptor: number,
	start: number,
	end: number,
	hash: { update(bytes: Uint8Array): unknown },
): boolean {
	buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
	for (let position = start; position < end; ) {
		const bytes = readSync(descriptor, buffer, 0, Math.min(BUFFER_BYTES, end - position), position);
		if (bytes === 0) return false;
		hash.update(buffer.subarray(0, bytes));
		position += bytes;
	}
	return true;
}
