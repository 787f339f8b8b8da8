/**
 * The disk: atomic writes and bounded reads. Nothing else in this package writes. Synchronous throughout: these are single
 * files at the ends of an operation.
 */

import {
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	fsyncSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readSync,
	renameSync,
	rmSync,
	type Stats,
	statSync,
	unlinkSync,
	writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../errors.js";

export interface WriteOptions {
	/** Permission bits, exactly these. Absent: those of the file replaced; for a new file 0644 less the umask. */
	readonly mode?: number;
}

/**
 * Replaces or creates a file: after a crash, a kill or a full disk the path holds the old content or the new one, whole
 * and flushed. A symbolic link at `path` is replaced, not followed. When two processes write one path, one of them may
 * fail, and the file is still one of the two.
 * @throws ERR_IO
 */
export function writeAtomically(
	path: string,
	content: Uint8Array | readonly Uint8Array[],
	options: WriteOptions = {},
): void {
	const temporary = temporaryNameFor(path);
	try {
		removeFile(temporary);
		const { ino } = writeNew(temporary, content, options.mode ?? modeOf(path));
		// A second process that removed ours as left over may be half through its own file of that name.
		if (lstatIfThere(temporary)?.ino !== ino) throw refusal("write", path, "another process is writing it");
		try {
			renameSync(temporary, path);
		} catch (error) {
			removeFile(temporary);
			throw error;
		}
		syncDirectory(dirname(path));
	} catch (cause) {
		throw asIoError("write", path, cause);
	}
}

/** The name `writeAtomically` uses beside its target: known, so that the next run removes what a killed one left. */
export function temporaryNameFor(path: string): string {
	return join(dirname(path), `.${basename(path)}.sigtool-tmp`);
}

/**
 * Runs `action` while no other process does so for this path, so that what it reads and writes back loses nobody's change. A
 * lock that a killed process left counts for ten seconds.
 * @throws ERR_IO, and what `action` throws
 */
export function exclusively<T>(path: string, action: () => T): T {
	const lock = join(dirname(path), `.${basename(path)}.sigtool-lock`);
	while (!isTaken(lock, path)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_PAUSE_MS);
	try {
		return action();
	} finally {
		removeFile(lock);
	}
}

/** Whether the lock is ours now. */
function isTaken(lock: string, path: string): boolean {
	try {
		closeSync(openSync(lock, "wx", 0o600));
		return true;
	} catch (cause) {
		if (!isErrnoException(cause) || cause.code !== "EEXIST") throw ioError("write", path, cause);
		const ageMs = Date.now() - (lstatIfThere(lock)?.mtimeMs ?? Date.now());
		if (Math.abs(ageMs) > LOCK_MS) removeFile(lock);
		return false;
	}
}

const LOCK_PAUSE_MS = 10;
/** Longer than any holder takes. */
const LOCK_MS = 10_000;

/** A whole regular file. @throws ERR_ROOT_MISSING when there is none, ERR_LIMIT when it is larger, ERR_IO */
export function readBounded(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes).bytes;
}

export interface SecretFile {
	readonly bytes: Buffer;
	/** Whether the mode lets the group or others at it. Windows keeps access lists instead: always `private` there. */
	readonly access: "private" | "shared";
}

/** As `readInput`, for a key: says as well who else can read it. */
export function readSecret(path: string, maxBytes: number): SecretFile {
	const { bytes, stats } = readWithStats(path, maxBytes, "any");
	return { bytes, access: process.platform !== "win32" && (stats.mode & 0o077) !== 0 ? "shared" : "private" };
}

/**
 * All of what the user names as input, which may be a pipe, a terminal or a process substitution; `/dev/stdin` is standard
 * input on every system. Waits for the writer, as every reader of pipes does. @throws as `readBounded`
 */
export function readInput(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes, "any").bytes;
}

/** True when anything has that name, a dangling link included. @throws ERR_IO */
export function exists(path: string): boolean {
	return lstatIfThere(path) !== undefined;
}

/** Refuses a directory, or a link to one, as the place of a file. @throws ERR_USAGE, ERR_IO */
export function requireFileName(path: string): void {
	if (!path.endsWith("/") && !isDirectory(path)) return;
	const message = `Cannot write ${quote(path)}: it is a directory; name the file`;
	throw new SigtoolError("ERR_USAGE", message, { path });
}

function isDirectory(path: string): boolean {
	try {
		return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOTDIR") return false; // Whoever writes there says what is wrong.
		throw ioError("look up", path, cause);
	}
}

/** Names in a directory, sorted; none when it does not exist. @throws ERR_IO */
export function listDirectory(path: string): string[] {
	try {
		return readdirSync(path).sort();
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return [];
		throw ioError("list", path, cause);
	}
}

/** Makes a directory, and those above it that are missing, for this user alone (0700). @throws ERR_IO */
export function makePrivateDirectory(path: string): void {
	const missing: string[] = [];
	for (let above = path; !exists(above); above = dirname(above)) missing.push(above);
	try {
		// One level at a time: where a parent cannot hold directories (/proc), Node.js' own recursion does not end.
		for (const directory of missing.reverse()) makeDirectory(directory);
	} catch (cause) {
		throw ioError("create", path, cause);
	}
}

function makeDirectory(path: string): void {
	try {
		mkdirSync(path, { mode: 0o700 });
	} catch (cause) {
		// Another process was faster.
		if (!isErrnoException(cause) || cause.code !== "EEXIST") throw cause;
	}
}

export interface NewFile {
	readonly name: string;
	readonly content: Uint8Array;
	readonly mode: number;
}

/**
 * Makes a private directory that appears with all its files or not at all. Of several processes that make the same one,
 * one gets `created` and the others `exists`, when it is there. Nothing that exists is changed.
 * @throws ERR_IO
 */
export function createDirectory(path: string, files: readonly NewFile[]): "created" | "exists" {
	const parent = dirname(path);
	makePrivateDirectory(parent);
	let temporary: string | undefined;
	try {
		temporary = mkdtempSync(join(parent, `.${basename(path)}.`)); // mkdtemp(3): 0700
		for (const { name, content, mode } of files) writeNew(join(temporary, name), content, mode);
		syncDirectory(temporary);
		renameSync(temporary, path); // Fails when a directory with files is there.
		syncDirectory(parent);
		return "created";
	} catch (cause) {
		if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
		if (isErrnoException(cause) && TAKEN.has(cause.code) && exists(path)) return "exists";
		throw ioError("create", path, cause);
	}
}

/** rename(2) onto a directory that holds something, by system: Linux and macOS, then Windows. */
const TAKEN: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"]);

/** Creates, fills and flushes a file; removes it again when that fails. A link in its place is not followed. */
function writeNew(path: string, content: Uint8Array | readonly Uint8Array[], mode: number | undefined): Stats {
	const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);
	const descriptor = openSync(path, flags, mode ?? 0o644);
	try {
		if (mode !== undefined) fchmodSync(descriptor, mode);
		for (const chunk of content instanceof Uint8Array ? [content] : content) writeFully(descriptor, chunk);
		fsyncSync(descriptor);
		return fstatSync(descriptor);
	} catch (error) {
		removeFile(path);
		throw error;
	} finally {
		closeSync(descriptor);
	}
}

function removeFile(path: string): void {
	try {
		unlinkSync(path);
	} catch (error) {
		if (!isErrnoException(error) || error.code !== "ENOENT") throw error;
	}
}

/** write(2) may take fewer octets than it was given. */
function writeFully(descriptor: number, chunk: Uint8Array): void {
	for (let position = 0; position < chunk.length; ) position += writeSync(descriptor, chunk, position);
}

/** One descriptor from the check to the last octet. */
function readWithStats(
	path: string,
	maxBytes: number,
	kinds: "regular" | "any" = "regular",
): { bytes: Buffer; stats: Stats } {
	let descriptor: number | undefined;
	try {
		// O_NONBLOCK: opening a FIFO must not wait for its writer, unless one is welcome.
		const flags = constants.O_RDONLY | (kinds === "any" ? 0 : (constants.O_NONBLOCK ?? 0));
		// Standard input may be a socket, which has no name to open.
		descriptor = kinds === "any" && path === "/dev/stdin" ? STDIN : openSync(path, flags);
		const stats = fstatSync(descriptor);
		if (stats.isFile()) {
			if (stats.size > maxBytes) throw tooLarge(path, maxBytes);
			return { bytes: readFully(descriptor, stats.size, path), stats };
		}
		if (stats.isDirectory()) throw refusal("read", path, "it is a directory");
		if (kinds === "regular") throw refusal("read", path, "it is not a regular file");
		return { bytes: readToEnd(descriptor, maxBytes, path), stats };
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") {
			const message = `Cannot read ${quote(path)}: no such file or directory`;
			throw new SigtoolError("ERR_ROOT_MISSING", message, { cause, path });
		}
		throw asIoError("read", path, cause);
	} finally {
		if (descriptor !== undefined && descriptor !== STDIN) closeSync(descriptor);
	}
}

const STDIN = 0;

function readFully(descriptor: number, sizeBytes: number, path: string): Buffer {
	const bytes = Buffer.allocUnsafeSlow(sizeBytes + 1); // One octet more shows growth; unpooled, as it may hold a key.
	let length = 0;
	for (let count = -1; count !== 0 && length < bytes.length; length += count) {
		count = readSync(descriptor, bytes, length, bytes.length - length, null);
	}
	if (length > sizeBytes) throw refusal("read", path, "it grew while it was read");
	return bytes.subarray(0, length);
}

/** What comes through a pipe. */
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
 * The next octets of a pipe, terminal or file: how many, 0 at the end. Standard input is at times not blocking, whoever
 * made it so; on Windows the end of a pipe is an error.
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
/** What a pipe of Linux holds. */
const PIPE_BYTES = 65_536;

function tooLarge(path: string, maxBytes: number): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot read ${quote(path)}: it is larger than ${maxBytes} bytes`, { path });
}

/** Permission bits of a regular file that is about to be replaced. */
function modeOf(path: string): number | undefined {
	const stats = lstatIfThere(path);
	return stats?.isFile() ? stats.mode & 0o777 : undefined;
}

function lstatIfThere(path: string): Stats | undefined {
	try {
		return lstatSync(path);
	} catch (cause) {
		if (isErrnoException(cause) && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return undefined;
		throw ioError("look up", path, cause);
	}
}

/** Flushes a rename. Windows has no descriptors of directories; there the rename itself is all there is. */
function syncDirectory(path: string): void {
	if (process.platform === "win32") return;
	const descriptor = openSync(path, constants.O_RDONLY);
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}

function refusal(action: string, path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_IO", `Cannot ${action} ${quote(path)}: ${reason}`, { path });
}

function asIoError(action: string, path: string, cause: unknown): SigtoolError {
	return cause instanceof SigtoolError ? cause : ioError(action, path, cause);
}
