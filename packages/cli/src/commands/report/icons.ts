/** Draws the icons of the page. Each stands beside words that say the same, so screen readers skip it. */

import { type Html, html } from "./html.js";

/** Tells how good a verdict is. `neutral` is for what nobody judged. */
export type Tone = "good" | "bad" | "warning" | "neutral";

const SHIELD = html`<path class="shield" d="M12 2 4 5v6c0 5 3.4 9.300 8 11 4.600-1.700 8-6 8-11V5z"/>`;
const MARKS: Readonly<Record<Tone | "brand", Html>> = {
	good: html`<path class="mark" d="m8 12 3 3 5-6"/>`,
	bad: html`<path class="mark" d="m9 9 6 6m0-6-6 6"/>`,
	warning: html`<path class="mark" d="M12 7v6m0 3v.5"/>`,
	neutral: html`<path class="mark" d="M8 12h8"/>`,
	brand: html`<path class="mark" d="M9 8h6M9 12h6M9 16h3"/>`,
};

export function icon(name: Tone | "brand"): Html {
	return html`<svg class="icon icon-${name}" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">${SHIELD}${MARKS[name]}</svg>`;
}
