/**
 * Defines the interface between the code that needs a signature and the place of the key: a file, a token or a program.
 */

import { createPublicKey, createSign, type KeyObject, sign, verify } from "node:crypto";
import { COMMAND, quote, SigtoolError } from "../errors.js";
import { type Certificate, isDevelopmentCertificate, parseKeyAlgorithm, publicKeyOf } from "../pki/certificate.js";
import { checkLeaf } from "../pki/certificate-checks.js";
import {
	type ContentVerifier,
	createContentVerifier,
	type EvidenceDigest,
	type SigningAlgorithm,
} from "../pki/signature-algorithm.js";

/** Signs with one key, wherever the key is: in a file, in a token, or behind a program. */
export interface Signer {
	readonly algorithm: SigningAlgorithm;
	/**
	 * The certificate of the key that signs comes first: the leaf. Then come the other given certificates, usually
	 * those of its issuers.
	 */
	readonly certificates: readonly Certificate[];
	/** True if the leaf carries the development marker. */
	readonly development: boolean;
	/**
	 * Signs the SHA-256 of the bytes. Returns an RSA signature by PKCS#1 v1.5 (RFC 8017 §8.2), or an ECDSA signature in
	 * DER (RFC 3279 §2.2.3). If the signal is aborted, a signer may stop, but it need not.
	 */
	readonly sign: (bytes: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
	/**
	 * Begins a signature over content that is read in pieces. The signature has the form that `sign` returns.
	 * @throws ERR_KEY for a damaged key
	 */
	readonly begin: (digest: EvidenceDigest) => ContentSignature;
	/** Releases the resources of the signer, such as a session with a token. The signer cannot sign afterwards. */
	readonly close: () => void;
}

/** A signature that is being made while its content is read. */
export interface ContentSignature {
	update(content: Uint8Array): void;
	/** Returns the signature over all content so far. The caller must not call `sign` twice. */
	sign(): Uint8Array;
}

/** The options of every function that opens a signer. */
export interface SignerOptions {
	/**
	 * Decides about a leaf that every verifier would refuse today, for example because it has expired or is not for
	 * code signing. With `allow`, the signer is made nevertheless. Default `refuse`.
	 */
	readonly unfit?: "refuse" | "allow";
}

/**
 * Makes a signer with a private key of node:crypto. The certificates may come in any order. The certificate that
 * belongs to the key becomes the leaf.
 * @throws ERR_KEY for a key or leaf that cannot sign catalogs; ERR_KEY_MISMATCH if no certificate belongs to the key
 * @example
 * ```ts
 * import { createPrivateKey } from "node:crypto";
 * import { readFileSync } from "node:fs";
 * import { certificatesFromPem, signerFromKey } from "@sigtool/core";
 *
 * const key = createPrivateKey(readFileSync("release.key"));
 * const signer = signerFromKey(key, certificatesFromPem(readFileSync("release.crt", "utf8")));
 * console.log(signer.development); // false
 * ```
 */
export function signerFromKey(
	key: KeyObject,
	certificates: readonly Certificate[],
	options: SignerOptions = {},
): Signer {
	if (key.type !== "private") throw new TypeError(`A private key is needed, not a ${key.type} one`);
	const algorithm = algorithmFor(key);
	const leaf = certificateOf(key, certificates);
	return {
		...signerFacts(algorithm, leaf, certificates, options),
		sign: async (bytes) => signChecked(bytes, key, leaf),
		begin: contentSigner(key, leaf),
		close() {},
	};
}

/** A key that is kept elsewhere: in a token, or by a program. */
export interface ExternalKey {
	/** Says where the key is, for messages: for example `the token "NAME"`, or the quoted program. */
	readonly place: string;
	readonly begin: (digest: EvidenceDigest) => ContentSignature;
	/** Signs the SHA-256 of the content without blocking the thread. If undefined, `begin` is used. */
	readonly signOnce?: (content: Uint8Array, signal: AbortSignal | undefined) => Promise<Uint8Array>;
	readonly close: () => void;
}

/**
 * Makes a signer with a key that is kept elsewhere. The first certificate is the leaf. The signer verifies each
 * signature under the leaf, and throws ERR_KEY_MISMATCH if that fails.
 * @throws ERR_KEY for a leaf that cannot sign catalogs
 */
export function signerFromExternalKey(
	key: ExternalKey,
	certificates: readonly Certificate[],
	options: SignerOptions = {},
): Signer {
	const [leaf] = certificates;
	if (hasExplicitCurve(leaf)) throw explicitCurve(leaf);
	const publicKey = publicKeyOf(leaf);
	const begin: Signer["begin"] = (digest) => {
		const verifier = createContentVerifier(publicKey, digest);
		const signing = key.begin(digest);
		return {
			update(content) {
				verifier.update(content);
				signing.update(content);
			},
			sign: () => requireValid(signing.sign(), verifier),
		};
	};
	const requireValid = (signature: Uint8Array, verifier: ContentVerifier) => {
		if (verifier.verify(signature)) return signature;
		const reason = `the signature does not verify with the certificate of ${quote(leaf.subject.text)}`;
		throw new SigtoolError("ERR_KEY_MISMATCH", `Cannot use the signature of ${key.place}: ${reason}`);
	};
	return {
		...signerFacts(algorithmFor(publicKey), leaf, certificates, options),
		async sign(bytes, signal) {
			if (key.signOnce === undefined) {
				const signing = begin("sha256");
				signing.update(bytes);
				return signing.sign();
			}
			const verifier = createContentVerifier(publicKey, "sha256");
			verifier.update(bytes);
			return requireValid(await key.signOnce(bytes, signal), verifier);
		},
		begin,
		close: key.close,
	};
}

function signerFacts(
	algorithm: SigningAlgorithm,
	leaf: Certificate,
	certificates: readonly Certificate[],
	{ unfit = "refuse" }: SignerOptions,
): Pick<Signer, "algorithm" | "certificates" | "development"> {
	if (unfit === "refuse") checkFitness(leaf);
	return {
		algorithm,
		certificates: [leaf, ...distinct(certificates).filter((certificate) => !isSame(certificate, leaf))],
		development: isDevelopmentCertificate(leaf),
	};
}

/**
 * A function that returns the passphrase of a key, and may ask the user for it. It is called only if the passphrase is
 * needed.
 */
export type PassphraseSource = () => string | Promise<string>;

/**
 * Chooses the algorithm for the signature of a catalog or trust index: RSA from 2048 bits, or ECDSA on P-256 and P-384,
 * both with SHA-256. A longer digest would add nothing, because the signed content has SHA-256 digests itself.
 * @throws ERR_KEY for any other key
 */
function algorithmFor(key: KeyObject): SigningAlgorithm {
	const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
	switch (key.asymmetricKeyType) {
		case "rsa":
			if (modulusLength >= MIN_RSA_BITS) return "rsa-pkcs1-sha256";
			throw unusable(`an RSA key of ${modulusLength} bits is too short, ${MIN_RSA_BITS} are needed`);
		case "ec":
			if (CURVES.has(namedCurve ?? "")) return "ecdsa-sha256";
			throw unusable(`its curve ${namedCurve ?? "(with explicit parameters)"} is not accepted; use P-256 or P-384`);
		default:
			throw unusable(`no verifier of Windows catalogs accepts ${typeName(key)}; use RSA or ECDSA`);
	}
}

/** Names the type of a key that is not accepted. Node.js has no name for some types, such as SM2. */
function typeName(key: KeyObject): string {
	const { asymmetricKeyType: type } = key;
	if (type !== undefined) return TYPE_NAMES[type] ?? type;
	try {
		const spki = (key.type === "private" ? createPublicKey(key) : key).export({ format: "der", type: "spki" });
		const algorithm = parseKeyAlgorithm(spki);
		if (algorithm.kind === "ec") return algorithm.curve;
		return algorithm.kind === "other" ? `a key of type ${algorithm.oid}` : algorithm.kind;
	} catch {
		return "a key of this type";
	}
}

function certificateOf(key: KeyObject, certificates: readonly Certificate[]): Certificate {
	const publicKey = createPublicKey(key);
	// The kinds are compared first, because a key of another kind in the chain may not be readable.
	const candidates = certificates.filter(({ keyAlgorithm }) => keyAlgorithm.kind === key.asymmetricKeyType);
	const readable = candidates.filter((certificate) => !hasExplicitCurve(certificate));
	const leaf = readable.find((certificate) => publicKeyOf(certificate).equals(publicKey));
	if (leaf !== undefined) return leaf;
	const unreadable = candidates.find(hasExplicitCurve);
	if (unreadable !== undefined) throw explicitCurve(unreadable);
	const subjects = certificates.map(({ subject }) => quote(subject.text)).join(", ");
	const found =
		certificates.length === 0
			? "there is no certificate; name the certificate of the key with --chain"
			: `it does not belong to ${subjects}`;
	throw new SigtoolError("ERR_KEY_MISMATCH", `Cannot sign with this key: ${found}`);
}

/**
 * Returns true if the certificate describes its curve by parameters and not by name. RFC 5480 §2.1.1 allows only named
 * curves in certificates.
 */
function hasExplicitCurve({ keyAlgorithm }: Certificate): boolean {
	return keyAlgorithm.kind === "ec" && keyAlgorithm.curve === "explicit";
}

function explicitCurve({ subject }: Certificate): SigtoolError {
	const reason =
		"its elliptic curve is written out as parameters, which no verifier accepts; " +
		"`openssl ec -param_enc named_curve` names the curve in the key, for which a new certificate is needed";
	return new SigtoolError("ERR_KEY", `Cannot sign with the certificate of ${quote(subject.text)}: ${reason}`);
}

/** Refuses a leaf that verification would refuse today. @throws ERR_KEY */
export function checkFitness(leaf: Certificate): void {
	try {
		checkLeaf(leaf, { at: Date.now(), purpose: "codeSigning", profile: "default" });
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		const way = cause.code === "ERR_CERTIFICATE_PURPOSE" ? `; ${OTHER_CERTIFICATE}` : "";
		const message = `Cannot sign, because no verifier would accept the result: ${cause.message}${way}`;
		throw new SigtoolError("ERR_KEY", message, { cause });
	}
}

/**
 * Signs the bytes and verifies the signature. The check is needed because loading a key does not detect every damage to
 * it, and a wrong signature must never be returned.
 * @throws ERR_KEY
 */
function signChecked(bytes: Uint8Array, key: KeyObject, leaf: Certificate): Uint8Array {
	const signature = sign("sha256", bytes, key);
	if (verify("sha256", bytes, publicKeyOf(leaf), signature)) return signature;
	throw unusable("it is damaged, its signature does not verify");
}

/**
 * Signs content in pieces. The key is checked once, before the first signature, because to check each signature would
 * need a second hash over all content. One check finds a damaged key. For RSA, OpenSSL itself detects a faulty
 * computation.
 */
function contentSigner(key: KeyObject, leaf: Certificate): Signer["begin"] {
	let proven = false;
	return (digest) => {
		if (!proven) signChecked(Buffer.from("sigtool tries this key"), key, leaf);
		proven = true;
		const signing = createSign(digest);
		return {
			update(content) {
				signing.update(content);
			},
			sign: () => signing.sign(key),
		};
	};
}

function distinct(certificates: readonly Certificate[]): Certificate[] {
	return certificates.filter(
		(certificate, index) => certificates.findIndex((other) => isSame(certificate, other)) === index,
	);
}

function isSame(a: Certificate, b: Certificate): boolean {
	return Buffer.compare(a.der, b.der) === 0;
}

function unusable(reason: string): SigtoolError {
	return new SigtoolError("ERR_KEY", `Cannot sign with this key: ${reason}`);
}

const OTHER_CERTIFICATE =
	"ask the authority for one with digitalSignature and extendedKeyUsage=codeSigning, " +
	`or make one with \`${COMMAND} identity new\``;
const MIN_RSA_BITS = 2048;
/** The names of P-256 and P-384 in OpenSSL. */
const CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1"]);
const TYPE_NAMES: Readonly<Record<string, string>> = {
	ed25519: "Ed25519",
	ed448: "Ed448",
	dsa: "DSA",
	"rsa-pss": "RSA-PSS",
	x25519: "X25519, which cannot sign",
	x448: "X448, which cannot sign",
	dh: "Diffie-Hellman keys, which cannot sign",
};
