/**
 * Reads files up to a size limit. Each is opened, checked and read by one descriptor, so that the file that is checked
 * is the one that is read. All functions are synchronous, because they read few and mostly small files.
 */

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { isErrnoException, quote, SigtoolError } from "../errors.js";
import { asIoError, refusal } from "./disk-errors.js";

/**
 * Reads a whole regular file.
 * @throws ERR_USAGE for a directory or a PEM text; ERR_ROOT_MISSING if the file does not exist; ERR_LIMIT if it has
 * more than `maxBytes` bytes; ERR_IO
 */
export function readBounded(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes, "regular").bytes;
}

/**
 * Returns what `isExpected` returns for the content of the file, or false for a file of more than `maxBytes` bytes.
 * @throws the other errors of `readBounded`
 */
export function hasContent(path: string, maxBytes: number, isExpected: (content: Buffer) => boolean): boolean {
	try {
		return isExpected(readBounded(path, maxBytes));
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_LIMIT") return false;
		throw error;
	}
}

/**
 * An open regular file that is read in pieces, because it may not fit in memory. All pieces come from one descriptor.
 */
export interface FilePieces {
	readonly sizeBytes: number;
	/**
	 * A text that differs if the file was replaced or written to: size, inode, and times of modification and change.
	 * Two different contents have the same text only if the times of the file system are too coarse.
	 */
	readonly state: string;
	/**
	 * Copies the bytes from offset `start` up to offset `end` of the file (exclusive) to `target`, at offset `at` of
	 * `target`.
	 * @throws ERR_IO, also if the file has become shorter
	 */
	copy(target: Uint8Array, at: number, start: number, end: number): void;
	close(): void;
}

/**
 * Opens a regular file. The caller must close it.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_IO; ERR_LIMIT if the file has more than `maxBytes` bytes
 */
export function openPieces(path: string, maxBytes: number): FilePieces {
	const { descriptor, stats } = openForReading(path, maxBytes, "regular");
	return {
		sizeBytes: stats.size,
		state: [stats.size, stats.ino, stats.mtimeMs, stats.ctimeMs].join(" "),
		copy(target, at, start, end) {
			try {
				for (let done = start; done < end; ) {
					const count = readSync(descriptor, target, at + done - start, end - done, done);
					if (count === 0) throw refusal("read", path, "it became shorter while it was read");
					done += count;
				}
			} catch (cause) {
				throw asIoError("read", path, cause);
			}
		},
		close: () => closeSync(descriptor),
	};
}

export interface SecretFile {
	readonly bytes: Buffer;
	/**
	 * The value is `shared` if the mode of the file gives its group or other users access. On Windows the value is
	 * always `private`.
	 */
	readonly access: "private" | "shared";
}

/**
 * Reads a key like `readInput`, and reports if the mode gives other users access to the file. @throws the errors of
 * `readInput`
 */
export function readSecret(path: string, maxBytes: number): SecretFile {
	const { bytes, stats } = readWithStats(path, maxBytes, "any");
	return { bytes, access: process.platform !== "win32" && (stats.mode & 0o077) !== 0 ? "shared" : "private" };
}

/**
 * Reads a whole input that the user named: a regular file, a pipe, a terminal or a process substitution. The path
 * `/dev/stdin` means standard input on every system. Waits until the writer of a pipe has closed the pipe.
 * @throws the errors of `readBounded`
 */
export function readInput(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes, "any").bytes;
}

/**
 * Refuses a path that is in fact a PEM text. The message does not repeat the text, because it may be a private key.
 * @throws ERR_USAGE
 */
export function refusePem(path: string): void {
	const [, label] = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(path) ?? [];
	if (label === undefined) return;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot read a PEM text (${label}) that was given as a name: give the name of a file`,
	);
}

function readWithStats(path: string, maxBytes: number, kinds: "regular" | "any"): { bytes: Buffer; stats: Stats } {
	const { descriptor, stats } = openForReading(path, maxBytes, kinds);
	try {
		const bytes = stats.isFile() ? readFully(descriptor, stats.size, path) : readToEnd(descriptor, maxBytes, path);
		return { bytes, stats };
	} catch (cause) {
		throw asIoError("read", path, cause);
	} finally {
		if (descriptor !== STDIN) closeSync(descriptor);
	}
}

/**
 * Opens a file and checks its type and its size. The caller must close the descriptor, unless it is STDIN.
 * @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO
 */
function openForReading(
	path: string,
	maxBytes: number,
	kinds: "regular" | "any",
): { descriptor: number; stats: Stats } {
	refusePem(path);
	let descriptor: number | undefined;
	try {
		// O_NONBLOCK keeps open(2) from waiting for the writer of a FIFO. It is set if only a regular file is accepted,
		// so that a FIFO is refused at once.
		const flags = constants.O_RDONLY | (kinds === "any" ? 0 : (constants.O_NONBLOCK ?? 0));
		// If standard input is a socket, opening `/dev/stdin` fails. So descriptor 0 is used directly.
		descriptor = kinds === "any" && path === "/dev/stdin" ? STDIN : openSync(path, flags);
		const stats = fstatSync(descriptor);
		if (stats.isFile() && stats.size > maxBytes) throw tooLarge(path, maxBytes);
		if (stats.isDirectory()) {
			throw new SigtoolError("ERR_USAGE", `Cannot read ${quote(path)}: it is a directory; name a file`, { path });
		}
		if (!stats.isFile() && kinds === "regular") throw refusal("read", path, "it is not a regular file");
		return { descriptor, stats };
	} catch (cause) {
		if (descriptor !== undefined && descriptor !== STDIN) closeSync(descriptor);
		if (isErrnoException(cause) && cause.code === "ENOENT") {
			const message = `Cannot read ${quote(path)}: no such file or directory`;
			throw new SigtoolError("ERR_ROOT_MISSING", message, { cause, path });
		}
		throw asIoError("read", path, cause);
	}
}

const STDIN = 0;

function readFully(descriptor: number, sizeBytes: number, path: string): Buffer {
	// The buffer has one byte more than the size that fstat(2) returned. If this byte is filled, the file has grown.
	// The buffer is not taken from the pool of Node.js, because the file may be a key, and the pool is shared.
	const bytes = Buffer.allocUnsafeSlow(sizeBytes + 1);
	let length = 0;
	for (let count = -1; count !== 0 && length < bytes.length; length += count) {
		count = readSync(descriptor, bytes, length, bytes.length - length, null);
	}
	if (length > sizeBytes) throw refusal("read", path, "it grew while it was read");
	return bytes.subarray(0, length);
}

/** Reads a file that is not regular, such as a pipe or a terminal, up to its end. Its size is not known before. */
function readToEnd(descriptor: number, maxBytes: number, path: string): Buffer {
	const chunks: Buffer[] = [];
	for (let total = 0; ; ) {
		const chunk = Buffer.allocUnsafeSlow(PIPE_BYTES);
		const count = readOrWait(descriptor, chunk);
		if (count === 0) return Buffer.concat(chunks);
		total += count;
		if (total > maxBytes) throw tooLarge(path, maxBytes);
		chunks.push(chunk.subarray(0, count));
	}
}

/**
 * Reads the next bytes of a pipe, a terminal or a file, and returns their number. The number is 0 at the end. If
 * another process has made standard input non-blocking, waits until there are bytes. On Windows the error EOF means the
 * end of a pipe.
 */
export function readOrWait(descriptor: number, chunk: Buffer): number {
	for (;;) {
		try {
			return readSync(descriptor, chunk, 0, chunk.length, null);
		} catch (error) {
			const code = isErrnoException(error) ? error.code : undefined;
			if (code === "EOF") return 0;
			if (code !== "EAGAIN") throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EAGAIN_PAUSE_MS);
		}
	}
}

const EAGAIN_PAUSE_MS = 10;
/** The default capacity of a pipe in Linux, in bytes. */
const PIPE_BYTES = 65_536;

function tooLarge(path: string, maxBytes: number): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot read ${quote(path)}: it is larger than ${maxBytes} bytes`, { path });
}
