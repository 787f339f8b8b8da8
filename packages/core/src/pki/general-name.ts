/** Reads a GeneralName, RFC 5280 §4.2.1.6: its form and the bytes of its value. */

import type { DerReader } from "../asn1/der.js";

/** The kinds of names that a certificate can have beside its subject. RFC 5280 §4.2.1.6. */
export type GeneralNameKind =
	| "other"
	| "email"
	| "dns"
	| "x400"
	| "directory"
	| "edi"
	| "uri"
	| "address"
	| "registered";

export interface GeneralName {
	readonly kind: GeneralNameKind;
	/** The value bytes. They are ASCII for email, dns and uri, and a Name element for directory. */
	readonly value: Uint8Array;
}

/**
 * Reads the next element as a GeneralName.
 * @throws ERR_DER if no GeneralName has this tag, or if the text is not printable ASCII
 */
export function readGeneralName(reader: DerReader): GeneralName {
	const kind = KIND_BY_TAG.get(reader.peek());
	if (kind === undefined) reader.fail("a general name of unknown form");
	const value = reader.value(reader.peek());
	if ((kind === "email" || kind === "dns" || kind === "uri") && value.some((byte) => byte < 0x21 || byte > 0x7e)) {
		reader.fail(`a ${kind} name that is not printable ASCII`);
	}
	return { kind, value };
}

const KIND_BY_TAG: ReadonlyMap<number, GeneralNameKind> = new Map([
	[0xa0, "other"],
	[0x81, "email"],
	[0x82, "dns"],
	[0xa3, "x400"],
	[0xa4, "directory"],
	[0xa5, "edi"],
	[0x86, "uri"],
	[0x87, "address"],
	[0x88, "registered"],
]);
