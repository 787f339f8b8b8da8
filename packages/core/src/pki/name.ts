/** Distinguished names (X.501, RFC 5280 §4.1.2.4) and their text form (RFC 4514). */

import { DerReader, TAG } from "../asn1/der.js";

/** Two names are equal when `der` is, octet for octet: a CA copies its own subject into what it issues. */
export interface DistinguishedName {
	/** The Name element as received. */
	readonly der: Uint8Array;
	/** RFC 4514, most specific first: `CN=Jane,O=Acme\, Inc.,C=US`. One line, safe to compare as a whole. */
	readonly text: string;
}

/** Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. Reads the next element. @throws ERR_DER */
export function readName(reader: DerReader): DistinguishedName {
	const relativeNames: string[] = [];
	const outer = reader.open(TAG.SEQUENCE);
	const { start, valueEnd } = reader;
	while (!reader.done) relativeNames.push(readRelativeName(reader));
	reader.close(outer);
	return { der: reader.bytes.subarray(start, valueEnd), text: relativeNames.reverse().join(",") };
}

/** A Name that stands alone. @throws ERR_DER */
export function parseName(der: Uint8Array): DistinguishedName {
	const reader = new DerReader(der, "distinguished name");
	const name = readName(reader);
	if (!reader.done) reader.fail("unexpected extra elements");
	return name;
}

/** Value octets of each emailAddress attribute (RFC 2985 §5.2.1) of a name that was parsed. */
export function emailAddressesIn(name: DistinguishedName): Uint8Array[] {
	const addresses: Uint8Array[] = [];
	const reader = new DerReader(name.der, "distinguished name");
	reader.open(TAG.SEQUENCE);
	while (!reader.done) {
		const outer = reader.open(TAG.SET);
		while (!reader.done) {
			const inner = reader.open(TAG.SEQUENCE);
			const isEmail = reader.oid() === EMAIL_ADDRESS;
			reader.next();
			if (isEmail) addresses.push(reader.bytes.subarray(reader.valueStart, reader.valueEnd));
			reader.close(inner);
		}
		reader.close(outer);
	}
	return addresses;
}

function readRelativeName(reader: DerReader): string {
	const parts: string[] = [];
	const outer = reader.open(TAG.SET);
	do {
		const inner = reader.open(TAG.SEQUENCE);
		const type = reader.oid();
		reader.next();
		const value = reader.bytes.subarray(reader.valueStart, reader.valueEnd);
		const text = ATTRIBUTE_NAMES[type] === undefined ? undefined : decodeString(reader.tag, value);
		const element = reader.bytes.subarray(reader.start, reader.valueEnd);
		parts.push(`${ATTRIBUTE_NAMES[type] ?? type}=${text === undefined ? `#${hex(element)}` : escapeValue(text)}`);
		reader.close(inner);
	} while (!reader.done);
	reader.close(outer);
	return parts.join("+");
}

/**
 * Text of an X.520 DirectoryString and its relatives; undefined when the octets are no text of their type. T61String
 * is read as Latin-1, which is what issuers put into it.
 */
function decodeString(tag: number, value: Uint8Array): string | undefined {
	const octets = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	switch (tag) {
		case TAG.UTF8_STRING: {
			const text = octets.toString("utf8");
			return Buffer.from(text, "utf8").equals(octets) ? text : undefined;
		}
		case TAG.PRINTABLE_STRING:
		case TAG.IA5_STRING:
		case NUMERIC_STRING:
		case VISIBLE_STRING:
			return octets.every((octet) => octet < 0x80) ? octets.toString("latin1") : undefined;
		case TAG.T61_STRING:
			return octets.toString("latin1");
		case TAG.BMP_STRING: {
			if (octets.length % 2 !== 0) return undefined;
			const text = Buffer.from(octets).swap16().toString("utf16le");
			return /\p{Surrogate}/u.test(text) ? undefined : text;
		}
		default:
			return undefined;
	}
}

/** RFC 4514 §2.4; control characters as well, so that a name stays on its line. */
function escapeValue(text: string): string {
	return text
		.replace(/["+,;<>\\]|^[ #]|(?<=.) $/gs, "\\$&")
		.replace(/\p{Cc}/gu, (character) =>
			Buffer.from(character, "utf8").toString("hex").toUpperCase().replace(/../g, "\\$&"),
		);
}

function hex(octets: Uint8Array): string {
	return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("hex").toUpperCase();
}

const NUMERIC_STRING = 0x12;
const VISIBLE_STRING = 0x1a;

const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";

/** RFC 4514 §3, then what else code-signing certificates carry, under OpenSSL's names. Others keep their OID. */
const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
	"2.5.4.3": "CN",
	"2.5.4.7": "L",
	"2.5.4.8": "ST",
	"2.5.4.10": "O",
	"2.5.4.11": "OU",
	"2.5.4.6": "C",
	"2.5.4.9": "street",
	"0.9.2342.19200300.100.1.25": "DC",
	"0.9.2342.19200300.100.1.1": "UID",
	"2.5.4.4": "SN",
	"2.5.4.5": "serialNumber",
	"2.5.4.12": "title",
	"2.5.4.13": "description",
	"2.5.4.15": "businessCategory",
	"2.5.4.17": "postalCode",
	"2.5.4.42": "GN",
	"2.5.4.97": "organizationIdentifier",
	[EMAIL_ADDRESS]: "emailAddress",
	"1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
	"1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
	"1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
};
