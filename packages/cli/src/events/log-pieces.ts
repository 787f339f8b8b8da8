/** Reads logs: files, compressed files, pipes and standard input, in pieces, however large they are. */

import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { COMMAND, ioError, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";

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
		refuseOtherCompression(file, head);
		const whole = joined(head, rest);
		if (!head.subarray(0, 2).equals(GZIP_MAGIC)) {
			yield* whole;
			return;
		}
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
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b);

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

function refuseOtherCompression(file: string, head: Buffer): void {
	const program = DECOMPRESSORS.find(([magic]) => head.toString("latin1", 0, magic.length) === magic)?.[1];
	if (program === undefined) return;
	throw usageError(
		`Cannot read ${quote(file)}: it is compressed, but not by gzip; run \`${program} ${quote(file)} | ${COMMAND} log -\``,
	);
}

/** The first bytes of compressed files, and the programs that print what is in them. */
const DECOMPRESSORS = [
	["BZh", "bzcat"],
	["\xfd7zXZ", "xzcat"],
	["\x28\xb5\x2f\xfd", "zstdcat"],
] as const;
const LONGEST_MAGIC = 5;

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
