/** Writes logs as the collector chains them, without the code under test. docs/reference/audit-log.md has the form. */

import { createHash } from "node:crypto";

const ZEROS = "0".repeat(64);
export const digestOf = (line: string | Buffer) => createHash("sha256").update(line).digest("hex");

/** Says what the next line of a log is to be. */
export type Step =
	| { readonly kind: "event"; readonly path: string }
	/** A line of a program that has no collector. */
	| { readonly kind: "foreign"; readonly text: string }
	/** A program has sent an event that it has no right to. */
	| { readonly kind: "forged"; readonly begin: string }
	/** A collector starts again, so its numbers begin at 1. */
	| { readonly kind: "restart" }
	/** The log goes on in another file. */
	| { readonly kind: "rotate" };

/** Returns the files of a log, each as its lines. */
export function writeLog(steps: readonly Step[]): string[][] {
	const files: string[][] = [[]];
	let sequence = 0;
	let last = ZEROS;
	const put = (line: string) => {
		files.at(-1)?.push(line);
		last = digestOf(line);
	};
	const chain = (event: object, from?: number) => {
		const stamp = `"seq":${++sequence}${from === undefined ? "" : `,"from":${from}`},"chain":"${last}"}`;
		put(`${JSON.stringify(event).slice(0, -1)},${stamp}`);
	};
	const begin = (kind: string, from?: number) =>
		chain({ time: "2026-11-29T10:03:21.729Z", event: "log.begin", verdict: "allow", pid: 8, thread: 0, kind }, from);
	begin("new");
	for (const step of steps) {
		if (step.kind === "foreign") put(step.text);
		if (step.kind === "restart") sequence = 0;
		if (step.kind === "forged") begin(step.begin, 7);
		if (step.kind === "rotate") {
			files.push([]);
			begin("rotated");
		}
		if (step.kind !== "event") continue;
		const event = { time: "2026-11-29T10:03:21.737Z", event: "module.open_code", verdict: "allow", pid: 7, thread: 0 };
		chain({ ...event, path: step.path }, 7);
	}
	return files;
}

export const bytesOf = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(""));
