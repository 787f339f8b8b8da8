/** Two sinks for events: standard error, and the system log. The third is events-file.ts. */

import { errnoReason } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import {
	atomicsWait,
	charCodeAt,
	encodeUtf8,
	fstatSync,
	Int32,
	indexOf,
	numberToString,
	padStart,
	SharedMemory,
	slice,
	writeSync,
} from "../safe/primordials.js";
import { IN_BIG_INTEGERS } from "../safe/record.js";
import type { AuditSink } from "./audit.js";

/**
 * Returns a check that throws if the descriptor no longer refers to the same file. A program can close any descriptor,
 * and the next file that it opens may get the same number.
 *
 * The check makes fstat() return BigInts. Otherwise fstat() would fill an array inside Node.js that realpathSync()
 * reads too: after fstat() of a pipe, realpathSync() would follow no link.
 */
function identityCheck(descriptor: number): () => void {
	const { dev, ino } = fstatSync(descriptor, IN_BIG_INTEGERS);
	return () => {
		const stats = fstatSync(descriptor, IN_BIG_INTEGERS);
		if (stats.dev !== dev || stats.ino !== ino) throw new Error("its descriptor now belongs to another file");
	};
}

/**
 * Writes one line for each event, in printable ASCII, so that no path can control the terminal.
 * @throws ERR_AUDIT_SINK if standard error is closed
 */
export function standardErrorSink(wants: AuditSink["wants"] = "refusals"): AuditSink {
	let requireSame: () => void;
	try {
		requireSame = identityCheck(STANDARD_ERROR);
	} catch (cause) {
		throw new SigtoolError("ERR_AUDIT_SINK", `Cannot write audit events to standard error: ${errnoReason(cause)}`, {
			cause,
		});
	}
	return {
		name: "standard error",
		wants,
		write(lines) {
			requireSame();
			let text = "";
			for (let start = 0, end = 0; start < lines.length; start = end + 1) {
				end = indexOf(lines, "\n", start);
				text += `sigtool: ${asciiOf(slice(lines, start, end))}\n`;
			}
			writeFully(STANDARD_ERROR, text);
		},
	};
}

/** Writes to the system log through the addon. Never waits: an event that the log does not accept at once is lost. */
export function systemLogSink(log: (line: string, isRefusal: boolean) => boolean): AuditSink {
	return {
		name: "the system log",
		wants: "all",
		write(lines) {
			for (let start = 0, end = 0; start < lines.length; start = end + 1) {
				end = indexOf(lines, "\n", start);
				const line = asciiOf(slice(lines, start, end));
				// A field cannot contain `"verdict":"refuse"`, because JSON escapes its quotes. So this text shows a
				// refusal.
				log(line, indexOf(line, '"verdict":"refuse"') !== -1);
			}
		},
	};
}

export const STANDARD_ERROR = 2;

/**
 * Writes the whole text. The descriptor may be a non-blocking pipe, so this function tries again after EAGAIN. Calls
 * `onWritten` after each part, with true after the last one.
 */
export function writeFully(descriptor: number, text: string, onWritten?: (isWhole: boolean) => void): void {
	const bytes = encodeUtf8(text);
	for (let written = 0, waits = 0; written < bytes.length; ) {
		try {
			written += writeSync(descriptor, bytes, written);
			onWritten?.(written === bytes.length);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || ++waits > MAX_WAITS) throw error;
			wait();
		}
	}
}

/** Waits for 10 ms. */
export function wait(): void {
	atomicsWait(NEVER, 0, 0, WAIT_MS);
}

/** The sink fails if the reader of the pipe reads nothing for one second (100 × 10 ms). */
const WAIT_MS = 10;
const MAX_WAITS = 100;
const NEVER = new Int32(new SharedMemory(4));

/** Escapes everything but printable ASCII as `\uXXXX`. The result is JSON of the same value. */
function asciiOf(json: string): string {
	let text = "";
	let start = 0;
	for (let i = 0; i < json.length; i++) {
		const unit = charCodeAt(json, i);
		if (unit >= 0x20 && unit < 0x7f) continue;
		text += `${slice(json, start, i)}\\u${padStart(numberToString(unit, 16), 4, "0")}`;
		start = i + 1;
	}
	return text + slice(json, start);
}
