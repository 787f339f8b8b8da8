/**
 * Checks the chain of a log: each line of the collector carries the SHA-256 of the line before it, whoever wrote that.
 * A change is found at the first line that does not fit.
 *
 * Only a checkpoint covers the last line, and the lines before one that carries no digest: a line of a program without a
 * collector, or one that a full disk has cut.
 *
 * It remembers REMEMBERED_LINES lines, whatever the size of the log is.
 */

import {
	type ChainBreak,
	changeAt,
	type LinePlace,
	type LogChange,
	REMEMBERED_LINES,
	type SeenLine,
} from "./chain-break.js";
import { beginningOf, NO_LINE, readMark } from "./chain-mark.js";
import { chainDigest, type LogLine } from "./lines.js";

/** A line that does not name the line before it. The lines before could be others without a trace. */
export interface ChainGap {
	readonly place: LinePlace;
	/** The number of lines of the log before it, in all files. */
	readonly linesBefore: number;
	/**
	 * `unreadable`: the collector could not read the lines before. `new`: another log begins. `foreign`: the line is not
	 * the collector's, or it is a rest of one.
	 */
	readonly kind: "unreadable" | "new" | "foreign";
}

export interface ChainFindings {
	readonly lines: number;
	/** The lines that carry the digest of the line before. */
	readonly chained: number;
	/** The lines at the end that no other line covers: at least one, unless the log is empty. */
	readonly uncovered: number;
	/** The first change. Undefined if every line fits. */
	readonly change: LogChange | undefined;
	/** The lines that do not fit to the line before. */
	readonly misfits: number;
	/** The first MOST_GAPS gaps, and the number of all. Lines that `uncovered` counts are no gaps. */
	readonly gaps: readonly ChainGap[];
	readonly gapCount: number;
	readonly lastGap: ChainGap | undefined;
	/** The digest of the line before the first one, if the log is the continuation of another file. */
	readonly continues: string | undefined;
	/** The digest that the next line would carry. */
	readonly end: string | undefined;
}

export interface ChainChecker {
	/** Takes the next line of the log, which is in `file`. */
	add(line: LogLine, file: string): void;
	findings(): ChainFindings;
}

export const MOST_GAPS = 100;

export function createChainChecker(): ChainChecker {
	let lines = 0;
	let chained = 0;
	let uncovered = 0;
	let misfits = 0;
	let continues: string | undefined;
	let gapCount = 0;
	let lastGap: ChainGap | undefined;
	const gaps: ChainGap[] = [];
	/** The first of the lines without `chain` that the log ends with at the moment. */
	let foreign: Omit<ChainGap, "kind"> | undefined;
	/** The last lines: in a ring by their number, and by their digest, where the last of equal lines counts. */
	const ring: SeenLine[] = [];
	const recent = new Map<string, number>();
	let last: SeenLine | undefined;
	let beforeLast: SeenLine | undefined;
	let found: ChainBreak | undefined;
	let next: SeenLine | undefined;
	let beforeNext: string | undefined;
	let later: SeenLine | undefined;
	let looked = 0;

	function fits(line: LogLine, { place, mark }: SeenLine): boolean {
		if (mark === undefined) return true;
		if (last === undefined) {
			if (mark.chain === NO_LINE) return true;
			const kind = beginningOf(line.bytes);
			if (kind !== "rotated" && kind !== "cut") return false;
			continues = mark.chain;
			return true;
		}
		if (mark.chain === last.digest) return true;
		const kind = mark.chain === NO_LINE ? beginningOf(line.bytes) : undefined;
		const isGap = kind === "unreadable" || (kind === "new" && line.number === 1);
		if (isGap) addGap({ place, linesBefore: lines, kind });
		return isGap;
	}

	function addGap(gap: ChainGap): void {
		gapCount++;
		lastGap = gap;
		if (gaps.length < MOST_GAPS) gaps.push(gap);
	}

	/** Takes notice of lines without `chain` once the collector's lines go on behind them. */
	function notePlace({ place, mark }: SeenLine): void {
		if (mark === undefined) {
			if (last !== undefined) foreign ??= { place, linesBefore: lines };
			return;
		}
		if (foreign !== undefined) addGap({ ...foreign, kind: "foreign" });
		foreign = undefined;
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

	function breakAt(line: LogLine, seen: SeenLine): ChainBreak | undefined {
		if (seen.mark === undefined) return undefined;
		const named = recent.get(seen.mark.chain);
		return {
			at: { ...seen, mark: seen.mark },
			previous: last,
			beforePrevious: beforeLast,
			named: recall(named),
			afterNamed: named === undefined ? undefined : recall(named + 1),
			copied: recall(recent.get(seen.digest)),
			wasCut: beginningOf(line.bytes) === "cut",
		};
	}

	function lookBehindBreak(seen: SeenLine): void {
		if (found === undefined || looked > REMEMBERED_LINES) return;
		looked++;
		if (seen.digest === found.at.mark.chain) later ??= seen;
		if (next !== undefined || seen.mark === undefined) return;
		next = seen;
		beforeNext = last?.digest;
	}

	return {
		add(line, file) {
			const { number, offsetBytes, bytes } = line;
			const mark = readMark(bytes);
			const seen = { place: { file, line: number, offsetBytes }, digest: chainDigest(line), mark };
			lookBehindBreak(seen);
			if (!fits(line, seen)) {
				misfits++;
				found ??= breakAt(line, seen);
			}
			if (mark !== undefined) {
				chained++;
				uncovered = 0;
			}
			uncovered++;
			notePlace(seen);
			remember(seen);
			lines++;
			beforeLast = last;
			last = seen;
		},
		findings: () => ({
			...{ lines, chained, uncovered, misfits, gaps, gapCount, lastGap, continues },
			change: found && changeAt(found, { next, beforeNext, later }),
			end: last?.digest,
		}),
	};
}
