/** Reads logs: files, compressed files, pipes and standard input, in pieces, however large they are. */

import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ioError, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";
import { decompressorOf, LONGEST_MAGIC } from "./compression.js";

/** The name of standard input among files. */
export const STANDARD_INPUT = "-";

/**
 * Yields the content of a log, decompressed if it is compressed by gzip.
 * @throws ERR_ROOT_MISSING; ERR_IO, also for a compressed file that ends early; ERR_USAGE for another compression
 */
export async function* logPieces(file: string): AsyncGenerator<Buffer, void, undefined> {
	const stream =
		file === STANDARD_INPUT
			? createReadStream("", { fd: 0, autoClose: false, highWaterMark: PIECE_BYTES })
			: createReadStream(file, { highWaterMark: PIECE_BYTES });
	try {
		const { head, rest } = await headOf(stream);
		const program = decompressorOf(head);
		const whole = joined(head, rest);
		if (program === undefined) {
			yield* whole;
			return;
		}
		if (program !== "zcat") throw otherCompression(file, program);
		const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
		pipeline(Readable.from(whole), gunzip, () => {}); // The loop below gets the error.
		for await (const piece of gunzip) yield piece;
	} catch (cause) {
		throw asReadError(file, cause);
	} finally {
		stream.destroy();
	}
}

const PIECE_BYTES = 2 ** 18;

/** Reads as many bytes as tell a compression. */
async function headOf(stream: AsyncIterable<Buffer>): Promise<{ head: Buffer; rest: AsyncIterator<Buffer> }> {
	const rest = stream[Symbol.asyncIterator]();
	let head = Buffer.alloc(0);
	while (head.length < LONGEST_MAGIC) {
		const { value, done } = await rest.next();
		if (done === true) break;
		head = Buffer.concat([head, value]);
	}
	return { head, rest };
}

async function* joined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
	if (head.length > 0) yield head;
	for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

function otherCompression(file: string, program: string): SigtoolError {
	return usageError(
		`Cannot read ${quote(file)}: it is compressed, but not by gzip; run \`${program} ${quote(file)}\`, and read what it prints`,
	);
}

function asReadError(file: string, cause: unknown): unknown {
	if (cause instanceof SigtoolError) return cause;
	if (isErrnoException(cause) && cause.code === "ENOENT") {
		return new SigtoolError("ERR_ROOT_MISSING", `Cannot read ${quote(file)}: no such file`, { cause, path: file });
	}
	const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
	if (typeof code !== "string" || !code.startsWith("Z_")) return ioError("read", file, cause);
	const reason = code === "Z_BUF_ERROR" ? "its compressed content ends early" : "its compressed content is damaged";
	return new SigtoolError("ERR_IO", `Cannot read ${quote(file)} to its end: ${reason}`, { cause, path: file });
}
