/**
 * Checks the chain of a log: each line of the collector carries the SHA-256 of the lines before it, from the last one
 * that has a `chain` on, whoever wrote the others. A change is found at the first line that does not fit.
 *
 * Only a checkpoint covers the lines at the end, and those before a line whose collector did not know them.
 *
 * It remembers REMEMBERED_LINES lines, whatever the size of the log is.
 */

import { hash } from "node:crypto";
import {
	type AfterBreak,
	type ChainBreak,
	changeAt,
	type LinePlace,
	type LogChange,
	REMEMBERED_LINES,
	type SeenLine,
} from "./chain-break.js";
import { type Beginning, beginningOf, type ChainMark, NO_LINE, readMark } from "./chain-mark.js";
import type { LinePart, LogLine } from "./lines.js";
import { createSpan, type Span } from "./span.js";

/** A place where nothing covers the lines before. They could be others without a trace. */
export interface ChainGap {
	readonly place: LinePlace;
	/** The number of lines of the log before it, in all files. */
	readonly linesBefore: number;
	/**
	 * `unreadable`: the collector could not read the lines before. `uncovered`: they were too many. `new`: another log
	 * begins. `rotated`, `cut`: the lines before are covered together with a file that was not given, or not at all.
	 * With no line before, the log begins with a line that says that there were some.
	 */
	readonly kind: Beginning;
}

export interface ChainFindings {
	readonly lines: number;
	/** The lines that carry the digest of those before. */
	readonly chained: number;
	/** The lines at the end that no other line covers: at least one, unless the log is empty. */
	readonly uncovered: number;
	/** The first change. Undefined if every line fits. */
	readonly change: LogChange | undefined;
	/** The lines that do not fit to those before. */
	readonly misfits: number;
	/** The first MOST_GAPS gaps, and the number of all. */
	readonly gaps: readonly ChainGap[];
	readonly gapCount: number;
	readonly lastGap: ChainGap | undefined;
	/** The digest that the first line with a `chain` carries, if the log is the continuation of another file. */
	readonly continues: string | undefined;
	/** The digest that the next line would carry. */
	readonly end: string | undefined;
}

export interface ChainChecker {
	/** Takes the next line of the log, which is in `file`. */
	add(line: LogLine, file: string): void;
	/** Takes a part of the next line, if that is too long to be kept. */
	addPart(part: LinePart, file: string): void;
	findings(): ChainFindings;
}

const MOST_GAPS = 100;
/** A collector that began at a file before so many others without a digest is not followed. */
const MOST_OWN_SPANS = 8;

export function createChainChecker(): ChainChecker {
	let lines = 0;
	let chained = 0;
	let uncovered = 0;
	let misfits = 0;
	let continues: string | undefined;
	let gapCount = 0;
	let lastGap: ChainGap | undefined;
	const gaps: ChainGap[] = [];
	/** The lines from the last one with a `chain` on. */
	const span = createSpan();
	/** The lines from the beginnings of files on, while none of them has a `chain`. */
	const ownSpans: { readonly lines: Span; readonly place: LinePlace; readonly linesBefore: number }[] = [];
	/** The last lines: in a ring by their number, and by their digest, where the last of equal lines counts. */
	const ring: SeenLine[] = [];
	const recent = new Map<string, number>();
	let last: SeenLine | undefined;
	let start: SeenLine | undefined;
	let beforeStart: SeenLine | undefined;
	let found: ChainBreak | undefined;
	let next: AfterBreak["next"];
	let beforeNext: SeenLine | undefined;
	let later: SeenLine | undefined;
	let looked = 0;

	function fits(mark: ChainMark, line: LogLine, place: LinePlace): boolean {
		if (lines > 0 && mark.chain === span.digest()) return true;
		const kind = beginningOf(line.bytes);
		if (lines === 0 && mark.chain === NO_LINE) {
			// A collector begins a log with `new`. Every other kind says that there were lines before.
			if (kind !== undefined && kind !== "new") addGap({ place, linesBefore: 0, kind });
			return kind !== undefined;
		}
		if (chained === 0 && (kind === "rotated" || kind === "cut")) {
			continues = mark.chain;
			if (lines > 0) addGap({ place, linesBefore: lines, kind });
			return true;
		}
		if (mark.chain === NO_LINE && kind !== undefined && kind !== "new") {
			addGap({ place, linesBefore: lines, kind });
			return true;
		}
		const own = ownSpans.find((each) => mark.chain === (each.lines.digest() ?? NO_LINE));
		if (own === undefined) return false;
		addGap({ place: own.place, linesBefore: own.linesBefore, kind: "new" });
		return true;
	}

	function addGap(gap: ChainGap): void {
		gapCount++;
		lastGap = gap;
		if (gaps.length < MOST_GAPS) gaps.push(gap);
	}

	function beginFile(place: LinePlace): void {
		if (lines === 0) return;
		if (ownSpans.length === MOST_OWN_SPANS) ownSpans.shift();
		ownSpans.push({ lines: createSpan(), place, linesBefore: lines });
	}

	function remember(seen: SeenLine): void {
		const oldest = ring[lines % REMEMBERED_LINES];
		if (oldest !== undefined && recent.get(oldest.digest) === lines - REMEMBERED_LINES) recent.delete(oldest.digest);
		ring[lines % REMEMBERED_LINES] = seen;
		recent.set(seen.digest, lines);
	}

	function recall(index: number | undefined): SeenLine | undefined {
		return index === undefined ? undefined : ring[index % REMEMBERED_LINES];
	}

	function breakAt(mark: ChainMark, line: LogLine, place: LinePlace): ChainBreak {
		const named = recent.get(mark.chain);
		const digest = line.bytes === undefined ? "" : hash("sha256", line.bytes, "hex");
		return {
			at: { place, digest, mark },
			previous: last,
			...{ start, beforeStart },
			named: recall(named),
			afterNamed: named === undefined ? undefined : recall(named + 1),
			copied: recall(recent.get(digest)),
			wasCut: beginningOf(line.bytes) === "cut",
		};
	}

	function lookBehindBreak(seen: SeenLine, isMisfit: boolean): void {
		if (found === undefined || looked > REMEMBERED_LINES) return;
		looked++;
		if (seen.digest === found.at.mark.chain) later ??= seen;
		if (next !== undefined || seen.mark === undefined) return;
		next = { ...seen, isMisfit };
		beforeNext = last;
	}

	function openSpans(): readonly Span[] {
		return [span, ...ownSpans.map(({ lines }) => lines)];
	}

	/** Begins a span with the line, or adds it to the one that is open. */
	function extend(mark: ChainMark | undefined, { bytes }: LogLine): void {
		if (mark === undefined || bytes === undefined) {
			for (const each of openSpans()) each.add(bytes);
			return;
		}
		span.begin(bytes);
		ownSpans.length = 0;
	}

	return {
		addPart(part, file) {
			if (part.number === 1 && part.isFirst) beginFile({ file, line: 1, offsetBytes: 0 });
			for (const each of openSpans()) each.addPart(part);
		},
		add(line, file) {
			const { number, offsetBytes, bytes } = line;
			const place = { file, line: number, offsetBytes };
			const mark = readMark(bytes);
			if (number === 1 && bytes !== undefined) beginFile(place);
			const isBreak = mark !== undefined && !fits(mark, line, place);
			if (isBreak) misfits++;
			const isFirstBreak = isBreak && found === undefined;
			if (isFirstBreak) found = breakAt(mark, line, place);
			extend(mark, line);
			const seen = { place, digest: span.digest() ?? NO_LINE, mark };
			if (!isFirstBreak) lookBehindBreak(seen, isBreak);
			if (mark !== undefined) {
				chained++;
				uncovered = 0;
				beforeStart = start;
			}
			if (mark !== undefined || start === undefined) start = seen;
			uncovered++;
			remember(seen);
			lines++;
			last = seen;
		},
		findings: () => ({
			...{ lines, chained, uncovered, misfits, gaps, gapCount, lastGap, continues },
			change: found && changeAt(found, { next, beforeNext, later }),
			end: last?.digest,
		}),
	};
}
