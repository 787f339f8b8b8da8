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
	/** The log goes on in another file, which may have lines of others already. */
	| { readonly kind: "rotate"; readonly foreign?: readonly string[] }
	/** Another file begins, and a collector that starts then knows nothing of the one before. */
	| { readonly kind: "replace"; readonly foreign?: readonly string[] }
	/** The collector begins with zeros, because it does not know the lines before. */
	| { readonly kind: "unknown"; readonly begin: "unreadable" | "uncovered" };

/** Returns the files of a log, each as its lines. */
export function writeLog(steps: readonly Step[]): string[][] {
	const files: string[][] = [[]];
	let sequence = 0;
	let millisecond = 0;
	/** No two lines are alike. */
	const now = () => new Date(Date.UTC(2026, 10, 29, 10) + millisecond++).toISOString();
	/** The lines from the last one with a chain on, as far as the collector knows them. */
	let span: string[] = [];
	const put = (line: string) => files.at(-1)?.push(line);
	const putForeign = (lines: readonly string[]) => {
		for (const line of lines) put(line);
		span.push(...lines);
	};
	const chain = (event: object, from?: number) => {
		const digest = span.length === 0 ? ZEROS : digestOf(span.join("\n"));
		const stamp = `"seq":${++sequence}${from === undefined ? "" : `,"from":${from}`},"chain":"${digest}"}`;
		const line = `${JSON.stringify(event).slice(0, -1)},${stamp}`;
		put(line);
		span = [line];
	};
	const begin = (kind: string, from?: number) =>
		chain({ time: now(), event: "log.begin", verdict: "allow", pid: 8, thread: 0, kind }, from);
	begin("new");
	for (const step of steps) {
		if (step.kind === "foreign") putForeign([step.text]);
		if (step.kind === "restart") sequence = 0;
		if (step.kind === "forged") begin(step.begin, 7);
		if (step.kind === "rotate") {
			files.push([]);
			putForeign(step.foreign ?? []);
			begin("rotated");
		}
		if (step.kind === "replace") {
			files.push([]);
			[sequence, span] = [0, []];
			putForeign(step.foreign ?? []);
			if (span.length === 0) begin("new");
		}
		if (step.kind === "unknown") {
			span = [];
			begin(step.begin);
		}
		if (step.kind !== "event") continue;
		const event = { time: now(), event: "module.open_code", verdict: "allow", pid: 7, thread: 0 };
		chain({ ...event, path: step.path }, 7);
	}
	return files;
}

export const bytesOf = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(""));
