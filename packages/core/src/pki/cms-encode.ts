/** Encodes CMS SignedData (RFC 5652) as an array of pieces, so that content of tens of megabytes is not copied. */

import {
	compareBytes,
	context,
	DerReader,
	encode,
	headerSize,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	writeHeader,
} from "../asn1/der.js";
import type { Certificate } from "./certificate.js";
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from "./signature-algorithm.js";

export interface SignedDataContent {
	readonly contentType: string;
	/**
	 * The content as one DER element, which is written unchanged into [0] of eContent. Undefined if the content is
	 * detached.
	 */
	readonly content?: Uint8Array;
	/** The encoder sorts the certificates by their bytes, because DER and Windows demand this order of a SET OF. */
	readonly certificates: readonly Certificate[];
	/** Undefined for an unsigned catalog, which has empty sets of algorithms and signers. */
	readonly signer?: SignerContent;
}

export interface SignerContent {
	readonly algorithm: SigningAlgorithm;
	readonly certificate: Certificate;
	/** `signedAttributes` is a result of `encodeSignedAttributes`, and `signature` covers exactly these bytes. */
	readonly signedAttributes: Uint8Array;
	readonly signature: Uint8Array;
	/** Each element is a result of `encodeAttribute`. */
	readonly unsignedAttributes?: readonly Uint8Array[];
}

/**
 * Encodes ContentInfo with SignedData. The caller writes the returned pieces one after the other. RFC 5652 §3, §5.1.
 */
export function encodeSignedData({ contentType, content, certificates, signer }: SignedDataContent): Uint8Array[] {
	const bag = encode(context(0), ...setMembers(certificates.map(({ der }) => der)));
	const signedData = wrap(TAG.SEQUENCE, [
		// RFC 5652 §5.1 demands version 3 if the content type is not id-data. Catalogs have version 1 nevertheless, so
		// only detached content gets version 3.
		integer(content === undefined ? 3 : 1),
		signer === undefined ? setOf() : setOf(digestAlgorithm(signer.algorithm)),
		...wrap(TAG.SEQUENCE, [oid(contentType), ...(content === undefined ? [] : wrap(context(0), [content]))]),
		...(certificates.length === 0 ? [] : [bag]),
		signer === undefined ? setOf() : setOf(encodeSignerInfo(signer)),
	]);
	return wrap(TAG.SEQUENCE, [oid(SIGNED_DATA), ...wrap(context(0), signedData)]);
}

/**
 * Encodes the signed attributes as the bytes that the signature covers: a SET OF Attribute in DER order. RFC 5652 §5.4.
 */
export function encodeSignedAttributes(attributes: readonly Uint8Array[]): Uint8Array {
	return setOf(...attributes);
}

/** Encodes Attribute ::= SEQUENCE { attrType OID, attrValues SET OF ANY }. Each of `values` is one DER element. */
export function encodeAttribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
	return sequence(oid(type), setOf(...values));
}

/**
 * Replaces the unsigned attributes of a SignedData with one signer by `attributes`. These are results of
 * `encodeAttribute`, at least one. All other content stays as it is. Returns pieces, which the caller writes one after
 * the other.
 */
export function withUnsignedAttributes(signedData: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array[] {
	const reader = new DerReader(signedData, "signed data");
	/** Returns the bytes of the elements before the first with this tag, and moves the cursor behind them. */
	const elementsBefore = (tag: number) => {
		const start = reader.position;
		while (!reader.done && reader.peek() !== tag) reader.next();
		return signedData.subarray(start, reader.position);
	};
	reader.open(TAG.SEQUENCE);
	const type = elementsBefore(context(0));
	reader.open(context(0));
	reader.open(TAG.SEQUENCE);
	const algorithms = reader.position;
	reader.next(TAG.INTEGER);
	reader.next(TAG.SET);
	elementsBefore(TAG.SET);
	const content = signedData.subarray(algorithms, reader.position);
	reader.open(TAG.SET);
	reader.open(TAG.SEQUENCE);
	const signer = elementsBefore(context(1));
	const signers = wrap(TAG.SET, wrap(TAG.SEQUENCE, [signer, encode(context(1), ...setMembers(attributes))]));
	return wrap(TAG.SEQUENCE, [type, ...wrap(context(0), wrap(TAG.SEQUENCE, [content, ...signers]))]);
}

/**
 * Replaces the content element of a SignedData, or removes it if `content` is undefined. All other content stays as it
 * is. Returns pieces, which the caller writes one after the other.
 */
export function withContent(signedData: Uint8Array, content: Uint8Array | undefined): Uint8Array[] {
	const reader = new DerReader(signedData, "signed data");
	reader.open(TAG.SEQUENCE);
	const type = reader.element(TAG.OID);
	reader.open(context(0));
	reader.open(TAG.SEQUENCE);
	const start = reader.position;
	reader.next(TAG.INTEGER);
	reader.next(TAG.SET);
	const algorithms = signedData.subarray(start, reader.position);
	const outer = reader.open(TAG.SEQUENCE);
	const contentType = reader.element(TAG.OID);
	reader.leave(outer);
	const rest = signedData.subarray(reader.position, reader.end);
	const encapsulated = [contentType, ...(content === undefined ? [] : wrap(context(0), [content]))];
	const fields = [algorithms, ...wrap(TAG.SEQUENCE, encapsulated), rest];
	return wrap(TAG.SEQUENCE, [type, ...wrap(context(0), wrap(TAG.SEQUENCE, fields))]);
}

/** Encodes SignerInfo, RFC 5652 §5.3. */
function encodeSignerInfo(signer: SignerContent): Uint8Array {
	const { algorithm, certificate, signedAttributes, signature, unsignedAttributes = [] } = signer;
	const implicit = Uint8Array.from(signedAttributes);
	implicit[0] = context(0);
	return sequence(
		integer(1),
		sequence(certificate.issuer.der, encode(TAG.INTEGER, certificate.serial)),
		digestAlgorithm(algorithm),
		implicit,
		signatureAlgorithm(algorithm),
		octetString(signature),
		...(unsignedAttributes.length === 0 ? [] : [encode(context(1), ...setMembers(unsignedAttributes))]),
	);
}

function digestAlgorithm(algorithm: SigningAlgorithm): Uint8Array {
	return sequence(oid(SIGNING_ALGORITHMS[algorithm].digestOid), NULL);
}

function signatureAlgorithm(algorithm: SigningAlgorithm): Uint8Array {
	const { signatureOid, parameters } = SIGNING_ALGORITHMS[algorithm];
	return parameters === "null" ? sequence(oid(signatureOid), NULL) : sequence(oid(signatureOid));
}

/** Returns the elements in the order that DER demands of a SET OF. X.690 §11.6. */
function setMembers(elements: readonly Uint8Array[]): Uint8Array[] {
	return [...elements].sort(compareBytes);
}

/** Returns the DER header for these parts, and behind it the parts themselves, which are not copied. */
function wrap(tag: number, parts: readonly Uint8Array[]): Uint8Array[] {
	const length = parts.reduce((sum, part) => sum + part.length, 0);
	const header = new Uint8Array(headerSize(length));
	writeHeader(header, 0, tag, length);
	return [header, ...parts];
}

export const SIGNED_DATA = "1.2.840.113549.1.7.2";
