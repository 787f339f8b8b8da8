/** Makes log records of OpenTelemetry of the lines of a log. */

import { isUtf8 } from "node:buffer";
import type { LogRecord } from "@opentelemetry/api-logs";
import { subjectOf, type Told, textOf } from "../events/event.js";
import type { OutgoingLine } from "./sink.js";
import { severityOf } from "./syslog-message.js";

/** Returns the record: the line as its body, and what a person searches for as attributes. */
export function otlpRecord(line: OutgoingLine, nowMs: number): LogRecord {
	const told: Told = line.event ?? {};
	const atMs = typeof told.time === "string" ? Date.parse(told.time) : Number.NaN;
	const members: Told = { ...told, subject: subjectOf(told) };
	const attributes = Object.fromEntries(
		MEMBERS.flatMap((name) => {
			const value = textOf(members, name);
			return value === undefined ? [] : [[`sigtool.${name}`, wellFormed(value)]];
		}),
	);
	const eventName = textOf(told, "event");
	return {
		timestamp: Number.isNaN(atMs) ? nowMs : atMs,
		observedTimestamp: nowMs,
		...SEVERITIES[severityOf(line)],
		// Text that is none in UTF-8 would not arrive as it is.
		body: isUtf8(line.bytes) ? line.bytes.toString() : new Uint8Array(line.bytes),
		...(eventName !== undefined && { eventName: wellFormed(eventName) }),
		attributes,
	};
}

const MEMBERS = ["event", "verdict", "reason", "rule", "product", "seq", "from", "subject"];

/** OpenTelemetry's numbers for the severities of syslog, by the appendix of its data model. */
const SEVERITIES: Readonly<Record<number, Pick<LogRecord, "severityNumber" | "severityText">>> = {
	2: { severityNumber: 18, severityText: "critical" },
	4: { severityNumber: 13, severityText: "warning" },
	5: { severityNumber: 10, severityText: "notice" },
};

/** Replaces halves of surrogate pairs, which JSON can contain and protocol buffers cannot. */
function wellFormed(text: string): string {
	return Buffer.from(text).toString();
}
