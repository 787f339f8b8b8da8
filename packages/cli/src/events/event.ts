/** Reads audit events, as docs/reference/events.md describes them, out of lines that anybody may have written. */

/** An event, or what a message tells of one. No member is certain to be there, or of its type. */
export type Told = Readonly<Record<string, unknown>>;

/** Returns the event of a line, or undefined. An event may follow one that a full disk cut, on the same line. */
export function parseEvent(line: string): Told | undefined {
	return parseWhole(line) ?? parseWhole(line.slice(Math.max(0, line.lastIndexOf('{"time":"'))));
}

function parseWhole(text: string): Told | undefined {
	try {
		const value: unknown = JSON.parse(text);
		// The type assertion is safe: an object has members of unknown types.
		const event = typeof value === "object" && value !== null ? (value as Told) : {};
		return typeof event.event === "string" && typeof event.verdict === "string" ? event : undefined;
	} catch {
		return undefined;
	}
}

/** Returns a member that is text or a number, as text. */
export function textOf(told: Told, member: string): string | undefined {
	const value = told[member];
	return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** Returns what an event is about, such as the path of a file. */
export function subjectOf(told: Told): string | undefined {
	return SUBJECTS.map((member) => textOf(told, member)).find((each) => each);
}

const SUBJECTS = ["path", "script", "file", "argument", "variable", "name", "kind"];

/** Returns the number of events that a line stands for. */
export function countOf({ event, count }: Told): number {
	// The `count` of these events is the number of something else.
	if (typeof event === "string" && COUNTING_OTHERS.has(event)) return 1;
	return typeof count === "number" && Number.isSafeInteger(count) && count > 0 ? count : 1;
}

const COUNTING_OTHERS: ReadonlySet<string> = new Set(["verifier.dropped", "verifier.reload", "verifier.environment"]);
