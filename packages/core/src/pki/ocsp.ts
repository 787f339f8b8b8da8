/**
 * Encodes an OCSP request (RFC 6960) for the status of one certificate, and verifies the basic response. The signer of
 * a response must be the certificate's issuer, or a responder whose certificate this issuer issued. The revocation
 * status of the responder's certificate is not checked.
 */

import { createHash } from "node:crypto";
import { compareBytes, context, DerReader, encode, NULL, octetString, oid, sequence, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import { verifyChain } from "./chain.js";
import { detailsOrWorst, readDetails } from "./crl-entries.js";
import type { Extension } from "./extensions.js";
import { readGeneralName } from "./general-name.js";
import {
	type BasicResponse,
	NONCE_OID,
	parseResponse,
	parseResponseData,
	type SingleResponse,
	unusable,
} from "./ocsp-response.js";
import { type RevocationDetails, type RevocationStatement, worse } from "./revocation.js";
import { DIGEST_OIDS, type DigestName, isSignatureOf, type Profile, signatureScheme } from "./signature-algorithm.js";

/** The certificate whose status is requested, and the certificate of its issuer. */
export interface StatusQuestion {
	readonly certificate: Certificate;
	readonly issuer: Certificate;
	/** A random value for this request. A response with another value is refused, because it may be an old one. */
	readonly nonce: Uint8Array;
}

/** A response has at most this many bytes. Real responses have 500 to 5,000. */
export const MAX_OCSP_RESPONSE_SIZE = 65_536;

/** Returns the http and https URLs of responders in a certificate. Returns no URLs if the extension is malformed. */
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

/**
 * Encodes an OCSPRequest without signature, §4.1.1. It names the issuer by SHA-1 hashes, as RFC 5019 demands, and the
 * certificate by its serial number. The hashes only identify the issuer and prove nothing.
 */
export function encodeOcspRequest({ certificate, issuer, nonce }: StatusQuestion): Uint8Array {
	const { name, key } = issuerHashes(certificate, issuer, "sha1");
	const sha1 = sequence(oid(SHA1), NULL);
	const id = sequence(sha1, octetString(name), octetString(key), encode(TAG.INTEGER, certificate.serial));
	const extension = sequence(oid(NONCE_OID), octetString(octetString(nonce)));
	return sequence(sequence(sequence(sequence(id)), encode(context(2), sequence(extension))));
}

/**
 * Returns the status of the requested certificate by this response. `source` is the responder's name in messages, and
 * `now` is in milliseconds since the epoch.
 * @throws ERR_REVOCATION_UNKNOWN if the response gives no status of the certificate; ERR_DER, ERR_LIMIT; the errors of
 * `verifyChain` if the response cannot be trusted
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
	const answers = data.responses.filter(({ id }) => isAbout(id, question));
	return statementOf(answers, source);
}

/** Joins the answers about one certificate into one statement. If the answers differ, the worse one counts. */
function statementOf(answers: readonly SingleResponse[], source: string): RevocationStatement {
	const byAge = [...answers].sort((a, b) => a.thisUpdate - b.thisUpdate);
	const revocations = byAge.flatMap(revocationIn);
	// The newest answer that says revoked gives the dates, because only a proof that is newer than this answer may lift
	// the revocation.
	const newest = byAge.findLast(({ status }) => status.kind === "revoked");
	if (newest !== undefined) {
		const { thisUpdate, nextUpdate } = newest;
		const dates = { thisUpdate, nextUpdate, expiredSince: undefined };
		return { source, ...dates, status: "revoked", ...revocations.reduce(worse) };
	}
	const extensions = byAge.map((answer) => answer.readExtensions());
	if (byAge.some(({ status }) => status.kind === "unknown"))
		throw unusable("the responder does not know the certificate");
	// The oldest answer gives the dates, because even the oldest answer must be fresh.
	const [oldest] = byAge;
	if (oldest === undefined) throw unusable("it is about another certificate");
	const { thisUpdate, nextUpdate } = oldest;
	const cutoff = extensions[0].get(ARCHIVE_CUTOFF);
	const expiredSince = cutoff && new DerReader(cutoff.value, WHAT).time();
	return { source, thisUpdate, nextUpdate, expiredSince, status: "good" };
}

/**
 * Returns the revocation of an answer that says revoked, and no revocation of any other answer. The reason may stand in
 * the status and in the extensions; the worse one counts.
 */
function revocationIn({ status, readExtensions }: SingleResponse): RevocationDetails[] {
	if (status.kind !== "revoked") return [];
	const details = detailsOrWorst(() => {
		const { at, reason } = status.readInfo();
		const inExtensions = { revokedAt: at, ...readDetails(readExtensions()) };
		if (reason === undefined) return inExtensions;
		const inStatus = { ...inExtensions, reason };
		return inExtensions.reason === undefined ? inStatus : worse(inStatus, inExtensions);
	});
	return [details];
}

/**
 * Refuses a response with another nonce, because it answers another request. A response without a nonce is accepted,
 * because responders that sign in advance send no nonce. Then only its dates show that the response is fresh.
 */
function checkNonce(extensions: ReadonlyMap<string, Extension>, nonce: Uint8Array): void {
	const extension = extensions.get(NONCE_OID);
	if (extension === undefined || compareBytes(extension.value, octetString(nonce)) === 0) return;
	throw unusable("its nonce is not the one that was sent");
}

/**
 * Checks that the response is signed by the issuer, or by a responder whose certificate the issuer's own key signed.
 * §4.2.2.2.
 */
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
	if (responder === undefined) throw unusable("neither the issuer nor a certificate in it belongs to its signature");
	verifyChain(responder, { intermediates: [], anchors: [issuer], at: now, purpose: "ocspSigning", profile });
}

/**
 * Returns true if the identifier names the certificate. The responder may have used another hash than the request, and
 * its answer must still be found, because it may be a revocation.
 */
function isAbout(id: SingleResponse["id"], { certificate, issuer }: StatusQuestion): boolean {
	const hashName = ID_HASHES[id.algorithm];
	if (hashName === undefined || compareBytes(id.serial, certificate.serial) !== 0) return false;
	const { name, key } = issuerHashes(certificate, issuer, hashName);
	return compareBytes(id.nameHash, name) === 0 && compareBytes(id.keyHash, key) === 0;
}

function issuerHashes(certificate: Certificate, issuer: Certificate, hashName: DigestName) {
	const reader = new DerReader(issuer.spki, WHAT);
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	const hash = (bytes: Uint8Array): Uint8Array => createHash(hashName).update(bytes).digest();
	return { name: hash(certificate.issuer.der), key: hash(reader.bitStringBytes()) };
}

const WHAT = "OCSP response";
const MAX_ACCESSES = 16;

const SHA1 = "1.3.14.3.2.26";
/** The hashes by which an answer may name a certificate. */
const ID_HASHES: Readonly<Record<string, DigestName>> = {
	[SHA1]: "sha1",
	[DIGEST_OIDS.sha256]: "sha256",
	[DIGEST_OIDS.sha384]: "sha384",
	[DIGEST_OIDS.sha512]: "sha512",
};
const AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
const OCSP = "1.3.6.1.5.5.7.48.1";
const ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
