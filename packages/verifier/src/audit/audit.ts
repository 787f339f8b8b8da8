/**
 * Raises every decision as an event. Hooks get the event first and may refuse the action. Then the diagnostics channel
 * `sigtool:audit` gets the event, and then the sinks.
 *
 * A refusal is written to every sink before `raise` returns. Only the system log may lose it. A refusal that repeats
 * another is counted, as repeats.ts tells. Events of verdict `allow` are queued until the event loop is idle. The queue is
 * bounded. If it is full, it drops new events of verdict `allow` and counts them.
 */

import { channel } from "node:diagnostics_channel";
import { errnoReason } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import {
	afterMs,
	freeze,
	indexOf,
	isoTime,
	now,
	onExit,
	processId,
	stringifyJson,
	threadId,
	whenIdle,
} from "../safe/primordials.js";
import {
	type AuditEvent,
	type EventDetail,
	type EventName,
	type EventVerdict,
	type FieldValue,
	OBSERVED,
} from "./events.js";

import { type AfterRefusal, COUNT_MS, createRepeats } from "./repeats.js";

/** Sees every event before the action takes place. A hook refuses the action by throwing. */
export type AuditHook = (event: AuditEvent) => void;

export interface AuditSink {
	/** The name in error messages, e.g. the quoted file name. */
	readonly name: string;
	/**
	 * A sink with `refusals` gets events of the verdicts `refuse` and `audit`, and what the verifier tells of itself. One with
	 * `silent refusals` gets only those of verdict `refuse` after which the program goes on.
	 */
	readonly wants: "silent refusals" | "refusals" | "all";
	/**
	 * Writes whole lines of JSON, each ended by a line feed, before it returns. Throws if it cannot write all of them.
	 */
	write(lines: string): void;
	/** Returns once all lines are where the end of the process cannot lose them. Throws if it cannot find that out. */
	finish?(): void;
}

export interface Audit {
	/**
	 * Tells whether a hook, subscriber or sink would get the event. Usually none would, and then callers need not build
	 * the event's fields.
	 */
	isHeard(event: EventName, verdict: EventVerdict): boolean;
	/** Adds a hook, which cannot be removed. @throws ERR_AUDIT_HOOK if an earlier hook refuses */
	addHook(hook: AuditHook): void;
	/**
	 * @throws ERR_AUDIT_HOOK if a hook refuses an action whose verdict is not `refuse`; ERR_AUDIT_SINK if an event of
	 * verdict other than `allow` could not be written to a sink
	 * @param then after a refusal; default `goes on`
	 */
	raise<Name extends EventName>(
		event: Name,
		verdict: EventVerdict,
		detail: EventDetail<Name>,
		then?: AfterRefusal,
	): void;
	/** Writes the queued events. Never throws; events that were lost are counted in `dropped`. */
	flush(): void;
	/** Writes the queued events and the counts of repeated refusals, before the process ends. Never throws. */
	finish(): void;
	/** The number of events of verdict `allow` that are missing from at least one sink with `wants` `all`. */
	readonly dropped: number;
	/** Says which sink did not take the last of them, and why. Undefined if only the queue was full. */
	readonly dropFailure: Error | undefined;
}

/** The longest queue, in UTF-16 code units. */
export const MAX_QUEUED = 1 << 20;

export function createAudit(sinks: readonly AuditSink[]): Audit {
	const diagnostics = channel("sigtool:audit");
	const forSilentRefusals = sinkList(sinks);
	const forRefusals = sinkList(sinks.filter(({ wants }) => wants !== "silent refusals"));
	const forAll = sinkList(sinks.filter(({ wants }) => wants === "all"));
	let hooks: HookNode | undefined;
	let last: HookNode | undefined;
	let queue = "";
	let queued = 0;
	let dropped = 0;
	let dropFailure: Error | undefined;
	let reported = 0;
	/** True while a hook or subscriber runs. */
	let isInHook = false;
	let isScheduled = false;
	let isTimed = false;
	let isAtExit = false;
	const repeats = createRepeats((line, then) => {
		const failure = writeTo(sinksFor(line, then), line);
		if (failure !== undefined) throw failure;
	});

	/** Returns the sinks for a line whose verdict is not `allow`. JSON escapes quotes, so no field contains these texts. */
	function sinksFor(line: string, then: AfterRefusal): SinkNode | undefined {
		if (indexOf(line, '"verdict":"refuse"') !== -1) return then === "ends" ? forRefusals : forSilentRefusals;
		const isOnlyRecorded = indexOf(line, '"verdict":"record"') !== -1;
		return isOnlyRecorded && indexOf(line, '"event":"verifier.') === -1 ? forAll : forRefusals;
	}

	function isHeard(name: EventName, verdict: EventVerdict): boolean {
		const isObserved = OBSERVED[name] === true;
		// Otherwise a hook that opens its log file would be called again for that file.
		if (isObserved && isInHook) return false;
		const isAwaited = verdict !== "allow" || (forAll !== undefined && !isObserved);
		return isAwaited || hooks !== undefined || diagnostics.hasSubscribers;
	}

	function raise<Name extends EventName>(
		name: Name,
		verdict: EventVerdict,
		detail: EventDetail<Name>,
		then: AfterRefusal = "goes on",
	): void {
		if (!isHeard(name, verdict)) return;
		const event = eventOf(name, verdict, detail);
		const objection = objectionTo(event);
		if (objection !== undefined && verdict !== "refuse") {
			publish(eventOf(name, "refuse", { ...detail, reason: "ERR_AUDIT_HOOK" }), then);
			throw objection;
		}
		publish(event, then);
	}

	function publish(event: AuditEvent, then: AfterRefusal): void {
		try {
			if (diagnostics.hasSubscribers) inHook(() => diagnostics.publish(event));
		} catch {
			// A subscriber, or what the program put in place of a function of the channel, may throw. The sinks get the event
			// all the same.
		}
		if (event.verdict !== "allow") writeNow(event, then);
		else if (OBSERVED[event.event] !== true) enqueue(event);
	}

	/** If a hook throws, calls no further hook and returns ERR_AUDIT_HOOK, with the hook's error as its cause. */
	function objectionTo(event: AuditEvent): SigtoolError | undefined {
		for (let node = hooks; node !== undefined; node = node.next) {
			const { hook } = node;
			try {
				inHook(() => hook(event));
			} catch (cause) {
				return new SigtoolError("ERR_AUDIT_HOOK", `Cannot go on with ${event.event}: an audit hook refused it`, {
					cause,
				});
			}
		}
		return undefined;
	}

	function inHook(call: () => void): void {
		const wasInHook = isInHook;
		isInHook = true;
		try {
			call();
		} finally {
			isInHook = wasInHook;
		}
	}

	function enqueue(event: AuditEvent): void {
		if (forAll === undefined) return;
		const line = lineOf(event);
		if (queue.length + line.length > MAX_QUEUED) {
			dropped++;
			return;
		}
		queue += line;
		queued++;
		if (isExiting) flush();
		if (isScheduled) return;
		isScheduled = true;
		whenIdle(flush);
		finishAtExit();
	}

	function finishAtExit(): void {
		if (!isAtExit) atExit = { finish, next: atExit };
		isAtExit = true;
	}

	function flush(): void {
		isScheduled = false;
		const lines = queue;
		const count = queued;
		queue = "";
		queued = 0;
		const failure = lines === "" ? undefined : writeTo(forAll, lines);
		if (failure !== undefined) {
			dropped += count;
			dropFailure = failure;
		}
		if (dropped === reported) return;
		const line = lineOf(eventOf("verifier.dropped", "allow", { count: dropped }));
		if (writeTo(forAll, line) === undefined) reported = dropped;
	}

	/** Writes the queue first, so that sinks get all events in order. */
	function writeNow(event: AuditEvent, then: AfterRefusal): void {
		flush();
		repeats.writeCounts("due");
		repeats.add(lineOf(event), then);
		if (isExiting) repeats.writeCounts("all");
		if (repeats.isWaiting()) awaitCounts();
	}

	/** Sees to it that a count is written within two minutes even if nothing else happens. */
	function awaitCounts(): void {
		finishAtExit();
		if (isTimed) return;
		isTimed = true;
		afterMs(() => {
			isTimed = false;
			writeCounts("due");
			if (repeats.isWaiting()) awaitCounts();
		}, COUNT_MS);
	}

	/** A count that cannot be written stays for the next time. */
	function writeCounts(which: "due" | "all"): void {
		try {
			repeats.writeCounts(which);
		} catch {
			// The sinks that fail have no room for a report either.
		}
	}

	function finish(): void {
		flush();
		writeCounts("all");
		for (let node = forAll; node !== undefined; node = node.next) {
			try {
				node.sink.finish?.();
			} catch {
				// The process ends all the same.
			}
		}
	}

	return {
		isHeard,
		addHook(hook) {
			raise("verifier.addhook", "allow", { name: hook.name });
			const node: HookNode = { hook, next: undefined };
			if (last === undefined) hooks = node;
			else last.next = node;
			last = node;
		},
		raise,
		flush,
		finish,
		get dropped() {
			return dropped;
		},
		get dropFailure() {
			return dropFailure;
		},
	};
}

/** Hooks and sinks are linked lists, because arrays depend on Array.prototype, which a program can change. */
interface HookNode {
	readonly hook: AuditHook;
	next: HookNode | undefined;
}
interface SinkNode {
	readonly sink: AuditSink;
	readonly next: SinkNode | undefined;
}
interface EndNode {
	readonly finish: () => void;
	readonly next: EndNode | undefined;
}

/** The audits that wrote something. One listener serves all, because Node.js warns of many. */
let atExit: EndNode | undefined;
/** Listeners of the program run later, and nothing may wait then. */
let isExiting = false;
onExit(() => {
	isExiting = true;
	for (let node = atExit; node !== undefined; node = node.next) node.finish();
});

function sinkList(sinks: readonly AuditSink[]): SinkNode | undefined {
	return sinks.reduceRight<SinkNode | undefined>((next, sink) => ({ sink, next }), undefined);
}

/** Writes to every sink, even if another sink fails. Returns the first failure. */
function writeTo(list: SinkNode | undefined, lines: string): SigtoolError | undefined {
	let failure: SigtoolError | undefined;
	for (let node = list; node !== undefined; node = node.next) {
		try {
			node.sink.write(lines);
		} catch (cause) {
			const message = `Cannot write audit events to ${node.sink.name}: ${errnoReason(cause)}`;
			failure ??= new SigtoolError("ERR_AUDIT_SINK", message, { cause });
		}
	}
	return failure;
}

function eventOf(name: EventName, verdict: EventVerdict, detail: Readonly<Record<string, FieldValue>>): AuditEvent {
	return freeze({
		__proto__: null,
		time: isoTime(now()),
		event: name,
		verdict,
		pid: processId,
		thread: threadId,
		...detail,
	}) as unknown as AuditEvent; // The type assertion is needed because no type expresses a missing prototype.
}

function lineOf(event: AuditEvent): string {
	return `${stringifyJson(event)}\n`;
}
