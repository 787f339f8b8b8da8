/** Finds where a member stands in the text of a JSON document, for messages about it. */

export interface TextPosition {
	/** Both begin at 1. The column counts UTF-16 code units, as editors do. */
	readonly line: number;
	readonly column: number;
}

/** An object or a list whose end has not been reached. `place` is the path of its current member or item. */
interface Container {
	readonly at: string;
	readonly isList: boolean;
	place: string;
	index: number;
}

/**
 * Returns the position of the member at the path `at`, such as `$.rules[0].deny`: that of its name, or of an item's first
 * character. If the member is there twice, this is the second. If it is not there, this is the position of the innermost
 * member around it that is there. Returns undefined for a text that is no JSON.
 */
export function positionInJson(text: string, at: string): TextPosition | undefined {
	let best = "";
	let found: number | undefined;
	for (const [place, offset] of placesIn(text)) {
		if (place.length < best.length || !isWithin(at, place)) continue;
		best = place;
		found = offset;
	}
	if (found === undefined) return undefined;
	const lines = text.slice(0, found).split("\n");
	return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function isWithin(at: string, place: string): boolean {
	return at === place || at.startsWith(`${place}.`) || at.startsWith(`${place}[`);
}

/** Yields the path and the offset of each member and item, in the order of the text. */
function* placesIn(text: string): Generator<[place: string, offset: number]> {
	const open: Container[] = [];
	let isName = false;
	let isItem = false;
	for (let at = 0; at < text.length; at++) {
		const container = open.at(-1);
		const place = container?.place ?? "$";
		const character = text[at] ?? "";
		if (/\s/.test(character)) continue;
		if (isItem || container === undefined) yield [place, at];
		isItem = false;
		if (character === "{" || character === "[") {
			const isList = character === "[";
			open.push({ at: place, isList, place: isList ? `${place}[0]` : place, index: 0 });
			isName = !isList;
			isItem = isList;
		} else if (character === "}" || character === "]") {
			open.pop();
			isName = false;
		} else if (character === "," && container !== undefined) {
			isName = !container.isList;
			isItem = container.isList;
			if (isItem) container.place = `${container.at}[${++container.index}]`;
		} else if (character === '"') {
			const end = endOfString(text, at);
			if (isName && container !== undefined) {
				container.place = `${container.at}.${nameOf(text.slice(at, end + 1))}`;
				yield [container.place, at];
			}
			isName = false;
			at = end;
		}
	}
}

function endOfString(text: string, start: number): number {
	let end = start + 1;
	while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
	return end;
}

function nameOf(literal: string): string {
	try {
		return JSON.parse(literal);
	} catch {
		return ""; // The text is no JSON, and the message says so.
	}
}
