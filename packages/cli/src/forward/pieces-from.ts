/** Reads a file of a log from a place on, also if it is compressed. */

import type { FileHandle } from "node:fs/promises";
import { ioError, SigtoolError } from "@sigtool/core/internal/errors";
import { decompressorOf, LONGEST_MAGIC } from "../events/compression.js";
import { openLog, readAt } from "../events/follow.js";
import { logPieces } from "../events/log-pieces.js";

/**
 * Yields the content from `fromBytes` on. Each piece is used until the next one is asked for.
 * @throws ERR_ROOT_MISSING; ERR_IO; ERR_USAGE for another compression than by gzip
 */
export async function* piecesFrom(path: string, fromBytes: number): AsyncGenerator<Buffer, void, undefined> {
	const handle = await openLog(path);
	try {
		const head = Buffer.alloc(LONGEST_MAGIC);
		await handle.read(head, 0, head.length, 0);
		if (decompressorOf(head) === undefined) {
			yield* piecesOfHandle(handle, path, fromBytes);
			return;
		}
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("read", path, cause);
	} finally {
		await handle.close();
	}
	let offset = 0;
	for await (const piece of logPieces(path)) {
		const before = Math.max(0, fromBytes - offset);
		offset += piece.length;
		if (before < piece.length) yield piece.subarray(before);
	}
}

/** The same for an open file. The caller closes it. @throws ERR_IO */
export async function* piecesOfHandle(
	handle: FileHandle,
	path: string,
	fromBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
	const piece = Buffer.alloc(PIECE_BYTES);
	for (let position = fromBytes; ; ) {
		const { bytesRead } = await readAt(handle, path, piece, position);
		if (bytesRead === 0) return;
		position += bytesRead;
		yield piece.subarray(0, bytesRead);
	}
}

const PIECE_BYTES = 2 ** 16;
