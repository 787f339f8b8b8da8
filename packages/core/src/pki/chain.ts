/**
 * Finds a chain from a signer to a trust anchor and verifies it, RFC 5280 §6. An anchor is a name and a key (§6.1.1 d).
 * The anchor's certificate must nevertheless be valid and an authority, as in OpenSSL. The signature on it is not
 * checked, because the anchor is trusted already.
 *
 * An attacker may have chosen the intermediates, so the search is bounded: a chain has at most 10 certificates, and at
 * most 200 candidates are tried. Candidate issuers are found by name, ordered by key identifier, and proven by
 * signature. Certificate policies are not applied. Revocation is not checked here.
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
	/** Intermediates in any order. Certificates that do not belong to the chain are ignored. */
	readonly intermediates: readonly Certificate[];
	readonly anchors: readonly Certificate[];
}

export interface Chain {
	/** The leaf comes first and the anchor last. */
	readonly certificates: readonly Certificate[];
	/** The object in `anchors` at which the chain ends. */
	readonly anchor: Certificate;
}

/** A chain has at most this many certificates, leaf and anchor included. */
const MAX_CHAIN_LENGTH = 10;
/** One search tries at most this many issuers. Each try costs a signature check. */
export const MAX_CANDIDATES = 200;

/**
 * Returns a chain from the leaf to an anchor in which every certificate passes its checks. If there is no such chain,
 * throws the error of the longest chain that was tried.
 * @throws ERR_CHAIN_INCOMPLETE, ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _CONSTRAINTS, _EXTENSION,
 * _SIGNATURE, ERR_WEAK_DIGEST, ERR_WEAK_KEY, ERR_UNSUPPORTED_ALGORITHM
 */
export function verifyChain(leaf: Certificate, options: ChainOptions): Chain {
	checkLeaf(leaf, options);
	// A weak algorithm is refused here, before any issuer is searched.
	schemeOf(leaf, options);

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
		const chain = steps.map((step) => step.certificate);
		const { issuer, role } = candidate;
		if (role === "intermediate" && !mayExtend(chain, issuer)) continue;
		tried++;
		try {
			if (!isIssuedBy(certificate, issuer, options)) {
				fail(chain.length, refusal("ERR_CERTIFICATE_SIGNATURE", certificate, "its issuer's key did not sign it"));
				continue;
			}
			checkIssuer(candidate, chain, options);
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			fail(chain.length + 1, error);
			continue;
		}
		if (role === "anchor") return { certificates: [...chain, issuer], anchor: issuer };
		steps.push({ certificate: issuer, candidates: candidateIssuers(issuer, options), next: 0 });
	}
	throw best.error;
}

/**
 * Checks a certificate whose key is pinned: all rules for a leaf apply, and no chain is needed. Only the key is proven,
 * because without a chain anybody can make another certificate with that key. Pass the certificate that was pinned, if
 * it is known. The dates and the development marker of a certificate that came with a signature protect against
 * mistakes, not against forgery.
 * @throws ERR_CERTIFICATE_EXPIRED, _NOT_YET_VALID, _PURPOSE, _EXTENSION, ERR_WEAK_KEY
 */
export function verifyPinned(leaf: Certificate, requirements: CertificateRequirements): void {
	checkLeaf(leaf, requirements);
}

interface Candidate {
	readonly issuer: Certificate;
	readonly role: "anchor" | "intermediate";
}

/**
 * A step of the search has a certificate of the chain that is being tried, its candidate issuers, and the index of the
 * candidate to try next.
 */
interface Step {
	readonly certificate: Certificate;
	readonly candidates: readonly Candidate[];
	next: number;
}

/**
 * Returns the certificates whose subject is the certificate's issuer. Those whose subject key identifier is the
 * certificate's authority key identifier come first. Among equals, anchors come before intermediates.
 */
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

/**
 * Checks an issuer by its own certificate, and its name constraints on each certificate of the chain so far.
 * `isIssuedBy` checks the issuer's signature on the last one.
 */
function checkIssuer({ issuer, role }: Candidate, chain: readonly Certificate[], options: ChainOptions): void {
	const [, ...intermediates] = chain;
	const below = intermediates.filter((certificate) => !isSelfIssued(certificate)).length;
	checkAuthority(issuer, role, below, options);
	if (role === "intermediate") schemeOf(issuer, options);
	for (const [depth, certificate] of chain.entries()) {
		// A self-issued intermediate is exempt, because it is the same authority with a new key. RFC 5280 §6.1.3 b.
		if (depth === 0 || !isSelfIssued(certificate)) checkNameConstraints(certificate, issuer);
	}
}

function isIssuedBy(certificate: Certificate, issuer: Certificate, options: ChainOptions): boolean {
	const scheme = schemeOf(certificate, options);
	return isSignatureOf(publicKeyOf(issuer), scheme, certificate.tbs, certificate.signature);
}

/** Returns the algorithm of the certificate's signature. @throws ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM */
function schemeOf(certificate: Certificate, { profile }: ChainOptions): SignatureScheme {
	return signatureScheme(certificate.signatureAlgorithm, profile, describe(certificate));
}

/**
 * Returns false if an anchor behind the issuer would make the chain longer than MAX_CHAIN_LENGTH. Also returns false if
 * the chain already has a certificate with the issuer's name and key, because the search would then run in a circle.
 */
function mayExtend(chain: readonly Certificate[], issuer: Certificate): boolean {
	if (chain.length + 2 > MAX_CHAIN_LENGTH) return false;
	return !chain.some((seen) => isEqual(seen.subject.der, issuer.subject.der) && isEqual(seen.spki, issuer.spki));
}

function incomplete(certificate: Certificate): SigtoolError {
	const reason = isSelfIssued(certificate)
		? `${describe(certificate)} issued itself and is not trusted here`
		: `no certificate of ${quote(certificate.issuer.text)}, the issuer of ${describe(certificate)}, was found`;
	return new SigtoolError("ERR_CHAIN_INCOMPLETE", `Cannot find a chain to a trust anchor: ${reason}`);
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
