/**
 * Checks one certificate by itself, as the leaf of a chain or as an authority in it. chain.ts checks the names and
 * signatures by which certificates are linked.
 */

import { compareBytes } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import type { Certificate } from "./certificate.js";
import { KEY_USAGE } from "./extensions.js";
import type { Profile } from "./signature-algorithm.js";

export type Purpose = "codeSigning" | "timeStamping" | "ocspSigning";

export interface CertificateRequirements {
	/** The time for which the certificate is judged, in milliseconds since the epoch. */
	readonly at: number;
	readonly purpose: Purpose;
	readonly profile: Profile;
	/**
	 * RFC 3161 §2.3 demands that the extended key usage of a timestamping authority is critical and names timeStamping
	 * alone. `strict` applies this rule and is for a timestamp that was just requested. `tolerant`, the default, also
	 * accepts an extension that is not critical, as Microsoft's own authorities have it, and any further purpose except
	 * codeSigning.
	 */
	readonly timeStampingEku?: "strict" | "tolerant";
}

/** Returns true if subject and issuer have the same bytes. RFC 5280 §6.1. */
export function isSelfIssued(certificate: Certificate): boolean {
	return compareBytes(certificate.subject.der, certificate.issuer.der) === 0;
}

/**
 * Returns true if basicConstraints and keyUsage allow the certificate to issue others. Roots older than RFC 2459 lack
 * both extensions, so a self-issued certificate without them and without an extended key usage gives true as well.
 * `checkAuthority` accepts such a root only as an anchor under `windows-legacy`.
 */
export function isCertificateAuthority(certificate: Certificate): boolean {
	const { basicConstraints, keyUsage, extendedKeyUsage } = certificate.extensions;
	if (keyUsage !== undefined && (keyUsage & KEY_USAGE.keyCertSign) === 0) return false;
	if (basicConstraints !== undefined) return basicConstraints.isAuthority;
	return keyUsage === undefined && extendedKeyUsage === undefined && isSelfIssued(certificate);
}

/**
 * Refuses a certificate that is not an authority's. Users trust the authority that issues certificates for
 * timestamping, and never such a certificate itself.
 * @throws ERR_USAGE
 */
export function requireTimestampAuthority(certificate: Certificate): void {
	if (isCertificateAuthority(certificate)) return;
	const reason = "it is not an authority; add the root that its issuer leads to";
	throw new SigtoolError("ERR_USAGE", `Cannot trust ${quote(certificate.subject.text)} for timestamps: ${reason}`);
}

/**
 * Checks the leaf of a chain, or a pinned certificate: its dates, critical extensions, key and purpose. A key usage may
 * be absent, but otherwise must allow the purpose. An extended key usage must be present and name the purpose;
 * `anyExtendedKeyUsage` is not enough.
 * @throws ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _EXTENSION, ERR_WEAK_KEY
 */
export function checkLeaf(leaf: Certificate, requirements: CertificateRequirements): void {
	checkCommon(leaf, requirements);
	const { purpose, timeStampingEku = "tolerant" } = requirements;
	const { keyUsage, extendedKeyUsage } = leaf.extensions;
	if (keyUsage !== undefined && (keyUsage & LEAF_KEY_USAGE[purpose]) === 0) {
		throw refusal("ERR_CERTIFICATE_PURPOSE", leaf, `its key usage does not allow ${purpose}`);
	}
	if (extendedKeyUsage?.oids.includes(PURPOSE_OID[purpose]) !== true) {
		throw refusal("ERR_CERTIFICATE_PURPOSE", leaf, `its extended key usage does not name ${purpose}`);
	}
	if (purpose === "timeStamping" && extendedKeyUsage.oids.includes(PURPOSE_OID.codeSigning)) {
		// The owner of such a key could sign code and choose the time of the signature.
		throw refusal("ERR_CERTIFICATE_PURPOSE", leaf, "its extended key usage names both timeStamping and codeSigning");
	}
	if (purpose === "timeStamping" && timeStampingEku === "strict") {
		if (!extendedKeyUsage.critical || extendedKeyUsage.oids.length !== 1) {
			throw refusal("ERR_CERTIFICATE_PURPOSE", leaf, "its extended key usage is not timeStamping alone and critical");
		}
	}
}

/**
 * Checks an issuer by its own certificate. `below` counts the intermediates between issuer and leaf, without those that
 * are self-issued. An extended key usage may be absent, but otherwise must name the purpose or `anyExtendedKeyUsage`.
 * This rule does not apply to `ocspSigning`, because a responder answers for the issuer itself. Anchors are checked
 * like intermediates, but under `windows-legacy` an anchor may lack basicConstraints, as Microsoft's root of 1997 does.
 * @throws ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _EXTENSION, _CONSTRAINTS, ERR_WEAK_KEY
 */
export function checkAuthority(
	issuer: Certificate,
	role: "anchor" | "intermediate",
	below: number,
	requirements: CertificateRequirements,
): void {
	checkCommon(issuer, requirements);
	const { basicConstraints, keyUsage, extendedKeyUsage } = issuer.extensions;
	const oldAnchor = role === "anchor" && requirements.profile === "windows-legacy" && isCertificateAuthority(issuer);
	if (basicConstraints?.isAuthority !== true && !oldAnchor) {
		throw refusal("ERR_CERTIFICATE_CONSTRAINTS", issuer, "it issued a certificate without being an authority");
	}
	if (keyUsage !== undefined && (keyUsage & KEY_USAGE.keyCertSign) === 0) {
		throw refusal("ERR_CERTIFICATE_PURPOSE", issuer, "its key usage does not allow it to issue certificates");
	}
	const usages = requirements.purpose === "ocspSigning" ? undefined : extendedKeyUsage?.oids;
	if (usages !== undefined && !usages.includes(PURPOSE_OID[requirements.purpose]) && !usages.includes(ANY_USAGE)) {
		const reason = `its extended key usage does not let it issue for ${requirements.purpose}`;
		throw refusal("ERR_CERTIFICATE_PURPOSE", issuer, reason);
	}
	if (basicConstraints?.maxPathLength !== undefined && below > basicConstraints.maxPathLength) {
		const reason = `${below} authorities stand below it, ${basicConstraints.maxPathLength} are allowed`;
		throw refusal("ERR_CERTIFICATE_CONSTRAINTS", issuer, reason);
	}
}

/** Makes an error about a certificate. The message names the certificate by its subject. */
export function refusal(code: SigtoolError["code"], certificate: Certificate, reason: string): SigtoolError {
	return new SigtoolError(code, `Cannot trust certificate ${quote(certificate.subject.text)}: ${reason}`);
}

function checkCommon(certificate: Certificate, { at, profile }: CertificateRequirements): void {
	const { notBefore, notAfter, extensions } = certificate;
	if (at < notBefore) {
		const reason = `it is not valid before ${utc(notBefore)}, judged at ${utc(at)}`;
		throw refusal("ERR_CERTIFICATE_NOT_YET_VALID", certificate, reason);
	}
	if (at > notAfter) {
		throw refusal("ERR_CERTIFICATE_EXPIRED", certificate, `it expired on ${utc(notAfter)}, judged at ${utc(at)}`);
	}
	const [unknown] = extensions.unknownCritical;
	if (unknown !== undefined) {
		throw refusal("ERR_CERTIFICATE_EXTENSION", certificate, `its critical extension ${unknown} is not understood`);
	}
	checkKeyStrength(certificate, profile);
}

/** Accepts RSA from 2048 bits (from 1024 under `windows-legacy`), P-256, P-384 and P-521. @throws ERR_WEAK_KEY */
function checkKeyStrength(certificate: Certificate, profile: Profile): void {
	const { keyAlgorithm } = certificate;
	switch (keyAlgorithm.kind) {
		case "rsa": {
			const least = profile === "windows-legacy" ? 1024 : 2048;
			if (keyAlgorithm.bits >= least) return;
			throw refusal("ERR_WEAK_KEY", certificate, `its RSA key has ${keyAlgorithm.bits} bits, fewer than ${least}`);
		}
		case "ec": {
			if (ACCEPTED_CURVES.has(keyAlgorithm.curve)) return;
			const curve =
				keyAlgorithm.curve === "explicit" ? "a curve of explicit parameters" : `curve ${keyAlgorithm.curve}`;
			throw refusal("ERR_WEAK_KEY", certificate, `its key is on ${curve}, which is not accepted`);
		}
		case "other":
			throw refusal("ERR_WEAK_KEY", certificate, `its key is of type ${keyAlgorithm.oid}, which is not accepted`);
	}
}

/** Formats a time as `2027-04-18T23:58:38Z`. */
export function utc(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(".000", "");
}

/** Maps each purpose to its identifier in an extended key usage, RFC 5280 §4.2.1.12. */
const PURPOSE_OID: Readonly<Record<Purpose, string>> = {
	codeSigning: "1.3.6.1.5.5.7.3.3",
	timeStamping: "1.3.6.1.5.5.7.3.8",
	ocspSigning: "1.3.6.1.5.5.7.3.9",
};
/**
 * Maps each purpose to bits of keyUsage. A leaf's key usage must have at least one of them. For a timestamp,
 * nonRepudiation alone is enough, as in OpenSSL, because RFC 3161 does not name a bit.
 */
const LEAF_KEY_USAGE: Readonly<Record<Purpose, number>> = {
	codeSigning: KEY_USAGE.digitalSignature,
	timeStamping: KEY_USAGE.digitalSignature | KEY_USAGE.nonRepudiation,
	ocspSigning: KEY_USAGE.digitalSignature,
};
const ANY_USAGE = "2.5.29.37.0";
const ACCEPTED_CURVES: ReadonlySet<string> = new Set(["P-256", "P-384", "P-521"]);
