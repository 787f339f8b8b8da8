/** The seam between what is signed and where the key is. */

import { createPublicKey, createSign, type KeyObject, sign, verify } from "node:crypto";
import { quote, SigtoolError } from "../errors.js";
import { type Certificate, isDevelopmentCertificate, publicKeyOf } from "../pki/certificate.js";
import { checkLeaf } from "../pki/certificate-checks.js";
import { createContentVerifier, type EvidenceDigest, type SigningAlgorithm } from "../pki/signature-algorithm.js";

export interface Signer {
	readonly algorithm: SigningAlgorithm;
	/** The leaf, whose key signs, first; then what else was given, its issuers as a rule. */
	readonly certificates: readonly Certificate[];
	/** Whether the leaf carries the development marker. */
	readonly development: boolean;
	/** Signature over SHA-256 of the octets: PKCS#1 v1.5 as it is (RFC 8017 §8.2), ECDSA in DER (RFC 3279 §2.2.3). */
	readonly sign: (octets: Uint8Array) => Promise<Uint8Array>;
	/** Signature in the same form over content that is read in pieces. @throws ERR_KEY for a damaged key */
	readonly begin: (digest: EvidenceDigest) => ContentSignature;
	/** Gives back what the key's place wants back, a session with a token, say. Nothing is signed afterwards. */
	readonly close: () => void;
}

export interface ContentSignature {
	update(content: Uint8Array): void;
	/** Over everything so far. To be called once. */
	sign(): Uint8Array;
}

export interface SignerOptions {
	/**
	 * What to do with a certificate that has expired, is not for code signing, or is otherwise one no verifier takes.
	 * Default `refuse`.
	 */
	readonly unfit?: "refuse" | "allow";
}

/**
 * A signer over a private key of node:crypto. The certificates may come in any order: the one that belongs to the key
 * becomes the leaf.
 * @throws ERR_KEY for a key or leaf that cannot sign catalogs, ERR_KEY_MISMATCH when no certificate belongs to the key
 */
export function signerFromKey(
	key: KeyObject,
	certificates: readonly Certificate[],
	options: SignerOptions = {},
): Signer {
	if (key.type !== "private") throw new TypeError(`A private key signs, not a ${key.type} one`);
	const algorithm = algorithmFor(key);
	const leaf = certificateOf(key, certificates);
	return {
		...signerFacts(algorithm, leaf, certificates, options),
		sign: async (octets) => signChecked(octets, key, leaf),
		begin: contentSigner(key, leaf),
		close() {},
	};
}

/** A key that is elsewhere: in a token, or behind a program. */
export interface ExternalKey {
	/** Where it is, for messages. */
	readonly place: string;
	readonly begin: (digest: EvidenceDigest) => ContentSignature;
	readonly close: () => void;
}

/**
 * A signer over a key that is elsewhere. Nobody gets a signature that does not verify under the leaf, which is the first
 * certificate.
 * @throws ERR_KEY for a leaf that cannot sign catalogs
 */
export function signerFromExternalKey(
	key: ExternalKey,
	certificates: readonly Certificate[],
	options: SignerOptions = {},
): Signer {
	const [leaf] = certificates;
	const publicKey = publicKeyOf(leaf);
	const begin: Signer["begin"] = (digest) => {
		const verifier = createContentVerifier(publicKey, digest);
		const signing = key.begin(digest);
		return {
			update(content) {
				verifier.update(content);
				signing.update(content);
			},
			sign() {
				const signature = signing.sign();
				if (verifier.verify(signature)) return signature;
				const reason = `the signature does not verify with the certificate of ${quote(leaf.subject.text)}`;
				throw new SigtoolError("ERR_KEY_MISMATCH", `Cannot use the signature of ${key.place}: ${reason}`);
			},
		};
	};
	return {
		...signerFacts(algorithmFor(publicKey), leaf, certificates, options),
		async sign(octets) {
			const signing = begin("sha256");
			signing.update(octets);
			return signing.sign();
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

/** Passphrase of a key, asked for only when it is needed. */
export type PassphraseSource = () => string | Promise<string>;

/**
 * RSA from 2048 bits, ECDSA on P-256 and P-384, both with SHA-256: members and attributes are bound by SHA-256 already,
 * so a longer digest in the signature alone would add nothing.
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
		default: {
			const type = TYPE_NAMES[key.asymmetricKeyType ?? ""] ?? key.asymmetricKeyType;
			throw unusable(`no verifier of Windows catalogs accepts ${type}; use RSA or ECDSA`);
		}
	}
}

function certificateOf(key: KeyObject, certificates: readonly Certificate[]): Certificate {
	const publicKey = createPublicKey(key);
	// Comparing the types first keeps keys of other kinds in the chain, which may not be readable, out of it.
	const leaf = certificates.find((certificate) => {
		return certificate.keyAlgorithm.kind === key.asymmetricKeyType && publicKeyOf(certificate).equals(publicKey);
	});
	if (leaf !== undefined) return leaf;
	const subjects = certificates.map(({ subject }) => quote(subject.text)).join(", ");
	const found = certificates.length === 0 ? "there is no certificate" : `it does not belong to ${subjects}`;
	throw new SigtoolError("ERR_KEY_MISMATCH", `Cannot sign with this key: ${found}`);
}

/** Refuses a leaf that verification would refuse today. @throws ERR_KEY */
export function checkFitness(leaf: Certificate): void {
	try {
		checkLeaf(leaf, { at: Date.now(), purpose: "codeSigning", profile: "default" });
	} catch (cause) {
		if (!(cause instanceof SigtoolError)) throw cause;
		throw new SigtoolError("ERR_KEY", `Cannot sign, nobody would accept the result: ${cause.message}`, { cause });
	}
}

/** A key file may be damaged where loading does not look; what it then signs must not get out. @throws ERR_KEY */
function signChecked(octets: Uint8Array, key: KeyObject, leaf: Certificate): Uint8Array {
	const signature = sign("sha256", octets, key);
	if (verify("sha256", octets, publicKeyOf(leaf), signature)) return signature;
	throw unusable("it is damaged, its signature does not verify");
}

/**
 * Of signatures over content only the key is checked, once: a damaged one signs everything wrong, and checking each
 * signature would mean hashing all content twice. A computation gone wrong OpenSSL finds itself, for RSA.
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

const MIN_RSA_BITS = 2048;
/** P-256 and P-384 as OpenSSL names them. */
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
