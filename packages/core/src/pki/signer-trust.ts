/** Whether the owner of a certificate is trusted as a signer, by a pinned key or through an authority. */

import { compareBytes } from "../asn1/der.js";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, isDevelopmentCertificate, spkiSha256 } from "./certificate.js";
import { type Chain, verifyChain, verifyPinned } from "./chain.js";
import { refuseDeniedCertificates } from "./deny-list.js";
import type { Profile } from "./signature-algorithm.js";
import type { TrustedPin, TrustPolicy, TrustSource } from "./trust-store.js";

export interface VerifiedSigner {
	readonly certificate: Certificate;
	/** Leaf first; only the leaf when its key is pinned. */
	readonly chain: readonly Certificate[];
	/** Lowercase hexadecimal SHA-256 of the leaf's SubjectPublicKeyInfo: the pin. */
	readonly spkiSha256: string;
	/** What made the signer trusted, and the name it goes by there. */
	readonly trustedBy: { readonly kind: "pin" | "authority"; readonly label: string; readonly source: TrustSource };
	readonly development: boolean;
}

export interface SignerTrustOptions {
	/** In any order; those that do not belong to the path are ignored. */
	readonly intermediates: readonly Certificate[];
	/** Milliseconds since the epoch at which to judge. */
	readonly at: number;
	readonly profile: Profile;
}

/**
 * A pinned key needs no path; otherwise a path must lead to an authority that may name this subject.
 * @throws ERR_UNTRUSTED_SIGNER, ERR_DENIED, ERR_CERTIFICATE_*, ERR_WEAK_DIGEST, ERR_WEAK_KEY, ERR_UNSUPPORTED_ALGORITHM
 */
export function judgeSigner(leaf: Certificate, trust: TrustPolicy, options: SignerTrustOptions): VerifiedSigner {
	refuseDeniedCertificates(trust.deny, [leaf]); // First: its reason says the most.
	const key = spkiSha256(leaf);
	const pin = trust.pins.get(key);
	const { chain, trustedBy } =
		pin === undefined ? trustedPath(leaf, trust, options) : trustedPin(pin.certificate ?? leaf, pin, options);
	refuseDeniedCertificates(trust.deny, chain);
	return {
		certificate: leaf,
		chain,
		spkiSha256: key,
		trustedBy,
		// The certificate beside a signature is not itself signed: what the pin is known as counts too.
		development: trustedBy.source === "development" || [leaf, chain[0]].some(isDevelopmentCertificate),
	};
}

type Judgement = Pick<VerifiedSigner, "chain" | "trustedBy">;

function trustedPin(certificate: Certificate, pin: TrustedPin, { at, profile }: SignerTrustOptions): Judgement {
	verifyPinned(certificate, { at, purpose: "codeSigning", profile });
	return { chain: [certificate], trustedBy: { kind: "pin", label: pin.label, source: pin.source } };
}

function trustedPath(leaf: Certificate, trust: TrustPolicy, options: SignerTrustOptions): Judgement {
	// An authority that may not name this subject is none here; another of the same key may.
	const authorities = trust.authorities.filter(({ subject }) => subject === undefined || subject === leaf.subject.text);
	const anchors = authorities.map((authority) => authority.certificate);
	let chain: Chain;
	try {
		chain = verifyChain(leaf, { ...options, anchors, purpose: "codeSigning" });
	} catch (error) {
		if (error instanceof SigtoolError && error.code === "ERR_CHAIN_INCOMPLETE") throw untrusted(leaf, trust, error);
		throw error;
	}
	const authority = authorities.find(({ certificate }) => compareBytes(certificate.der, chain.anchor.der) === 0);
	if (authority === undefined) throw untrusted(leaf, trust);
	return {
		chain: chain.certificates,
		trustedBy: { kind: "authority", label: authority.label, source: authority.source },
	};
}

function untrusted(leaf: Certificate, { mend = MEND }: TrustPolicy, cause?: SigtoolError): SigtoolError {
	const marked = isDevelopmentCertificate(leaf) ? " (a development identity)" : "";
	const message =
		`Cannot trust signer ${quote(leaf.subject.text)}${marked}, key ${spkiSha256(leaf)}: ` +
		`it is not trusted here; ${mend}`;
	return new SigtoolError("ERR_UNTRUSTED_SIGNER", message, { cause });
}

const MEND = "pass its certificate or authority with --trust, or add it with `sigtool trust add`";
