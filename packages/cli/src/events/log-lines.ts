/** Reads the files of one log as its lines, byte for byte. */

import { createLineSplitter, type LogLine } from "@sigtool/core/internal";
import { logPieces } from "./log-pieces.js";

/** Calls `take` for each line of the files, in their order. @throws the errors of `logPieces` */
export async function eachLine(
	files: readonly string[],
	take: (line: LogLine, file: string) => void,
	signal?: AbortSignal,
): Promise<void> {
	for (const file of files) {
		const splitter = createLineSplitter();
		for await (const piece of logPieces(file)) {
			signal?.throwIfAborted();
			for (const line of splitter.push(piece)) take(line, file);
		}
		const last = splitter.end();
		if (last !== undefined) take(last, file);
	}
}
