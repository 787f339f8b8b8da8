/**
 * Writes files and directories so that they appear completely or not at all. No other module of this package writes
 * files. All functions are synchronous: they handle few and mostly small files, and the order of their steps stays clear.
 */

import {
	closeSync,
	constants,
	fchmodSync,
	fstatSync,
	fsyncSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	renameSync,
	rmSync,
	type Stats,
	unlinkSync,
	writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ioError, isErrnoException } from "../errors.js";
import { asIoError, refusal } from "./disk-errors.js";
import { beside, exists, listDirectory, lstatIfThere } from "./look-up.js";

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
	writeTogether([{ path, content }], options);
}

export interface FileToWrite {
	readonly path: string;
	readonly content: Uint8Array | readonly Uint8Array[];
}

/**
 * Writes files that belong together, each as `writeAtomically` does. No file is replaced before all of them are on the
 * disk, so a full disk leaves all of them as they were. They are replaced in the given order.
 * @throws ERR_IO
 */
export function writeTogether(files: readonly FileToWrite[], options: WriteOptions = {}): void {
	const written: string[] = [];
	let current = files[0]?.path ?? "";
	try {
		for (const { path, content } of files) {
			current = path;
			writeTemporary(path, content, options);
			written.push(path);
		}
		for (const { path } of files) {
			current = path;
			renameSync(temporaryNameFor(path), path);
			written.shift();
		}
		for (const directory of new Set(files.map(({ path }) => dirname(path)))) syncDirectory(directory);
	} catch (cause) {
		for (const path of written) removeFile(temporaryNameFor(path));
		throw asIoError("write", current, cause);
	}
}

function writeTemporary(path: string, content: FileToWrite["content"], { mode }: WriteOptions): void {
	const temporary = temporaryNameFor(path);
	removeFile(temporary);
	const { ino } = writeNew(temporary, content, mode ?? modeOf(path));
	// Another process that writes to the same path may have removed this temporary file as a leftover, and may now be
	// writing its own file under the same temporary name. Then the inode differs.
	if (lstatIfThere(temporary)?.ino !== ino) throw refusal("write", path, "another process is writing it");
}

/**
 * Returns the name of the temporary file that `writeAtomically` uses for a path. The name is always the same, so that
 * the next run removes the file that a killed run left.
 */
export function temporaryNameFor(path: string): string {
	return beside(path, `.${basename(path)}.sigtool-tmp`);
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
		if (Math.abs(ageMs) > LOCK_MS) removeLeftover(lock);
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
		removeLeftover(path);
		total -= sizeBytes;
	}
}

/** @throws ERR_IO */
function removeLeftover(path: string): void {
	try {
		removeFile(path);
	} catch (cause) {
		throw ioError("remove", path, cause);
	}
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

/** Returns the permission bits of the regular file at the path, or undefined if there is no regular file. */
function modeOf(path: string): number | undefined {
	const stats = lstatIfThere(path);
	return stats?.isFile() ? stats.mode & 0o777 : undefined;
}

/**
 * Flushes a directory to the disk, so that a rename in this directory survives a crash. Does nothing on Windows, where
 * a directory cannot be flushed by a descriptor, and where this user may write to the directory but not read it: the
 * file is complete then, and to report a failure would be wrong.
 */
function syncDirectory(path: string): void {
	if (process.platform === "win32") return;
	let descriptor: number;
	try {
		descriptor = openSync(path, constants.O_RDONLY);
	} catch (error) {
		if (isErrnoException(error) && error.code === "EACCES") return;
		throw error;
	}
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
