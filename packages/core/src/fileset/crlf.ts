/** Whether a text file would be what was signed had a version control system not changed its line ends. */

import { hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Larger files are not looked at. */
const MOST_BYTES = 2 ** 24;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Digest of the file's content with CRLF in place of every bare LF. Undefined when the question makes no sense: no bare
 * LF, a NUL (not text), more than 16 MiB, or not readable.
 */
export function hashWithCrlf(path: string, algorithm: "sha1" | "sha256"): Uint8Array | undefined {
	const text = readUpTo(path, MOST_BYTES);
	if (text === undefined || text.includes(0)) return undefined;
	const restored = Buffer.allocUnsafe(text.length * 2);
	let length = 0;
	let last = 0;
	for (const octet of text) {
		if (octet === LF && last !== CR) restored[length++] = CR;
		restored[length++] = octet;
		last = octet;
	}
	return length === text.length ? undefined : hash(algorithm, restored.subarray(0, length), "buffer");
}

function readUpTo(path: string, mostBytes: number): Uint8Array | undefined {
	let descriptor = -1;
	try {
		descriptor = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
		const stats = fstatSync(descriptor);
		if (!stats.isFile() || stats.size > mostBytes) return undefined;
		const content = Buffer.alloc(stats.size);
		let length = 0;
		for (let bytes = -1; bytes !== 0; length += bytes)
			bytes = readSync(descriptor, content, length, stats.size - length, null);
		return content.subarray(0, length);
	} catch {
		return undefined;
	} finally {
		if (descriptor !== -1) closeSync(descriptor);
	}
}
