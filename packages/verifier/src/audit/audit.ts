/**
 * Decisions as events: hooks first, which may refuse; then the diagnostics channel `sigtool:audit`; then sinks.
 *
 * A refusal is in every sink before `raise` returns. Events of verdict `allow` wait for the event loop, in a bounded
 * queue that drops only them and counts what it dropped.
 */

import { channel } from "node:diagnostics_channel";
import { errnoReason, SigtoolError } from "@sigtool/core/read";
import { freeze, isoTime, now, onExit, processId, stringifyJson, threadId, whenIdle } from "../safe/primordials.js";
import { type EventDetail, type EventName, type FieldValue, OBSERVED } from "./events.js";

/** `audit`: it went on, and under enforcement would have been refused. */
export type EventVerdict = "allow" | "refuse" | "audit";

/** Frozen, without a prototype: the common fields, then the event's own. */
export interface AuditEvent {
	/** UTC, `2026-01-31T12:00:00.000Z`. */
	readonly time: string;
	readonly event: EventName;
	readonly verdict: EventVerdict;
	readonly pid: number;
	readonly thread: number;
	readonly [field: string]: FieldValue;
}

/** Sees every event before what it speaks of happens. Whatever it throws refuses that. */
export type AuditHook = (event: AuditEvent) => void;

export interface AuditSink {
	/** As messages name it, e.g. the file. */
	readonly name: string;
	/** `refusals`: whatever has another verdict than `allow`. */
	readonly wants: "refusals" | "all";
	/** Writes whole lines of JSON, each with its line feed, before it returns. Throws when it cannot. */
	write(lines: string): void;
}

export interface Audit {
	/** Whether `raise` would do anything: that nobody listens is the usual case, and what there is to say takes time to put together. */
	isHeard(event: EventName, verdict: EventVerdict): boolean;
	/** Cannot be removed. @throws ERR_AUDIT_HOOK when one added before refuses */
	addHook(hook: AuditHook): void;
	/** @throws ERR_AUDIT_HOOK when a hook refuses what was not refused yet; ERR_AUDIT_SINK when a refusal was not written */
	raise<Name extends EventName>(event: Name, verdict: EventVerdict, detail: EventDetail<Name>): void;
	/** Writes what waits. Never throws; what was lost is in `dropped`. */
	flush(): void;
	/** Events of verdict `allow` that reached not every sink that wanted them. */
	readonly dropped: number;
}

/** Characters of events that may wait. */
export const MAX_QUEUED = 1 << 20;

export function createAudit(sinks: readonly AuditSink[]): Audit {
	const diagnostics = channel("sigtool:audit");
	const forRefusals = sinkList(sinks);
	const forAll = sinkList(sinks.filter(({ wants }) => wants === "all"));
	let hooks: HookNode | undefined;
	let last: HookNode | undefined;
	let queue = "";
	let queued = 0;
	let dropped = 0;
	let reported = 0;
	/** While a hook or subscriber runs. */
	let isAsking = false;
	let isScheduled = false;
	let isAtExit = false;

	function isHeard(name: EventName, verdict: EventVerdict): boolean {
		const isObserved = OBSERVED[name] === true;
		if (isObserved && isAsking) return false; // Whoever opens a log for events must not be asked about that.
		const isAwaited = verdict !== "allow" || (forAll !== undefined && !isObserved);
		return isAwaited || hooks !== undefined || diagnostics.hasSubscribers;
	}

	function raise<Name extends EventName>(name: Name, verdict: EventVerdict, detail: EventDetail<Name>): void {
		if (!isHeard(name, verdict)) return;
		const event = eventOf(name, verdict, detail);
		const objection = objectionTo(event);
		if (objection !== undefined && verdict !== "refuse") {
			publish(eventOf(name, "refuse", { ...detail, reason: "ERR_AUDIT_HOOK" }));
			throw objection;
		}
		publish(event);
	}

	function publish(event: AuditEvent): void {
		if (diagnostics.hasSubscribers) asking(() => diagnostics.publish(event));
		if (event.verdict !== "allow") writeNow(event);
		else if (OBSERVED[event.event] !== true) enqueue(event);
	}

	/** The first hook's that throws. */
	function objectionTo(event: AuditEvent): SigtoolError | undefined {
		for (let node = hooks; node !== undefined; node = node.next) {
			const { hook } = node;
			try {
				asking(() => hook(event));
			} catch (cause) {
				return new SigtoolError("ERR_AUDIT_HOOK", `Cannot go on with ${event.event}: an audit hook refused`, { cause });
			}
		}
		return undefined;
	}

	function asking(call: () => void): void {
		const wasAsking = isAsking;
		isAsking = true;
		try {
			call();
		} finally {
			isAsking = wasAsking;
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
		if (isScheduled) return;
		isScheduled = true;
		whenIdle(flush);
		if (!isAtExit) onExit(flush);
		isAtExit = true;
	}

	function flush(): void {
		isScheduled = false;
		const lines = queue;
		const count = queued;
		queue = "";
		queued = 0;
		if (lines !== "" && writeTo(forAll, lines) !== undefined) dropped += count;
		if (dropped === reported) return;
		const line = lineOf(eventOf("verifier.dropped", "allow", { count: dropped }));
		if (writeTo(forAll, line) === undefined) reported = dropped;
	}

	/** In order with what waits. */
	function writeNow(event: AuditEvent): void {
		flush();
		const failure = writeTo(forRefusals, lineOf(event));
		if (failure !== undefined) throw failure;
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
		get dropped() {
			return dropped;
		},
	};
}

/** Lists that programs cannot reach into through Array.prototype. */
interface HookNode {
	readonly hook: AuditHook;
	next: HookNode | undefined;
}
interface SinkNode {
	readonly sink: AuditSink;
	readonly next: SinkNode | undefined;
}

function sinkList(sinks: readonly AuditSink[]): SinkNode | undefined {
	return sinks.reduceRight<SinkNode | undefined>((next, sink) => ({ sink, next }), undefined);
}

/** Every sink gets its chance; the first failure is returned. */
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
	}) as unknown as AuditEvent; // The prototype is none, which the type cannot say.
}

function lineOf(event: AuditEvent): string {
	return `${stringifyJson(event)}\n`;
}
