/**
 * Checks that a signer signed this content, RFC 5652 §5.4 and §5.6. This does not make the signer trusted:
 * signer-trust.ts decides that.
 */

import { hash, timingSafeEqual } from "node:crypto";
import { compareBytes, DerReader, isSortedSet, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import type { SignerInfo } from "./cms.js";
import {
	type DigestName,
	digestName,
	isSignatureOf,
	type Profile,
	type SignatureScheme,
	signatureScheme,
} from "./signature-algorithm.js";

export interface SignerVerification {
	/**
	 * The type that the contentType attribute must name. `none` is for a countersignature, in which the attribute must
	 * be absent (RFC 5652 §11.4) or name id-data, as some issuers wrote.
	 */
	readonly contentType: string | "none";
	/** The bytes that messageDigest covers, or a function that returns the digest of these bytes. */
	readonly contentValue: Uint8Array | ((digest: DigestName) => Uint8Array);
	/** The signer's certificate is searched among these certificates. */
	readonly certificates: readonly Certificate[];
	/**
	 * The reasons why certificates of the message could not be parsed and were skipped. If the signer's certificate is
	 * missing, the error shows the first reason, because the skipped certificate may be the signer's.
	 */
	readonly anomalies?: readonly string[];
	readonly profile: Profile;
	/** The name of the signed object in error messages. Default `signature`. */
	readonly what?: string;
}

/**
 * Finds the signer's certificate and checks the signature over the signed attributes as received. Then checks the
 * attributes: they must be in DER order, none may occur twice, and they must name `contentType` and the digest of
 * `contentValue`.
 * @throws ERR_SIGNATURE, ERR_SIGNED_ATTRIBUTES, ERR_SIGNER_CERTIFICATE, ERR_WEAK_DIGEST, ERR_WEAK_KEY,
 * ERR_UNSUPPORTED_ALGORITHM, ERR_LIMIT
 */
export function verifySigner(signer: SignerInfo, verification: SignerVerification): { certificate: Certificate } {
	const { certificates, anomalies = [], contentValue, contentType, profile, what = "signature" } = verification;
	const digest = digestName(signer.digestAlgorithm, profile, what);
	const scheme = signatureScheme(signer.signatureAlgorithm, profile, what, digest);
	if (scheme.digest !== digest) {
		const message = `Cannot check the ${what}: it names the digests ${scheme.digest} and ${digest} at once`;
		throw new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", message);
	}
	if (signer.signedAttributesDer === undefined) {
		throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${what}: it has no signed attributes`);
	}
	const candidates = signerCertificates(signer, certificates);
	if (candidates.length === 0) {
		const reason = ["its signer's certificate is not in it", ...anomalies.slice(0, 1)].join("; ");
		throw new SigtoolError("ERR_SIGNER_CERTIFICATE", `Cannot check the ${what}: ${reason}`);
	}
	if (candidates.length > MAX_SIGNER_CANDIDATES) {
		const message = `Cannot check the ${what}: more than ${MAX_SIGNER_CANDIDATES} certificates in it may be its signer's`;
		throw new SigtoolError("ERR_LIMIT", message);
	}
	const signedBytes = Buffer.from(signer.signedAttributesDer);
	// The signature covers the attributes with the tag SET, although the message has [0] in its place. RFC 5652 §5.4.
	signedBytes[0] = TAG.SET;
	const certificate = findSigner(candidates, scheme, signedBytes, signer.signature, what);
	checkAttributeSet(signer, signedBytes, what);
	checkContentType(signer, contentType, what);
	checkMessageDigest(signer, contentValue, digest, what);
	return { certificate };
}

/**
 * Returns the certificates that match the signer's identifier. There may be several, because anybody can make a
 * certificate with the issuer and serial number, or the key identifier, of another one.
 */
export function signerCertificates({ identifier }: SignerInfo, certificates: readonly Certificate[]): Certificate[] {
	return certificates.filter(({ issuer, serial, extensions }) => {
		if (identifier.kind === "subjectKeyId") return isEqual(identifier.keyId, extensions.subjectKeyId);
		return isEqual(identifier.serial, serial) && isEqual(identifier.issuer.der, issuer.der);
	});
}

/**
 * Returns the single value of a signed attribute, or undefined if the attribute is absent.
 * @throws ERR_SIGNED_ATTRIBUTES if the attribute has no value or several values
 */
export function signedAttribute(signer: SignerInfo, oid: string, what: string): Uint8Array | undefined {
	const attribute = signer.signedAttributes.find((candidate) => candidate.oid === oid);
	if (attribute === undefined) return undefined;
	const [value, ...others] = attribute.values;
	if (value === undefined || others.length > 0) {
		const message = `Cannot trust the ${what}: signed attribute ${oid} has ${attribute.values.length} values`;
		throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", message);
	}
	return value;
}

/**
 * Returns the candidate whose key made the signature, and skips candidates with an unusable key.
 * @throws ERR_SIGNATURE if there is none; ERR_WEAK_KEY instead if `publicKeyOf` refused a candidate as weak
 */
function findSigner(
	candidates: readonly Certificate[],
	scheme: SignatureScheme,
	signedBytes: Uint8Array,
	signature: Uint8Array,
	what: string,
): Certificate {
	let failure = new SigtoolError(
		"ERR_SIGNATURE",
		`Cannot trust the ${what}: the signature does not match what is signed`,
	);
	for (const candidate of candidates) {
		try {
			if (isSignatureOf(publicKeyOf(candidate), scheme, signedBytes, signature)) return candidate;
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			if (error.code === "ERR_WEAK_KEY") failure = error;
		}
	}
	throw failure;
}

/**
 * Demands DER order and refuses an attribute type that occurs twice, because two programs could read such a set
 * differently. RFC 5652 §5.3.
 */
function checkAttributeSet({ signedAttributes }: SignerInfo, signedBytes: Uint8Array, what: string): void {
	const reader = new DerReader(signedBytes, what);
	const elements: Uint8Array[] = [];
	reader.open(TAG.SET);
	while (!reader.done) elements.push(reader.element());
	if (!isSortedSet(elements)) {
		throw new SigtoolError(
			"ERR_SIGNED_ATTRIBUTES",
			`Cannot trust the ${what}: its signed attributes are not in DER order`,
		);
	}
	if (new Set(signedAttributes.map(({ oid }) => oid)).size !== signedAttributes.length) {
		throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${what}: a signed attribute occurs twice`);
	}
}

function checkContentType(signer: SignerInfo, expected: string | "none", what: string): void {
	const value = signedAttribute(signer, CONTENT_TYPE, what);
	if (value === undefined && expected === "none") return;
	const found = value === undefined ? "none" : new DerReader(value, what).oid();
	if (found === (expected === "none" ? DATA : expected)) return;
	const message = `Cannot trust the ${what}: its signed content type is ${found}, expected ${expected}`;
	throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", message);
}

function checkMessageDigest(
	signer: SignerInfo,
	content: SignerVerification["contentValue"],
	digest: DigestName,
	what: string,
): void {
	const value = signedAttribute(signer, MESSAGE_DIGEST, what);
	if (value === undefined) {
		throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", `Cannot trust the ${what}: it signs no digest of the content`);
	}
	const expected = new DerReader(value, what).value(TAG.OCTET_STRING);
	const actual = typeof content === "function" ? content(digest) : hash(digest, content, "buffer");
	if (expected.length !== actual.length || !timingSafeEqual(expected, actual)) {
		const message = `Cannot trust the ${what}: the content was changed after it was signed`;
		throw new SigtoolError("ERR_SIGNED_ATTRIBUTES", message);
	}
}

function isEqual(a: Uint8Array, b: Uint8Array | undefined): boolean {
	return b !== undefined && compareBytes(a, b) === 0;
}

/** At most this many certificates are tried for one signer. Each try costs one signature check. */
export const MAX_SIGNER_CANDIDATES = 8;

export const CONTENT_TYPE = "1.2.840.113549.1.9.3";
export const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const DATA = "1.2.840.113549.1.7.1";
