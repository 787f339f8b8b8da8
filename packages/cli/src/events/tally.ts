/** Counts events, in all and in groups, within a bound of memory. */

import { policyRuleOf } from "@sigtool/verifier/internal";
import { countOf, isByMember, type Told, textOf, verdictOf } from "./event.js";

export const GROUPINGS = ["file", "rule", "signer", "host", "event"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Counts {
	/** The number of events, in which a line with `count` is as many. */
	events: number;
	refused: number;
	/** The number of events that enforcement would have refused. */
	audited: number;
	recorded: number;
	/** The number of events with a verdict that this release does not know. */
	unknown: number;
	/** The times of the first and the last of these events. Undefined if no event has a time. */
	first: string | undefined;
	last: string | undefined;
}

export interface Group extends Readonly<Counts> {
	readonly name: string;
}

export interface Tally {
	add(event: Told, host: string): void;
	readonly total: Readonly<Counts>;
	/** The number of events that were lost, as the events `verifier.dropped` say. */
	readonly dropped: number;
	readonly hosts: number;
	/** The groups, those with the most events first. */
	groups(): Group[];
	/** The events that belong to no group, such as those without a file. */
	readonly ungrouped: number;
	/** The events of groups for which there was no room. */
	readonly beyond: number;
}

/** Only this many groups, hosts and products are remembered. */
const MOST_GROUPS = 100_000;

export function createTally(grouping: Grouping | undefined): Tally {
	const total = noCounts();
	const groups = new Map<string, Counts>();
	const hosts = new Set<string>();
	const signers = new Map<string, string>();
	let dropped = 0;
	let ungrouped = 0;
	let beyond = 0;

	/** Only the event of a start, and that of a product, name a signer. A file has the signer of its product. */
	function signerOf(event: Told, host: string): string | undefined {
		const product = bounded(JSON.stringify([host, textOf(event, "product")])) ?? "";
		const signer = textOf(event, "signer");
		if (signer === undefined) return signers.get(product);
		if (signers.size < MOST_GROUPS) signers.set(product, bounded(signer) ?? signer);
		return signer;
	}

	const nameOf: Readonly<Record<Grouping, (event: Told, host: string) => string | undefined>> = {
		file: (event) => textOf(event, "path") ?? textOf(event, "script") ?? textOf(event, "file"),
		rule: ruleNameOf,
		signer: signerOf,
		host: (_, host) => host,
		event: (event) => textOf(event, "event"),
	};

	return {
		add(event, host) {
			addTo(total, event);
			if (hosts.size < MOST_GROUPS) hosts.add(bounded(host) ?? host);
			if (event.event === "verifier.dropped" && typeof event.count === "number") dropped += event.count;
			if (grouping === undefined) return;
			const name = bounded(nameOf[grouping](event, host));
			const known = name === undefined ? undefined : groups.get(name);
			if (name === undefined) ungrouped += countOf(event);
			else if (known !== undefined) addTo(known, event);
			else if (groups.size >= MOST_GROUPS) beyond += countOf(event);
			else groups.set(name, addTo(noCounts(), event));
		},
		total,
		groups: () =>
			Array.from(groups, ([name, counts]) => ({ name, ...counts })).sort(
				(a, b) => b.events - a.events || (a.name < b.name ? -1 : 1),
			),
		get dropped() {
			return dropped;
		},
		get hosts() {
			return hosts.size;
		},
		get ungrouped() {
			return ungrouped;
		},
		get beyond() {
			return beyond;
		},
	};
}

/** Cuts a name, and copies the rest, because a part of a text keeps the whole in memory. */
function bounded(name: string | undefined): string | undefined {
	return name === undefined || name.length <= LONGEST_NAME ? name : Buffer.from(name.slice(0, LONGEST_NAME)).toString();
}

const LONGEST_NAME = 1024;

/** Names the rule as the event does, or as the policy does. */
export function ruleNameOf(event: Told): string | undefined {
	const rule = textOf(event, "rule");
	if (rule !== undefined || typeof event.event !== "string" || !isByMember(event)) return rule;
	return policyRuleOf(event.event, event.detail)?.member;
}

export function noCounts(): Counts {
	return { events: 0, refused: 0, audited: 0, recorded: 0, unknown: 0, first: undefined, last: undefined };
}

/** Adds an event, and returns the counts. */
export function addTo(counts: Counts, event: Told): Counts {
	const number = countOf(event);
	counts.events += number;
	const verdict = verdictOf(event);
	if (verdict === "refuse") counts.refused += number;
	if (verdict === "audit") counts.audited += number;
	if (verdict === "record") counts.recorded += number;
	if (verdict === undefined) counts.unknown += number;
	const { time } = event;
	// Times are all in UTC and of one form, so that text in order is time in order.
	if (typeof time !== "string" || !TIME.test(time)) return counts;
	if (counts.first === undefined || time < counts.first) counts.first = time;
	if (counts.last === undefined || time > counts.last) counts.last = time;
	return counts;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
