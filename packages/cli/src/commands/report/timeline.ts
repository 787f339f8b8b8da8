/** Draws how many events there were of each verdict over time. */

import { type EventsData, VERDICTS } from "../../page/data.js";
import { count, timeText } from "../../page/text.js";
import { type Html, html } from "./html.js";

const WIDTH = 1120;
const HEIGHT = 180;
const BOTTOM = 24;
const LEFT = 54;
const SLOTS = 64;

/**
 * Draws a bar for each slot of time, with refusals at its foot. Heights grow with the square root of the number, because
 * a few refusals have to be seen beside thousands of allowed events.
 */
export function timeline(id: string, { rows }: EventsData, [start, end]: readonly [number, number]): Html {
	const slots = Array.from({ length: SLOTS }, () => VERDICTS.map(() => 0));
	const span = Math.max(1, end - start);
	for (const [timeMs, verdict] of rows) {
		if (timeMs >= 0) slots[Math.min(SLOTS - 1, Math.floor(((timeMs - start) / span) * SLOTS))][verdict]++;
	}
	const most = Math.max(...slots.map(sum), 1);
	const width = (WIDTH - LEFT) / SLOTS;
	const bars = slots.map((counts, slot) => {
		const total = sum(counts);
		if (total === 0) return html``;
		const height = (HEIGHT - BOTTOM - 12) * Math.sqrt(total / most);
		let y = HEIGHT - BOTTOM;
		const pieces = counts.map((number, verdict) => {
			if (number === 0) return html``;
			const length = Math.max(3, (height * number) / total);
			y -= length;
			return html`<rect class="vd-${VERDICTS[verdict].id}" x="${round(LEFT + slot * width + 1)}" y="${round(y)}" width="${round(width - 2)}" height="${round(length)}" rx="1.5"/>`;
		});
		const from = timeText(start + (slot * span) / SLOTS);
		const words = counts.flatMap((number, verdict) =>
			number === 0 ? [] : [`${count(number, "event")} ${VERDICTS[verdict].label.toLowerCase()}`],
		);
		return html`<g><title>from ${from}: ${words.join(", ")}</title>${pieces}</g>`;
	});
	const lines = [1, 0.25].map((share) => {
		const y = round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 12) * Math.sqrt(share));
		return html`<path class="grid" d="M${LEFT} ${y}H${WIDTH}"/><text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${Math.round(most * share)}</text>`;
	});
	return html`<div class="timeline"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-time-title"><title id="${id}-time-title">Events over time, from ${timeText(start)} to ${timeText(end)}. The tables below have the same facts.</title>
${lines}<path class="axis" d="M${LEFT} ${HEIGHT - BOTTOM}H${WIDTH}"/>${bars}
<text x="${LEFT}" y="${HEIGHT - 6}">${timeText(start)}</text><text x="${WIDTH}" y="${HEIGHT - 6}" text-anchor="end">${timeText(end)}</text></svg></div>`;
}

function sum(numbers: readonly number[]): number {
	return numbers.reduce((total, number) => total + number, 0);
}

function round(number: number): number {
	return Math.round(number * 10) / 10;
}
