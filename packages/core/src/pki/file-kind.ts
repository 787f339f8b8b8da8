/** Guesses the kind of a file, for the message that a file is not of the expected kind. */

import { DerReader, encodeOid, headerSize, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { withoutByteOrderMark } from "./pem-blocks.js";

export type FileKind =
	| "catalog"
	| "signed data"
	| "certificate"
	| "private key"
	| "PKCS#12 container"
	| "PEM certificate"
	| "trusted PEM certificate"
	| "PEM private key"
	| "other PEM"
	| "trust index"
	| "archive"
	| "program"
	| "text"
	| "cut off"
	| "empty"
	| "unknown";

export interface FileDescription {
	readonly kind: FileKind;
	/** A description that can follow the text `it is` in a message. */
	readonly text: string;
}

/**
 * Guesses the kind of a file from its length and its first bytes. The result is only for messages and must not decide
 * anything else.
 */
export function describeFileBytes(bytes: Uint8Array): FileDescription {
	const kind = kindOf(bytes);
	return { kind, text: kind === "cut off" ? cutOff(bytes) : TEXTS[kind] };
}

function kindOf(bytes: Uint8Array): FileKind {
	if (bytes.length === 0) return "empty";
	if (bytes[0] === TAG.SEQUENCE) return derKind(bytes);
	for (const [kind, magic] of MAGICS) if (magic.every((byte, index) => bytes[index] === byte)) return kind;
	const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_TEXT)).toString("latin1");
	const [, label] = /^-----BEGIN ([A-Z0-9 ]+)-----/m.exec(withoutByteOrderMark(head)) ?? [];
	if (label !== undefined) return label.endsWith("PRIVATE KEY") ? "PEM private key" : (PEM_KINDS[label] ?? "other PEM");
	return BINARY.test(head) ? "unknown" : "text";
}

/** Distinguishes the DER structures by their first elements: RFC 5652, RFC 5280, RFC 5208, RFC 5915 and RFC 7292. */
function derKind(bytes: Uint8Array): FileKind {
	const end = bytes.length;
	try {
		if (wholeLength(bytes) > end) return "cut off";
		const reader = new DerReader(bytes, "file");
		reader.open(TAG.SEQUENCE);
		reader.next();
		if (reader.tag === TAG.OID) {
			const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(end, MAX_HEAD));
			return head.includes(CERT_TRUST_LIST) ? "catalog" : "signed data";
		}
		if (reader.tag === TAG.INTEGER) return reader.bytes[reader.valueStart] === 3 ? "PKCS#12 container" : "private key";
		if (reader.tag !== TAG.SEQUENCE) return "unknown";
		const first = reader.bytes[reader.valueStart];
		reader.next();
		return first !== TAG.OID && reader.tag === TAG.SEQUENCE ? "certificate" : "unknown";
	} catch (error) {
		if (error instanceof SigtoolError) return "unknown";
		throw error;
	}
}

/**
 * Returns the size of the outermost element in bytes, header included, as its header states it. Returns 0 if the header
 * states no size, or in more than four bytes.
 */
function wholeLength(bytes: Uint8Array): number {
	const lengthBytes = bytes[1] & 0x7f;
	if (bytes[1] < 0x80) return 2 + bytes[1];
	if (lengthBytes === 0 || lengthBytes > 4) return 0;
	const length = Buffer.from(bytes.subarray(2, 2 + lengthBytes)).reduce((sum, byte) => sum * 256 + byte, 0);
	return headerSize(length) + length;
}

function cutOff(bytes: Uint8Array): string {
	const [there, whole] = [bytes.length, wholeLength(bytes)].map(thousands);
	return `cut off, only ${there} of ${whole} bytes are there; copy it again`;
}

function thousands(number: number): string {
	return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

const TEXTS: Readonly<Record<FileKind, string>> = {
	catalog: "a catalog",
	"signed data": "a CMS message",
	certificate: "a certificate",
	"private key": "a private key",
	"PKCS#12 container": "a PKCS#12 container",
	"PEM certificate": "a certificate in PEM",
	"trusted PEM certificate": "a certificate with trust settings of OpenSSL (BEGIN TRUSTED CERTIFICATE)",
	"PEM private key": "a private key in PEM",
	"other PEM": "another kind of PEM file",
	"trust index": "a trust index",
	archive: "an archive",
	program: "a program",
	text: "a text file",
	"cut off": "cut off",
	empty: "empty",
	unknown: "a file of an unknown kind",
};

const PEM_KINDS: Readonly<Partial<Record<string, FileKind>>> = {
	CERTIFICATE: "PEM certificate",
	"TRUSTED CERTIFICATE": "trusted PEM certificate",
};

const MAGICS: readonly (readonly [FileKind, readonly number[]])[] = [
	["trust index", [0x89, 0x53, 0x49, 0x47, 0x58]],
	["archive", [0x50, 0x4b, 0x03, 0x04]],
	["archive", [0x1f, 0x8b]],
	["program", [0x7f, 0x45, 0x4c, 0x46]],
	["program", [0x4d, 0x5a, 0x90]],
];

/** The content type of a catalog, with tag and length. A catalog file has it in its first bytes. */
const CERT_TRUST_LIST = Buffer.from([TAG.OID, 9, ...encodeOid("1.3.6.1.4.1.311.10.1")]);
const MAX_HEAD = 1024;
const MAX_TEXT = 65_536;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
const BINARY = /[\0-\x08\x0e-\x1a\x1c-\x1f]/;
