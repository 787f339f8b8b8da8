/** Compares distinguished names whose bytes differ, because authorities spell one name in several ways. */

import type { DistinguishedName } from "./name.js";

/**
 * Returns true if two names are equal but for the types of their strings, upper and lower case, spaces, and forms that
 * NFKC makes equal. RFC 5280 §7.1. Anybody can make a certificate with any name, so call this function only where a
 * signature is checked too.
 */
export function isSameName(a: DistinguishedName, b: DistinguishedName): boolean {
	return Buffer.compare(a.der, b.der) === 0 || canonicalText(a) === canonicalText(b);
}

/**
 * Returns a text that is equal for names that `isSameName` treats as equal. DER orders the attributes of a relative
 * name by their bytes, and so by string type, which is why they are sorted here by text.
 */
function canonicalText({ text }: DistinguishedName): string {
	const relativeNames = text.match(RELATIVE_NAMES) ?? [];
	return relativeNames.map((each) => (each.match(ATTRIBUTES) ?? []).map(canonicalAttribute).sort().join("+")).join(",");
}

/**
 * Converts one attribute, such as `CN=Jane`, to NFKC and lower case, makes one space of several, and drops spaces
 * around the value. RFC 4518 §2.
 */
function canonicalAttribute(attribute: string): string {
	return attribute
		.replace(/\\./gs, (escaped) => (escaped === "\\ " ? " " : escaped))
		.normalize("NFKC")
		.toLowerCase()
		.replace(/ +/g, " ")
		.replace(/^([^=]*=) /, "$1")
		.replace(/ $/, "");
}

/**
 * RELATIVE_NAMES matches the parts of a name between commas, and ATTRIBUTES the parts of a relative name between plus
 * signs. A separator behind a backslash belongs to the value, RFC 4514 §2.4.
 */
const RELATIVE_NAMES = /(?:\\.|[^\\,])+/gs;
const ATTRIBUTES = /(?:\\.|[^\\+])+/gs;
