/** Decides whether the owner of a certificate is trusted as a signer, by a pinned key or through an authority. */

import { compareBytes } from "../asn1/der.js";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import { DEVELOPMENT_REFUSERS } from "../system/development-use.js";
import { type Certificate, isDevelopmentCertificate, spkiSha256 } from "./certificate.js";
import { type Chain, verifyChain, verifyPinned } from "./chain.js";
import { refuseDeniedCertificates } from "./deny-list.js";
import type { Expiry } from "./expiry.js";
import type { Profile } from "./signature-algorithm.js";
import type { TrustedPin, TrustPolicy, TrustSource } from "./trust-policy.js";

/** The signer, and the reason why it is trusted. */
export interface VerifiedSigner {
	/** The certificate that came with the signature. It is trusted only if it is `certificate` too. */
	readonly leaf: Certificate;
	/**
	 * The leaf of a chain, or the certificate that was pinned with the key. Undefined if the key is pinned by its hash
	 * alone, because nobody then vouches for the certificate that came with the signature.
	 */
	readonly certificate: Certificate | undefined;
	/**
	 * The chain, leaf first. For a pinned key it has only the certificate that was pinned with the key, or is empty.
	 */
	readonly chain: readonly Certificate[];
	/**
	 * One member for each certificate whose dates were judged. If a key is pinned by its hash alone, the member has the
	 * dates of the certificate that came with the signature, and the pin's label as its subject.
	 */
	readonly expiries: readonly Expiry[];
	/** The pin: the SHA-256 of the leaf's SubjectPublicKeyInfo, in lower-case hexadecimal. */
	readonly spkiSha256: string;
	/** The pin or authority by which the signer is trusted, and its label in the trust policy. */
	readonly trustedBy: { readonly kind: "pin" | "authority"; readonly label: string; readonly source: TrustSource };
	readonly development: boolean;
}

export interface SignerTrustOptions {
	/** Intermediates in any order. Certificates that do not belong to the chain are ignored. */
	readonly intermediates: readonly Certificate[];
	/** The time for which the signer is judged, in milliseconds since the epoch. */
	readonly at: number;
	readonly profile: Profile;
}

/**
 * Returns the signer if it is trusted, and otherwise throws. A pinned key needs no chain. Any other key needs a chain
 * to an authority that may vouch for the leaf's subject. If the policy has `within`, that policy must trust the signer
 * too.
 * @throws ERR_UNTRUSTED_SIGNER, ERR_DEVELOPMENT_REFUSED, ERR_DENIED, ERR_CERTIFICATE_*, ERR_WEAK_DIGEST, ERR_WEAK_KEY,
 * ERR_UNSUPPORTED_ALGORITHM
 */
export function judgeSigner(leaf: Certificate, trust: TrustPolicy, options: SignerTrustOptions): VerifiedSigner {
	// A denial is checked first, because the reason in it helps the user more than any other error.
	refuseDeniedCertificates(trust.deny, [leaf]);
	const key = spkiSha256(leaf);
	const pin = trust.pins.get(key);
	const { chain, expiries, trustedBy } =
		pin === undefined ? trustedChain(leaf, trust, options) : trustedPin(leaf, pin, options);
	refuseDeniedCertificates(trust.deny, chain);
	// A signature does not cover the certificate that comes with it, so the marker in the pinned certificate counts
	// too. Anyone with the key can make a certificate without the marker, so the key of the development identity counts
	// too.
	const isDevelopmentKey = trustedBy.source === "development" || key === trust.developmentKey;
	const development = isDevelopmentKey || [leaf, ...chain.slice(0, 1)].some(isDevelopmentCertificate);
	if (development && trust.development === "refuse") throw refusedDevelopment(leaf);
	if (trust.within !== undefined) judgeSigner(leaf, trust.within, options);
	return {
		leaf,
		certificate: chain[0],
		chain,
		expiries,
		spkiSha256: key,
		trustedBy,
		development,
	};
}

type Judgement = Pick<VerifiedSigner, "chain" | "expiries" | "trustedBy">;

/**
 * Returns the certificate whose dates and usages decide: the certificate that was pinned with the key of `leaf`, or
 * else `leaf` itself, which came with the signature. The pinned one goes first, because a signature does not cover the
 * certificate that comes with it.
 */
export function certificateToJudge(leaf: Certificate, { pins }: TrustPolicy): Certificate {
	return pins.get(spkiSha256(leaf))?.certificate ?? leaf;
}

/**
 * Judges a pinned key by the certificate that was pinned with it, or else by `leaf`. The dates of `leaf` only help
 * against mistakes, because a signature does not cover `leaf`, so anybody can exchange it.
 */
function trustedPin(leaf: Certificate, pin: TrustedPin, { at, profile }: SignerTrustOptions): Judgement {
	const { certificate, label, source } = pin;
	try {
		verifyPinned(certificate ?? leaf, { at, purpose: "codeSigning", profile });
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		throw new SigtoolError(error.code, `${error.message}${originOf(pin)}`, { cause: error.cause });
	}
	return {
		chain: certificate === undefined ? [] : [certificate],
		expiries: [certificate ?? { subject: { text: label }, notAfter: leaf.notAfter, ofBarePin: true }],
		trustedBy: { kind: "pin", label, source },
	};
}

/** Returns a clause for the end of an error's message that says where the certificate that was judged came from. */
function originOf({ certificate, label, source }: TrustedPin): string {
	if (certificate === undefined) return `; it came with the signature, and only its key is pinned, as ${quote(label)}`;
	return source === "store"
		? `; it is in the trust store, where \`${COMMAND} trust add\` replaces it by a renewed one`
		: "";
}

function trustedChain(leaf: Certificate, trust: TrustPolicy, options: SignerTrustOptions): Judgement {
	// An entry that binds its authority to another subject is left out. Another entry of the same authority may allow
	// this subject.
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
		expiries: chain.certificates,
		trustedBy: { kind: "authority", label: authority.label, source: authority.source },
	};
}

function refusedDevelopment(leaf: Certificate): SigtoolError {
	const message =
		`Cannot trust signer ${quote(leaf.subject.text)}: a development identity signed it, and ` +
		`${DEVELOPMENT_REFUSERS} forbids that; sign it with a release key`;
	return new SigtoolError("ERR_DEVELOPMENT_REFUSED", message);
}

function untrusted(leaf: Certificate, trust: TrustPolicy, cause?: SigtoolError): SigtoolError {
	const { mend = given(trust, leaf.subject.text) ?? MEND } = trust;
	const marked = isDevelopmentCertificate(leaf) ? " (a development identity)" : "";
	const message =
		`Cannot trust signer ${quote(leaf.subject.text)}${marked}, key ${spkiSha256(leaf)}: ` +
		`it is not trusted here; ${mend}`;
	return new SigtoolError("ERR_UNTRUSTED_SIGNER", message, { cause });
}

/**
 * Returns a text with the names of the certificates that --trust or a configuration gave, so that the user notices a
 * wrong certificate, or undefined if neither gave one. An entry with the name of the signer has its key beside it.
 */
function given({ pins, authorities }: TrustPolicy, signer: string): string | undefined {
	const pinned = [...pins].map(([key, pin]) => ({ ...pin, shown: withKey(pin.label, key, signer) }));
	const entries = [...pinned, ...authorities.map((each) => ({ ...each, shown: quote(each.label) }))];
	const source = entries.map((entry) => entry.source).find((each) => each === "option" || each === "configuration");
	if (source === undefined) return undefined;
	const labels = entries.flatMap((entry) => (entry.source === source ? [entry.shown] : []));
	const shown = labels.slice(0, MAX_SHOWN);
	const rest = labels.length - shown.length;
	const all = rest > 0 ? [...shown, `${rest} more`] : shown;
	return `${source === "option" ? "--trust" : "the configuration"} names ${all.join(", ").replace(/, (?=[^,]*$)/, " and ")}`;
}

function withKey(label: string, key: string, signer: string): string {
	return label === signer ? `another ${quote(label)} (key ${key})` : quote(label);
}

const MAX_SHOWN = 5;
const MEND = `pass its certificate or authority with --trust, or add it with \`${COMMAND} trust add\``;
