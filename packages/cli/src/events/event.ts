/** Reads audit events, as docs/reference/events.md describes them, out of lines that anybody may have written. */

/** An event, or what a message tells of one. No member is certain to be there, or of its type. */
export type Told = Readonly<Record<string, unknown>>;

export interface LoggedEvent extends Told {
	readonly event: string;
	readonly verdict: string;
}

/**
 * Returns the event of a line, or undefined. Other text may stand before it: that of a journal, or an event that a full
 * disk cut.
 */
export function parseEvent(line: string): LoggedEvent | undefined {
	const start = line.indexOf("{");
	if (start === -1) return undefined;
	return parseWhole(line.slice(start)) ?? parseWhole(line.slice(Math.max(start, line.lastIndexOf('{"time":"'))));
}

function parseWhole(text: string): LoggedEvent | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return isEvent(value) ? value : undefined;
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
 * Returns the verdict that counts: `audit` only for what enforcement would have refused. In mode audit the event of a
 * start has this verdict too, to tell the mode.
 */
export function verdictOf({ event, verdict, reason }: Told): "allow" | "refuse" | "audit" {
	if (verdict === "refuse") return "refuse";
	if (verdict !== "audit") return "allow";
	return event === "verifier.start" && reason === undefined ? "allow" : "audit";
}
