/** Draws the treemap for readers without the script, and for printers. The script draws it again for the width it has. */

import { FIRST_SOUND_RANK, STATES } from "../../page/data.js";
import type { FileModel } from "../../page/file-model.js";
import { layOut } from "../../page/treemap.js";
import { cellText, labelOf } from "../../page/treemap-text.js";
import { type Html, html } from "./html.js";

const WIDTH = 1120;
const HEIGHT = 420;

export function treemapPicture(id: string, model: FileModel): Html {
	const cells = layOut(model, 0, WIDTH, HEIGHT);
	const shapes = cells.map((cell) => {
		const { x, y, width, height, kind, rank } = cell;
		const label = labelOf(model, cell);
		const text = label && html`<text x="${round(x + 5)}" y="${round(y + 13)}">${label}</text>`;
		return html`<g class="cell ${kind} st-${STATES[rank].id}"><title>${cellText(model, cell)}</title><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"/>${hatch(cell)}${text || undefined}</g>`;
	});
	return html`<div class="treemap" id="${id}-map"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-map-title">
<title id="${id}-map-title">Treemap: the area of a file is its size, its colour is its state. The table of files below has the same facts.</title>
<defs><pattern id="${id}-hatch" class="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v6"/></pattern></defs>
${shapes}</svg></div>`;

	/** Hatches a cell with a finding, so that it differs from the others not by its colour alone. */
	function hatch({ x, y, width, height, kind, rank }: (typeof cells)[number]): Html | undefined {
		if (rank >= FIRST_SOUND_RANK || kind === "frame") return undefined;
		return html`<rect class="hatched" fill="url(#${id}-hatch)" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"/>`;
	}
}

function round(number: number): number {
	return Math.round(number * 10) / 10;
}
