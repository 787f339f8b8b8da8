/** Shows terminal recordings: as text in a document, and in the site as lines that appear one after the other. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fenced } from "./markdown.mjs";

/** Matches the place of a recording in a document. */
export const RECORDING_REGION = /(<!-- recording: ([\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g;

/**
 * Returns the events of an asciicast of version 2: seconds, the letter "o", and what the terminal got.
 * @param {string} cast
 * @returns {[number, string, string][]}
 */
export function readCast(cast) {
	const [header, ...events] = cast
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	if (header.version !== 2) throw new Error(`Cannot read a recording of version ${header.version}`);
	return events;
}

/** Returns the fenced block that has all of the recording's text. */
export function textOf(events) {
	const text = events.map(([, , output]) => output).join("");
	return fenced(text.replaceAll("\r\n", "\n"), "console");
}

/**
 * Returns the Markdown with a figure in the place of each recording's block. The text is all there from the beginning;
 * the style lets it appear, unless the reader wants no motion or prints the page.
 */
export function withRecordings(text, folder) {
	return text.replace(RECORDING_REGION, (_, _begin, name) => {
		const events = readCast(readFileSync(join(folder, "docs/recordings", `${name}.cast`), "utf8"));
		return `<figure class="recording">\n<pre tabindex="0">${figureText(events)}</pre>\n</figure>\n`;
	});
}

function figureText(events) {
	let atPrompt = false;
	const spans = events.map(([seconds, , output]) => {
		if (output === "$ ") atPrompt = true;
		const kind = output === "$ " ? "prompt" : atPrompt ? "typed" : "output";
		if (output.endsWith("\r\n")) atPrompt = false;
		return `<span class="${kind}" style="--at:${seconds}s">${escaped(output.replaceAll("\r\n", "\n"))}</span>`;
	});
	return spans.join("").replace(/\n(?=<\/span>$)/, "");
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
