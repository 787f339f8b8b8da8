/** Converts distinguished names as people type them (RFC 4514 §3) to the text form that `readName` writes. */

import { ATTRIBUTE_NAMES, escapeValue } from "./name.js";

/**
 * Returns the text by which sigtool compares this name (`DistinguishedName.text`), or undefined if `text` is empty or
 * is not a name. A type may be given in upper or lower case, or as an OID. Spaces around separators and needless
 * escapes are dropped. The order of the parts is kept, because names with another order are other names.
 * @throws ERR_USAGE for a value that is no text
 * @example
 * ```ts
 * import { normalizeNameText } from "@sigtool/core/read";
 *
 * console.log(normalizeNameText("cn=Release, o=Example")); // CN=Release,O=Example
 * ```
 */
export function normalizeNameText(text: string): string | undefined {
	const token = new RegExp(RELATIVE_NAME);
	let normalized = "";
	for (;;) {
		const match = token.exec(text);
		if (match === null) return undefined;
		const [, type, value, separator] = match;
		const name =
			(Object.hasOwn(ATTRIBUTE_NAMES, type) ? ATTRIBUTE_NAMES[type] : undefined) ??
			NAMES.get(type.toLowerCase()) ??
			type;
		const written = value.startsWith("#") ? hexValue(value) : isKnown(name) ? textValue(value) : undefined;
		if (written === undefined || !(isKnown(name) || OID.test(name))) return undefined;
		normalized += `${name}=${written}${separator}`;
		if (separator === "") return normalized;
	}
}

/**
 * Returns a normalized name with its parts in the opposite order, for comparison with tools that show names in that
 * order.
 */
export function reverseNameText(text: string): string {
	return (text.match(/(?:[^\\,]|\\.)+/gs) ?? []).reverse().join(",");
}

function isKnown(name: string): boolean {
	return NAMES.has(name.toLowerCase());
}

/**
 * Normalizes a value in hexadecimal, such as `#0C044A616E65`. A type without a keyword can have its value only in this
 * form. Returns undefined if the value is malformed.
 */
function hexValue(value: string): string | undefined {
	return /^#(?:[0-9a-f]{2})+$/i.test(value) ? value.toUpperCase() : undefined;
}

function textValue(value: string): string | undefined {
	const pieces: Buffer[] = [];
	for (const [, hex, escaped, plain] of value.matchAll(/\\([0-9a-f]{2})|\\(.)|([^\\]+)/gis)) {
		pieces.push(hex === undefined ? Buffer.from(escaped ?? plain, "utf8") : Buffer.from(hex, "hex"));
	}
	try {
		return escapeValue(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(pieces)));
	} catch {
		return undefined; // The value is not UTF-8.
	}
}

/** Matches a type, its value, and the separator behind the value. At the end of the text the separator is empty. */
const RELATIVE_NAME = /\s*([a-z]+|\d+(?:\.\d+)+)\s*= *((?:[^"+,;<>\\]|\\.)*?) *([,+]|$)/isy;
const OID = /^\d+(?:\.\d+)+$/;
/** Maps the lower-case form of each keyword to the keyword, so that a keyword can be typed in upper or lower case. */
const NAMES: ReadonlyMap<string, string> = new Map(
	Object.values(ATTRIBUTE_NAMES).map((name) => [name.toLowerCase(), name]),
);
