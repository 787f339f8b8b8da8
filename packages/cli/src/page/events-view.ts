/** Shows the events of a log as a list that can be searched. */

import { controls } from "./controls.js";
import { type EventsData, VERDICTS } from "./data.js";
import { detailsPanel } from "./details-panel.js";
import { element } from "./dom.js";
import { count, thousands, timeText } from "./text.js";
import { virtualRows } from "./virtual-rows.js";

export function eventsView(host: HTMLElement, { texts, rows, fields }: EventsData): void {
	const counts = VERDICTS.map(() => 0);
	const events = new Map<number, number>();
	for (const [, verdict, event] of rows) {
		counts[verdict]++;
		events.set(event, (events.get(event) ?? 0) + 1);
	}
	const kinds = VERDICTS.flatMap(({ id, label }, verdict) => {
		return counts[verdict] === 0 ? [] : [{ id: `v-${id}`, label, count: thousands(counts[verdict]) }];
	});
	const top = controls("Search events", kinds, refresh);
	const names = [...events].sort((a, b) => b[1] - a[1]);
	const select = element("select", { attributes: { id: `${host.id}-kind`, "aria-label": "Kind of event" } });
	select.append(
		element("option", { text: "Every kind of event", attributes: { value: "" } }),
		...names.map(([place, number]) => {
			return element("option", { text: `${texts[place]} (${thousands(number)})`, attributes: { value: place } });
		}),
	);
	select.addEventListener("change", refresh);
	top.root.firstElementChild?.append(select);
	const panel = detailsPanel("About the event");
	let small: string[] | undefined;
	let shown: number[] = [];
	const list = virtualRows({
		role: "grid",
		label: host.dataset.label ?? "Events",
		headings: ["Time", "Verdict", "Event", "About", "Reason"],
		fill,
		act,
	});
	host.append(top.root, list.root, panel.root);
	refresh();

	function refresh(): void {
		const [query, chosen, event] = [top.query(), top.chosen(), select.value];
		const wanted = VERDICTS.map(({ id }) => chosen.size === 0 || chosen.has(`v-${id}`));
		if (query !== "") small ??= texts.map((text) => text.toLowerCase());
		const found = small?.map((text) => text.includes(query));
		shown = [];
		for (const [index, row] of rows.entries()) {
			if (!wanted[row[1]] || (event !== "" && row[2] !== Number(event))) continue;
			if (query !== "" && found !== undefined && !has(found, index)) continue;
			shown.push(index);
		}
		list.show(shown.length);
		top.say(
			shown.length === rows.length
				? count(rows.length, "event")
				: `${thousands(shown.length)} of ${count(rows.length, "event")}`,
		);
	}

	/** Tells whether a text of the event was found: one of its columns, or a value of its fields. */
	function has(found: readonly boolean[], index: number): boolean {
		const [, , event, subject, rule, reason] = rows[index];
		if (found[event] || found[subject] || found[rule] || found[reason]) return true;
		return fields[index]?.some(([, value]) => found[value]) === true;
	}

	function fill(row: HTMLElement, index: number): void {
		const [timeMs, verdict, event, subject, rule, reason] = rows[shown[index]];
		const { id, label } = VERDICTS[verdict];
		const cells: readonly (readonly [string, Node])[] = [
			["time", element("span", { text: timeText(timeMs, "milliseconds") })],
			["", element("span", { class: `badge st-v-${id}`, text: label })],
			["", element("code", { text: texts[event] })],
			["cell-name", element("bdi", { text: texts[subject] })],
			["", element("code", { text: texts[reason] || texts[rule] })],
		];
		row.append(
			...cells.map(([kind, child]) =>
				element("span", { class: kind, attributes: { role: "gridcell" }, children: [child] }),
			),
		);
	}

	function act(index: number): void {
		const place = shown[index];
		const [timeMs, verdict, event, subject, rule, reason] = rows[place];
		const known = fields[place]?.map(([name, value]): [string, string] => [texts[name], texts[value]]);
		const usual: [string, string][] = [
			["time", timeText(timeMs, "milliseconds")],
			["event", texts[event]],
			["verdict", VERDICTS[verdict].label],
			["rule", texts[rule]],
			["reason", texts[reason]],
		];
		const facts = (known ?? usual).filter(([, value]) => value !== "");
		panel.show(texts[subject] || texts[event], facts, () => list.focus(index));
	}
}
