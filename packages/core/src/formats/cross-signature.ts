/**
 * Recognises a file whose whole content is data that a key signs in another format: a certificate, a catalog, or an
 * attribute. An IMA signature of version 2 covers only the content. A signature of such a file would also be valid for
 * the other format, and a signature in the other format would be valid for the file.
 *
 * The check looks only at the first and last bytes, so it may also recognise a harmless file. It recognises signed
 * attributes of CMS (RFC 5652 §5.4), the signed part of certificates and revocation lists (RFC 5280 §4.1, §5.1) and of
 * OCSP responses (RFC 6960 §4.2.1), and the messages that signatures of IMA's version 3, EVM and fs-verity cover.
 */

import { TAG } from "../asn1/der.js";
import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { ALGORITHM_NUMBERS } from "./integrity-signature.js";

/** Checks content that it receives piece by piece. */
export interface CrossSignatureCheck {
	update(piece: Uint8Array): void;
	/** Returns a text that completes a sentence beginning with "it is", or undefined if nothing was recognised. */
	found(): string | undefined;
}

export function createCrossSignatureCheck(): CrossSignatureCheck {
	let head = new Uint8Array();
	let tail = new Uint8Array();
	let sizeBytes = 0;
	return {
		update(piece) {
			if (sizeBytes < HEAD_BYTES) head = joined(head, piece.subarray(0, HEAD_BYTES - sizeBytes));
			tail = joined(tail, piece.subarray(-TAIL_BYTES)).slice(-TAIL_BYTES);
			sizeBytes += piece.length;
		},
		found() {
			if (isToBeSigned(head, sizeBytes)) return "the signed part of a certificate or revocation list";
			if (isAttributeSet(head, sizeBytes)) return "the signed attributes of a CMS signature";
			if (isVerityMessage(head, sizeBytes)) return "the message that is signed for a file with fs-verity";
			return isEvmMessage(tail) ? "the message that is signed for EVM" : undefined;
		},
	};
}

/**
 * This number of bytes has room for the first fields of a certificate, even with a long serial number and algorithm
 * parameters.
 */
const HEAD_BYTES = 256;
const TAIL_BYTES = 24;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(Buffer.concat([a, b]));
}

interface Element {
	readonly tag: number;
	readonly start: number;
	/** The offset of the end. It is undefined if the length has the indefinite form. */
	readonly end: number | undefined;
}

/** Reads tag and length in any form of BER, for lengths up to 4 GB. X.690 §8.1.3. */
function elementAt(bytes: Uint8Array, at: number): Element | undefined {
	const [tag, first, ...more] = bytes.subarray(at, at + 6);
	if (tag === undefined || first === undefined) return undefined;
	if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
	const count = first - 0x80;
	if (count === 0) return { tag, start: at + 2, end: undefined };
	if (count > 4 || count > more.length) return undefined;
	const length = more.slice(0, count).reduce((sum, byte) => sum * 256 + byte, 0);
	return { tag, start: at + 2 + count, end: at + 2 + count + length };
}

/** Returns true if the content is one element with this tag and nothing else. */
function elementIs(head: Uint8Array, tag: number, sizeBytes: number): boolean {
	const element = elementAt(head, 0);
	return element?.tag === tag && (element.end ?? sizeBytes) === sizeBytes;
}

/** Recognises a SET OF Attribute: its elements are SEQUENCEs that begin with an object identifier. RFC 5652 §5.3. */
function isAttributeSet(head: Uint8Array, sizeBytes: number): boolean {
	if (!elementIs(head, TAG.SET, sizeBytes)) return false;
	const attribute = elementAt(head, elementAt(head, 0)?.start ?? 0);
	return attribute?.tag === TAG.SEQUENCE && head[attribute.start] === TAG.OID;
}

/**
 * Recognises a TBSCertificate or TBSCertList by its first elements: an optional version, an optional serial number, the
 * algorithm, and a name. An OCSP response has the responder, [1] or [2], in the place of the algorithm and the name. A
 * PKCS#12 container begins in the same way, but has a PKCS#7 content type in the place of the algorithm. Such a
 * container is not recognised.
 */
function isToBeSigned(head: Uint8Array, sizeBytes: number): boolean {
	if (!elementIs(head, TAG.SEQUENCE, sizeBytes)) return false;
	let element = elementAt(head, elementAt(head, 0)?.start ?? 0);
	for (const optional of [0xa0, TAG.INTEGER]) {
		if (element?.tag !== optional) continue;
		if (element.end === undefined) return true;
		element = elementAt(head, element.end);
	}
	if (element?.tag === 0xa1 || element?.tag === 0xa2) return true;
	if (element?.tag !== TAG.SEQUENCE || head[element.start] !== TAG.OID) return false;
	if (Buffer.from(head.subarray(element.start)).indexOf(PKCS7) === 0) return false;
	return element.end === undefined || (head[element.end] ?? TAG.SEQUENCE) === TAG.SEQUENCE;
}

/** The first bytes of the object identifiers 1.2.840.113549.1.7.*, none of which is an algorithm. */
const PKCS7 = Buffer.from("06092a864886f70d0107", "hex");

/**
 * Recognises the message of IMA's version 3, `06 | algorithm | digest`, and that of fs-verity, "FSVerity" | le16
 * algorithm | le16 size | digest.
 */
function isVerityMessage(head: Uint8Array, sizeBytes: number): boolean {
	const digests = (["sha256", "sha512"] as const).map((name) => [name, DIGEST_ALGORITHMS[name].sizeBytes] as const);
	if (Buffer.from(head.subarray(0, 8)).toString("latin1") === "FSVerity") {
		return digests.some(([, digestBytes]) => sizeBytes === 12 + digestBytes);
	}
	return digests.some(([name, digestBytes]) => {
		return head[0] === 0x06 && head[1] === ALGORITHM_NUMBERS[name] && sizeBytes === 2 + digestBytes;
	});
}

/** Recognises the last bytes of the `evmPortableMessage` of a regular file. */
function isEvmMessage(tail: Uint8Array): boolean {
	if (tail.length < TAIL_BYTES) return false;
	const isRegular = (tail[21] & 0xf0) === 0x80;
	return isRegular && tail.subarray(0, 12).every((byte) => byte === 0) && tail[22] === 0 && tail[23] === 0;
}
