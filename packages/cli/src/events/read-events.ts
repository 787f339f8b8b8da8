/** Reads the events of a log line by line, and tells what the other lines are. */

import { createLineSplitter, type LogLine } from "@sigtool/core/internal";
import { type LoggedEvent, parseEvent, recorded, type Told, textOf } from "./event.js";
import { logPieces, STANDARD_INPUT } from "./log-pieces.js";

/** A line of a log. */
export type ReadLine =
	| { readonly kind: "event"; readonly line: number; readonly event: LoggedEvent; readonly host: string }
	| { readonly kind: BrokenKind; readonly line: number };

/**
 * - `torn`: a part of an event, as a full disk or a crash leaves one.
 * - `foreign`: no event, such as a line of another program.
 * - `huge`: longer than any event, and not looked at.
 */
export type BrokenKind = "torn" | "foreign" | "huge";
export const BROKEN_KINDS = ["torn", "foreign", "huge"] as const satisfies readonly BrokenKind[];

/**
 * Yields the lines of a log, however large it is, as many at a time as were read. The caller must take all of them before
 * the next ones. @throws the errors of `logPieces`
 */
export async function* readLog(file: string): AsyncGenerator<Iterable<ReadLine>, void, undefined> {
	const reader = createLineReader(file);
	for await (const piece of logPieces(file)) yield reader.push(piece);
	yield reader.end();
}

/** Calls `take` for each event of the logs. Returns the number of the other lines. @throws the errors of `logPieces` */
export async function eachEvent(files: readonly string[], take: (event: LoggedEvent) => void): Promise<number> {
	let others = 0;
	for (const file of files) {
		for await (const lines of readLog(file)) {
			for (const read of lines) {
				if (read.kind === "event") take(read.event);
				else others++;
			}
		}
	}
	return others;
}

/** Turns pieces of one log into its lines. */
export interface LineReader {
	push(piece: Buffer): Generator<ReadLine, void, undefined>;
	end(): Generator<ReadLine, void, undefined>;
}

/** `file` is the name by which lines without a host are told apart. */
export function createLineReader(file: string): LineReader {
	const splitter = createLineSplitter();
	const hosts = createHosts(file === STANDARD_INPUT ? "(standard input)" : file);
	const modes = createModes();
	return {
		*push(piece) {
			const lines = [...splitter.push(piece)];
			hosts.lookAhead(lines);
			for (const line of lines) {
				const read = readLine(line, hosts, modes);
				if (read !== undefined) yield read;
			}
		},
		*end() {
			const last = splitter.end();
			const read = last && readLine(last, hosts, modes);
			if (read !== undefined) yield read;
		},
	};
}

/** Returns undefined for an empty line. */
function readLine({ bytes, number: line }: LogLine, hosts: Hosts, modes: Modes): ReadLine | undefined {
	if (bytes === undefined) return { kind: "huge", line };
	const text = bytes.toString();
	const event = parseEvent(text);
	if (event !== undefined) {
		const host = hosts.of(event, text.slice(0, text.indexOf("{")));
		return { kind: "event", line, event: modes.apply(event, host), host };
	}
	if (text.trim() === "") return undefined;
	return { kind: text.includes('"time":"') || text.startsWith("{") ? "torn" : "foreign", line };
}

interface Hosts {
	/**
	 * Finds the first host that one of the lines names. The lines before get this host, because a log may begin with events
	 * that came before the event of a start.
	 */
	lookAhead(lines: readonly LogLine[]): void;
	of(event: Told, prefix: string): string;
}

/**
 * Finds out which host an event comes from. Only the event of a start names its host. Others come from the host that a
 * collecting daemon has put before the line, from the host of the same process, or from that of the log.
 */
function createHosts(file: string): Hosts {
	const byProcess = new Map<string, string>();
	let only: string | undefined;
	return {
		lookAhead(lines) {
			for (const { bytes } of lines) {
				if (only !== undefined) return;
				if (!bytes?.includes(HOST_MEMBER)) continue;
				const event = parseEvent(bytes.toString());
				if (event !== undefined && namesItsHost(event)) only = textOf(event, "host");
			}
		},
		of(event, prefix) {
			const pid = processOf(event);
			const named = textOf(event, "host") ?? hostIn(prefix);
			if (named === undefined || !namesItsHost(event)) return hostIn(prefix) ?? byProcess.get(pid) ?? only ?? file;
			only ??= named;
			if (byProcess.size >= MOST_PROCESSES) byProcess.clear();
			byProcess.set(pid, named);
			return named;
		},
	};
}

interface Modes {
	/** Returns the event, with the verdict `record` in place of `audit` if its process would have refused the action. */
	apply(event: LoggedEvent, host: string): LoggedEvent;
}

/**
 * Remembers the modes of processes. In logs of earlier releases an action that the policy only records has the verdict
 * `audit`, also in a process that enforces.
 */
function createModes(): Modes {
	const enforcing = new Set<string>();
	return {
		apply(event, host) {
			const process = `${host} ${processOf(event)}`;
			if (event.event === "verifier.start") {
				if (enforcing.size >= MOST_PROCESSES) enforcing.clear();
				if (event.mode === "enforce" || event.mode === "strict") enforcing.add(process);
				else enforcing.delete(process);
			}
			const isOfAction = event.reason === undefined || event.reason === "ERR_RUNTIME_RULE";
			return event.verdict === "audit" && isOfAction && enforcing.has(process) ? recorded(event) : event;
		},
	};
}

function processOf(event: Told): string {
	return textOf(event, "from") ?? textOf(event, "pid") ?? "";
}

const MOST_PROCESSES = 65_536;
const HOST_MEMBER = '"host":';

/** Returns false for an event whose `host` is not its own host, but one with which the program spoke. */
function namesItsHost({ event }: Told): boolean {
	return event !== "net.connect" && event !== "dns.lookup";
}

/** Reads the host out of what a syslog daemon puts before a message: RFC 5424, or the older form of RFC 3164. */
function hostIn(prefix: string): string | undefined {
	return SYSLOG.exec(prefix)?.[1];
}

const SYSLOG =
	/^(?:<\d{1,3}>)?(?:1 )?(?:\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:?\d\d)|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) ([\w.:-]{1,255}) /;
