/** Hashes a text file with other line ends. This shows if a version control system changed only the line ends. */

import { hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** A file that is larger than this number of bytes is not read. */
const MOST_BYTES = 2 ** 24;
const LF = 0x0a;
const CR = 0x0d;

/** The digests of a text file with other line ends. A digest is undefined if the file already has these line ends. */
export interface OtherLineEnds {
	/** The digest with CRLF in place of every bare LF. */
	readonly crlf: Uint8Array | undefined;
	/** The digest with LF in place of every CRLF. */
	readonly lf: Uint8Array | undefined;
}

/**
 * Returns no digests if the file contains a NUL byte, is larger than 16 MiB, is not a regular file, or cannot be read.
 */
export function hashWithOtherLineEnds(path: string, algorithm: "sha1" | "sha256"): OtherLineEnds {
	const text = readUpTo(path, MOST_BYTES);
	if (text === undefined || text.includes(0)) return { crlf: undefined, lf: undefined };
	const withCrlf = Buffer.allocUnsafe(text.length * 2);
	const withLf = Buffer.allocUnsafe(text.length);
	let crlfLength = 0;
	let lfLength = 0;
	for (let i = 0; i < text.length; i++) {
		const byte = text[i];
		if (byte === LF && text[i - 1] !== CR) withCrlf[crlfLength++] = CR;
		withCrlf[crlfLength++] = byte;
		if (byte !== CR || text[i + 1] !== LF) withLf[lfLength++] = byte;
	}
	const digestOf = (content: Uint8Array) => {
		return content.length === text.length ? undefined : hash(algorithm, content, "buffer");
	};
	return { crlf: digestOf(withCrlf.subarray(0, crlfLength)), lf: digestOf(withLf.subarray(0, lfLength)) };
}

/** Returns the content of a regular file of at most so many bytes, or undefined for any other. */
export function readUpTo(path: string, mostBytes: number): Buffer | undefined {
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
