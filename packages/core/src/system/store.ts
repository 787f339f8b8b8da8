/**
 * Reads and writes single files: atomic writes and bounded reads. Nothing else in this package writes files. All
 * functions are synchronous, because they run only at the beginning and the end of an operation.
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
	/**
	 * The exact permission bits. By default they are those of the replaced file, or for a new file 0644 without the
	 * bits of the umask.
	 */
	readonly mode?: number;
}

/**
 * Replaces or creates a file. After a crash, a signal or a full disk, the path has either the old or the new content,
 * complete and flushed. A symbolic link at `path` is replaced, not followed. If two processes write to one path at
 * once, one process may fail, and the path has the complete content from one of them.
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
		// Another process may have removed our temporary file as a leftover, and may now be writing a file with the
		// same name.
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

/**
 * Returns the temporary name of `writeAtomically`. It is always the same, so that the next run removes the file of a
 * killed run.
 */
export function temporaryNameFor(path: string): string {
	return beside(path, `.${basename(path)}.sigtool-tmp`);
}

/** Returns the path of another file in the directory of `path`. join() would remove `link/..` as text. */
function beside(path: string, name: string): string {
	return `${dirname(path)}/${name}`;
}

/**
 * Runs `action` while no other process runs an action for this path, so that reading, changing and writing a file
 * loses no change. A lock left by a killed process is removed after ten seconds.
 * @throws ERR_IO, and the errors of `action`
 */
export function exclusively<T>(path: string, action: () => T): T {
	const lock = beside(path, `.${basename(path)}.sigtool-lock`);
	while (!isTaken(lock, path)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_PAUSE_MS);
	try {
		return action();
	} finally {
		removeFile(lock);
	}
}

/** Tries to create the lock file and returns true on success. Removes a lock that is too old. */
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
/** The age in milliseconds after which a lock is a leftover. No action takes that long. */
const LOCK_MS = 10_000;

/**
 * Reads a whole regular file.
 * @throws ERR_USAGE for a directory, ERR_ROOT_MISSING if the file does not exist, ERR_LIMIT if it has more than `maxBytes` bytes, ERR_IO
 */
export function readBounded(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes).bytes;
}

/** A regular file that is read in pieces, because it may not fit in memory. */
export interface FilePieces {
	readonly sizeBytes: number;
	/** A text that identifies the content as well as the file system can: size, inode and times. */
	readonly state: string;
	/**
	 * Copies the bytes from `start` to `end` into `target` at `at`.
	 * @throws ERR_IO, also if the file has become shorter
	 */
	copy(target: Uint8Array, at: number, start: number, end: number): void;
	close(): void;
}

/** Opens a regular file, which the caller must close. @throws ERR_ROOT_MISSING, ERR_LIMIT if it is larger, ERR_IO */
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
	 * The value `shared` means that the mode gives the group or others access. On Windows the value is always
	 * `private`.
	 */
	readonly access: "private" | "shared";
}

/** Reads a key like `readInput`, and tells if other users have access to the file. @throws the errors of `readInput` */
export function readSecret(path: string, maxBytes: number): SecretFile {
	const { bytes, stats } = readWithStats(path, maxBytes, "any");
	return { bytes, access: process.platform !== "win32" && (stats.mode & 0o077) !== 0 ? "shared" : "private" };
}

/**
 * Reads an input that the user names, which may be a pipe, a terminal or a process substitution. `/dev/stdin` is
 * standard input on every system. Waits for the writer of a pipe. @throws the errors of `readBounded`
 */
export function readInput(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes, "any").bytes;
}

/** Returns true if there is a file of any type at the path, even a dangling link. @throws ERR_IO */
export function exists(path: string): boolean {
	return lstatIfThere(path) !== undefined;
}

/**
 * Refuses a PEM text in the place of a file's name. The message does not repeat the text, because it may be a key.
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

/** Refuses a directory, or a link to one, as the name of an output file. @throws ERR_USAGE, ERR_IO */
export function requireFileName(path: string): void {
	if (!path.endsWith("/") && !isDirectory(path)) return;
	const message = `Cannot write ${quote(path)}: it is a directory; name the file`;
	throw new SigtoolError("ERR_USAGE", message, { path });
}

function isDirectory(path: string): boolean {
	try {
		return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
	} catch (cause) {
		// A part of the path is no directory. Writing to the path reports this error, so it is ignored here.
		if (isErrnoException(cause) && cause.code === "ENOTDIR") return false;
		throw ioError("look up", path, cause);
	}
}

/** Returns the sorted names in a directory, or no names if the directory does not exist. @throws ERR_IO */
export function listDirectory(path: string): string[] {
	try {
		return readdirSync(path).sort();
	} catch (cause) {
		if (isErrnoException(cause) && cause.code === "ENOENT") return [];
		throw ioError("list", path, cause);
	}
}

/**
 * Removes regular files of a directory whose names match, the oldest first, until the remaining ones have at most
 * `keepBytes` bytes together. Leaves everything else in the directory alone. @throws ERR_IO
 */
export function removeOldest(directory: string, keepBytes: number, names: RegExp): void {
	const candidates = listDirectory(directory).filter((name) => names.test(name));
	const files = candidates.flatMap((name) => {
		const path = join(directory, name);
		const stats = lstatIfThere(path);
		return stats?.isFile() ? [{ path, sizeBytes: stats.size, writtenAt: stats.mtimeMs }] : [];
	});
	let total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
	for (const { path, sizeBytes } of files.sort((a, b) => a.writtenAt - b.writtenAt)) {
		if (total <= keepBytes) return;
		try {
			removeFile(path);
		} catch (cause) {
			throw ioError("remove", path, cause);
		}
		total -= sizeBytes;
	}
}

/** Returns true if there is a directory of this user at the path, and not a link to one. @throws ERR_IO */
export function isOwnDirectory(path: string): boolean {
	const stats = lstatIfThere(path);
	const user = process.getuid?.(); // Undefined on Windows.
	return stats?.isDirectory() === true && (user === undefined || stats.uid === user);
}

/** Creates a directory, and the missing directories above it, with mode 0700. @throws ERR_IO */
export function makePrivateDirectory(path: string): void {
	const missing: string[] = [];
	for (let above = path; !exists(above); above = dirname(above)) missing.push(above);
	try {
		// Directories are created one by one, because Node.js' recursive mkdir does not end in a file system without
		// mkdir(2), such as /proc.
		for (const directory of missing.reverse()) makeDirectory(directory);
	} catch (cause) {
		throw ioError("create", path, cause);
	}
}

function makeDirectory(path: string): void {
	try {
		mkdirSync(path, { mode: 0o700 });
	} catch (cause) {
		// Another process may have created the directory meanwhile.
		if (!isErrnoException(cause) || cause.code !== "EEXIST") throw cause;
	}
}

export interface NewFile {
	readonly name: string;
	readonly content: Uint8Array;
	readonly mode: number;
}

/**
 * Creates a private directory that appears with all its files or not at all. If several processes create the same
 * directory, one process gets `created`, and the others get `exists` after the directory is complete. An existing
 * directory is not changed.
 * @throws ERR_IO
 */
export function createDirectory(path: string, files: readonly NewFile[]): "created" | "exists" {
	const parent = dirname(path);
	makePrivateDirectory(parent);
	let temporary: string | undefined;
	try {
		temporary = mkdtempSync(join(parent, `.${basename(path)}.`)); // mkdtemp(3) gives the directory mode 0700.
		for (const { name, content, mode } of files) writeNew(join(temporary, name), content, mode);
		syncDirectory(temporary);
		// rename(2) fails if the target is a directory with files, so an existing directory stays unchanged.
		renameSync(temporary, path);
		syncDirectory(parent);
		return "created";
	} catch (cause) {
		if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
		if (isErrnoException(cause) && TAKEN.has(cause.code) && exists(path)) return "exists";
		throw ioError("create", path, cause);
	}
}

/** The errnos of renaming onto a directory that is not empty. Two of them are of Linux and macOS, two of Windows. */
const TAKEN: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"]);

/**
 * Creates, writes and flushes a file, and removes it if one of these steps fails. A link at the path is not followed.
 */
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

/** Calls write(2) repeatedly, because one call may write only a part of the bytes. */
function writeFully(descriptor: number, chunk: Uint8Array): void {
	for (let position = 0; position < chunk.length; ) position += writeSync(descriptor, chunk, position);
}

/** Checks and reads a file through one descriptor. */
function readWithStats(
	path: string,
	maxBytes: number,
	kinds: "regular" | "any" = "regular",
): { bytes: Buffer; stats: Stats } {
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

/** Opens a file and checks its type and size. @throws ERR_USAGE, ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
function openForReading(
	path: string,
	maxBytes: number,
	kinds: "regular" | "any",
): { descriptor: number; stats: Stats } {
	refusePem(path);
	let descriptor: number | undefined;
	try {
		// If only a regular file is accepted, O_NONBLOCK keeps open(2) from waiting for the writer of a FIFO.
		const flags = constants.O_RDONLY | (kinds === "any" ? 0 : (constants.O_NONBLOCK ?? 0));
		// Standard input may be a socket, which has no name to open.
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
	// One byte more than the size reveals that the file grew. The buffer is not pooled, because it may contain a key.
	const bytes = Buffer.allocUnsafeSlow(sizeBytes + 1);
	let length = 0;
	for (let count = -1; count !== 0 && length < bytes.length; length += count) {
		count = readSync(descriptor, bytes, length, bytes.length - length, null);
	}
	if (length > sizeBytes) throw refusal("read", path, "it grew while it was read");
	return bytes.subarray(0, length);
}

/** Reads a pipe or a terminal up to its end. */
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
 * Reads the next bytes of a pipe, terminal or file, and returns their number, 0 at the end. Waits if another process
 * has made standard input non-blocking. On Windows the error EOF means the end of a pipe.
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
/** The capacity of a pipe in Linux. */
const PIPE_BYTES = 65_536;

function tooLarge(path: string, maxBytes: number): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot read ${quote(path)}: it is larger than ${maxBytes} bytes`, { path });
}

/** Returns the permission bits of a regular file, or undefined if there is none at the path. */
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

/**
 * Flushes a rename to the disk. On Windows the function does nothing, because directories have no descriptors there.
 */
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
