/**
 * OCSP, RFC 6960, about one certificate at a time: the request, and what a basic response is worth. A response counts when
 * the issuer signed it, or whom the issuer itself certified for that; about whoever answers nobody is asked.
 */

import { createHash } from "node:crypto";
import { compareBytes, context, DerReader, encode, NULL, octetString, oid, sequence, TAG } from "../asn1/der.js";
import { readList } from "../asn1/read-list.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import { verifyChain } from "./chain.js";
import { readEntryExtensions } from "./crl.js";
import type { Extension } from "./extensions.js";
import { readGeneralName } from "./general-name.js";
import { type BasicResponse, NONCE_OID, parseResponse, parseResponseData, unusable } from "./ocsp-response.js";
import type { RevocationStatement } from "./revocation.js";
import { isSignatureOf, type Profile, signatureScheme } from "./signature-algorithm.js";

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
	const extension = sequence(oid(NONCE_OID), octetString(octetString(nonce)));
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
	const answers = data.responses.filter(({ id }) => {
		const isIssuer = compareBytes(id.nameHash, name) === 0 && compareBytes(id.keyHash, key) === 0;
		return id.algorithm === SHA1 && isIssuer && compareBytes(id.serial, question.certificate.serial) === 0;
	});
	const single = answers.find(({ status }) => status.kind === "revoked") ?? answers[0];
	if (single === undefined) throw unusable("it is about another certificate");
	const { status, thisUpdate, nextUpdate, extensions } = single;
	if (status.kind === "unknown") throw unusable("the responder does not know the certificate");
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

/** A responder that answers from stock has no nonce, and freshness must do; another nonce is somebody else's answer. */
function checkNonce(extensions: ReadonlyMap<string, Extension>, nonce: Uint8Array): void {
	const extension = extensions.get(NONCE_OID);
	if (extension === undefined || compareBytes(extension.value, octetString(nonce)) === 0) return;
	throw unusable("its nonce is not the one that was sent");
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
	if (responder === undefined) throw unusable("nobody whose certificate is with it signed it");
	verifyChain(responder, { intermediates: [], anchors: [issuer], at: now, purpose: "ocspSigning", profile });
}

function issuerHashes(certificate: Certificate, issuer: Certificate): { name: Uint8Array; key: Uint8Array } {
	const reader = new DerReader(issuer.spki, WHAT);
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	const sha1 = (octets: Uint8Array) => createHash("sha1").update(octets).digest();
	return { name: sha1(certificate.issuer.der), key: sha1(reader.bitStringOctets()) };
}

const WHAT = "OCSP response";
const MAX_ACCESSES = 16;

const SHA1 = "1.3.14.3.2.26";
const AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1";
const OCSP = "1.3.6.1.5.5.7.48.1";
const ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6";
