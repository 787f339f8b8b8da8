/**
 * Hashes one file through one descriptor, and checks with fstat(2) that the file is regular and did not change
 * meanwhile.
 *
 * Synchronous reads into one reused buffer, and one call for each hash, are several times as fast on small files as
 * asynchronous reads. This module imports no code for directories and threads, so that the verification of a single
 * file starts at once.
 */

import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { AUTHENTICODE_FIRST_BYTE, authenticodeParts, type ReadAt } from "../../digest/authenticode.js";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { runAtOnce } from "../../system/abort.js";
import { ENTRY_KIND, type EntryKind, type WholeFileColumns } from "../manifest.js";
import { judgeSignatures } from "./embedded-signatures.js";
import { readAt } from "./read-range.js";

/**
 * The value `sha1` is for old catalogs only. The value `sha256+sha1` means that both digests of each file are
 * computed.
 */
export type DigestChoice = "sha256" | "sha1" | "sha256+sha1";

/** The columns that receive the facts about hashed files. They have the same meaning as in `Manifest`. */
export interface HashColumns extends WholeFileColumns {
	readonly kinds: Uint8Array;
	readonly modes: Uint16Array;
	readonly sizes: Float64Array;
	/** The digests, 32 bytes for each row, or 20 bytes if only SHA-1 is computed. */
	readonly digests: Buffer;
	/** The SHA-1 digests that are computed beside SHA-256, 20 bytes for each row. */
	readonly sha1Digests?: Buffer | undefined;
}

/** A file of this size in bytes or more can be deferred: it is put on a list from which every thread can take files. */
const BIG_FILE_BYTES = 2 ** 18;

/** A regular file while it is hashed. */
export interface OpenFile {
	/** The descriptor of the file, which is open for reading. */
	readonly descriptor: number;
	/** The path by which the file was opened. This path contained no symbolic link when the caller looked it up. */
	readonly path: string;
	/** The file's name in messages. */
	readonly name: string;
	readonly row: number;
	readonly stats: Stats;
}

/**
 * Receives the content of files while they are hashed, so that the files need not be read a second time for the
 * visitor.
 */
export interface FileVisitor {
	begin(file: OpenFile): void;
	/** Receives the content piece by piece, in order and without gaps. A piece is valid during the call only. */
	content(piece: Uint8Array): void;
	/**
	 * Receives the SHA-256 of the content, which did not change while it was read. Returns `wrote` if the visitor
	 * wrote attributes. In this case the content is read and compared once more.
	 */
	end(file: OpenFile, sha256: Uint8Array): "wrote" | "looked";
	/**
	 * Restores the attributes that `end` overwrote. The caller calls `undo` if the content is no longer the same after
	 * `end`.
	 */
	undo(file: OpenFile): void;
}

export interface HashFileOptions {
	readonly digest: "sha256" | "sha1";
	/** A visitor requires `digest: "sha256"`. */
	readonly visitor?: FileVisitor | undefined;
	/** The value `defer` leaves files of BIG_FILE_BYTES or more unhashed. */
	readonly bigFiles: "hash" | "defer";
	/** The file's name in messages. The default is its path. */
	readonly name?: string;
	/** A function that gets the size of each piece in bytes, if a file is read in pieces. */
	readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Hashes the file at `path` and writes its facts to `row`. A symbolic link is not followed.
 * @returns `deferred` if only size and mode were written
 * @throws ERR_FILE_TYPE, ERR_FILE_CHANGED (with the system's error as cause if the file is gone), ERR_IO
 */
export function hashFileInto(
	columns: HashColumns,
	row: number,
	path: string,
	options: HashFileOptions,
): "hashed" | "deferred" {
	return runAtOnce(hashFileSteps(columns, row, path, options));
}

/**
 * Does what `hashFileInto` does, and yields after each piece of a file that is read in pieces. Other files may be hashed
 * between the steps.
 */
export function* hashFileSteps(
	columns: HashColumns,
	row: number,
	path: string,
	options: HashFileOptions,
): Generator<void, "hashed" | "deferred"> {
	const name = options.name ?? path;
	const { visitor } = options;
	let descriptor = -1;
	try {
		descriptor = openSync(path, OPEN_FLAGS);
		buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
		const now = Date.now();
		const bytes = readSync(descriptor, buffer, 0, BUFFER_BYTES, 0);
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) throw notAFile(name);
		columns.sizes[row] = stats.size;
		columns.modes[row] = process.platform === "win32" ? 0o644 : stats.mode & 0o7777;
		const isSettled = Math.max(stats.mtimeMs, stats.ctimeMs) < now - SETTLED_MS;
		const isWhole = bytes === stats.size && bytes < BUFFER_BYTES;
		const file = visitor && { descriptor, path, name, row, stats };
		if (isSettled && isWhole && buffer[0] !== AUTHENTICODE_FIRST_BYTE) {
			const content = buffer.subarray(0, bytes);
			columns.kinds[row] = ENTRY_KIND.file;
			if (file !== undefined) visitor?.begin(file);
			visitor?.content(content);
			hashAtOnce(content, columns, row, options.digest);
			if (file !== undefined) endVisit(visitor, file, columns.digests.subarray(row * 32, row * 32 + 32));
			return "hashed";
		}
		if (bytes > stats.size) throw fileChanged(name);
		if (options.bigFiles === "defer" && stats.size >= BIG_FILE_BYTES) return "deferred";
		if (file !== undefined) visitor?.begin(file);
		const { kind, sha256 } = yield* hashInPieces(descriptor, buffer, stats.size, columns, row, name, options);
		columns.kinds[row] = kind;
		const after = fstatSync(descriptor);
		if (after.size !== stats.size || after.mtimeMs !== stats.mtimeMs || after.ctimeMs !== stats.ctimeMs) {
			throw fileChanged(name);
		}
		if (file !== undefined && sha256 !== undefined) endVisit(visitor, file, sha256);
		return "hashed";
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : failure(name, cause);
	} finally {
		if (descriptor !== -1) closeSync(descriptor);
	}
}

/**
 * O_NONBLOCK keeps open(2) from waiting if a FIFO has replaced the file. Windows has neither O_NONBLOCK nor
 * O_NOFOLLOW.
 */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const BUFFER_BYTES = 2 ** 17;
let buffer: Buffer | undefined;

/**
 * A file whose mtime and ctime were at least this old when the read began did not change during the read, because a
 * change would have set them to the present time. The value is larger than the resolution of file times, which is two
 * seconds on FAT. Such a file needs no second fstat(2), which saves a tenth of the time. hash-rows.c uses the same
 * value.
 */
export const SETTLED_MS = 3000;

function hashAtOnce(content: Buffer, columns: HashColumns, row: number, digest: "sha256" | "sha1"): void {
	const digestBytes = digest === "sha1" ? 20 : 32;
	// `hash` returns a Latin-1 string faster than a Buffer or hexadecimal text.
	columns.digests.write(hash(digest, content, "binary"), row * digestBytes, digestBytes, "latin1");
	columns.sha1Digests?.write(hash("sha1", content, "binary"), row * 20, 20, "latin1");
}

/**
 * Hashes a file of any size, from its beginning to `sizeBytes`. On entry, `piece` contains the file's first bytes,
 * because they show if the file may be a PE image or a cabinet. Then all pieces are read into `piece`.
 */
function* hashInPieces(
	descriptor: number,
	piece: Buffer,
	sizeBytes: number,
	columns: HashColumns,
	row: number,
	name: string,
	{ digest, visitor, onBytes }: HashFileOptions,
): Generator<void, { readonly kind: EntryKind; readonly sha256: Uint8Array | undefined }> {
	const read: ReadAt = (offset, length) => readAt(descriptor, offset, length);
	const parts = piece[0] === AUTHENTICODE_FIRST_BYTE ? authenticodeParts(sizeBytes, read) : undefined;
	const main = createHash(digest);
	const twin = columns.sha1Digests === undefined ? undefined : createHash("sha1");
	const whole = parts === undefined ? undefined : createHash("sha256");
	const ranges = parts?.ranges ?? [[0, sizeBytes]];
	let range = 0;
	for (let position = 0; position < sizeBytes; ) {
		const bytes = readSync(descriptor, piece, 0, Math.min(BUFFER_BYTES, sizeBytes - position), position);
		if (bytes === 0) throw fileChanged(name);
		const end = position + bytes;
		// The ranges are in ascending order. The bytes between them are a few fields of the header.
		while (range < ranges.length && ranges[range][0] < end) {
			const covered = piece.subarray(
				Math.max(ranges[range][0] - position, 0),
				Math.min(ranges[range][1], end) - position,
			);
			main.update(covered);
			twin?.update(covered);
			if (ranges[range][1] > end) break;
			range++;
		}
		const content = piece.subarray(0, bytes);
		whole?.update(content);
		visitor?.content(content);
		position = end;
		onBytes?.(bytes);
		yield;
	}
	const wholeDigest = whole?.digest();
	if (parts !== undefined && wholeDigest !== undefined) {
		columns.wholeDigests.set(wholeDigest, row * 32);
		columns.malformed[row] = judgeSignatures(parts, read) === "malformed" ? 1 : 0;
	}
	const padding = Buffer.alloc(parts?.padding ?? 0);
	const digestOfParts = main.update(padding).digest();
	columns.digests.set(digestOfParts, row * (digest === "sha1" ? 20 : 32));
	if (twin !== undefined) columns.sha1Digests?.set(twin.update(padding).digest(), row * 20);
	return { kind: ENTRY_KIND[parts?.kind ?? "file"], sha256: visitor && (wholeDigest ?? digestOfParts) };
}

/**
 * Passes the SHA-256 to the visitor. If the visitor wrote attributes, the content is read again, and `undo` is called
 * if the content is not the same.
 * @throws ERR_FILE_CHANGED
 */
function endVisit(visitor: FileVisitor | undefined, file: OpenFile, sha256: Uint8Array): void {
	if (visitor?.end(file, sha256) !== "wrote") return;
	if (!isStill(file, sha256)) {
		visitor.undo(file);
		throw fileChanged(file.name);
	}
}

/** Reads the content once more and returns true if it has this SHA-256. */
function isStill({ descriptor, stats }: OpenFile, sha256: Uint8Array): boolean {
	buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
	let bytes = readSync(descriptor, buffer, 0, BUFFER_BYTES, 0);
	if (bytes < BUFFER_BYTES) {
		return hash("sha256", buffer.subarray(0, bytes), "binary") === Buffer.from(sha256).toString("latin1");
	}
	const again = createHash("sha256");
	let position = 0;
	// The loop ends soon after the old size. Otherwise it would not end while another program keeps appending to the
	// file.
	while (bytes > 0 && position <= stats.size) {
		again.update(buffer.subarray(0, bytes));
		position += bytes;
		bytes = readSync(descriptor, buffer, 0, BUFFER_BYTES, position);
	}
	return again.digest().equals(sha256);
}

/**
 * Makes an ERR_FILE_CHANGED for the file `name`. If there is a cause, the message says that the file no longer exists.
 */
export function fileChanged(name: string, cause?: unknown): SigtoolError {
	const reason = cause === undefined ? "it changed while it was read" : "it is no longer there";
	return new SigtoolError("ERR_FILE_CHANGED", `Cannot hash ${quote(name)}: ${reason}`, { cause, path: name });
}

function notAFile(name: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot hash ${quote(name)}: it is not a regular file`, { path: name });
}

function failure(name: string, cause: unknown): SigtoolError {
	if (isMissing(cause)) return fileChanged(name, cause);
	const isOther = isErrnoException(cause) && ERRNO_OF_OTHER_TYPES.has(cause.code);
	return isOther ? notAFile(name) : ioError("hash", name, cause);
}

/**
 * open(2) has these errnos for a symbolic link or a socket, and read(2) for a directory, and for a FIFO or a terminal
 * at an offset.
 */
const ERRNO_OF_OTHER_TYPES: ReadonlySet<string> = new Set(["ELOOP", "ENXIO", "EISDIR", "ESPIPE"]);

function isMissing(cause: unknown): boolean {
	return isErrnoException(cause) && cause.code === "ENOENT";
}
