/** Finds links, headings and fenced blocks in the Markdown of this repository, and leaves code alone. */

/** Matches a fenced block, code in a line, or a link or image. Whichever begins first in the text wins. */
const TOKEN =
	/^[ \t]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t]*\1[`~]*[ \t]*$|(!?)\[((?:[^[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)|(`+)(?!`)[\s\S]*?(?<!`)\5(?!`)/gm;

/**
 * Returns the text with what `replace` gives for each link. It gets the link as it is written, the words, the target,
 * and whether the link is an image.
 * @param {string} text
 * @param {(link: { written: string, words: string, target: string, isImage: boolean }) => string} replace
 */
export function mapLinks(text, replace) {
	return text.replace(TOKEN, (written, _fence, image, words, target) =>
		target === undefined ? written : replace({ written, words, target, isImage: image === "!" }),
	);
}

/** Returns the targets of all links and images, in their order. */
export function linkTargets(text) {
	const targets = [];
	mapLinks(text, (link) => {
		targets.push(link.target);
		return link.written;
	});
	return targets;
}

/** Returns the text with what `replace` gives for each fenced block of the language. */
export function mapFences(text, language, replace) {
	return text.replace(/^(`{3,})([\w-]*)\n([\s\S]*?)^\1$/gm, (written, _ticks, info, body) =>
		info === language ? replace(body) : written,
	);
}

/** Returns the anchors of the headings, as Git hosts and mdBook make them. */
export function headingAnchors(text) {
	const counts = new Map();
	const withoutCode = text.replace(/^[ \t]*(`{3,}|~{3,})[^\n]*\n[\s\S]*?^[ \t]*\1[`~]*[ \t]*$/gm, "");
	return [...withoutCode.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
		const anchor = heading
			.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
			.toLowerCase()
			.replace(/[^\p{L}\p{N}_ -]/gu, "")
			.replaceAll(" ", "-");
		const count = counts.get(anchor) ?? 0;
		counts.set(anchor, count + 1);
		return count === 0 ? anchor : `${anchor}-${count}`;
	});
}

/** Returns a fenced block around the text, with a fence that the text does not contain. */
export function fenced(text, language = "") {
	const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
	const fence = "`".repeat(longest + 1);
	return `${fence}${language}\n${text.replace(/\n?$/, "\n")}${fence}\n`;
}
