/** Parses distinguished names (X.501, RFC 5280 §4.1.2.4) and converts them to text (RFC 4514). */

import { DerReader, TAG } from "../asn1/der.js";
import { tooLarge } from "../asn1/read-list.js";

/**
 * A distinguished name. Chains compare the bytes of `der`, because an authority copies its own subject into the
 * certificates that it issues. For revocation lists, `isSameName` compares.
 */
export interface DistinguishedName {
	/** The Name element as received. */
	readonly der: Uint8Array;
	/**
	 * The name by RFC 4514, most specific part first: `CN=Jane,O=Acme\, Inc.,C=US`. Special characters are escaped, so
	 * the text is one line, and a value cannot pass for another attribute. It is made at the first access.
	 */
	readonly text: string;
}

/** A name has at most this many bytes, header included. */
export const MAX_NAME_SIZE = 8192;
/**
 * A name has at most this many attributes. Names in the chains of real catalogs have up to 7 attributes and 213 bytes.
 */
export const MAX_NAME_ATTRIBUTES = 64;

/** Reads the next element: Name ::= SEQUENCE OF SET OF SEQUENCE { type, value }. @throws ERR_DER, ERR_LIMIT */
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

/** Parses a Name with nothing behind it. @throws ERR_DER, ERR_LIMIT */
export function parseName(der: Uint8Array): DistinguishedName {
	const reader = new DerReader(der, "distinguished name");
	const name = readName(reader);
	if (!reader.done) reader.fail("unexpected extra elements");
	return name;
}

/** Returns the value bytes of each emailAddress attribute (RFC 2985 §5.2.1) in a name. */
export function emailAddressesIn(name: DistinguishedName): Uint8Array[] {
	const attributes = readRelativeNames(new DerReader(name.der, "distinguished name")).flat();
	return attributes.filter(({ type }) => type === EMAIL_ADDRESS).map(valueBytes);
}

interface NameAttribute {
	readonly type: string;
	/** The value with its DER header. `headerSize` is the size of that header in bytes. */
	readonly element: Uint8Array;
	readonly headerSize: number;
}

function readRelativeNames(reader: DerReader): NameAttribute[][] {
	const relativeNames: NameAttribute[][] = [];
	let count = 0;
	const outer = reader.open(TAG.SEQUENCE);
	if (reader.valueEnd - reader.start > MAX_NAME_SIZE) {
		throw tooLarge(reader, `a name is larger than ${MAX_NAME_SIZE} bytes`);
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
	const text = name === undefined ? undefined : decodeString(element[0], valueBytes(attribute));
	return `${name ?? type}=${text === undefined ? `#${hex(element)}` : escapeValue(text)}`;
}

function valueBytes({ element, headerSize }: NameAttribute): Uint8Array {
	return element.subarray(headerSize);
}

/**
 * Decodes an X.520 DirectoryString or a related type. Returns undefined if the bytes are not text of that type, or if
 * the type is not known here. T61String is read as Latin-1, because issuers write Latin-1 there.
 */
function decodeString(tag: number, value: Uint8Array): string | undefined {
	const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	switch (tag) {
		case TAG.UTF8_STRING: {
			const text = bytes.toString("utf8");
			return Buffer.from(text, "utf8").equals(bytes) ? text : undefined;
		}
		case TAG.PRINTABLE_STRING:
		case TAG.IA5_STRING:
		case NUMERIC_STRING:
		case VISIBLE_STRING:
			return bytes.every((byte) => byte < 0x80) ? bytes.toString("latin1") : undefined;
		case TAG.T61_STRING:
			return bytes.toString("latin1");
		case TAG.BMP_STRING: {
			if (bytes.length % 2 !== 0) return undefined;
			const text = Buffer.from(bytes).swap16().toString("utf16le");
			return /\p{Surrogate}/u.test(text) ? undefined : text;
		}
		default:
			return undefined;
	}
}

/**
 * Escapes the characters of RFC 4514 §2.4, and control characters as well, so that a name stays on one line. The code
 * uses `split` and `join`, because the result of `replaceAll` keeps several times its size in memory.
 */
export function escapeValue(text: string): string {
	return text
		.replace(/["+,;<>\\]|^[ #]|(?<=.) $/gs, "\\$&")
		.replace(CONTROLS, (controls) => encodeURIComponent(controls).split("%").join("\\"));
}

/**
 * Matches the control characters `\p{Cc}`. The ranges are written out because loading that Unicode property takes as
 * long as reading a certificate.
 */
const CONTROLS = /[^\x20-\x7e\xa0-\uffff]+/g;

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex").toUpperCase();
}

const NUMERIC_STRING = 0x12;
const VISIBLE_STRING = 0x1a;

const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";

/**
 * The table maps identifiers to the keywords of RFC 4514 §3, and then to the keywords of OpenSSL for other attributes
 * in code-signing certificates. Any other attribute is shown by its identifier, such as `2.5.4.20`.
 */
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
