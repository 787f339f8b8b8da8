/** Formats events, groups and the summary of a log. */

import { COMMAND, quote } from "@sigtool/core/internal/errors";
import { VERDICTS } from "@sigtool/verifier";
import { countOf, subjectOf, type Told, textOf, verdictOf, verdictWord } from "../../events/event.js";
import { explain } from "../../events/explain.js";
import { BROKEN_KINDS, type BrokenKind } from "../../events/read-events.js";
import type { Counts, Grouping, Tally } from "../../events/tally.js";
import { escaped, rows } from "../../output/output.js";
import { count, thousands } from "../../output/render.js";
import { colour } from "../../output/terminal.js";
import type { UnusedRule } from "../../policy/unused-rules.js";

/** Returns an event as one line. */
export function eventLine(event: Told, host: string): string {
	const subject = subjectOf(event);
	const reason = textOf(event, "reason");
	const number = countOf(event);
	const said = verdictOf(event) === "allow" ? undefined : (textOf(event, "detail") ?? textOf(event, "product"));
	const line = [
		escaped(textOf(event, "time") ?? "(no time)"),
		colour.dim(escaped(host)),
		verdictText(event),
		escaped(textOf(event, "event") ?? ""),
		subject === undefined ? "" : shortened(escaped(subject)),
		reason === undefined ? "" : `(${escaped(reason)})`,
		number === 1 ? "" : `×${thousands(number)}`,
	]
		.filter((part) => part !== "")
		.join(" ");
	return said === undefined ? line : `${line}: ${shortened(escaped(said), LONGEST_DETAIL)}`;
}

/** A path may have 4 KiB, but a member of a forged event may have a megabyte. */
function shortened(text: string, most = LONGEST_SUBJECT): string {
	return text.length <= most ? text : `${text.slice(0, most)}…`;
}

const LONGEST_SUBJECT = 8192;
const LONGEST_DETAIL = 200;

function verdictText(event: Told): string {
	const verdict = verdictOf(event);
	const word = verdictWord(event);
	if (verdict === "refuse") return colour.red(word);
	return verdict === "audit" || verdict === undefined ? colour.yellow(word) : word;
}

/** Explains what was not simply allowed: each kind once, with each way out, or each of them with `every`. */
export function createExplainer(every: boolean): (event: Told) => readonly string[] {
	const explained = new Set<string>();
	return (event) => {
		if (verdictOf(event) === "allow") return [];
		if (every) return explain(event).lines.slice(1);
		const { rule, reason, meaning, mend } = explain(event).fields;
		const kind = JSON.stringify([event.event, event.verdict, reason, rule, mend].map((part) => String(part)));
		if (kind.length > LONGEST_KIND || explained.has(kind) || explained.size >= MOST_KINDS) return [];
		explained.add(kind);
		const text = (value: unknown) => (typeof value === "string" ? escaped(value) : undefined);
		return rows([
			["rule", text(rule)],
			["reason", meaning === undefined ? text(reason) : text(meaning)],
			["mend", text(mend)],
		]);
	};
}

const MOST_KINDS = 1000;
const LONGEST_KIND = 1000;

/** Returns the lines about the groups: all of them, or only the first ones. */
export function groupLines(tally: Tally, grouping: Grouping, which: "all" | "first"): string[] {
	const groups = tally.groups();
	const shown = which === "all" ? groups : groups.slice(0, SHOWN_GROUPS);
	const width = String(groups[0]?.events ?? 0).length + 2;
	const lines = shown.map(({ name, ...counts }) => {
		const last = counts.last === undefined ? "" : colour.dim(`, last ${escaped(counts.last)}`);
		return `${thousands(counts.events).padStart(width)}  ${shortened(escaped(name))}  ${colour.dim(partsText(counts))}${last}`;
	});
	const rest = groups.length - shown.length;
	return [
		...lines,
		...(rest > 0 ? [`… ${count(rest, "more group")}; --verbose or --json shows all`] : []),
		...(tally.ungrouped > 0 ? [`${count(tally.ungrouped, "event")} without ${NO_GROUP[grouping]}`] : []),
		...(tally.beyond > 0 ? [`${count(tally.beyond, "event")} of further groups, for which there was no room`] : []),
	];
}

/**
 * Returns the lines about rules of a policy that no event names, with the time that the events cover: no log tells of the
 * time before. Undefined if no policy was named.
 */
export function unusedLines(rules: readonly UnusedRule[] | undefined, { first, last }: Readonly<Counts>): string[] {
	if (rules === undefined) return [];
	if (rules.length === 0) return ["every rule of the policy was used"];
	const time = first === undefined || last === undefined ? " (no event has a time)" : ` from ${first} to ${last}`;
	return rules.map(({ text }) => `not used${escaped(time)}: ${escaped(text)}`);
}

const SHOWN_GROUPS = 50;
const NO_GROUP: Readonly<Record<Grouping, string>> = {
	file: "a file",
	rule: "a rule",
	signer: "a known signer",
	host: "a host",
	event: "a name",
};

export function summaryLine({ total, hosts, dropped }: Tally): string {
	if (total.events === 0) return "no events";
	const time = total.first === undefined ? "" : ` from ${total.first} to ${total.last}`;
	const lost = dropped === 0 ? "" : `; ${colour.yellow(`${count(dropped, "event")} lost`)} (verifier.dropped)`;
	return `${count(total.events, "event")} of ${count(hosts, "host")}${escaped(time)}: ${partsText(total)}${lost}`;
}

function partsText({ events, refused, audited, recorded, unknown }: Readonly<Counts>): string {
	const { allow, record, audit, refuse } = VERDICTS;
	const parts = [
		[events - refused - audited - recorded - unknown, allow.word],
		[recorded, record.word],
		[audited, audit.word],
		[refused, refuse.word],
		[unknown, "of unknown verdict"],
	] as const;
	return parts.flatMap(([number, word]) => (number === 0 ? [] : [`${thousands(number)} ${word}`])).join(", ");
}

/** The lines of one log that are no events. */
export type Broken = Readonly<Record<BrokenKind, number>> & { readonly firstLine: number };

export function brokenWarning(file: string, broken: Broken): string {
	const all = BROKEN_KINDS.reduce((sum, kind) => sum + broken[kind], 0);
	const kinds = BROKEN_KINDS.flatMap((kind) => (broken[kind] === 0 ? [] : [`${thousands(broken[kind])} ${kind}`]));
	const [verb, what] = all === 1 ? ["is", "no event"] : ["are", "no events"];
	return `${count(all, "line")} of ${quote(file)} ${verb} ${what} (${kinds.join(", ")}), the first is line ${broken.firstLine}; \`${COMMAND} log verify\` tells if the log was changed`;
}
