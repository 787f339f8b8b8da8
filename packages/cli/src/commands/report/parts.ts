/** Makes the parts that sections share: the verdict, facts, tiles and tables. */

import { count, timeText } from "../../page/text.js";
import { type Html, html } from "./html.js";
import { icon, type Tone } from "./icons.js";

/** Pairs of a label and a value. A pair without a value is left out. */
export type Facts = readonly (readonly [label: string, value: Html | string | undefined])[];

export function verdictBand(
	id: string,
	tone: Tone,
	kicker: string,
	headline: string,
	reasons: readonly string[],
): Html {
	return html`<header class="verdict tone-${tone}">${icon(tone)}<div><p class="kicker">${kicker}</p><h2 id="${id}-title">${headline}</h2>${reasons.map((reason) => html`<p>${reason}</p>`)}</div></header>`;
}

/** Shows warnings, if there are any. */
export function warningList(warnings: readonly string[]): Html | undefined {
	if (warnings.length === 0) return undefined;
	return html`<ul class="warnings">${warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`;
}

export function factList(facts: Facts): Html {
	const shown = facts.flatMap(([label, value]) => {
		return value === undefined || value === "" ? [] : [html`<div><dt>${label}</dt><dd>${value}</dd></div>`];
	});
	return html`<dl class="facts">${shown}</dl>`;
}

export function code(text: string): Html {
	return html`<code>${text}</code>`;
}

export function moment(timeMs: number): Html | string {
	const text = timeText(timeMs);
	if (!text.endsWith("UTC")) return text;
	return html`<time datetime="${new Date(timeMs).toISOString()}">${text}</time>`;
}

/** A number with a word, in a row of such. `kind` colours it if there is something to see. */
export interface Tile {
	readonly number: string;
	readonly label: string;
	readonly kind?: string;
}

export function tiles(list: readonly Tile[]): Html {
	const items = list.map(({ number, label, kind = "plain" }) => {
		return html`<li class="tile st-${kind}"><b>${number}</b> <span>${label}</span></li>`;
	});
	return html`<ul class="tiles" role="list">${items}</ul>`;
}

export interface TableOptions {
	readonly caption: string;
	/** The class of each column: `number`, `name` for long texts, or none. */
	readonly columns: readonly (readonly [heading: string, kind?: "number" | "name"])[];
	readonly rows: readonly (readonly (Html | string | number | undefined)[])[];
	/** The number of further rows, about which the line below the table tells, and where they are. */
	readonly more?: number;
	readonly where?: string;
}

/** Makes a table. One that is wider than the page scrolls sideways. It can have the focus, so that the keyboard scrolls it. */
export function table({ caption, columns, rows, more = 0, where = "this table leaves them out" }: TableOptions): Html {
	const head = columns.map(([heading, kind = "text"]) => html`<th scope="col" class="${kind}">${heading}</th>`);
	const body = rows.map((cells) => {
		const row = cells.map((cell, index) => html`<td class="${columns[index]?.[1] ?? "text"}">${cell}</td>`);
		return html`<tr>${row}</tr>`;
	});
	const rest = more > 0 ? html`<p class="more">and ${count(more, "more row")}: ${where}</p>` : undefined;
	return html`<div class="table" role="region" aria-label="${caption}" tabindex="0"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>${rest}`;
}
