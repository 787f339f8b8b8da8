/** Reads a log from a position on, through all its rotations. */

import { setTimeout } from "node:timers/promises";
import { createLineSplitter, type LineSplitter, type LogLine, lineDigest } from "@sigtool/core/internal";
import { parseEvent, type Told, timeIn } from "../events/event.js";
import { followFile } from "../events/follow.js";
import { type Log, nextPart, type Part } from "./log-files.js";
import { piecesFrom } from "./pieces-from.js";
import type { Position } from "./position.js";
import type { OutgoingLine } from "./sink.js";

/** Lines that were read together, and how far the log is sent once all of them are. There may be no lines. */
export interface ReadLines {
	readonly lines: readonly OutgoingLine[];
	readonly position: Position;
}

/**
 * Yields the lines after `from`, or from the beginning of the file that is being written, and `idle` while there are none.
 * Lines that cannot be sent stand as an event `log.missed` among the others. Ends when the signal is aborted.
 * @throws ERR_ROOT_MISSING; ERR_IO
 */
export async function* linesAfter(
	log: Log,
	from: Position | undefined,
	signal: AbortSignal,
): AsyncGenerator<ReadLines | "idle", void, undefined> {
	let last = from;
	let search: "by inode" | "everywhere" = "everywhere";
	while (!signal.aborted) {
		const part = await nextPart(log, last, search);
		search = part === undefined ? "by inode" : "everywhere";
		if (part === undefined) {
			yield "idle";
			await setTimeout(PAUSE_MS, undefined, { signal }).catch(() => {});
			continue;
		}
		let { missed } = part;
		for await (const read of linesOf(part, log.path, signal)) {
			if (read !== "idle") {
				last = read.position;
				yield missed === 0 ? read : { ...read, lines: [missedLine(log.path, missed), ...read.lines] };
				missed = 0;
			} else yield read;
		}
	}
}

const PAUSE_MS = 1000;

async function* linesOf(
	part: Part,
	log: string,
	signal: AbortSignal,
): AsyncGenerator<ReadLines | "idle", void, undefined> {
	const { path, handle, fromBytes } = part;
	const reader = createReader(part, log);
	try {
		if (handle === undefined) {
			for await (const piece of piecesFrom(path, fromBytes)) {
				if (signal.aborted) return;
				yield* reader.push(piece);
			}
			yield* reader.end();
			return;
		}
		const pieces = followFile(handle, path, fromBytes, signal);
		for (let next = await pieces.next(); ; next = await pieces.next()) {
			if (next.done === true) {
				// A line without an end stays so in a file that is written no longer.
				if (next.value.why === "replaced") yield* reader.end();
				return;
			}
			if (next.value === "idle") yield "idle";
			else yield* reader.push(next.value);
		}
	} finally {
		await handle?.close();
	}
}

/** Turns pieces of a part into its lines. */
function createReader({ inode, fromBytes }: Part, log: string) {
	const splitter: LineSplitter = createLineSplitter();
	let baseBytes = fromBytes;
	let isBegun = fromBytes === 0;

	function* batch(given: Iterable<LogLine>): Generator<ReadLines, void, undefined> {
		const lines: OutgoingLine[] = [];
		let position: Position | undefined;
		for (const line of given) {
			const outgoing = outgoingLine(line, log);
			lines.push(outgoing);
			position = positionOf(line, outgoing, baseBytes, inode);
		}
		if (position !== undefined) yield { lines, position };
	}

	return {
		*push(piece: Buffer) {
			let rest = piece;
			// The line feed of the last line that was sent comes first.
			if (!isBegun && piece[0] === LINE_FEED) {
				rest = piece.subarray(1);
				baseBytes++;
			}
			isBegun = true;
			yield* batch(splitter.push(rest));
		},
		*end() {
			const last = splitter.end();
			if (last !== undefined) yield* batch([last]);
		},
	};
}

const LINE_FEED = 0x0a;

/** Returns a line that keeps its bytes. A line that is too long for any receiver is not kept. */
function outgoingLine({ bytes }: LogLine, log: string): OutgoingLine {
	if (bytes === undefined) return missedLine(log, 1);
	return { bytes: Buffer.from(bytes), event: parseEvent(bytes.toString()) };
}

function positionOf(line: LogLine, { event }: OutgoingLine, baseBytes: number, inode: number): Position {
	const startBytes = baseBytes + line.offsetBytes;
	return {
		...{ startBytes, endBytes: startBytes + line.sizeBytes, digest: lineDigest(line), inode },
		...(event !== undefined && numberAndTime(event)),
	};
}

/** Whoever writes a line can give it any number and time, so what no collector writes is not kept. */
function numberAndTime(event: Told): Pick<Position, "seq" | "time"> {
	const time = timeIn(event);
	return {
		...(typeof event.seq === "number" && Number.isSafeInteger(event.seq) && { seq: event.seq }),
		...(time !== undefined && { time }),
	};
}

function missedLine(path: string, count: number): OutgoingLine {
	const event = {
		...{ time: new Date().toISOString(), event: "log.missed", verdict: "allow" },
		...{ pid: process.pid, thread: 0, path, count },
	};
	return { bytes: Buffer.from(JSON.stringify(event)), event, missed: count };
}
