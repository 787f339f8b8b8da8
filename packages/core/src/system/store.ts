/**
 * Reads files up to a size limit, and writes files atomically. No other module of this package writes files. All
 * functions are synchronous: they handle few and mostly small files, and the order of their steps stays clear.
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
	readlinkSync,
	readSync,
	renameSync,
	rmSync,
	type Stats,
	statSync,
	unlinkSync,
	writeSync,
} from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { ioError, isErrnoException, quote, SigtoolError } from "../errors.js";

export interface WriteOptions {
	/**
	 * The permission bits, whatever the umask is. By default they are those of the replaced file; a new file gets 0644
	 * without the bits of the umask.
	 */
	readonly mode?: number;
}

/**
 * Replaces or creates a file. After a crash, a signal or a full disk, the path has either the old or the new content,
 * complete and flushed to the disk. A symbolic link at `path` is replaced, not followed. If two processes write to one
 * path at once, one of them may fail. Once both have ended, the path has the complete content of one of them.
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
		// Another process that writes to the same path may have removed this temporary file as a leftover, and may now
		// be writing its own file under the same temporary name. Then the inode differs.
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
 * Returns the name of the temporary file that `writeAtomically` uses for a path. The name is always the same, so that
 * the next run removes the file that a killed run left.
 */
export function temporaryNameFor(path: string): string {
	return beside(path, `.${basename(path)}.sigtool-tmp`);
}

/**
 * Returns the path of the file `name` in the directory of `path`. This does not call join(), which would shorten
 * `link/..` without asking the kernel where the link leads.
 */
function beside(path: string, name: string): string {
	return `${dirname(path)}/${name}`;
}

/**
 * Runs `action` while no other process runs an action for the same path, so that no process overwrites a change that
 * another one has just made. `action` must take less than ten seconds, because after this time other processes treat
 * the lock as the leftover of a killed process and remove it.
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

/**
 * Creates the lock file and returns true. If the lock file exists, returns false, and removes it if it is older than
 * LOCK_MS.
 */
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
/**
 * The age in milliseconds after which a lock counts as the leftover of a killed process. The actions edit one small
 * file and take milliseconds.
 */
const LOCK_MS = 10_000;

/**
 * Reads a whole regular file.
 * @throws ERR_USAGE for a directory or a PEM text; ERR_ROOT_MISSING if the file does not exist; ERR_LIMIT if it has
 * more than `maxBytes` bytes; ERR_IO
 */
export function readBounded(path: string, maxBytes: number): Buffer {
	return readWithStats(path, maxBytes).bytes;
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

/** Returns true if the path names a file of any type, including a directory and a dangling link. @throws ERR_IO */
export function exists(path: string): boolean {
	return lstatIfThere(path) !== undefined;
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

/**
 * Returns the path to write an output to that the user named: the one to which its links lead, as with any other
 * program, because `writeAtomically` would replace a link. The file need not exist.
 * @throws ERR_USAGE if the name ends with `/`, or there is no regular file by this name but something else; ERR_IO
 */
export function outputFile(path: string): string {
	const stats = path.endsWith("/") ? "directory" : statIfThere(path);
	if (stats === "directory" || stats?.isDirectory()) throw notWritable(path, "it is a directory; name the file");
	if (stats?.isFile() === false) throw notWritable(path, "it is no regular file; name another");
	let file = path;
	for (let links = 0; links < MAX_LINKS; links++) {
		const entry = lstatIfThere(file);
		if (entry?.isSymbolicLink() !== true) return file;
		refuseLinkOfOthers(file, entry);
		const target = readlinkSync(file);
		file = isAbsolute(target) ? target : beside(file, target);
	}
	throw refusal("write", path, "it leads through too many links");
}

/** The number of links that Linux follows on a path. */
const MAX_LINKS = 40;

/**
 * Refuses a link in a directory for everybody, such as /tmp, if neither this user nor the owner of the directory made
 * it. The kernel does so too, if fs.protected_symlinks is set.
 */
function refuseLinkOfOthers(link: string, { uid }: Stats): void {
	const directory = statIfThere(dirname(link));
	const isShared = directory !== undefined && (directory.mode & 0o1002) === 0o1002;
	if (!isShared || uid === directory.uid || uid === process.geteuid?.()) return;
	throw refusal("write", link, `it is a link of user ${uid}; remove it, or name another file`);
}

function notWritable(path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", `Cannot write ${quote(path)}: ${reason}`, { path });
}

function statIfThere(path: string): Stats | undefined {
	try {
		return statSync(path, { throwIfNoEntry: false });
	} catch (cause) {
		// A part of the path before the last `/` is not a directory. The function that writes to the path will report
		// this error, so it is ignored here.
		if (isErrnoException(cause) && cause.code === "ENOTDIR") return undefined;
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
 * Removes regular files whose names match `names` from a directory, the oldest first, until the remaining ones have at
 * most `keepBytes` bytes together. Leaves all other files alone.
 * @throws ERR_IO
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

/**
 * Returns true if the path is a directory that this user owns, and not a link to a directory. On Windows the owner is
 * not checked. @throws ERR_IO
 */
export function isOwnDirectory(path: string): boolean {
	const stats = lstatIfThere(path);
	const user = process.getuid?.(); // Undefined on Windows.
	return stats?.isDirectory() === true && (user === undefined || stats.uid === user);
}

/**
 * Creates a directory and the missing directories above it, each with mode 0700. Does not change existing directories.
 * @throws ERR_IO
 */
export function makePrivateDirectory(path: string): void {
	const missing: string[] = [];
	for (let above = path; !exists(above); above = dirname(above)) missing.push(above);
	try {
		// Directories are created one by one, because the recursive mkdir of Node.js never returns in a file system in
		// which no directory can be created, such as /proc.
		for (const directory of missing.reverse()) makeDirectory(directory);
	} catch (cause) {
		throw ioError("create", path, cause);
	}
}

function makeDirectory(path: string): void {
	try {
		mkdirSync(path, { mode: 0o700 });
	} catch (cause) {
		// Another process may have created the directory since `exists` was called.
		if (!isErrnoException(cause) || cause.code !== "EEXIST") throw cause;
	}
}

export interface NewFile {
	readonly name: string;
	readonly content: Uint8Array;
	readonly mode: number;
}

/**
 * Creates a directory with mode 0700 that appears with all its files or not at all. If several processes create the
 * same directory, one of them gets `created`, and the others get `exists` when the directory is already complete. An
 * existing directory that has files is not changed.
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
		// rename(2) replaces an empty directory, but fails if the target directory has files.
		renameSync(temporary, path);
		syncDirectory(parent);
		return "created";
	} catch (cause) {
		if (temporary !== undefined) rmSync(temporary, { recursive: true, force: true });
		if (isErrnoException(cause) && TAKEN.has(cause.code) && exists(path)) return "exists";
		throw ioError("create", path, cause);
	}
}

/**
 * The errors of rename(2) if the target is a directory that is not empty: ENOTEMPTY and EEXIST on Linux and macOS,
 * EPERM and EACCES on Windows.
 */
const TAKEN: ReadonlySet<string> = new Set(["ENOTEMPTY", "EEXIST", "EPERM", "EACCES"]);

/**
 * Creates a file, writes the content and flushes it. Removes the file again if writing or flushing fails. If the path
 * exists, even as a link, the call fails with EEXIST and changes nothing. An undefined `mode` means 0644 without the
 * bits of the umask.
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

/** Writes all bytes. Calls write(2) repeatedly, because one call may write only a part of the bytes. */
function writeFully(descriptor: number, chunk: Uint8Array): void {
	for (let position = 0; position < chunk.length; ) position += writeSync(descriptor, chunk, position);
}

/** Opens, checks and reads a file through one descriptor, so that the checked file is the one that is read. */
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

/** Returns the permission bits of the regular file at the path, or undefined if there is no regular file. */
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
 * Flushes a directory to the disk, so that a rename in this directory survives a crash. Does nothing on Windows, where
 * a directory cannot be flushed by a descriptor.
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
