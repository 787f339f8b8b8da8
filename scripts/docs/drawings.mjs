/**
 * Draws the Mermaid blocks of a document as SVG when the site is built, so that the site needs no script and no network
 * for them. The colours come from the page's own `--fg` and `--bg`, so a drawing follows the theme and the printer.
 */

import { renderMermaidSVG } from "beautiful-mermaid";
import { mapFences } from "./markdown.mjs";

/** Each drawing says in a line `accTitle: …` what it shows, for people who do not see it. */
const TITLE = /^[ \t]*accTitle:[ \t]*(.+)\n/m;

/** Returns the Markdown with a figure in the place of each Mermaid block. Throws if a drawing has no title. */
export function withDrawings(text, source) {
	return mapFences(text, "mermaid", (body) => {
		const title = TITLE.exec(body)?.[1];
		if (title === undefined)
			throw new Error(`Cannot draw a block of ${source}: it has no title, so add a line "accTitle: …" to it`);
		return `<figure class="drawing">\n${drawing(body.replace(TITLE, ""), title)}\n</figure>\n`;
	});
}

function drawing(mermaid, title) {
	const svg = renderMermaidSVG(mermaid, { padding: 8 })
		// The library writes a style for whole documents, and asks a server for a font. site.css has the rules instead.
		.replace(/<style>[\s\S]*?<\/style>/, "")
		.replace(/(<svg\b[^>]*?) style="[^"]*"/, "$1")
		.replace("<svg ", `<svg role="img" aria-label="${attribute(title)}" `)
		// The library measures a narrower font than many systems have.
		.replace(/ font-size="(\d+)"/g, (_, size) => ` font-size="${size - 1}"`)
		// A blank line would end the block of HTML in Markdown.
		.replace(/\n\s*\n/g, "\n")
		.trim();
	for (const [, label] of mermaid.matchAll(/\["([^"]*)"\]/g))
		for (const line of label.split("<br/>"))
			if (!svg.includes(attribute(line)))
				throw new Error(`Cannot draw "${title}": "${line}" is lost, so write the label where its node is first named`);
	if (/url\((?!#)|@import|<script|<image/i.test(svg))
		throw new Error(`Cannot draw "${title}": the SVG would load something from elsewhere`);
	return svg;
}

const attribute = (text) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
