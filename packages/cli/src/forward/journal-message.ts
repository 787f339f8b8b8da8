/** Makes entries of systemd's journal of the lines of a log (JOURNAL_NATIVE_PROTOCOL). */

import { subjectOf, type Told, textOf } from "../events/event.js";
import type { OutgoingLine } from "./sink.js";
import { FACILITIES, type Facility, severityOf } from "./syslog-message.js";

/** Returns one entry: the line as MESSAGE, byte for byte, and what a person searches for as fields of their own. */
export function journalMessage(line: OutgoingLine, facility: Facility): Buffer {
	const told: Told = line.event ?? {};
	const fields: [string, Buffer | string | undefined][] = [
		["MESSAGE", line.bytes],
		["PRIORITY", String(severityOf(line))],
		["SYSLOG_FACILITY", String(FACILITIES[facility])],
		["SYSLOG_IDENTIFIER", "sigtool"],
		...MEMBERS.map((name): [string, string | undefined] => [`SIGTOOL_${name.toUpperCase()}`, textOf(told, name)]),
		["SIGTOOL_SUBJECT", subjectOf(told)],
	];
	return Buffer.concat(fields.flatMap(([name, value]) => (value === undefined ? [] : fieldOf(name, value))));
}

const MEMBERS = ["event", "verdict", "reason", "rule", "product", "seq", "from"];

/** Writes the length before each value, so that no value can begin another field. */
function fieldOf(name: string, value: Buffer | string): Buffer[] {
	const bytes = typeof value === "string" ? Buffer.from(value) : value;
	const size = Buffer.alloc(8);
	size.writeBigUInt64LE(BigInt(bytes.length));
	return [Buffer.from(`${name}\n`), size, bytes, Buffer.from("\n")];
}
