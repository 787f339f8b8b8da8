/**
 * Counts refusals instead of writing each. The first is written as it is. Later ones that differ in nothing but the time
 * are written as one line with `count`, the number of refusals that the line stands for: when their number has doubled,
 * when a minute has passed since the last line, and when the process ends. So the sum over all lines, in which a line
 * without `count` is 1, is the number of refusals.
 */

import { indexOf, isoTime, now, slice } from "../safe/primordials.js";

/** After a refusal the program goes on, or it ends with a line on standard error. */
export type AfterRefusal = "goes on" | "ends";

export interface Repeats {
	/** Writes or counts a line that was made now. Throws what `write` throws. */
	add(line: string, then?: AfterRefusal): void;
	/** Writes the counts that have waited for a minute, or all counts. Throws what `write` throws. */
	writeCounts(which: "due" | "all"): void;
	/** Tells whether there is a count that was not written. */
	isWaiting(): boolean;
}

/** The number of different refusals that are remembered. The one that was last seen first is forgotten. */
export const MAX_KINDS = 64;
/** Longer lines are written each time. */
const MAX_KIND_UNITS = 1 << 14;
export const COUNT_MS = 60_000;

/** The kinds of refusals are a linked list, because a program can change Array.prototype. The newest is the first. */
interface Kind {
	/** The line after its time. */
	readonly rest: string;
	/** The number of refusals, and the number at which the next line is due. */
	total: number;
	nextTotal: number;
	/** The number of refusals that no line stands for. */
	unwritten: number;
	writtenMs: number;
	next: Kind | undefined;
}

export function createRepeats(write: (line: string, then: AfterRefusal) => void): Repeats {
	let first: Kind | undefined;
	let size = 0;
	let waiting = 0;

	/** A sink may raise another refusal, so the count is 0 before it is written. */
	function writeCount(kind: Kind, time: number, then: AfterRefusal = "goes on"): void {
		const { rest, unwritten } = kind;
		const count = unwritten === 1 ? "" : `,"count":${unwritten}`;
		kind.unwritten = 0;
		waiting--;
		try {
			write(`{"time":"${isoTime(time)}"${slice(rest, 0, -2)}${count}}\n`, then);
		} catch (error) {
			kind.unwritten = unwritten;
			waiting++;
			throw error;
		}
		kind.writtenMs = time;
	}

	/** Takes the kind out of the list. */
	function take(rest: string): Kind | undefined {
		let before: Kind | undefined;
		for (let kind = first; kind !== undefined; before = kind, kind = kind.next) {
			if (kind.rest !== rest) continue;
			if (before === undefined) first = kind.next;
			else before.next = kind.next;
			return kind;
		}
		return undefined;
	}

	function forgetLast(time: number): void {
		let before: Kind | undefined;
		let last = first;
		while (last?.next !== undefined) {
			before = last;
			last = last.next;
		}
		if (last === undefined) return;
		if (last.unwritten > 0) writeCount(last, time);
		if (before === undefined) first = undefined;
		else before.next = undefined;
		size--;
	}

	return {
		add(line, then = "goes on") {
			const time = now();
			// A line begins with its time, which contains no quote.
			const rest = slice(line, indexOf(line, '",') + 1);
			const known = take(rest);
			if (known !== undefined) {
				known.next = first;
				first = known;
				known.total++;
				if (known.unwritten === 0) waiting++;
				known.unwritten++;
				if (known.total < known.nextTotal && !isDue(known, time)) return;
				if (known.total >= known.nextTotal) known.nextTotal *= 2;
				writeCount(known, time, then);
				return;
			}
			write(line, then);
			if (line.length > MAX_KIND_UNITS) return;
			if (size === MAX_KINDS) forgetLast(time);
			first = { rest, total: 1, nextTotal: 2, unwritten: 0, writtenMs: time, next: first };
			size++;
		},
		writeCounts(which) {
			if (waiting === 0) return;
			const time = now();
			for (let kind = first; kind !== undefined; kind = kind.next) {
				if (kind.unwritten > 0 && (which === "all" || isDue(kind, time))) writeCount(kind, time);
			}
		},
		isWaiting: () => waiting > 0,
	};
}

/** The clock may also have been set back. */
function isDue({ writtenMs }: Kind, time: number): boolean {
	return time - writtenMs >= COUNT_MS || time < writtenMs;
}
