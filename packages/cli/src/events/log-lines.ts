/** Reads the files of one log as its lines, byte for byte. */

import { createLineSplitter, type LinePart, type LogLine } from "@sigtool/core/internal";
import { logPieces } from "./log-pieces.js";

/**
 * Calls `take` for each line of the files, in their order, and before a line that is too long to be kept `takePart` for
 * each part of it. @throws the errors of `logPieces`
 */
export async function eachLine(
	files: readonly string[],
	take: (line: LogLine, file: string) => void,
	takePart: (part: LinePart, file: string) => void = () => {},
): Promise<void> {
	for (const file of files) {
		const splitter = createLineSplitter((part) => takePart(part, file));
		for await (const piece of logPieces(file)) {
			for (const line of splitter.push(piece)) take(line, file);
		}
		const last = splitter.end();
		if (last !== undefined) take(last, file);
	}
}
