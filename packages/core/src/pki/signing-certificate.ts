/**
 * Writes and checks the signed attribute that names the signer's certificate, so that another certificate of the same
 * key cannot take its place. The attribute SigningCertificate names the certificate by SHA-1 (RFC 2634 §5.4), and
 * SigningCertificateV2 by a digest that it states (RFC 5035 §3).
 */

import { createHash } from "node:crypto";
import { DerReader, octetString, sequence, TAG } from "../asn1/der.js";
import type { Certificate } from "./certificate.js";
import { encodeAttribute, type SignerInfo } from "./cms.js";
import { signedAttribute } from "./cms-verify.js";
import { digestName, readAlgorithm } from "./signature-algorithm.js";

/** Encodes SigningCertificateV2 with the certificate's SHA-256, which is the digest if the attribute states none. */
export function encodeSigningCertificate({ der }: Certificate): Uint8Array {
	const certificateId = sequence(octetString(createHash("sha256").update(der).digest()));
	return encodeAttribute(SIGNING_CERTIFICATE_V2, sequence(sequence(certificateId)));
}

/**
 * Returns true if the attribute SigningCertificateV2 is there. `signingCertificateProblem` checks that its digest is
 * SHA-2 and which certificate it names.
 */
export function namesCertificateBySha2({ signedAttributes }: SignerInfo): boolean {
	return signedAttributes.some(({ oid }) => oid === SIGNING_CERTIFICATE_V2);
}

/**
 * Returns the reason why the signed attributes do not name this certificate, or undefined if they name it. If both
 * attributes are there, both must name it.
 * @throws ERR_DER, ERR_SIGNED_ATTRIBUTES; ERR_WEAK_DIGEST or ERR_UNSUPPORTED_ALGORITHM for the digest of
 * SigningCertificateV2
 */
export function signingCertificateProblem(
	signer: SignerInfo,
	certificate: Certificate,
	what: string,
): string | undefined {
	let named = false;
	for (const [oid, implied] of SIGNING_CERTIFICATE) {
		const value = signedAttribute(signer, oid, what);
		if (value === undefined) continue;
		const id = readFirstCertificateId(value, implied, what);
		if (!createHash(id.digest).update(certificate.der).digest().equals(id.hash)) {
			return "it names another signer's certificate";
		}
		named = true;
	}
	return named ? undefined : "it does not name its signer's certificate";
}

/**
 * Reads the first certificate id, which names the signer, from the value of SigningCertificate or SigningCertificateV2:
 * SEQUENCE { certs SEQUENCE OF SEQUENCE { [hashAlgorithm], certHash, … }, … }. `implied` names the hash function that
 * applies if the id states none.
 */
function readFirstCertificateId(
	value: Uint8Array,
	implied: "sha1" | "sha256",
	what: string,
): { digest: string; hash: Uint8Array } {
	const reader = new DerReader(value, what);
	reader.open(TAG.SEQUENCE);
	reader.open(TAG.SEQUENCE);
	reader.open(TAG.SEQUENCE);
	const named = implied === "sha256" && reader.peek() === TAG.SEQUENCE;
	const digest = named ? digestName(readAlgorithm(reader), "default", what) : implied;
	return { digest, hash: reader.value(TAG.OCTET_STRING) };
}

const SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47";

/** SIGNING_CERTIFICATE lists the two attributes, each with the digest that applies if the attribute states none. */
const SIGNING_CERTIFICATE = [
	["1.2.840.113549.1.9.16.2.12", "sha1"],
	[SIGNING_CERTIFICATE_V2, "sha256"],
] as const;
