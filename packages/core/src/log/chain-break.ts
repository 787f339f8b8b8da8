/**
 * Finds out what happened to a log at the place where its chain breaks. A line names the digest of the span before it, so
 * the place is certain, and often the kind of change too. Where two kinds leave the same log, both are named.
 */

import type { ChainMark } from "./chain-mark.js";

/** A line in a file of a log. */
export interface LinePlace {
	readonly file: string;
	/** The number of the line in its file, from 1. */
	readonly line: number;
	readonly offsetBytes: number;
}

/**
 * - `edited`: `first` has other bytes than it had, or a line without a number was removed behind it.
 * - `removed`: lines are missing between `first` and `last`.
 * - `edited-or-removed`: one of the two.
 * - `inserted`: the lines from `first` to `last` were not there.
 * - `moved`: the lines from `first` on are not in their order.
 * - `changed`: any of these. Lines without `chain` stand from `first` to `last`, and nothing tells them apart.
 */
export type ChangeKind = "edited" | "removed" | "edited-or-removed" | "inserted" | "moved" | "changed";

export interface LogChange {
	readonly kind: ChangeKind;
	readonly first: LinePlace;
	readonly last: LinePlace;
	/** A part of a sentence that says what is known beyond the kind. */
	readonly detail: string | undefined;
}

/** A line, with what its change would show in. */
export interface SeenLine {
	readonly place: LinePlace;
	/** The digest that the next line carries if it has a `chain`. */
	readonly digest: string;
	readonly mark: ChainMark | undefined;
}

/** The first line whose `chain` is not the digest of the span before it. */
export interface ChainBreak {
	readonly at: SeenLine & { readonly mark: ChainMark };
	/** The line before. Undefined if the log begins with `at`, although `at` is no line that begins one. */
	readonly previous: SeenLine | undefined;
	/** The first line of the span that ends with `previous`. */
	readonly start: SeenLine | undefined;
	/** The line with a `chain` before `start`. */
	readonly beforeStart: SeenLine | undefined;
	/** The line whose digest `at` names, if it is among the last lines before. */
	readonly named: SeenLine | undefined;
	/** The line directly after `named`. */
	readonly afterNamed: SeenLine | undefined;
	/** A line before `at` that has the same bytes. */
	readonly copied: SeenLine | undefined;
	/** The file was shorter than the collector had left it, says the collector. */
	readonly wasCut: boolean;
}

/** The lines that were read after the break. */
export interface AfterBreak {
	/** The first line with a `chain` after the break. */
	readonly next: (SeenLine & { readonly isMisfit: boolean }) | undefined;
	/** The line before `next`. */
	readonly beforeNext: SeenLine | undefined;
	/** The line whose digest the line at the break names, if it stands after it. */
	readonly later: SeenLine | undefined;
}

/** So many lines after a break are looked at, and so many before it are remembered. */
export const REMEMBERED_LINES = 4096;

export function changeAt(found: ChainBreak, after: AfterBreak): LogChange {
	const { at, previous, start, beforeStart, named, afterNamed, copied, wasCut } = found;
	const only = (place: LinePlace) => ({ first: place, last: place });
	if (previous === undefined || start === undefined)
		return {
			kind: "removed",
			...only(at.place),
			detail: "no log begins with this line, so lines before it are missing",
		};
	if (copied !== undefined)
		return { kind: "inserted", ...only(at.place), detail: `it is a copy of line ${copied.place.line}` };
	if (wasCut) {
		const detail = "the collector found the file shorter than it had left it";
		return { kind: "removed", first: previous.place, last: at.place, detail };
	}
	if (named !== undefined && afterNamed !== undefined)
		return { kind: "inserted", first: afterNamed.place, last: previous.place, detail: undefined };
	if (after.later !== undefined)
		return { kind: "moved", ...only(at.place), detail: `it stood after what is now line ${after.later.place.line}` };
	const { next, beforeNext } = after;
	if (next?.isMisfit) {
		if (next.mark?.chain === previous.digest) return { kind: "inserted", ...only(at.place), detail: undefined };
		const isAlone = beforeNext?.digest === at.digest;
		return { kind: isAlone ? "edited" : "changed", ...only(at.place), detail: undefined };
	}
	const change = start === previous ? between(at, start, beforeStart) : among(at, start);
	return { ...change, first: start.place, last: at.place };
}

/** Tells by the numbers of the lines if one was edited or some are missing. Other collectors of a file have other numbers. */
function between(
	at: ChainBreak["at"],
	start: SeenLine,
	beforeStart: SeenLine | undefined,
): Pick<LogChange, "kind" | "detail"> {
	const [before, last, own] = [beforeStart, start, at].map((line) => line?.mark?.sequence);
	if (own === undefined || last === undefined) return { kind: "edited-or-removed", detail: undefined };
	const isSteady = before === undefined || last === before + 1;
	if (own === last + 1 || (before !== undefined && own === before + 2)) return { kind: "edited", detail: undefined };
	if (isSteady && own > last)
		return { kind: "removed", detail: `by the numbers in \`seq\` it is ${lineCount(own - last - 1)}` };
	return { kind: "edited-or-removed", detail: undefined };
}

function lineCount(lines: number): string {
	return lines === 1 ? "1 line" : `${lines} lines`;
}

/** Tells what is known of a change among lines without `chain`, to which lines that lost theirs belong. */
function among(at: ChainBreak["at"], start: SeenLine): Pick<LogChange, "kind" | "detail"> {
	const [last, own] = [start, at].map((line) => line.mark?.sequence);
	const missing = own === undefined || last === undefined ? 0 : own - last - 1;
	const detail = missing > 0 ? `${missing} of their numbers are missing` : undefined;
	return { kind: "changed", detail };
}
