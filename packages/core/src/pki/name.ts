/** Distinguished names (X.501, RFC 5280 §4.1.2.4) and their text form (RFC 4514). */

import { DerReader, TAG } from "../asn1/der.js";
import { tooLarge } from "../asn1/read-list.js";

/** Two names are equal when `der` is, octet for octet: a CA copies its own subject into what it issues. */
export interface DistinguishedName {
	/** The Name element as received. */
	readonly der: Uint8Array;
	/** RFC 4514, most specific first: `CN=Jane,O=Acme\, Inc.,C=US`. One line, safe to compare as a whole; made when asked for. */
	readonly text: string;
}

/** Octets of the largest name read, header included. */
export const MAX_NAME_SIZE = 8192;
/** Attributes in the relative names of one name; under real catalogs names have up to 7, in 213 octets. */
export const MAX_NAME_ATTRIBUTES = 64;

/** Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. Reads the next element. @throws ERR_DER, ERR_LIMIT */
export function readName(reader: DerReader): DistinguishedName {
	const der = reader.bytes;
	const start = reader.position;
	const relativeNames = readRelativeNames(reader);
	let text: string | undefined;
	return {
		der: der.subarray(start, reader.position),
		get text() {
			text ??= relativeNames.map(relativeNameText).reverse().join(",");
			return text;
		},
	};
}

/** A Name that stands alone. @throws ERR_DER, ERR_LIMIT */
export function parseName(der: Uint8Array): DistinguishedName {
	const reader = new DerReader(der, "distinguished name");
	const name = readName(reader);
	if (!reader.done) reader.fail("unexpected extra elements");
	return name;
}

/** Value octets of each emailAddress attribute (RFC 2985 §5.2.1) of a name that was parsed. */
export function emailAddressesIn(name: DistinguishedName): Uint8Array[] {
	const attributes = readRelativeNames(new DerReader(name.der, "distinguished name")).flat();
	return attributes.filter(({ type }) => type === EMAIL_ADDRESS).map(valueOctets);
}

interface NameAttribute {
	readonly type: string;
	/** The value with its header, and the size of that. */
	readonly element: Uint8Array;
	readonly headerSize: number;
}

function readRelativeNames(reader: DerReader): NameAttribute[][] {
	const relativeNames: NameAttribute[][] = [];
	let count = 0;
	const outer = reader.open(TAG.SEQUENCE);
	if (reader.valueEnd - reader.start > MAX_NAME_SIZE) {
		throw tooLarge(reader, `a name is larger than ${MAX_NAME_SIZE} octets`);
	}
	while (!reader.done) {
		const relativeName: NameAttribute[] = [];
		const set = reader.open(TAG.SET);
		do {
			if (++count > MAX_NAME_ATTRIBUTES)
				throw tooLarge(reader, `a name has more than ${MAX_NAME_ATTRIBUTES} attributes`);
			relativeName.push(readAttribute(reader));
		} while (!reader.done);
		reader.close(set);
		relativeNames.push(relativeName);
	}
	reader.close(outer);
	return relativeNames;
}

function readAttribute(reader: DerReader): NameAttribute {
	const outer = reader.open(TAG.SEQUENCE);
	const type = reader.oid();
	const element = reader.element();
	const headerSize = reader.valueStart - reader.start;
	reader.close(outer);
	return { type, element, headerSize };
}

function relativeNameText(attributes: readonly NameAttribute[]): string {
	return attributes.map(attributeText).join("+");
}

function attributeText(attribute: NameAttribute): string {
	const { type, element } = attribute;
	const name = ATTRIBUTE_NAMES[type];
	const text = name === undefined ? undefined : decodeString(element[0], valueOctets(attribute));
	return `${name ?? type}=${text === undefined ? `#${hex(element)}` : escapeValue(text)}`;
}

function valueOctets({ element, headerSize }: NameAttribute): Uint8Array {
	return element.subarray(headerSize);
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

/**
 * RFC 4514 §2.4; control characters as well, so that a name stays on its line. Split and joined, because `replaceAll`
 * keeps a string as the pieces it was put together from, several times its size.
 */
export function escapeValue(text: string): string {
	return text
		.replace(/["+,;<>\\]|^[ #]|(?<=.) $/gs, "\\$&")
		.replace(CONTROLS, (controls) => encodeURIComponent(controls).split("%").join("\\"));
}

/** `\p{Cc}` spelled out: loading the property takes as long as reading a certificate. */
const CONTROLS = /[^\x20-\x7e\xa0-\uffff]+/g;

function hex(octets: Uint8Array): string {
	return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("hex").toUpperCase();
}

const NUMERIC_STRING = 0x12;
const VISIBLE_STRING = 0x1a;

const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";

/** RFC 4514 §3, then what else code-signing certificates carry, under OpenSSL's names. Others keep their OID. */
export const ATTRIBUTE_NAMES: Readonly<Record<string, string>> = {
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
