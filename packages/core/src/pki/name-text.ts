/** Distinguished names as people type them (RFC 4514 §3), brought into the one form that `readName` writes. */

import { ATTRIBUTE_NAMES, escapeValue } from "./name.js";

/**
 * The text a certificate's name would have: types as `readName` writes them whatever their case or number, no spaces
 * around separators, only the escapes that are needed. Undefined for text that no certificate can have. Order is kept:
 * it is part of a name.
 */
export function normalizeNameText(text: string): string | undefined {
	const token = new RegExp(RELATIVE_NAME);
	let normalized = "";
	for (;;) {
		const match = token.exec(text);
		if (match === null) return undefined;
		const [, type, value, separator] = match;
		const name = ATTRIBUTE_NAMES[type] ?? NAMES.get(type.toLowerCase()) ?? type;
		const written = value.startsWith("#") ? hexValue(value) : isKnown(name) ? textValue(value) : undefined;
		if (written === undefined || !(isKnown(name) || OID.test(name))) return undefined;
		normalized += `${name}=${written}${separator}`;
		if (separator === "") return normalized;
	}
}

/** The same name, its parts in the opposite order: how other tools may show it. Takes normalized text. */
export function reverseNameText(text: string): string {
	return (text.match(/(?:[^\\,]|\\.)+/gs) ?? []).reverse().join(",");
}

function isKnown(name: string): boolean {
	return NAMES.has(name.toLowerCase());
}

/** A value given as octets: the only form a type without a name has. */
function hexValue(value: string): string | undefined {
	return /^#(?:[0-9a-f]{2})+$/i.test(value) ? value.toUpperCase() : undefined;
}

function textValue(value: string): string | undefined {
	const octets: Buffer[] = [];
	for (const [, hex, escaped, plain] of value.matchAll(/\\([0-9a-f]{2})|\\(.)|([^\\]+)/gis)) {
		octets.push(hex === undefined ? Buffer.from(escaped ?? plain, "utf8") : Buffer.from(hex, "hex"));
	}
	try {
		return escapeValue(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(octets)));
	} catch {
		return undefined; // Not UTF-8.
	}
}

/** Type, value and the separator behind it, at the end an empty one. */
const RELATIVE_NAME = /\s*([a-z]+|\d+(?:\.\d+)+)\s*= *((?:[^"+,;<>\\]|\\.)*?) *([,+]|$)/isy;
const OID = /^\d+(?:\.\d+)+$/;
/** Keywords are case-insensitive. */
const NAMES: ReadonlyMap<string, string> = new Map(
	Object.values(ATTRIBUTE_NAMES).map((name) => [name.toLowerCase(), name]),
);
