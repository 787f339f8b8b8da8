/** Follows a log that is being written, also when it is rotated: renamed, replaced or emptied. */

import { constants } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { ioError, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";

/**
 * - A piece of the log.
 * - `idle`: nothing more is there at the moment.
 * - `again`: the file has been replaced or emptied, so the line that is not whole is one that stays so.
 */
export type Followed = Buffer | "idle" | "again";

/**
 * Yields until the signal is aborted. Waits for a file that is missing at the beginning. A file that is emptied and
 * written again beyond its former size between two looks is taken for one that has grown.
 * @throws ERR_IO
 */
export async function* followLog(file: string, signal: AbortSignal): AsyncGenerator<Followed, void, undefined> {
	const first = await openedLater(file, signal);
	if (first === undefined) return;
	let handle = first;
	let position = 0;
	try {
		while (!signal.aborted) {
			const end = yield* followFile(handle, file, position, signal);
			if (end.why === "aborted") return;
			position = end.position;
			if (end.why === "replaced") {
				const next = await openLog(file).catch(() => undefined);
				if (next === undefined) {
					// It was replaced again, or this user may not read it, which may change.
					yield "idle";
					await pause(signal);
					continue;
				}
				await handle.close();
				handle = next;
			}
			position = 0;
			yield "again";
		}
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("read", file, cause);
	} finally {
		await handle.close();
	}
}

/** Waits until the file is there. Returns undefined if the signal is aborted before. @throws ERR_IO */
async function openedLater(file: string, signal: AbortSignal): Promise<FileHandle | undefined> {
	while (!signal.aborted) {
		try {
			return await openLog(file);
		} catch (error) {
			if (!(error instanceof SigtoolError) || error.code !== "ERR_ROOT_MISSING") throw error;
		}
		await pause(signal);
	}
	return undefined;
}

/** Says why a file is followed no longer. Everything before `position` was read. */
export interface FollowEnd {
	readonly why: "replaced" | "emptied" | "aborted";
	readonly position: number;
}

/**
 * Follows one open file from a position, until another file has its name, or it is emptied. The caller closes it.
 * @throws ERR_IO
 */
export async function* followFile(
	handle: FileHandle,
	file: string,
	from: number,
	signal: AbortSignal,
): AsyncGenerator<Buffer | "idle", FollowEnd, undefined> {
	const piece = Buffer.alloc(PIECE_BYTES);
	let position = from;
	while (!signal.aborted) {
		const { bytesRead } = await readAt(handle, file, piece, position);
		position += bytesRead;
		if (bytesRead > 0) {
			yield piece.subarray(0, bytesRead);
			continue;
		}
		const change = await changeOf(handle, file, position);
		// The file may have grown between the last read and its replacement.
		if (change === "replaced" && (await handle.stat()).size > position) continue;
		if (change !== "none") return { why: change, position };
		yield "idle";
		await pause(signal);
	}
	return { why: "aborted", position };
}

const PIECE_BYTES = 2 ** 16;
const PAUSE_MS = 200;

/** @throws ERR_IO */
export async function readAt(handle: FileHandle, file: string, piece: Buffer, position: number) {
	try {
		return await handle.read(piece, 0, piece.length, position);
	} catch (cause) {
		throw ioError("read", file, cause);
	}
}

/** Opens a regular file. To open a FIFO would wait for somebody who writes, and no signal could end that. @throws ERR_ROOT_MISSING; ERR_IO */
export async function openLog(file: string): Promise<FileHandle> {
	const handle = await opened(file);
	if ((await handle.stat()).isFile()) return handle;
	await handle.close();
	throw new SigtoolError("ERR_IO", `Cannot follow ${quote(file)}: it is not a regular file`, { path: file });
}

async function opened(file: string): Promise<FileHandle> {
	try {
		return await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
	} catch (cause) {
		if (!isErrnoException(cause) || cause.code !== "ENOENT") throw ioError("read", file, cause);
		throw new SigtoolError("ERR_ROOT_MISSING", `Cannot follow ${quote(file)}: no such file`, { cause, path: file });
	}
}

/** While logrotate works, no file has the name. Then the log is still the file that had the name before. */
async function changeOf(handle: FileHandle, file: string, position: number): Promise<"none" | "replaced" | "emptied"> {
	const own = await handle.stat();
	const named = await stat(file).catch(() => undefined);
	if (named !== undefined && (named.ino !== own.ino || named.dev !== own.dev)) return "replaced";
	return own.size < position ? "emptied" : "none";
}

async function pause(signal: AbortSignal): Promise<void> {
	await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => {});
}
