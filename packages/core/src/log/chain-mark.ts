/** Reads the members of a line that the collector adds and by which the chain is checked. docs/reference/audit-log.md has the form. */

/** The members `seq` and `chain` of a line. */
export interface ChainMark {
	/** The number of the line since its collector began. Undefined if the line has none. */
	readonly sequence: number | undefined;
	/** The SHA-256 of the lines before, from the last one with a `chain` on, or zeros if none was known. */
	readonly chain: string;
}

export const NO_LINE = "0".repeat(64);

/** Returns undefined for a line that does not end as the collector ends one, or is longer than it makes one. */
export function readMark(bytes: Buffer | undefined): ChainMark | undefined {
	if (bytes === undefined || bytes.length < CHAIN_BYTES || bytes.length > MAX_CHAINED_BYTES) return undefined;
	if (bytes[bytes.length - 1] !== CLOSING_BRACE) return undefined;
	const text = bytes.toString("latin1", Math.max(0, bytes.length - CHAIN_BYTES - SEQUENCE_BYTES));
	const [, sequence, chain] = MARK.exec(text) ?? [];
	if (chain === undefined) return undefined;
	return { sequence: sequence === undefined ? undefined : Number(sequence), chain };
}

/** The collector writes messages of at most 128 KiB, and adds at most 160 bytes. */
const MAX_CHAINED_BYTES = 2 ** 17 + 160;
const CLOSING_BRACE = 0x7d;
const CHAIN_BYTES = 76;
const SEQUENCE_BYTES = 48;
const MARK = /(?:,"seq":(\d{1,15})(?:,"from":\d{1,10})?)?,"chain":"([0-9a-f]{64})"\}$/;

/** Says why the chain does not simply go on at a line. */
export type Beginning = "new" | "rotated" | "cut" | "unreadable" | "uncovered";

/**
 * Returns the kind of a line that is the event `log.begin` of a collector. Returns undefined for every other line, also
 * for such an event that a program has sent, which `from` shows: lines before it could otherwise be removed unseen.
 */
export function beginningOf(bytes: Buffer | undefined): Beginning | undefined {
	if (bytes === undefined || !bytes.includes('"log.begin"')) return undefined;
	try {
		const event: unknown = JSON.parse(bytes.toString());
		if (typeof event !== "object" || event === null || !("event" in event) || event.event !== "log.begin")
			return undefined;
		if ("from" in event) return undefined;
		const kind = "kind" in event ? event.kind : undefined;
		return BEGINNINGS.find((known) => known === kind);
	} catch {
		return undefined;
	}
}

const BEGINNINGS: readonly Beginning[] = ["new", "rotated", "cut", "unreadable", "uncovered"];
