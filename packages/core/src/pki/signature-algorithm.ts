/**
 * Lists the accepted signature algorithms, and checks signatures.
 *
 * sigtool accepts RSA PKCS#1 v1.5 and ECDSA with SHA-256, SHA-384 and SHA-512, and with SHA-1 under `windows-legacy`.
 * It refuses every other algorithm, for example RSA-PSS, EdDSA, DSA and MD5.
 */

import { createVerify, type KeyObject, verify } from "node:crypto";
import { type DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";

/**
 * `windows-legacy` also accepts SHA-1, RSA keys from 1024 bits, and anchors without basicConstraints, as Windows did.
 * MD5 is never accepted.
 */
export type Profile = "default" | "windows-legacy";

/** AlgorithmIdentifier ::= SEQUENCE { algorithm OID, parameters ANY OPTIONAL }. RFC 5280 §4.1.1.2. */
export interface AlgorithmIdentifier {
	readonly oid: string;
	/** The parameters as one DER element. Undefined if they are absent. */
	readonly parameters: Uint8Array | undefined;
}

export type DigestName = "sha1" | "sha256" | "sha384" | "sha512";

/** The digests that count as evidence under every profile. */
export type EvidenceDigest = Exclude<DigestName, "sha1">;

/** The kind of key and the digest with which a signature is checked. */
export interface SignatureScheme {
	readonly key: "rsa" | "ec";
	readonly digest: DigestName;
}

/** The algorithms with which sigtool signs. */
export type SigningAlgorithm = "rsa-pkcs1-sha256" | "ecdsa-sha256";

/** The object identifiers with which a signing algorithm is written into CMS, and the parameters of `signatureOid`. */
export interface SigningNames {
	readonly digestOid: string;
	readonly signatureOid: string;
	readonly parameters: "null" | "absent";
}

/** Reads the next element as an AlgorithmIdentifier. @throws ERR_DER */
export function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
	const outer = reader.open(TAG.SEQUENCE);
	const algorithm = { oid: reader.oid(), parameters: reader.done ? undefined : reader.element() };
	reader.close(outer);
	return algorithm;
}

/**
 * Returns the scheme of an algorithm identifier. In CMS the identifier may be rsaEncryption, which names no digest. The
 * caller then passes the digest that another field of the message names.
 * @throws ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM
 */
export function signatureScheme(
	algorithm: AlgorithmIdentifier,
	profile: Profile,
	what: string,
	digest?: DigestName,
): SignatureScheme {
	const scheme =
		algorithm.oid === RSA_ENCRYPTION && digest !== undefined ? { key: "rsa" as const, digest } : SCHEMES[algorithm.oid];
	if (scheme === undefined) throw unsupported(algorithm, `signature algorithm of the ${what}`);
	if (!parametersFit(scheme.key, algorithm.parameters)) {
		throw new SigtoolError(
			"ERR_UNSUPPORTED_ALGORITHM",
			`Cannot check the ${what}: its signature algorithm has parameters`,
		);
	}
	requireDigest(scheme.digest, profile, what);
	return scheme;
}

/** Returns the digest of an algorithm identifier. @throws ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM */
export function digestName(algorithm: AlgorithmIdentifier, profile: Profile, what: string): DigestName {
	const digest = DIGESTS[algorithm.oid];
	if (digest === undefined) throw unsupported(algorithm, `digest algorithm of the ${what}`);
	requireDigest(digest, profile, what);
	return digest;
}

/**
 * Returns true if `signature` is the key's signature over `bytes`. A malformed signature or a key of another kind
 * gives false.
 */
export function isSignatureOf(
	key: KeyObject,
	scheme: SignatureScheme,
	bytes: Uint8Array,
	signature: Uint8Array,
): boolean {
	if (key.asymmetricKeyType !== scheme.key) return false;
	try {
		return verify(scheme.digest, bytes, key, signature);
	} catch {
		return false; // OpenSSL throws for some malformed ECDSA signatures.
	}
}

/** Checks a signature over content that is read in pieces. */
export interface ContentVerifier {
	update(content: Uint8Array): void;
	/**
	 * Returns true if `signature` is the key's signature over all content so far, like `isSignatureOf`. The caller must
	 * not call `verify` twice.
	 */
	verify(signature: Uint8Array): boolean;
}

/**
 * Makes a verifier. A verifier with a key that is neither RSA nor EC accepts no signature. The size of the key is not
 * checked here.
 */
export function createContentVerifier(key: KeyObject, digest: EvidenceDigest): ContentVerifier {
	const verifier = createVerify(digest);
	return {
		update(content) {
			verifier.update(content);
		},
		verify(signature) {
			if (key.asymmetricKeyType !== "rsa" && key.asymmetricKeyType !== "ec") return false;
			try {
				return verifier.verify(key, signature);
			} catch {
				return false; // OpenSSL throws for some malformed ECDSA signatures.
			}
		},
	};
}

function requireDigest(digest: DigestName, profile: Profile, what: string): void {
	if (digest !== "sha1" || profile === "windows-legacy") return;
	const message = `Cannot trust the ${what}: SHA-1 is no evidence; --profile windows-legacy accepts it, as Windows once did`;
	throw new SigtoolError("ERR_WEAK_DIGEST", message);
}

/**
 * Returns true if the parameters are allowed. For RSA they may be NULL, as RFC 4055 §5 demands, or absent, as old
 * issuers write them. For ECDSA they must be absent (RFC 5758 §3.2).
 */
function parametersFit(key: "rsa" | "ec", parameters: Uint8Array | undefined): boolean {
	if (parameters === undefined) return true;
	return key === "rsa" && parameters.length === 2 && parameters[0] === TAG.NULL;
}

function unsupported({ oid }: AlgorithmIdentifier, what: string): SigtoolError {
	const weak = WEAK[oid];
	if (weak !== undefined)
		return new SigtoolError("ERR_WEAK_DIGEST", `Cannot trust the ${what}: ${weak} is no evidence`);
	return new SigtoolError(
		"ERR_UNSUPPORTED_ALGORITHM",
		`Cannot check the ${what}: ${NAMED[oid] ?? oid} is not accepted`,
	);
}

export const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";

export const SHA256_OID = "2.16.840.1.101.3.4.2.1";

/**
 * New signatures have these identifiers. For RSA, signatureOid is rsaEncryption, which names no digest, as Windows
 * writes it. For ECDSA the parameters are absent (RFC 5754 §3.3).
 */
export const SIGNING_ALGORITHMS: Readonly<Record<SigningAlgorithm, SigningNames>> = {
	"rsa-pkcs1-sha256": { digestOid: SHA256_OID, signatureOid: RSA_ENCRYPTION, parameters: "null" },
	"ecdsa-sha256": { digestOid: SHA256_OID, signatureOid: "1.2.840.10045.4.3.2", parameters: "absent" },
};

export const DIGEST_OIDS: Readonly<Record<EvidenceDigest, string>> = {
	sha256: SHA256_OID,
	sha384: "2.16.840.1.101.3.4.2.2",
	sha512: "2.16.840.1.101.3.4.2.3",
};

const DIGESTS: Readonly<Record<string, DigestName>> = {
	"1.3.14.3.2.26": "sha1",
	[DIGEST_OIDS.sha256]: "sha256",
	[DIGEST_OIDS.sha384]: "sha384",
	[DIGEST_OIDS.sha512]: "sha512",
};

/**
 * The identifiers are from RFC 8017 appendix C and RFC 5758 §3.2. The identifier 1.3.14.3.2.29, from OIW, is an older
 * one for sha1WithRSAEncryption.
 */
const SCHEMES: Readonly<Record<string, SignatureScheme>> = {
	"1.2.840.113549.1.1.5": { key: "rsa", digest: "sha1" },
	"1.3.14.3.2.29": { key: "rsa", digest: "sha1" },
	"1.2.840.113549.1.1.11": { key: "rsa", digest: "sha256" },
	"1.2.840.113549.1.1.12": { key: "rsa", digest: "sha384" },
	"1.2.840.113549.1.1.13": { key: "rsa", digest: "sha512" },
	"1.2.840.10045.4.1": { key: "ec", digest: "sha1" },
	"1.2.840.10045.4.3.2": { key: "ec", digest: "sha256" },
	"1.2.840.10045.4.3.3": { key: "ec", digest: "sha384" },
	"1.2.840.10045.4.3.4": { key: "ec", digest: "sha512" },
};

/** Names digests that are broken and therefore refused under every profile. */
const WEAK: Readonly<Record<string, string>> = {
	"1.2.840.113549.1.1.2": "MD2",
	"1.2.840.113549.1.1.3": "MD4",
	"1.2.840.113549.1.1.4": "MD5",
	"1.3.14.3.2.3": "MD5",
	"1.2.840.113549.2.2": "MD2",
	"1.2.840.113549.2.4": "MD4",
	"1.2.840.113549.2.5": "MD5",
};

/** Messages use these names for refused algorithms. */
const NAMED: Readonly<Record<string, string>> = {
	"1.2.840.113549.1.1.10": "RSA-PSS",
	"1.3.101.112": "Ed25519",
	"1.3.101.113": "Ed448",
	"1.2.840.10040.4.3": "DSA",
	"1.2.156.10197.1.401": "SM3",
	"1.2.156.10197.1.501": "SM2 with SM3",
};
