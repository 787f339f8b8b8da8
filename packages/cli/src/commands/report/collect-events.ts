/** Reads a file of events, counts them, and collects their rows for the page. */

import { isFinding, type LoggedEvent, textOf, verdictOf } from "../../events/event.js";
import { readLog } from "../../events/read-events.js";
import { ruleNameOf } from "../../events/tally.js";
import { escaped } from "../../output/output.js";
import { type EventRow, type EventsData, VERDICTS } from "../../page/data.js";

export interface CollectedEvents {
	readonly data: EventsData;
	/** The number of events of each verdict, in the order of VERDICTS. All events of the file count. */
	readonly counts: readonly number[];
	/** The number of lines that are no event, and the number of the first of them. */
	readonly broken: { readonly count: number; readonly firstLine: number };
	/** The number of events that are counted but have no row, because there are too many. */
	readonly leftOut: number;
	/** The number of events that the programs dropped, as their own events say. */
	readonly dropped: number;
	/** The time of the first and of the last event in milliseconds. Undefined if no event has a readable time. */
	readonly period: readonly [number, number] | undefined;
	readonly byRule: ReadonlyMap<string, Use>;
	readonly bySubject: ReadonlyMap<string, Use>;
	readonly hosts: ReadonlySet<string>;
}

/** Tells how often something occurs, by verdict, and when it did so last. */
export interface Use {
	readonly counts: number[];
	lastMs: number;
}

/** The page has at most this many rows of events. Refusals come first. */
const MAX_ROWS = 200_000;
/** No table has more groups than this. The rest is counted under one name. */
const MAX_GROUPS = 20_000;
const OTHERS = "(others)";
const WITHOUT_RULE = "(no rule named)";

/** @throws the errors of `logPieces` */
export async function collectEvents(file: string): Promise<CollectedEvents> {
	const texts = new Texts();
	const rows: { readonly row: EventRow; readonly pairs: EventsData["fields"][string] }[] = [];
	const counts = VERDICTS.map(() => 0);
	const broken = { count: 0, firstLine: 0 };
	const byRule = new Map<string, Use>();
	const bySubject = new Map<string, Use>();
	const hosts = new Set<string>();
	const otherRoom = { left: MAX_ROWS };
	let [leftOut, dropped] = [0, 0];
	let period: readonly [number, number] | undefined;

	function take(event: LoggedEvent, verdict: number): void {
		const timeMs = timeOf(event);
		const rule = ruleNameOf(event);
		const subject = subjectOf(event);
		counts[verdict]++;
		if (timeMs >= 0) period = [Math.min(timeMs, period?.[0] ?? timeMs), Math.max(timeMs, period?.[1] ?? timeMs)];
		if (event.event === "verifier.dropped" && typeof event.count === "number") dropped += event.count;
		if (typeof event.host === "string" && event.host !== "" && event.event === "verifier.start") hosts.add(event.host);
		addUse(byRule, rule ?? WITHOUT_RULE, verdict, timeMs);
		if (subject !== "") addUse(bySubject, subject, verdict, timeMs);
		if (rows.length >= MAX_ROWS * 2 || (!isFinding(event) && otherRoom.left-- <= 0)) {
			leftOut++;
			return;
		}
		const row: EventRow = [
			...([timeMs, verdict, texts.place(event.event), texts.place(subject)] as const),
			...([texts.place(rule ?? ""), texts.place(textOf(event, "reason") ?? "")] as const),
		];
		rows.push({ row, pairs: VERDICTS[verdict].id === "allow" ? [] : pairsOf(event, texts) });
	}

	for await (const lines of readLog(file)) {
		for (const read of lines) {
			const verdict = read.kind === "event" ? verdictOf(read.event) : undefined;
			if (read.kind === "event" && verdict !== undefined) take(read.event, placeOf(verdict));
			else if (broken.count++ === 0) broken.firstLine = read.line;
		}
	}
	rows.sort((a, b) => a.row[1] - b.row[1] || a.row[0] - b.row[0]);
	const kept = rows.slice(0, MAX_ROWS);
	const fields: Record<string, EventsData["fields"][string]> = {};
	for (const [index, { pairs }] of kept.entries()) if (pairs.length > 0) fields[index] = pairs;
	leftOut += rows.length - kept.length;
	const data = { texts: texts.list, rows: kept.map(({ row }) => row), fields };
	return { data, counts, broken, leftOut, dropped, period, byRule, bySubject, hosts };
}

function placeOf(verdict: string): number {
	return VERDICTS.findIndex(({ id }) => id === verdict);
}

class Texts {
	readonly list: string[] = [""];
	readonly #places = new Map<string, number>([["", 0]]);

	/** Returns the place of a text, which is added if it is new. */
	place(text: string): number {
		const known = this.#places.get(text);
		if (known !== undefined) return known;
		this.#places.set(text, this.list.length);
		return this.list.push(escaped(text)) - 1;
	}
}

function timeOf({ time }: LoggedEvent): number {
	const timeMs = typeof time === "string" ? Date.parse(time) : Number.NaN;
	return Number.isNaN(timeMs) || timeMs < 0 ? -1 : timeMs;
}

/** The fields that name the thing an event is about, the first that an event has. */
const SUBJECTS = ["path", "script", "file", "argument", "variable", "name", "host", "detail", "kind"];

function subjectOf(event: LoggedEvent): string {
	return SUBJECTS.map((name) => textOf(event, name)).find((text) => text !== undefined) ?? "";
}

function pairsOf(event: LoggedEvent, texts: Texts): [number, number][] {
	return Object.entries(event).map(([name, value]) => {
		return [texts.place(name), texts.place(typeof value === "string" ? value : JSON.stringify(value))];
	});
}

function addUse(uses: Map<string, Use>, name: string, verdict: number, timeMs: number): void {
	const key = uses.has(name) || uses.size < MAX_GROUPS ? name : OTHERS;
	let use = uses.get(key);
	if (use === undefined) {
		use = { counts: VERDICTS.map(() => 0), lastMs: -1 };
		uses.set(key, use);
	}
	use.counts[verdict]++;
	use.lastMs = Math.max(use.lastMs, timeMs);
}
