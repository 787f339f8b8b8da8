import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { ioError } from "@sigtool/core/internal/errors";

/**
 * Yields the lines of a file without keeping the file in memory. A line that is longer than MAX_LINE is cut, so that it
 * is no event. Bytes that are not UTF-8 become U+FFFD. @throws ERR_IO
 */
export function* linesOf(file: string): Generator<string, void, undefined> {
	let descriptor: number | undefined;
	try {
		descriptor = openSync(file, "r");
		const decoder = new StringDecoder("utf8");
		const chunk = Buffer.alloc(CHUNK_BYTES);
		let rest = "";
		for (let length = readSync(descriptor, chunk); length > 0; length = readSync(descriptor, chunk)) {
			const lines = `${rest}${decoder.write(chunk.subarray(0, length))}`.split("\n");
			rest = (lines.pop() ?? "").slice(0, MAX_LINE);
			yield* lines;
		}
		rest += decoder.end();
		if (rest !== "") yield rest;
	} catch (cause) {
		throw ioError("read", file, cause);
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

const CHUNK_BYTES = 2 ** 20;
const MAX_LINE = 2 ** 22;
