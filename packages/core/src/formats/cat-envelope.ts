/**
 * Puts a catalog's list into SignedData, unsigned or signed with exactly the four signed attributes that Windows
 * writes.
 */

import { createHash } from "node:crypto";
import { context, DerReader, encode, octetString, oid, sequence, TAG } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../pki/cms.js";
import { TOKEN_ATTRIBUTE } from "../pki/timestamp.js";
import type { NewTimestamp, TimestampRequest } from "../pki/timestamp-request.js";
import type { Signer } from "../signer/signer.js";
import { throwIfAborted, unlessAborted } from "../system/abort.js";
import { CATALOG_OID } from "./cat-model.js";
import { bmpBytes } from "./cat-values.js";

/** The options of every function that signs a catalog. */
export interface EnvelopeOptions extends ProgramInfo {
	/** The request for a timestamp. Without it the signature gets no timestamp. */
	readonly timestamp?: TimestampRequest;
	/**
	 * Ends the work early, also while a timestamping authority is asked. A signer that is at work is not waited for. The
	 * promise rejects with AbortError, and nothing is written.
	 */
	readonly signal?: AbortSignal;
}

/** The program's name and page, which the signature covers and Windows shows. */
export interface ProgramInfo {
	/** The program name that Windows shows with the signature. */
	readonly description?: string;
	/** The program's web page, in ASCII. */
	readonly url?: string;
}

const OID = {
	contentType: "1.2.840.113549.1.9.3",
	messageDigest: "1.2.840.113549.1.9.4",
	statementType: "1.3.6.1.4.1.311.2.1.11",
	opusInfo: "1.3.6.1.4.1.311.2.1.12",
	individualCodeSigning: "1.3.6.1.4.1.311.2.1.21",
} as const;

/** Returns the pieces of a catalog without certificates and signature, for another machine to sign. */
export function encodeUnsigned(list: Uint8Array): Uint8Array[] {
	return encodeSignedData({ contentType: CATALOG_OID.certTrustList, content: list, certificates: [] });
}

export interface SignedCatalog {
	readonly pieces: readonly Uint8Array[];
	readonly timestamp: NewTimestamp | undefined;
}

/**
 * Signs a list and returns the complete catalog.
 * @throws ERR_USAGE for a URL that is not ASCII, and the errors of the signer and of `fetchTimestamp`;
 * AbortError
 */
export async function signEncoded(list: Uint8Array, signer: Signer, options: EnvelopeOptions): Promise<SignedCatalog> {
	const signedAttributes = encodeSignedAttributes([
		encodeAttribute(OID.contentType, oid(CATALOG_OID.certTrustList)),
		encodeAttribute(OID.statementType, sequence(oid(OID.individualCodeSigning))),
		encodeAttribute(OID.messageDigest, octetString(digestOfList(list))),
		encodeAttribute(OID.opusInfo, encodeOpusInfo(options)),
	]);
	const { signal } = options;
	throwIfAborted(signal);
	const signature = await unlessAborted(signal, signer.sign(signedAttributes, signal));
	const [certificate] = signer.certificates;
	const timestamp = options.timestamp && (await newTimestamp(signature, certificate, options.timestamp, signal));
	const unsignedAttributes = timestamp && [encodeAttribute(TOKEN_ATTRIBUTE, timestamp.token)];
	const pieces = encodeSignedData({
		contentType: CATALOG_OID.certTrustList,
		content: list,
		certificates: signer.certificates,
		signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature, unsignedAttributes },
	});
	return { pieces, timestamp };
}

/**
 * Fetches and verifies a timestamp of a signature that was made with the key of `certificate`.
 * @throws what `fetchTimestamp` throws
 */
export async function newTimestamp(
	signature: Uint8Array,
	certificate: Certificate,
	request: TimestampRequest,
	signal?: AbortSignal,
): Promise<NewTimestamp> {
	// This module is loaded only here, because signing without a timestamp needs no network.
	const { fetchTimestamp } = await import("../pki/fetch-timestamp.js");
	return fetchTimestamp(signature, certificate, request, signal);
}

/** Returns the SHA-256 of the concatenated pieces in lower-case hexadecimal. */
export function sha256Hex(pieces: readonly Uint8Array[]): string {
	const hash = createHash("sha256");
	for (const piece of pieces) hash.update(piece);
	return hash.digest("hex");
}

/** Returns the SHA-256 of the value bytes of the list's SEQUENCE, without tag and length. */
function digestOfList(list: Uint8Array): Uint8Array {
	const reader = new DerReader(list, "catalog");
	return createHash("sha256").update(reader.value(TAG.SEQUENCE)).digest();
}

/** Encodes SpcSpOpusInfo ::= SEQUENCE { [0] EXPLICIT SpcString OPTIONAL, [1] EXPLICIT SpcLink OPTIONAL }. */
function encodeOpusInfo({ description, url }: ProgramInfo): Uint8Array {
	const parts: Uint8Array[] = [];
	if (description !== undefined) {
		parts.push(encode(context(0), encode(context(0, "primitive"), bmpBytes(description))));
	}
	if (url !== undefined) {
		if (!/^[\x21-\x7e]+$/.test(url))
			throw new SigtoolError("ERR_USAGE", `Cannot use the URL ${quote(url)}: it must be ASCII, without spaces`);
		parts.push(encode(context(1), encode(context(0, "primitive"), Buffer.from(url, "latin1"))));
	}
	return sequence(...parts);
}
