/** Reads logs that a collector wrote, and checks the chain of their lines, as docs/reference/audit-log.md defines it. */

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

export type LogLine = Readonly<Record<string, unknown>>;

export interface Log {
	/** The lines that are JSON. */
	readonly lines: readonly LogLine[];
	/** The numbers of lines, from 1 over all files, that do not carry the digest of the lines before. */
	readonly broken: readonly number[];
	/** The numbers of lines that begin a file with the digest of the end of an earlier file than the one before. */
	readonly skipping: readonly number[];
	/** The numbers of lines at which a chain begins. */
	readonly beginnings: readonly number[];
	/** The numbers of lines that carry no digest, or are no JSON. */
	readonly unchained: readonly number[];
}

/** A longer line has no digest, whatever it ends with. */
const MAX_CHAINED_BYTES = 131_232;

/** Reads files in the order in which they were written. */
export function readLog(...files: readonly string[]): Log {
	const log = { lines: [], broken: [], skipping: [], beginnings: [], unchained: [] } as {
		[name in keyof Log]: Log[name][number][];
	};
	/** The lines from the last one with a digest on. */
	let span: string[] = [];
	const ends = new Set<string>();
	let number = 0;
	for (const file of files) {
		const found = readFileSync(file, "latin1").split("\n");
		if (found.at(-1) === "") found.pop();
		for (const line of found) {
			number++;
			const [, chain] = line.length <= MAX_CHAINED_BYTES ? (/,"chain":"([0-9a-f]{64})"\}$/.exec(line) ?? []) : [];
			if (chain === undefined) log.unchained.push(number);
			else if (/^0+$/.test(chain)) log.beginnings.push(number);
			else if (span.length === 0 || chain !== sha256(span.join("\n"))) {
				const isSkipping = /"event":"log.begin".*"kind":"rotated"/.test(line) && ends.has(chain);
				log[isSkipping ? "skipping" : "broken"].push(number);
			}
			if (chain !== undefined) span = [];
			span.push(line);
			const parsed = parse(Buffer.from(line, "latin1").toString());
			if (parsed !== undefined) log.lines.push(parsed);
			else if (chain !== undefined) log.unchained.push(number);
		}
		if (span.length > 0) ends.add(sha256(span.join("\n")));
	}
	return log;
}

function sha256(line: string): string {
	return createHash("sha256").update(Buffer.from(line, "latin1")).digest("hex");
}

function parse(line: string): LogLine | undefined {
	try {
		return JSON.parse(line);
	} catch {
		return undefined;
	}
}
