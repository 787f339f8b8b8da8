/** Parses basic OCSP responses (RFC 6960 §4.2) in strict DER. ocsp.ts verifies them. */

import { context, DerReader, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, parseCertificate } from "./certificate.js";
import { type Extension, readExtensionMap } from "./extensions.js";
import { type AlgorithmIdentifier, readAlgorithm } from "./signature-algorithm.js";

export interface BasicResponse {
	readonly tbs: Uint8Array;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
	readonly certificates: readonly Certificate[];
}

/**
 * Parses an OCSPResponse and the BasicOCSPResponse in it, §4.2.1.
 * @throws ERR_REVOCATION_UNKNOWN if the response reports an error or is not basic; ERR_DER, ERR_LIMIT
 */
export function parseResponse(der: Uint8Array): BasicResponse {
	const reader = new DerReader(der, WHAT);
	const outer = reader.open(TAG.SEQUENCE);
	const status = reader.integer(TAG.ENUMERATED);
	if (status !== 0) throw unusable(`the responder answered with ${RESPONSE_STATUS[status] ?? `status ${status}`}`);
	const explicit = reader.open(context(0));
	const bytes = reader.open(TAG.SEQUENCE);
	const type = reader.oid();
	if (type !== BASIC) throw unusable(`it is of type ${type}`);
	const basic = reader.value(TAG.OCTET_STRING);
	reader.close(bytes);
	reader.close(explicit);
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the response");
	return parseBasic(basic);
}

function parseBasic(der: Uint8Array): BasicResponse {
	const reader = new DerReader(der, WHAT);
	const outer = reader.open(TAG.SEQUENCE);
	const tbs = reader.element(TAG.SEQUENCE);
	const signatureAlgorithm = readAlgorithm(reader);
	const signature = reader.bitStringBytes();
	const certificates: Certificate[] = [];
	if (!reader.done) {
		const explicit = reader.open(context(0));
		certificates.push(...readList(reader, TAG.SEQUENCE, MAX_CERTIFICATES, () => parseCertificate(reader.element())));
		reader.close(explicit);
	}
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the response");
	return { tbs, signatureAlgorithm, signature, certificates };
}

export interface SingleResponse {
	readonly id: {
		readonly algorithm: string;
		readonly nameHash: Uint8Array;
		readonly keyHash: Uint8Array;
		readonly serial: Uint8Array;
	};
	/** `readInfo` parses the details of the revocation. @throws ERR_DER */
	readonly status: { readonly kind: "good" | "unknown" } | { readonly kind: "revoked"; readInfo(): RevokedInfo };
	/** `thisUpdate` and `nextUpdate` are in milliseconds since the epoch. */
	readonly thisUpdate: number;
	readonly nextUpdate: number | undefined;
	/**
	 * Parses singleExtensions, §4.2.1.
	 * @throws ERR_REVOCATION_UNKNOWN for a critical extension; ERR_DER, ERR_LIMIT, ERR_CERTIFICATE_FORMAT
	 */
	readExtensions(): ReadonlyMap<string, Extension>;
}

export interface RevokedInfo {
	/** The time of the revocation in milliseconds since the epoch. `reason` is the number of the CRLReason. */
	readonly at: number;
	readonly reason: number | undefined;
}

/**
 * Parses ResponseData, §4.2.1. Skips the responder's name, because the signature shows who the responder is. Leaves the
 * details of each answer unread: an answer that says revoked counts even if its details cannot be read.
 * @throws ERR_REVOCATION_UNKNOWN for a critical extension; ERR_DER, ERR_LIMIT, ERR_CERTIFICATE_FORMAT
 */
export function parseResponseData(tbs: Uint8Array) {
	const reader = new DerReader(tbs, WHAT);
	const outer = reader.open(TAG.SEQUENCE);
	if (reader.peek() === context(0)) reader.next(); // Skips version.
	if (reader.peek() !== context(1) && reader.peek() !== context(2)) reader.fail("responderID is missing");
	reader.next();
	reader.time(); // Skips producedAt.
	const responses = readList(reader, TAG.SEQUENCE, MAX_RESPONSES, readSingle);
	const extensions = readExplicit(reader, 1, readExtensionMap) ?? NO_EXTENSIONS;
	reader.close(outer);
	refuseCritical(extensions);
	return { responses, extensions };
}

function readSingle(reader: DerReader): SingleResponse {
	const outer = reader.open(TAG.SEQUENCE);
	const idOuter = reader.open(TAG.SEQUENCE);
	const id = {
		algorithm: readAlgorithm(reader).oid,
		nameHash: reader.value(TAG.OCTET_STRING),
		keyHash: reader.value(TAG.OCTET_STRING),
		serial: reader.integerBytes(),
	};
	reader.close(idOuter);
	const status = readStatus(reader);
	const thisUpdate = reader.time();
	const nextUpdate = readExplicit(reader, 0, () => reader.time());
	const extensions = reader.done ? undefined : reader.element(context(1));
	reader.close(outer);
	return { id, status, thisUpdate, nextUpdate, readExtensions: () => readSingleExtensions(extensions) };
}

/** Reads CertStatus ::= CHOICE { good [0] NULL, revoked [1] RevokedInfo, unknown [2] NULL }. */
function readStatus(reader: DerReader): SingleResponse["status"] {
	if (reader.peek() === context(1)) {
		const element = reader.element();
		return { kind: "revoked", readInfo: () => readRevokedInfo(element) };
	}
	const kind = reader.peek() === context(0, "primitive") ? "good" : "unknown";
	if (reader.value(kind === "good" ? context(0, "primitive") : context(2, "primitive")).length > 0) {
		reader.fail("malformed status");
	}
	return { kind };
}

/** Reads [1] { revocationTime, [0] CRLReason OPTIONAL }. */
function readRevokedInfo(element: Uint8Array): RevokedInfo {
	const reader = new DerReader(element, WHAT);
	const outer = reader.open(context(1));
	const at = reader.time();
	const reason = readExplicit(reader, 0, () => reader.integer(TAG.ENUMERATED));
	reader.close(outer);
	return { at, reason };
}

function readSingleExtensions(element: Uint8Array | undefined): ReadonlyMap<string, Extension> {
	if (element === undefined) return NO_EXTENSIONS;
	const extensions = readExplicit(new DerReader(element, WHAT), 1, readExtensionMap) ?? NO_EXTENSIONS;
	refuseCritical(extensions);
	return extensions;
}

/** Reads the next element as [number] EXPLICIT, or returns undefined if it has another tag. */
function readExplicit<T>(reader: DerReader, number: number, read: (reader: DerReader) => T): T | undefined {
	if (reader.peek() !== context(number)) return undefined;
	const outer = reader.open(context(number));
	const value = read(reader);
	reader.close(outer);
	return value;
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>): void {
	for (const [oid, { critical }] of extensions) {
		if (critical && oid !== NONCE_OID) throw unusable(`its critical extension ${oid} is not applied`);
	}
}

/** Makes an ERR_REVOCATION_UNKNOWN for a response that gives no status of the certificate. */
export function unusable(reason: string): SigtoolError {
	return new SigtoolError("ERR_REVOCATION_UNKNOWN", `Cannot use the answer: ${reason}`);
}

export const NONCE_OID = "1.3.6.1.5.5.7.48.1.2";
const WHAT = "OCSP response";
const BASIC = "1.3.6.1.5.5.7.48.1.1";
const NO_EXTENSIONS: ReadonlyMap<string, Extension> = new Map();
const MAX_CERTIFICATES = 8;
const MAX_RESPONSES = 16;

/** Names of OCSPResponseStatus, §4.2.1. */
const RESPONSE_STATUS: Readonly<Record<number, string>> = {
	1: "malformedRequest",
	2: "internalError",
	3: "tryLater",
	5: "sigRequired",
	6: "unauthorized",
};
