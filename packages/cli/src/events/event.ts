/** Reads audit events, as docs/reference/events.md describes them, out of lines that anybody may have written. */

import { quote } from "@sigtool/core/internal/errors";
import { type EventVerdict, VERDICTS } from "@sigtool/verifier";

/** An event, or what a message tells of one. No member is certain to be there, or of its type. */
export type Told = Readonly<Record<string, unknown>>;

export interface LoggedEvent extends Told {
	readonly event: string;
	readonly verdict: string;
}

/**
 * Returns the event of a line, or undefined. Other text may stand before it: that of a journal, or an event that a full
 * disk cut. Its verdict has the meaning of docs/reference/events.md, as far as the event itself tells it.
 */
export function parseEvent(line: string): LoggedEvent | undefined {
	const start = line.indexOf("{");
	if (start === -1) return undefined;
	return parseWhole(line.slice(start)) ?? parseWhole(line.slice(Math.max(start, line.lastIndexOf('{"time":"'))));
}

function parseWhole(text: string): LoggedEvent | undefined {
	try {
		const value: unknown = JSON.parse(text);
		if (!isEvent(value)) return undefined;
		return meansRecord(value) ? recorded(value) : value;
	} catch {
		return undefined;
	}
}

function isEvent(value: unknown): value is LoggedEvent {
	if (typeof value !== "object" || value === null) return false;
	return "event" in value && typeof value.event === "string" && "verdict" in value && typeof value.verdict === "string";
}

/** Returns a member as text if it is a number, or a text that is not empty. Otherwise returns undefined. */
export function textOf(told: Told, member: string): string | undefined {
	const value = told[member];
	if (typeof value === "number") return String(value);
	return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Returns the time of an event. Returns undefined if it is none that RFC 5424 allows: a program can write any text there,
 * and a receiver that cannot read the time of a message may take the rest of the message for something else.
 */
export function timeIn({ time }: Told): string | undefined {
	if (typeof time !== "string" || !TIME.test(time)) return undefined;
	const atMs = Date.parse(time);
	return !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(time.slice(0, 19)) ? time : undefined;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/;

/** Returns what an event is about, such as the path of a file. */
export function subjectOf(told: Told): string | undefined {
	return SUBJECTS.map((member) => textOf(told, member)).find((each) => each !== undefined);
}

const SUBJECTS = ["path", "script", "file", "argument", "variable", "name", "kind"];

/** Returns the number of events that a line stands for. */
export function countOf({ event, count }: Told): number {
	// The `count` of these events is the number of something else.
	if (typeof event === "string" && COUNTING_OTHERS.has(event)) return 1;
	return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 1;
}

const COUNTING_OTHERS: ReadonlySet<string> = new Set(["verifier.dropped", "verifier.reload", "verifier.environment"]);

/**
 * Tells whether an event of verdict `audit` is one that has the verdict `record` today: an event of the verifier itself, text
 * that the native gate lets pass, or bytecode, which is dropped in every mode.
 */
function meansRecord({ event, verdict, reason }: LoggedEvent & Told): boolean {
	if (verdict !== "audit") return false;
	if (event.startsWith("verifier.") || event.startsWith("log."))
		return event !== "verifier.start" || reason === undefined;
	return (event === "code.string" && reason === undefined) || reason === "ERR_UNSIGNED_BYTECODE";
}

/** Returns the event with the verdict `record`. */
export function recorded(event: LoggedEvent): LoggedEvent {
	return { ...event, verdict: "record" };
}

/** Returns the verdict, or undefined for one that this release does not know: it may mean a refusal. */
export function verdictOf({ verdict }: Told): EventVerdict | undefined {
	const isKnown = typeof verdict === "string" && Object.hasOwn(VERDICTS, verdict);
	// The type assertion is safe: the table has the verdict.
	return isKnown ? (verdict as EventVerdict) : undefined;
}

/** Returns the verdict in words. One that is not known stands there as the event has it. */
export function verdictWord(event: Told): string {
	const verdict = verdictOf(event);
	if (verdict !== undefined) return VERDICTS[verdict].word;
	const given = textOf(event, "verdict") ?? "";
	return `unknown verdict ${quote(given.length > LONGEST_VERDICT ? `${given.slice(0, LONGEST_VERDICT)}…` : given)}`;
}

const LONGEST_VERDICT = 64;

/** Returns true for what was refused, or would be under enforcement. */
export function isFinding(told: Told): boolean {
	const verdict = verdictOf(told);
	return verdict === "refuse" || verdict === "audit";
}

/** Tells whether a member of the policy has decided. What the policy only records has no reason. */
export function isByMember(event: Told): boolean {
	if (event.rule === "fixed") return false;
	return event.reason === "ERR_RUNTIME_RULE" || (event.reason === undefined && verdictOf(event) === "record");
}
