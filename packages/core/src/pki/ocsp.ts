/**
 * OCSP, RFC 6960, about one certificate at a time: the request, and what a basic response is worth. A response counts when
 * the issuer signed it, or whom the issuer itself certified for that; about whoever answers nobody is asked.
 */

import { createHash } from "node:crypto";
import { compareBytes, context, DerReader, encode, NULL, octetString, oid, sequence, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, parseCertificate, publicKeyOf } from "./certificate.js";
import { verifyChain } from "./chain.js";
import { readEntryExtensions } from "./crl.js";
import { type Extension, readExtensionMap } from "./extensions.js";
import { readGeneralName } from "./general-name.js";
import type { RevocationStatement } from "./revocation.js";
import {
	type AlgorithmIdentifier,
	isSignatureOf,
	type Profile,
	readAlgorithm,
	signatureScheme,
} from "./signature-algorithm.js";

/** Whose status is asked: a certificate, and the one of its issuer. */
export interface StatusQuestion {
	readonly certificate: Certificate;
	readonly issuer: Certificate;
	/** Not to be answered from yesterday's answers. */
	readonly nonce: Uint8Array;
}

/** Octets of the largest response read; real ones take 500 to 5,000. */
export const MAX_OCSP_RESPONSE_SIZE = 65_536;

/** The http and https addresses of responders that a certificate names. Malformed: none. */
export function responderUrls({ extensions }: Certificate): string[] {
	const extension = extensions.all.get(AUTHORITY_INFO_ACCESS);
	if (extension === undefined) return [];
	try {
		const reader = new DerReader(extension.value, "authority information access");
		const accesses = readList(reader, TAG.SEQUENCE, MAX_ACCESSES, () => {
			const outer = reader.open(TAG.SEQUENCE);
			const access = { method: reader.oid(), location: readGeneralName(reader) };
			reader.close(outer);
			return access;
		});
		return accesses
			.filter(({ method, location }) => method === OCSP && location.kind === "uri")
			.map(({ location }) => Buffer.from(location.value).toString("latin1"))
			.filter((url) => /^https?:/i.test(url));
	} catch (error) {
		if (error instanceof SigtoolError) return [];
		throw error;
	}
}

/** OCSPRequest, §4.1.1. Unsigned; the certificate is named by SHA-1 as RFC 5019 has it: a name, no evidence. */
export function encodeOcspRequest({ certificate, issuer, nonce }: StatusQuestion): Uint8Array {
	const { name, key } = issuerHashes(certificate, issuer);
	const sha1 = sequence(oid(SHA1), NULL);
	const id = sequence(sha1, octetString(name), octetString(key), encode(TAG.INTEGER, certificate.serial));
	const extension = sequence(oid(NONCE), octetString(octetString(nonce)));
	return sequence(sequence(sequence(sequence(id)), encode(context(2), sequence(extension))));
}

/**
 * What a response says about the certificate that was asked about.
 * @throws ERR_REVOCATION_UNKNOWN when it says nothing; ERR_DER, ERR_LIMIT and what `verifyChain` throws when it is not to be believed
 */
export function statementOfResponse(
	der: Uint8Array,
	question: StatusQuestion,
	{ source, now, profile }: { readonly source: string; readonly now: number; readonly profile: Profile },
): RevocationStatement {
	const response = parseResponse(der);
	const data = parseResponseData(response.tbs);
	checkNonce(data.extensions, question.nonce);
	checkResponder(response, question, now, profile);
	const { name, key } = issuerHashes(question.certificate, question.issuer);
	const single = data.responses.find(({ id }) => {
		const isIssuer = compareBytes(id.nameHash, name) === 0 && compareBytes(id.keyHash, key) === 0;
		return id.algorithm === SHA1 && isIssuer && compareBytes(id.serial, question.certificate.serial) === 0;
	});
	if (single === undefined) throw unknown("it is about another certificate");
	const { status, thisUpdate, nextUpdate, extensions } = single;
	if (status.kind === "unknown") throw unknown("the responder does not know the certificate");
	const cutoff = extensions.get(ARCHIVE_CUTOFF);
	return {
		source,
		thisUpdate,
		nextUpdate,
		expiredSince: cutoff && new DerReader(cutoff.value, WHAT).time(),
		...(status.kind === "revoked"
			? { status: "revoked", ...readEntryExtensions(extensions), revokedAt: status.at, reason: status.reason }
			: { status: "good" }),
	};
}

interface BasicResponse {
	readonly tbs: Uint8Array;
	readonly signatureAlgorithm: AlgorithmIdentifier;
	readonly signature: Uint8Array;
	readonly certificates: readonly Certificate[];
}

/** OCSPResponse and in it BasicOCSPResponse, §4.2.1. */
function parseResponse(der: Uint8Array): BasicResponse {
	const reader = new DerReader(der, WHAT);
	const outer = reader.open(TAG.SEQUENCE);
	const status = reader.integer(TAG.ENUMERATED);
	if (status !== 0) throw unknown(`the responder answered with ${RESPONSE_STATUS[status] ?? `status ${status}`}`);
	const explicit = reader.open(context(0));
	const bytes = reader.open(TAG.SEQUENCE);
	const type = reader.oid();
	if (type !== BASIC) throw unknown(`it is of type ${type}`);
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
	const signature = reader.bitStringOctets();
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

interface SingleResponse {
	readonly id: {
		readonly algorithm: string;
		readonly nameHash: Uint8Array;
		readonly keyHash: Uint8Array;
		readonly serial: Uint8Array;
	};
	readonly status:
		| { readonly kind: "good" | "unknown" }
		| { readonly kind: "revoked"; readonly at: number; readonly reason: number | undefined };
	readonly thisUpdate: number;
	readonly nextUpdate: number | undefined;
	readonly extensions: ReadonlyMap<string, Extension>;
}

/** ResponseData, §4.2.1. Who the responder says to be is passed over: his signature says it. */
function parseResponseData(tbs: Uint8Array) {
	const reader = new DerReader(tbs, WHAT);
	const outer = reader.open(TAG.SEQUENCE);
	if (reader.peek() === context(0)) reader.next(); // version
	if (reader.peek() !== context(1) && reader.peek() !== context(2)) reader.fail("responderID is missing");
	reader.next();
	reader.time(); // producedAt
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
	const extensions = readExplicit(reader, 1, readExtensionMap) ?? NO_EXTENSIONS;
	reader.close(outer);
	refuseCritical(extensions);
	return { id, status, thisUpdate, nextUpdate, extensions };
}

/** CertStatus ::= CHOICE { good [0] NULL, revoked [1] { revocationTime, [0] CRLReason OPTIONAL }, unknown [2] NULL }. */
function readStatus(reader: DerReader): SingleResponse["status"] {
	if (reader.peek() !== context(1)) {
		const kind = reader.peek() === context(0, "primitive") ? "good" : "unknown";
		if (reader.value(kind === "good" ? context(0, "primitive") : context(2, "primitive")).length > 0) {
			reader.fail("malformed status");
		}
		return { kind };
	}
	const outer = reader.open(context(1));
	const at = reader.time();
	const reason = readExplicit(reader, 0, () => reader.integer(TAG.ENUMERATED));
	reader.close(outer);
	return { kind: "revoked", at, reason };
}

/** [number] EXPLICIT … OPTIONAL */
function readExplicit<T>(reader: DerReader, number: number, read: (reader: DerReader) => T): T | undefined {
	if (reader.peek() !== context(number)) return undefined;
	const outer = reader.open(context(number));
	const value = read(reader);
	reader.close(outer);
	return value;
}

function refuseCritical(extensions: ReadonlyMap<string, Extension>): void {
	for (const [oid, { critical }] of extensions) {
		if (critical && oid !== NONCE) throw unknown(`its critical extension ${oid} is not applied`);
	}
}

/** A responder that answers from stock has no nonce, and freshness must do; another nonce is somebody else's answer. */
function checkNonce(extensions: ReadonlyMap<string, Extension>, nonce: Uint8Array): void {
	const extension = extensions.get(NONCE);
	if (extension === undefined || compareBytes(extension.value, octetString(nonce)) === 0) return;
	throw unknown("its nonce is not the one that was sent");
}

/** The issuer, or a certificate for it that the issuer's own key signed. §4.2.2.2. */
function checkResponder(
	{ tbs, signatureAlgorithm, signature, certificates }: BasicResponse,
	{ issuer }: StatusQuestion,
	now: number,
	profile: Profile,
): void {
	const scheme = signatureScheme(signatureAlgorithm, profile, WHAT);
	const isBy = (signer: Certificate) => isSignatureOf(publicKeyOf(signer), scheme, tbs, signature);
	if (isBy(issuer)) return;
	const responder = certificates.find(isBy);
	if (responder === undefined) throw unknown("nobody whose certificate is with it signed it");
	verifyChain(responder, { intermediates: [], anchors: [issuer], at: now, purpose: "ocspSigning", profile });
}

function issuerHashes(certificate: Certificate, issuer: Certificate): { name: Uint8Array; key: Uint8Array } {
	const reader = new DerReader(issuer.spki, WHAT);
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	const sha1 = (octets: Uint8Array) => createHash("sha1").update(octets).digest();
	return { name: sha1(certificate.issuer.der), key: sha1(reader.bitStringOctets()) };
}

function unknown(reason: string): SigtoolError {
	return new SigtoolError("ERR_REVOCATION_UNKNOWN", `Cannot use the answer: ${reason}`);
}

const WHAT = "OCSP response";
const NO_EXTENSIONS: ReadonlyMap<string, Extension> = new Map();
const MAX_ACCESSES = 16;
const MAX_CERTIFICATES = 8;
const MAX_RESPONSES = 16;

const SHA1 = "1.3.14.3.2.26";
const AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
const OCSP = "1.3.6.1.5.5.7.48.1";
const BASIC = "1.3.6.1.5.5.7.48.1.1";
const NONCE = "1.3.6.1.5.5.7.48.1.2";
const ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";

/** OCSPResponseStatus, §4.2.1. */
const RESPONSE_STATUS: Readonly<Record<number, string>> = {
	1: "malformedRequest",
	2: "internalError",
	3: "tryLater",
	5: "sigRequired",
	6: "unauthorized",
};
