/** Writes logs for tests of the command line, as the collector chains them. */

import { writeFileSync } from "node:fs";
import { bytesOf, type Step, writeLog } from "../../../../core/test/log/chained-log.js";

export const events = (count: number, first = 0): Step[] =>
	Array.from({ length: count }, (_, index) => ({ kind: "event", path: `/srv/${first + index}.js` }));

/** Writes the first file of a log, and returns its lines. */
export function writeChained(file: string, count: number): string[] {
	const [lines = []] = writeLog(events(count - 1));
	writeFileSync(file, bytesOf(lines));
	return lines;
}

/** Returns an event as a line without a chain. */
export function eventLine(event: string, members: object = {}): string {
	return `${JSON.stringify({ time: "2026-01-31T12:00:00.000Z", event, verdict: "allow", pid: 7, thread: 0, ...members })}\n`;
}
