/**
 * Hashing one file: one descriptor, what it is before and after, and a digest in between.
 *
 * Synchronous reads into one reused buffer and one-shot hashes: on small files several times as fast as any asynchronous
 * way, and it needs no other part of the engine, so that verifying a single file starts at once.
 */

import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { AUTHENTICODE_FIRST_BYTE, authenticodeParts, type ReadAt } from "../digest/authenticode.js";
import { ioError, isErrnoException, quote, SigtoolError } from "../errors.js";
import { ENTRY_KIND, type EntryKind } from "./manifest.js";

/** `sha1` serves old catalogs alone; with `sha256+sha1` a SHA-1 twin stands beside each digest. */
export type DigestChoice = "sha256" | "sha1" | "sha256+sha1";

/** Columns a hashed file's facts are written to; as in a manifest. */
export interface HashColumns {
	readonly kinds: Uint8Array;
	readonly modes: Uint16Array;
	readonly sizes: Float64Array;
	/** 32 bytes a row, or 20 for SHA-1 alone. */
	readonly digests: Buffer;
	/** 20 bytes a row. */
	readonly sha1Digests?: Buffer | undefined;
}

/** Files from this size on are left to whoever shares them out. */
export const BIG_FILE_BYTES = 2 ** 18;

/** A regular file while it is hashed. */
export interface OpenFile {
	/** Opened for reading. */
	readonly descriptor: number;
	/** By which it was opened: no link is in it, or there was none. */
	readonly path: string;
	/** What messages call the file. */
	readonly name: string;
	readonly row: number;
	readonly stats: Stats;
}

/** Looks at files while they are hashed, so that each is read once for everyone. */
export interface FileVisitor {
	begin(file: OpenFile): void;
	/** The whole content in order; the octets are valid during the call only. */
	content(piece: Uint8Array): void;
	/**
	 * Called once the content is known not to have changed while it was read, with its SHA-256. `wrote`, when the visitor
	 * attached something to the file: then the content is read once more.
	 */
	end(file: OpenFile, sha256: Uint8Array): "wrote" | "looked";
	/** The content is no longer what it was: takes back what `end` wrote. */
	undo(file: OpenFile): void;
}

export interface HashFileOptions {
	readonly digest: "sha256" | "sha1";
	/** Needs SHA-256. */
	readonly visitor?: FileVisitor | undefined;
	/** `defer`: a file of BIG_FILE_BYTES or more is left unhashed. */
	readonly bigFiles: "hash" | "defer";
	/** What messages call the file; its path when absent. */
	readonly name?: string;
	/** Called after each piece of a file that is read in pieces. */
	readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Hashes the file at `path` and writes its facts to `row`. A symbolic link is not followed.
 * @returns `deferred` after writing only the size
 * @throws ERR_FILE_TYPE, ERR_FILE_CHANGED (with the system's error as cause when the file is gone), ERR_IO
 */
export function hashFileInto(
	columns: HashColumns,
	row: number,
	path: string,
	options: HashFileOptions,
): "hashed" | "deferred" {
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
		const { kind, sha256 } = hashInPieces(descriptor, buffer, stats.size, columns, row, name, options);
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

export interface HashedFile {
	readonly kind: EntryKind;
	/** st_mode & 0o7777; 0o644 on Windows. */
	readonly mode: number;
	readonly sizeBytes: number;
	readonly digest: Uint8Array;
	readonly sha1Digest: Uint8Array | undefined;
}

/** @throws ERR_ROOT_MISSING, ERR_FILE_TYPE (for a symbolic link too), ERR_FILE_CHANGED, ERR_IO */
export function hashSingleFile(path: string, choice: DigestChoice = "sha256"): HashedFile {
	const digest = choice === "sha1" ? "sha1" : "sha256";
	const columns = {
		kinds: new Uint8Array(1),
		modes: new Uint16Array(1),
		sizes: new Float64Array(1),
		digests: Buffer.alloc(digest === "sha1" ? 20 : 32),
		sha1Digests: choice === "sha256+sha1" ? Buffer.alloc(20) : undefined,
	};
	try {
		hashFileInto(columns, 0, path, { digest, bigFiles: "hash" });
	} catch (error) {
		if (!(error instanceof SigtoolError) || !isMissing(error.cause)) throw error;
		const message = `Cannot hash ${quote(path)}: it does not exist`;
		throw new SigtoolError("ERR_ROOT_MISSING", message, { cause: error.cause, path });
	}
	return {
		kind: columns.kinds[0] as EntryKind, // Written from ENTRY_KIND.
		mode: columns.modes[0],
		sizeBytes: columns.sizes[0],
		digest: columns.digests,
		sha1Digest: columns.sha1Digests,
	};
}

/** O_NONBLOCK: a FIFO put in a file's place must not stop us. Windows has neither flag. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

const BUFFER_BYTES = 2 ** 17;
let buffer: Buffer | undefined;

/**
 * A file whose times lie further back than this when it is read did not change meanwhile: a change would have set them.
 * Covers clock ticks and the two seconds of FAT. Not looking at each file twice saves a tenth of the time.
 */
const SETTLED_MS = 2500;

function hashAtOnce(content: Buffer, columns: HashColumns, row: number, digest: "sha256" | "sha1"): void {
	const digestBytes = digest === "sha1" ? 20 : 32;
	// A one-byte string is the cheapest thing `hash` returns.
	columns.digests.write(hash(digest, content, "binary"), row * digestBytes, digestBytes, "latin1");
	columns.sha1Digests?.write(hash("sha1", content, "binary"), row * 20, 20, "latin1");
}

/** Any file; `piece` is the buffer, holding the file's first bytes, which tell whether it may be a PE or a cabinet. */
function hashInPieces(
	descriptor: number,
	piece: Buffer,
	sizeBytes: number,
	columns: HashColumns,
	row: number,
	name: string,
	{ digest, visitor, onBytes }: HashFileOptions,
): { readonly kind: EntryKind; readonly sha256: Uint8Array | undefined } {
	const readAt: ReadAt = (offset, length) => {
		const octets = Buffer.alloc(length);
		return octets.subarray(0, readSync(descriptor, octets, 0, length, offset));
	};
	const parts = piece[0] === AUTHENTICODE_FIRST_BYTE ? authenticodeParts(sizeBytes, readAt) : undefined;
	const main = createHash(digest);
	const twin = columns.sha1Digests === undefined ? undefined : createHash("sha1");
	const whole = visitor === undefined || parts === undefined ? undefined : createHash("sha256");
	const ranges = parts?.ranges ?? [[0, sizeBytes]];
	let range = 0;
	for (let position = 0; position < sizeBytes; ) {
		const bytes = readSync(descriptor, piece, 0, Math.min(BUFFER_BYTES, sizeBytes - position), position);
		if (bytes === 0) throw fileChanged(name);
		const end = position + bytes;
		// Ranges ascend; the octets between them are a few fields and the signature.
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
	}
	const padding = Buffer.alloc(parts?.padding ?? 0);
	const digestOfParts = main.update(padding).digest();
	columns.digests.set(digestOfParts, row * (digest === "sha1" ? 20 : 32));
	if (twin !== undefined) columns.sha1Digests?.set(twin.update(padding).digest(), row * 20);
	return { kind: ENTRY_KIND[parts?.kind ?? "file"], sha256: visitor && (whole?.digest() ?? digestOfParts) };
}

/** @throws ERR_FILE_CHANGED when the content is another after the visitor wrote */
function endVisit(visitor: FileVisitor | undefined, file: OpenFile, sha256: Uint8Array): void {
	if (visitor?.end(file, sha256) !== "wrote") return;
	if (!isStill(file, sha256)) {
		visitor.undo(file);
		throw fileChanged(file.name);
	}
}

/** Whether the content, read once more, has this SHA-256. */
function isStill({ descriptor, stats }: OpenFile, sha256: Uint8Array): boolean {
	buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES);
	let bytes = readSync(descriptor, buffer, 0, BUFFER_BYTES, 0);
	if (bytes < BUFFER_BYTES) {
		return hash("sha256", buffer.subarray(0, bytes), "binary") === Buffer.from(sha256).toString("latin1");
	}
	const again = createHash("sha256");
	let position = 0;
	// One more than the size: a file that grew all the while must not keep us.
	while (bytes > 0 && position <= stats.size) {
		again.update(buffer.subarray(0, bytes));
		position += bytes;
		bytes = readSync(descriptor, buffer, 0, BUFFER_BYTES, position);
	}
	return again.digest().equals(sha256);
}

/** ERR_FILE_CHANGED for the entry called `name`. */
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

/** Opening a symbolic link or a socket; reading at an offset of a directory, a FIFO or a terminal. */
const ERRNO_OF_OTHER_TYPES: ReadonlySet<string> = new Set(["ELOOP", "ENXIO", "EISDIR", "ESPIPE"]);

function isMissing(cause: unknown): boolean {
	return isErrnoException(cause) && cause.code === "ENOENT";
}
