/** Makes syslog messages (RFC 5424) of the lines of a log. */

import { hostname } from "node:os";
import { type Told, textOf, timeIn, verdictOf } from "../events/event.js";
import type { OutgoingLine } from "./sink.js";

/** The facilities of RFC 5424, section 6.2.1, that fit events. A facility's place here is not its number. */
export const FACILITIES = {
	...{ user: 1, daemon: 3, auth: 4, authpriv: 10 },
	...{ local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23 },
} as const;

export type Facility = keyof typeof FACILITIES;

/** Returns the severity of RFC 5424. The system log gets events of the same severities from the verifier. */
export function severityOf({ event }: OutgoingLine): number {
	if (event === undefined || event.event === "log.missed" || tellsOfVerifier(event)) return WARNING;
	const verdict = verdictOf(event);
	if (verdict === "refuse") return CRITICAL;
	return verdict === "audit" || verdict === undefined ? WARNING : NOTICE;
}

/** Tells whether the verifier recorded something of itself, such as a start in mode audit or a file that it cannot write. */
function tellsOfVerifier(event: Told): boolean {
	return verdictOf(event) === "record" && /^(?:verifier|log)\./.test(textOf(event, "event") ?? "");
}

const CRITICAL = 2;
const WARNING = 4;
const NOTICE = 5;

/**
 * Returns a message whose last part, MSG, is the line byte for byte. With `mostBytes`, a line that has no room is cut at
 * its end, and the structured data say so. The line goes without a byte order mark: RFC 5424 calls that MSG-ANY.
 */
export function syslogMessage(line: OutgoingLine, facility: Facility, mostBytes = Number.POSITIVE_INFINITY): Buffer {
	const head = headOf(line, facility);
	const whole = Buffer.concat([head, line.bytes]);
	if (whole.length <= mostBytes) return whole;
	const cutHead = headOf(line, facility, { sizeBytes: line.bytes.length });
	return Buffer.concat([cutHead, line.bytes]).subarray(0, mostBytes);
}

function headOf(line: OutgoingLine, facility: Facility, more: Told = {}): Buffer {
	const told: Told = line.event ?? {};
	const fields = [
		`<${FACILITIES[facility] * 8 + severityOf(line)}>1`,
		timeIn(told) ?? new Date().toISOString(),
		printable(hostname(), 255),
		"sigtool",
		printable(textOf(told, "from") ?? textOf(told, "pid") ?? "", 128),
		printable(textOf(told, "event") ?? "", 32),
		structuredData({ ...told, ...more }),
	];
	return Buffer.from(`${fields.join(" ")} `);
}

/** Returns the text as a field of the header, which consists of printable ASCII without spaces. */
function printable(text: string, mostLength: number): string {
	const field = text.replace(/[^!-~]/g, "?").slice(0, mostLength);
	return field === "" ? "-" : field;
}

/**
 * Returns few members of the event, by which a receiver can filter without reading JSON. The number 32473 is the one that
 * RFC 5612 keeps for documentation: the project has no number of its own.
 */
function structuredData(told: Told): string {
	const parameters = MEMBERS.flatMap((name) => {
		const value = textOf(told, name);
		return value === undefined ? [] : [` ${name}="${parameterValue(value)}"`];
	});
	return parameters.length === 0 ? "-" : `[sigtool@32473${parameters.join("")}]`;
}

const MEMBERS = ["event", "verdict", "reason", "rule", "seq", "sizeBytes"];

/** Escapes a value (RFC 5424, section 6.3.3). The line itself has all characters. */
function parameterValue(text: string): string {
	return text
		.slice(0, MOST_VALUE_LENGTH)
		.replace(/[^ -~]/g, "?")
		.replace(/["\\\]]/g, "\\$&");
}

const MOST_VALUE_LENGTH = 256;
