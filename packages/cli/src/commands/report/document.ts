/** Writes the page around the sections: its style, its script, and the policy that lets it load and send nothing. */

import { COMMAND } from "@sigtool/core/internal/errors";
import { VERSION } from "../../output/version.js";
import { timeText } from "../../page/text.js";
import { html } from "./html.js";
import { icon } from "./icons.js";
import type { Subject } from "./subject.js";

/**
 * The bundler replaces these names with the style sheet and the script of src/page, and with their SHA-256 in Base64.
 */
declare const SIGTOOL_PAGE_STYLE: string;
declare const SIGTOOL_PAGE_SCRIPT: string;
declare const SIGTOOL_PAGE_STYLE_SHA256: string;
declare const SIGTOOL_PAGE_SCRIPT_SHA256: string;

/** Each page begins with this. */
export const PAGE_START = "<!DOCTYPE html>";

export function documentOf(title: string, sections: readonly Subject[], timeMs: number): string {
	const contents = sections.map(
		({ name, tone, verdict }, index) =>
			html`<li><a href="#s${index}" class="tone-${tone}">${icon(tone)}<span><b>${name}</b> <small>${verdict}</small></span></a></li>`,
	);
	const page = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="sigtool ${VERSION}">
<title>${title}</title>
<style>${{ html: SIGTOOL_PAGE_STYLE }}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header class="top">
<p class="brand">${icon("brand")} ${COMMAND} report</p>
<h1>${title}</h1>
<p class="muted">Written ${timeText(timeMs)} by sigtool ${VERSION}. It shows that moment, and is not signed itself.</p>
${sections.length > 1 ? html`<nav aria-label="Contents"><ol class="contents">${contents}</ol></nav>` : undefined}
</header>
<main id="main">
${sections.map(({ body }) => body)}
</main>
<footer class="muted">
<p>This page is one file. It loads nothing and sends nothing. To check what it says, run <code>${COMMAND} verify</code>.</p>
</footer>
<script>${{ html: SIGTOOL_PAGE_SCRIPT }}</script>
</body>
</html>
`;
	return `${PAGE_START}\n${page.html}`;
}

/**
 * The script and the style of the page are named by their digests, so nothing else runs or styles, and no markup is
 * made of text. `frame-ancestors` has no effect in a page itself.
 */
function policy(): string {
	return [
		"default-src 'none'",
		`script-src 'sha256-${SIGTOOL_PAGE_SCRIPT_SHA256}'`,
		`style-src 'sha256-${SIGTOOL_PAGE_STYLE_SHA256}'`,
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	].join("; ");
}
