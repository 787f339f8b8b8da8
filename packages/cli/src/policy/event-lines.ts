/** Reads events line by line from logs of any size. */

import { closeSync, openSync, readSync } from "node:fs";
import { ioError } from "@sigtool/core/internal/errors";
import { parseEvent } from "../events/event.js";

/** An event, whose members anybody who can write the log may have made up. */
export type LoggedEvent = Readonly<Record<string, unknown>> & { readonly event: string; readonly verdict: string };

export interface EventLog {
	/** Yields the events of all files. A line may have other text before the event, as a journal has. */
	readonly events: Iterable<LoggedEvent>;
	/** Returns how many lines were no events so far. Empty lines do not count. */
	readonly otherLines: () => number;
}

/** Opens logs; `-` is standard input. @throws ERR_IO while it is read */
export function openLogs(files: readonly string[]): EventLog {
	let others = 0;
	function* events(): Generator<LoggedEvent> {
		for (const file of files) {
			for (const line of linesOf(file)) {
				const event = eventIn(line);
				if (event !== undefined) yield event;
				else if (line.trim() !== "") others++;
			}
		}
	}
	return { events: events(), otherLines: () => others };
}

/** Returns the event of a line, which may have other text before it. */
export function eventIn(line: string): LoggedEvent | undefined {
	const start = line.indexOf("{");
	// The type assertion is safe: an event has both members.
	return start === -1 ? undefined : (parseEvent(line.slice(start)) as LoggedEvent | undefined);
}

/** A longer line is no event: no sink writes one. */
const MAX_LINE = 1 << 20;

function* linesOf(file: string): Generator<string> {
	let descriptor: number | undefined;
	try {
		descriptor = file === "-" ? 0 : openSync(file, "r");
		const bytes = Buffer.alloc(1 << 16);
		let rest = Buffer.alloc(0);
		for (let count = readSome(descriptor, bytes); count > 0; count = readSome(descriptor, bytes)) {
			let text = Buffer.concat([rest, bytes.subarray(0, count)]);
			for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10)) {
				yield text.toString("utf8", 0, end);
				text = text.subarray(end + 1);
			}
			rest = text.length > MAX_LINE ? Buffer.from("too long") : Buffer.from(text);
		}
		yield rest.toString("utf8");
	} catch (cause) {
		throw ioError("read", file === "-" ? "standard input" : file, cause);
	} finally {
		if (descriptor !== undefined && file !== "-") closeSync(descriptor);
	}
}

/** A pipe that is not ready, and the end of one on some systems, are errors. */
function readSome(descriptor: number, bytes: Buffer): number {
	for (;;) {
		try {
			return readSync(descriptor, bytes, 0, bytes.length, null);
		} catch (error) {
			// The type assertion is safe: readSync throws only errors of the system.
			const { code } = error as NodeJS.ErrnoException;
			if (code === "EOF") return 0;
			if (code !== "EAGAIN") throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
		}
	}
}

/** Returns a member that is text. */
export function textOf(event: LoggedEvent, name: string): string | undefined {
	const value = event[name];
	return typeof value === "string" && value !== "" ? value : undefined;
}
