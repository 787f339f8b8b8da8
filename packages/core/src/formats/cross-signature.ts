/**
 * Content that is, as a whole, what the same key signs elsewhere. IMA's version 2 signs whatever the content is, so that
 * a file's signature would be a certificate's, a catalog's, or another attribute's as well, and the other way round.
 *
 * Recognised, leniently, by their ends: signed attributes of CMS (RFC 5652 §5.4), certificates and revocation lists to
 * be signed (RFC 5280 §4.1, §5.1), OCSP responses (RFC 6960 §4.2.1), what IMA's version 3, EVM and fs-verity's own
 * signatures are made over.
 */

import { TAG } from "../asn1/der.js";
import { DIGEST_ALGORITHMS } from "../digest/algorithms.js";
import { ALGORITHM_NUMBERS } from "./integrity-signature.js";

/** Looks at content while it goes by. */
export interface CrossSignatureCheck {
	update(piece: Uint8Array): void;
	/** What the content is, continuing "it is"; undefined when it is nothing of the kind. */
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
			if (isToBeSigned(head, sizeBytes)) return "what a certificate or revocation list is signed over";
			if (isAttributeSet(head, sizeBytes)) return "the signed attributes of a CMS signature";
			if (isVerityMessage(head, sizeBytes)) return "what is signed of a file with fs-verity";
			return isEvmMessage(tail) ? "what is signed for EVM" : undefined;
		},
	};
}

/** Enough for the first fields of a certificate with a long serial number and parameters. */
const HEAD_BYTES = 256;
const TAIL_BYTES = 24;

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(Buffer.concat([a, b]));
}

interface Element {
	readonly tag: number;
	readonly start: number;
	/** Undefined for the indefinite form, whose end is not looked for. */
	readonly end: number | undefined;
}

/** Tag and length in any form of BER, up to 4 GB. X.690 §8.1.3. */
function elementAt(octets: Uint8Array, at: number): Element | undefined {
	const [tag, first, ...more] = octets.subarray(at, at + 6);
	if (tag === undefined || first === undefined) return undefined;
	if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first };
	const count = first - 0x80;
	if (count === 0) return { tag, start: at + 2, end: undefined };
	if (count > 4 || count > more.length) return undefined;
	const length = more.slice(0, count).reduce((sum, octet) => sum * 256 + octet, 0);
	return { tag, start: at + 2 + count, end: at + 2 + count + length };
}

/** Whether the content is one element of this tag and nothing else. */
function elementIs(head: Uint8Array, tag: number, sizeBytes: number): boolean {
	const element = elementAt(head, 0);
	return element?.tag === tag && (element.end ?? sizeBytes) === sizeBytes;
}

/** A SET OF Attribute, each a SEQUENCE that begins with an object identifier. RFC 5652 §5.3. */
function isAttributeSet(head: Uint8Array, sizeBytes: number): boolean {
	if (!elementIs(head, TAG.SET, sizeBytes)) return false;
	const attribute = elementAt(head, elementAt(head, 0)?.start ?? 0);
	return attribute?.tag === TAG.SEQUENCE && head[attribute.start] === TAG.OID;
}

/**
 * TBSCertificate, TBSCertList: a version and a serial number or neither, the algorithm, a name. An OCSP response has its
 * responder's [1] or [2] instead. A PKCS#12 container would look the same, but for the type of its content.
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

/** The beginning of the object identifiers 1.2.840.113549.1.7.*, none of which is an algorithm. */
const PKCS7 = Buffer.from("06092a864886f70d0107", "hex");

/** `06 | algorithm | digest` of IMA's version 3, or "FSVerity" | le16 algorithm | le16 size | digest. */
function isVerityMessage(head: Uint8Array, sizeBytes: number): boolean {
	const digests = (["sha256", "sha512"] as const).map((name) => [name, DIGEST_ALGORITHMS[name].sizeBytes] as const);
	if (Buffer.from(head.subarray(0, 8)).toString("latin1") === "FSVerity") {
		return digests.some(([, digestBytes]) => sizeBytes === 12 + digestBytes);
	}
	return digests.some(([name, digestBytes]) => {
		return head[0] === 0x06 && head[1] === ALGORITHM_NUMBERS[name] && sizeBytes === 2 + digestBytes;
	});
}

/** Ends as `evmPortableMessage` does, for a regular file. */
function isEvmMessage(tail: Uint8Array): boolean {
	if (tail.length < TAIL_BYTES) return false;
	const isRegular = (tail[21] & 0xf0) === 0x80;
	return isRegular && tail.subarray(0, 12).every((octet) => octet === 0) && tail[22] === 0 && tail[23] === 0;
}
