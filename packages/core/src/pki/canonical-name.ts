/** Compares distinguished names whose bytes differ, because authorities spell one name in several ways. */

import type { DistinguishedName } from "./name.js";

/**
 * Returns true if two names differ only in the type of their strings, in case, or in spaces. RFC 5280 §7.1. This proves
 * nothing about the key of the holder, so use it only where a signature is checked too.
 */
export function isSameName(a: DistinguishedName, b: DistinguishedName): boolean {
	return Buffer.compare(a.der, b.der) === 0 || canonicalText(a) === canonicalText(b);
}

/** The text by RFC 4514 does not show the type of a string. The order of attributes depends on it, so they are sorted. */
function canonicalText({ text }: DistinguishedName): string {
	const relativeNames = text.match(RELATIVE_NAMES) ?? [];
	return relativeNames.map((each) => (each.match(ATTRIBUTES) ?? []).map(canonicalAttribute).sort().join("+")).join(",");
}

/** Folds the case, makes one space of several, and drops spaces around the value. RFC 4518 §2. */
function canonicalAttribute(attribute: string): string {
	return attribute
		.replace(/\\./gs, (escaped) => (escaped === "\\ " ? " " : escaped))
		.normalize("NFKC")
		.toLowerCase()
		.replace(/ +/g, " ")
		.replace(/^([^=]*=) /, "$1")
		.replace(/ $/, "");
}

/** A character behind a backslash does not end a part, RFC 4514 §2.4. */
const RELATIVE_NAMES = /(?:\\.|[^\\,])+/gs;
const ATTRIBUTES = /(?:\\.|[^\\+])+/gs;
