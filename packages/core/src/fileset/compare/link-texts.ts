/**
 * Recognises links that git wrote as files. Without `core.symlinks`, which is the default on Windows for most users, git
 * writes a file with the link's target as its text.
 */

import { hash } from "node:crypto";
import { readUpTo } from "./line-ends.js";

/** Returns true if the digest, SHA-1 or SHA-256, is that of a file with exactly this target as its text. */
export function isTextOfLink(digest: Uint8Array, target: string): boolean {
	const algorithm = digest.length === 20 ? "sha1" : "sha256";
	return hash(algorithm, Buffer.from(target), "buffer").equals(digest);
}

/** Returns true if the file at the path contains exactly this target. Reads no larger file. */
export function containsLink(path: string, target: string): boolean {
	const text = Buffer.from(target);
	return readUpTo(path, text.length)?.equals(text) === true;
}
