/**
 * Certification paths, RFC 5280 §6, from a signer to a trust anchor. An anchor is a name and a key (§6.1.1 d); as in
 * OpenSSL it must be valid and an authority all the same, only its own signature does not matter.
 *
 * The bag of intermediates comes from whoever made the signature, so the search is bounded whatever the bag holds: paths
 * of at most 10 certificates, at most 200 candidates tried. Candidate issuers are found by name, ordered by key
 * identifier, and proven by signature. Policies are not applied; revocation is not looked up here.
 */

import { compareBytes } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import {
	type CertificateRequirements,
	checkAuthority,
	checkLeaf,
	isSelfIssued,
	refusal,
} from "./certificate-checks.js";
import { checkNameConstraints } from "./name-constraints.js";
import { isSignatureOf, type SignatureScheme, signatureScheme } from "./signature-algorithm.js";

export { isCertificateAuthority, isSelfIssued } from "./certificate-checks.js";

export interface ChainOptions extends CertificateRequirements {
	/** In any order; those that do not belong to the path are ignored. */
	readonly intermediates: readonly Certificate[];
	readonly anchors: readonly Certificate[];
}

export interface Chain {
	/** Leaf first, the anchor last. */
	readonly certificates: readonly Certificate[];
	/** The very object of `anchors` that the path ends at. */
	readonly anchor: Certificate;
}

/** Certificates in a path, leaf and anchor included. */
export const MAX_PATH_LENGTH = 10;
/** Issuers tried in one search, each at the cost of one signature check. */
export const MAX_CANDIDATES = 200;

/**
 * A path from the leaf to an anchor on which every certificate holds. When there is none, the error is that of the
 * attempt that came furthest.
 * @throws ERR_CHAIN_INCOMPLETE, ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _CONSTRAINTS, _EXTENSION, _SIGNATURE,
 * ERR_WEAK_DIGEST, ERR_WEAK_KEY, ERR_UNSUPPORTED_ALGORITHM
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): Chain {
	checkLeaf(leaf, options);
	schemeOf(leaf, options); // Refuses a weak one, whoever issued the leaf.

	const steps: Step[] = [{ certificate: leaf, candidates: candidateIssuers(leaf, options), next: 0 }];
	let best = { depth: 0, error: incomplete(leaf) };
	const fail = (depth: number, error: SigtoolError) => {
		if (depth > best.depth) best = { depth, error };
	};
	for (let tried = 0; steps.length > 0 && tried < MAX_CANDIDATES; ) {
		const { certificate, candidates, next } = last(steps);
		const candidate = candidates[next];
		if (candidate === undefined) {
			fail(steps.length, incomplete(certificate));
			steps.pop();
			continue;
		}
		last(steps).next++;
		const path = steps.map((step) => step.certificate);
		const { issuer, role } = candidate;
		if (role === "intermediate" && !mayExtend(path, issuer)) continue;
		tried++;
		try {
			if (!isIssuedBy(certificate, issuer, options)) {
				fail(path.length, refusal("ERR_CERTIFICATE_SIGNATURE", certificate, "its issuer's key did not sign it"));
				continue;
			}
			checkIssuer(candidate, path, options);
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			fail(path.length + 1, error);
			continue;
		}
		if (role === "anchor") return { certificates: [...path, issuer], anchor: issuer };
		steps.push({ certificate: issuer, candidates: candidateIssuers(issuer, options), next: 0 });
	}
	throw best.error;
}

/**
 * What is asked of a certificate whose key is trusted by itself: everything asked of a leaf, and no path. Without an
 * issuer only the key is proven. Another certificate can be put around it, so pass the one that was pinned where it is at
 * hand: dates and marks of one that came with a signature guard against mistakes, not against forgery.
 * @throws ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _EXTENSION, ERR_WEAK_KEY
 */
export function verifyPinned(leaf: Certificate, requirements: CertificateRequirements): void {
	checkLeaf(leaf, requirements);
}

interface Candidate {
	readonly issuer: Certificate;
	readonly role: "anchor" | "intermediate";
}

/** A certificate of the path being tried, and how far its issuers have been tried. */
interface Step {
	readonly certificate: Certificate;
	readonly candidates: readonly Candidate[];
	next: number;
}

/** Certificates named as the issuer: first those whose key identifier fits too, and anchors before intermediates. */
function candidateIssuers(certificate: Certificate, { anchors, intermediates }: ChainOptions): Candidate[] {
	const isNamed = (issuer: Certificate) => isEqual(certificate.issuer.der, issuer.subject.der);
	const candidates: Candidate[] = [
		...anchors.filter(isNamed).map((issuer): Candidate => ({ issuer, role: "anchor" })),
		...intermediates.filter(isNamed).map((issuer): Candidate => ({ issuer, role: "intermediate" })),
	];
	const keyId = certificate.extensions.authorityKeyId;
	const fits = ({ issuer: { extensions } }: Candidate) => {
		return keyId !== undefined && extensions.subjectKeyId !== undefined && isEqual(keyId, extensions.subjectKeyId);
	};
	return [...candidates.filter(fits), ...candidates.filter((candidate) => !fits(candidate))];
}

/** Everything asked of an issuer but its signature on the last certificate of `path`. */
function checkIssuer({ issuer, role }: Candidate, path: readonly Certificate[], options: ChainOptions): void {
	const [, ...intermediates] = path;
	const below = intermediates.filter((certificate) => !isSelfIssued(certificate)).length;
	checkAuthority(issuer, role, below, options);
	if (role === "intermediate") schemeOf(issuer, options);
	for (const [depth, certificate] of path.entries()) {
		// A self-issued intermediate is the authority itself under a new key. RFC 5280 §6.1.3 b.
		if (depth === 0 || !isSelfIssued(certificate)) checkNameConstraints(certificate, issuer);
	}
}

function isIssuedBy(certificate: Certificate, issuer: Certificate, options: ChainOptions): boolean {
	const scheme = schemeOf(certificate, options);
	return isSignatureOf(publicKeyOf(issuer), scheme, certificate.tbs, certificate.signature);
}

/** How the certificate is signed. @throws ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM */
function schemeOf(certificate: Certificate, { profile }: ChainOptions): SignatureScheme {
	return signatureScheme(certificate.signatureAlgorithm, profile, describe(certificate));
}

/** An anchor must still fit, and a second certificate of one name and key can only lead round in a circle. */
function mayExtend(path: readonly Certificate[], issuer: Certificate): boolean {
	if (path.length + 2 > MAX_PATH_LENGTH) return false;
	return !path.some((seen) => isEqual(seen.subject.der, issuer.subject.der) && isEqual(seen.spki, issuer.spki));
}

function incomplete(certificate: Certificate): SigtoolError {
	const reason = isSelfIssued(certificate)
		? `${describe(certificate)} issued itself and is not trusted here`
		: `nothing at hand issued ${describe(certificate)} as ${quote(certificate.issuer.text)}`;
	return new SigtoolError("ERR_CHAIN_INCOMPLETE", `Cannot find a path to a trust anchor: ${reason}`);
}

function describe(certificate: Certificate): string {
	return `certificate ${quote(certificate.subject.text)}`;
}

function last(steps: readonly Step[]): Step {
	return steps[steps.length - 1];
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
	return compareBytes(a, b) === 0;
}
