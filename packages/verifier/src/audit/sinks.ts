/** Where events go: a file of JSON Lines, standard error, the system's log. */

import { errnoReason, quote, SigtoolError } from "@sigtool/core/read";
import {
	atomicsWait,
	charCodeAt,
	encodeUtf8,
	fstatSync,
	Int32,
	indexOf,
	numberToString,
	O_APPEND,
	O_CREAT,
	O_NOFOLLOW,
	O_WRONLY,
	openSync,
	padStart,
	SharedMemory,
	slice,
	writeSync,
} from "../safe/primordials.js";
import type { AuditSink } from "./audit.js";

/**
 * Appends to a file, made with mode 0600; each call is one write of whole lines, so that processes can share it.
 * @throws ERR_AUDIT_SINK when it cannot be opened
 */
export function jsonLinesSink(file: string, wants: AuditSink["wants"] = "all"): AuditSink {
	let descriptor: number;
	try {
		descriptor = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600);
	} catch (cause) {
		const message = `Cannot write audit events to ${quote(file)}: ${errnoReason(cause)}; see \`sigtool launcher check\`, and whether this user may append to it`;
		throw new SigtoolError("ERR_AUDIT_SINK", message, { cause, path: file });
	}
	const requireSame = fileBehind(descriptor);
	return {
		name: quote(file),
		wants,
		write(lines) {
			requireSame();
			writeFully(descriptor, lines);
		},
	};
}

/**
 * Throws once it is another file: a program can close any descriptor, and open a file that gets its number.
 *
 * Asked in big integers, as Node.js keeps what else it heard of a file last: after a pipe its realpathSync follows no link.
 */
function fileBehind(descriptor: number): () => void {
	const { dev, ino } = fstatSync(descriptor, IN_BIG_INTEGERS);
	return () => {
		const stats = fstatSync(descriptor, IN_BIG_INTEGERS);
		if (stats.dev !== dev || stats.ino !== ino) throw new Error("its descriptor was taken away");
	};
}

const IN_BIG_INTEGERS = { __proto__: null, bigint: true } as unknown as { bigint: true };

/**
 * One line an event, in ASCII: nothing in a name can move a terminal's cursor.
 * @throws ERR_AUDIT_SINK when it is closed
 */
export function standardErrorSink(wants: AuditSink["wants"] = "refusals"): AuditSink {
	let requireSame: () => void;
	try {
		requireSame = fileBehind(STANDARD_ERROR);
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

/** The system's log, by the addon. Nobody waits for it: what it does not take is lost. */
export function systemLogSink(log: (line: string, isRefusal: boolean) => boolean): AuditSink {
	return {
		name: "the system's log",
		wants: "all",
		write(lines) {
			for (let start = 0, end = 0; start < lines.length; start = end + 1) {
				end = indexOf(lines, "\n", start);
				const line = asciiOf(slice(lines, start, end));
				log(line, indexOf(line, '"verdict":"refuse"') !== -1); // Quotes in names are escaped.
			}
		},
	};
}

export const STANDARD_ERROR = 2;

/** All of a text, to a descriptor that may be a pipe somebody else made non-blocking. */
export function writeFully(descriptor: number, text: string): void {
	const bytes = encodeUtf8(text);
	for (let written = 0, waits = 0; written < bytes.length; ) {
		try {
			written += writeSync(descriptor, bytes, written);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || ++waits > MAX_WAITS) throw error;
			atomicsWait(NEVER, 0, 0, WAIT_MS);
		}
	}
}

/** A reader that takes nothing for a second is a sink that failed. */
const WAIT_MS = 10;
const MAX_WAITS = 100;
const NEVER = new Int32(new SharedMemory(4));

/** What is neither ASCII nor printable, as `\uXXXX`, which JSON reads back as the same. */
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
