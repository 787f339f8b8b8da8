/** Makes JSON documents that are too large to be made at once. */

/**
 * A member of a JSON document whose items are made one by one while the document is written, because all items together
 * need too much memory. This type is a function and not a class: each bundle would have its own copy of a class, and
 * `instanceof` would not recognise the other copy.
 */
export type StreamedList = () => Iterable<unknown>;

export function isStreamed(value: unknown): value is StreamedList {
	return typeof value === "function";
}

/** Yields a JSON document in pieces. A member of the document may be a StreamedList, but a value inside a member may not. */
export function* jsonPieces(document: Readonly<Record<string, unknown>>): Generator<string, void, undefined> {
	let before = "{";
	for (const [name, value] of Object.entries(document)) {
		if (value === undefined) continue;
		yield `${before}\n\t${JSON.stringify(name)}: `;
		before = ",";
		if (!isStreamed(value)) {
			yield indented(value, "\t");
			continue;
		}
		let separator = "[";
		for (const item of value()) {
			yield `${separator}\n\t\t${indented(item, "\t\t")}`;
			separator = ",";
		}
		yield separator === "[" ? "[]" : "\n\t]";
	}
	yield "\n}\n";
}

function indented(value: unknown, indent: string): string {
	return JSON.stringify(value, null, "\t").replaceAll("\n", `\n${indent}`);
}
