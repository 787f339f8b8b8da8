import { basename } from "node:path";
import { ERROR_CODES, type ErrorCode } from "@sigtool/core/internal/errors";
import { escaped } from "../../output/output.js";
import { shownPath } from "../../output/render.js";
import { type EventsData, VERDICTS } from "../../page/data.js";
import { count, thousands, timeText } from "../../page/text.js";
import type { UnusedAmong, UnusedRule } from "../../policy/unused-rules.js";
import { type CollectedEvents, collectEvents, type Use } from "./collect-events.js";
import { dataBlock, type Html, html } from "./html.js";
import type { Tone } from "./icons.js";
import { code, factList, moment, table, tiles, verdictBand } from "./parts.js";
import type { Subject } from "./subject.js";
import { timeline } from "./timeline.js";

/** The number of rows in each table. The script shows all events. */
const SHOWN = 300;

/** `unusedAmong` tells rules of an index that no event names. @throws the errors of `logPieces` */
export async function eventsSection(id: string, path: string, unusedAmong?: UnusedAmong): Promise<Subject> {
	const events = await collectEvents(path);
	const { data, counts, period, broken, leftOut, dropped, hosts } = events;
	const { tone, short, headline, reasons } = judge(events);
	const total = counts.reduce((sum, number) => sum + number, 0);
	const verdicts = VERDICTS.map(({ id, label }, index) => ({
		number: thousands(counts[index]),
		label,
		kind: `v-${id}`,
	}));
	const legend = VERDICTS.map(
		({ id, label }) => html`<li class="st-v-${id}"><span class="swatch"></span>${label}</li>`,
	);
	const body = html`<section class="subject" id="${id}" aria-labelledby="${id}-title">
${verdictBand(id, tone, `Events ${escaped(shownPath(path))}`, headline, reasons)}
${factList([
	["From", period && moment(period[0])],
	["To", period && moment(period[1])],
	["Hosts", hosts.size === 0 ? undefined : [...hosts].slice(0, 20).map(escaped).join(", ")],
	[
		"Lines that are no event",
		broken.count === 0 ? "none" : `${thousands(broken.count)}, the first is line ${thousands(broken.firstLine)}`,
	],
	["Dropped by the programs", dropped === 0 ? "none, as far as events say" : thousands(dropped)],
])}
${tiles([{ number: thousands(total), label: total === 1 ? "event" : "events" }, ...verdicts])}
${period && html`<h3>When</h3><p class="muted">The height of a bar grows with the square root of the number of events, so that few refusals are seen beside many others.</p>${timeline(id, data, period)}<ul class="legend" role="list">${legend}</ul>`}
${eventTable(data, events)}
<h3>Rules by use</h3>${useTable("Rules, the most refusals first", "Rule", events.byRule)}
${unusedList(unusedAmong?.(new Set(events.byRule.keys())))}
<h3>By file and name</h3>${useTable("What events are about, the most refusals first", "File or name", events.bySubject)}
${leftOut > 0 ? html`<p class="more">${count(leftOut, "event")} of the file are counted above and have no row here.</p>` : undefined}
${dataBlock(`${id}-events`, data)}
</section>`;
	return {
		...{ name: escaped(basename(path)), path, kind: "events", body, tone, verdict: short, exit: 0, notes: [] },
		warnings:
			broken.count === 0
				? []
				: [
						`${escaped(path)}: ${count(broken.count, "line is no event", "lines are no events")}; the first is line ${broken.firstLine}`,
					],
		fields: {
			events: total,
			verdicts: Object.fromEntries(VERDICTS.map(({ id }, index) => [id, counts[index]])),
			brokenLines: broken.count,
			leftOut,
		},
	};
}

function judge({ counts, broken }: CollectedEvents): {
	tone: Tone;
	short: string;
	headline: string;
	reasons: string[];
} {
	const [refused, audited, recorded, allowed] = counts;
	const unread =
		broken.count === 0
			? []
			: [`${count(broken.count, "line is", "lines are")} no event, and what they said is not here.`];
	const onlyRecorded =
		recorded === 0
			? []
			: [`${count(recorded, "event is", "events are")} only recorded: enforcement refuses nothing there.`];
	const rest = [...onlyRecorded, ...unread, "Whoever can write the file can say anything in it."];
	if (refused > 0) {
		const reasons = [`${count(audited, "more event")} would be refused under enforcement.`, ...rest];
		return {
			tone: "bad",
			short: `${thousands(refused)} refused`,
			headline: `${count(refused, "action was", "actions were")} refused`,
			reasons,
		};
	}
	if (audited > 0) {
		const headline = `Nothing was refused; enforcement would refuse ${count(audited, "action")}`;
		return { tone: "warning", short: `${thousands(audited)} would be refused`, headline, reasons: rest };
	}
	if (allowed + recorded === 0)
		return { tone: "neutral", short: "no events", headline: "There are no events", reasons: rest };
	const tone = broken.count > 0 ? "warning" : "good";
	return { tone, short: "nothing refused", headline: "Nothing was refused", reasons: rest };
}

function eventTable(data: EventsData, { counts }: CollectedEvents): Html {
	const [refused, audited] = counts;
	const rows = data.rows.slice(0, SHOWN).map(([timeMs, verdict, event, subject, rule, reason]) => {
		const meaning = meaningOf(data.texts[reason]);
		return [
			timeText(timeMs, "milliseconds"),
			html`<span class="badge st-v-${VERDICTS[verdict].id}">${VERDICTS[verdict].label}</span>`,
			code(data.texts[event]),
			html`<bdi>${data.texts[subject]}</bdi>`,
			data.texts[rule],
			html`${data.texts[reason] === "" ? undefined : code(data.texts[reason])}${meaning && html`<small>${meaning}</small>`}`,
		];
	});
	const caption = refused + audited > 0 ? "Events, refusals first" : "Events";
	return html`<h3>Events</h3><div class="events" data-events="true" data-label="${caption}"></div>
<div class="fallback">${table({
		caption,
		columns: [["Time"], ["Verdict"], ["Event"], ["About", "name"], ["Rule"], ["Reason", "name"]],
		rows,
		more: counts.reduce((sum, number) => sum + number, 0) - rows.length,
	})}</div>`;
}

function meaningOf(reason: string): string | undefined {
	// The type assertion is safe: the line before it tests that the table has the code.
	return Object.hasOwn(ERROR_CODES, reason) ? ERROR_CODES[reason as ErrorCode][1] : undefined;
}

function unusedList(rules: readonly UnusedRule[] | undefined): Html | undefined {
	if (rules === undefined || rules.length === 0) return undefined;
	return html`<p>No event of this file names these rules of the index:</p>
<ul>${rules.map(({ text }) => html`<li><bdi>${escaped(text)}</bdi></li>`)}</ul>`;
}

function useTable(caption: string, heading: string, uses: ReadonlyMap<string, Use>): Html {
	const order = [...uses].sort(([, a], [, b]) => {
		const deciding = VERDICTS.findIndex((_, verdict) => a.counts[verdict] !== b.counts[verdict]);
		return deciding === -1 ? 0 : b.counts[deciding] - a.counts[deciding];
	});
	const rows = order.slice(0, SHOWN).map(([name, { counts, lastMs }]) => {
		return [html`<bdi>${escaped(name)}</bdi>`, ...counts.map(thousands), timeText(lastMs)];
	});
	const numbers = VERDICTS.map(({ label }) => [label, "number"] as const);
	return table({ caption, columns: [[heading, "name"], ...numbers, ["Last"]], rows, more: order.length - rows.length });
}
