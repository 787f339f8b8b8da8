/** Computes one digest of one file or of standard input for `sigtool digest`. */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { type AuthenticodeParts, authenticodeParts } from "../../digest/authenticode.js";
import { createFsverityHasher, type FsverityOptions } from "../../digest/fsverity.js";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { readOrWait } from "../../system/read-file.js";
import { fileChanged } from "./hash-file.js";
import { hashRange, readAt } from "./read-range.js";

/**
 * The value `authenticode` means the SHA-256 of the parts of a PE image or a cabinet that Authenticode covers. The
 * values `fsverity-*` mean the digests that fs-verity of the kernel computes.
 */
export type FileDigestAlgorithm = "sha256" | "sha512" | "authenticode" | "fsverity-sha256" | "fsverity-sha512";

/** Options that only `fsverity-*` accepts. */
export type FileDigestOptions = Omit<FsverityOptions, "algorithm">;

/** The result of `digestFile`. */
export interface FileDigest {
	readonly digest: Uint8Array;
	/** The size of the whole file, even if the digest covers only a part of it. */
	readonly sizeBytes: number;
}

/**
 * Hashes a regular file. Symbolic links are followed. The digest covers the whole file, or with `authenticode` only the
 * parts that Authenticode covers.
 * @throws ERR_ROOT_MISSING, ERR_FILE_TYPE (not regular; with `authenticode` neither PE image nor cabinet),
 * ERR_FILE_CHANGED, ERR_IO; TypeError, RangeError for options
 * @example
 * ```ts
 * import { digestFile } from "@sigtool/core/read";
 *
 * const { digest, sizeBytes } = digestFile("lib/main.js", "sha256");
 * console.log(digest.length, sizeBytes); // 32 21
 * ```
 */
export function digestFile(path: string, algorithm: FileDigestAlgorithm, options: FileDigestOptions = {}): FileDigest {
	const hasher = createHasher(algorithm, options);
	let descriptor = -1;
	try {
		descriptor = openSync(path, OPEN_FLAGS);
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) throw notOfType(path, stats.isDirectory() ? "it is a directory" : NOT_REGULAR);
		const parts = algorithm === "authenticode" ? coveredParts(path, descriptor, stats.size) : undefined;
		for (const [start, end] of parts?.ranges ?? [[0, stats.size]]) {
			if (!hashRange(descriptor, start, end, hasher)) throw fileChanged(path);
		}
		hasher.update(new Uint8Array(parts?.padding ?? 0));
		// Some files, such as those in /proc, contain more bytes than their size in fstat(2).
		const isLonger = readAt(descriptor, stats.size, 1).length !== 0;
		const after = fstatSync(descriptor);
		if (isLonger || after.size !== stats.size || after.mtimeMs !== stats.mtimeMs || after.ctimeMs !== stats.ctimeMs) {
			throw fileChanged(path);
		}
		return { digest: hasher.digest(), sizeBytes: stats.size };
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : failure(path, cause);
	} finally {
		if (descriptor !== -1) closeSync(descriptor);
	}
}

/**
 * Hashes standard input, which may be a file of any type, up to its end.
 * @throws ERR_IO; TypeError, RangeError for options
 */
export function digestStandardInput(
	algorithm: Exclude<FileDigestAlgorithm, "authenticode">,
	options: FileDigestOptions = {},
): FileDigest {
	const hasher = createHasher(algorithm, options);
	const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
	let sizeBytes = 0;
	try {
		for (let bytes = -1; bytes !== 0; sizeBytes += bytes) {
			bytes = readOrWait(STDIN, buffer);
			hasher.update(buffer.subarray(0, bytes));
		}
	} catch (cause) {
		throw ioError("hash", "standard input", cause);
	}
	return { digest: hasher.digest(), sizeBytes };
}

/** O_NONBLOCK keeps open(2) from waiting for the writer of a FIFO. Windows has no such flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const STDIN = 0;
const BUFFER_BYTES = 2 ** 17;
const NOT_REGULAR = "it is not a regular file; `-` reads standard input";

interface ContentHasher {
	update(content: Uint8Array): unknown;
	digest(): Buffer;
}

function createHasher(algorithm: FileDigestAlgorithm, options: FileDigestOptions): ContentHasher {
	if (algorithm === "fsverity-sha256") return createFsverityHasher({ ...options, algorithm: "sha256" });
	if (algorithm === "fsverity-sha512") return createFsverityHasher({ ...options, algorithm: "sha512" });
	if (options.salt !== undefined || options.blockSize !== undefined) {
		throw new TypeError(`salt and blockSize belong to fs-verity, not to ${algorithm}`);
	}
	return createHash(algorithm === "authenticode" ? "sha256" : algorithm);
}

function coveredParts(path: string, descriptor: number, sizeBytes: number): AuthenticodeParts {
	const parts = authenticodeParts(sizeBytes, (offset, length) => readAt(descriptor, offset, length));
	if (parts !== undefined) return parts;
	throw notOfType(path, "it is neither a PE image nor a cabinet; for such a file catalogs hold its sha256");
}

function failure(path: string, cause: unknown): SigtoolError {
	const code = isErrnoException(cause) ? cause.code : undefined;
	// A socket cannot be opened (ENXIO). A directory cannot be read or, on Windows, opened (EISDIR).
	if (code === "ENXIO" || code === "EISDIR") return notOfType(path, NOT_REGULAR);
	if (code !== "ENOENT") return ioError("hash", path, cause);
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot hash ${quote(path)}: it does not exist`, { cause, path });
}

function notOfType(path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot hash ${quote(path)}: ${reason}`, { path });
}
