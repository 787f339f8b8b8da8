/**
 * Finds the keys that check the signature in an extended attribute. Such a signature comes without certificates and
 * names its key by four bytes, so the certificates come from the trust policy and from the caller.
 */

import { createHash, type KeyObject } from "node:crypto";
import { DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import type { Profile } from "./signature-algorithm.js";
import { judgeSigner, type VerifiedSigner } from "./signer-trust.js";
import type { TrustPolicy } from "./trust-store.js";

export interface AttributeKeys {
	/**
	 * Returns the different trusted keys with this id (8 lower-case hexadecimal digits), at most 8; none for an unknown
	 * id. The id is only a hint, so each key has to be tried.
	 */
	readonly candidatesFor: (keyId: string) => readonly TrustedKey[];
	/**
	 * Returns the reason why there is no candidate: the error of a certificate with this id, or else
	 * ERR_UNTRUSTED_SIGNER.
	 */
	readonly refusalFor: (keyId: string) => SigtoolError;
}

export interface TrustedKey extends VerifiedSigner {
	/** The certificate of the trust policy, or the one that was given for this verification. */
	readonly certificate: Certificate;
	readonly publicKey: KeyObject;
}

export interface AttributeKeyOptions {
	/** The time for which keys are judged, in milliseconds since the epoch. Default: now. */
	readonly at?: number;
	readonly profile?: Profile;
}

/**
 * Judges the certificates of the trust policy and those given, as `verifyCatalog` judges the signer of a catalog. Those
 * given may be signers and their issuers in any order.
 */
export function attributeKeys(
	trust: TrustPolicy,
	certificates: readonly Certificate[],
	{ at = Date.now(), profile = "default" }: AttributeKeyOptions = {},
): AttributeKeys {
	const trusted = new Map<string, TrustedKey[]>();
	const refused = new Map<string, SigtoolError>();
	for (const certificate of [...trustedCertificates(trust), ...certificates]) {
		try {
			const signer = judgeSigner(certificate, trust, { intermediates: certificates, at, profile });
			const key = { ...signer, certificate, publicKey: publicKeyOf(certificate) };
			for (const keyId of keyIdsOf(certificate)) trusted.set(keyId, withKey(trusted.get(keyId) ?? [], key));
		} catch (error) {
			if (!(error instanceof SigtoolError)) throw error;
			for (const keyId of keyIdsOf(certificate)) refused.set(keyId, refused.get(keyId) ?? error);
		}
	}
	return {
		candidatesFor: (keyId) => trusted.get(keyId) ?? [],
		refusalFor: (keyId) => refused.get(keyId) ?? unknownKey(keyId, trust),
	};
}

/**
 * Returns the id to write with a signature, by which the kernel finds the key: the last four bytes of the subject key
 * identifier, or of a SHA-1 over the key's bits for a certificate without one.
 */
export function keyIdOf(certificate: Certificate): string {
	return keyIdsOf(certificate)[0];
}

/**
 * Returns the ids of a key: first that of the certificate's key identifier, then that of the key's bits, which `evmctl`
 * uses before 1.6 or without a certificate.
 */
function keyIdsOf({ extensions: { subjectKeyId }, spki }: Certificate): readonly [string, ...string[]] {
	const ofKey = lastFour(createHash("sha1").update(keyBits(spki)).digest()); // SHA-1 only names the key.
	if (subjectKeyId === undefined || subjectKeyId.length < 4) return [ofKey];
	return [lastFour(subjectKeyId), ofKey];
}

/**
 * Returns the certificates in the trust policy. An authority may be a signer too: `openssl req -x509` makes one of
 * every self-signed certificate.
 */
function trustedCertificates({ pins, authorities }: TrustPolicy): Certificate[] {
	const pinned = [...pins.values()].flatMap(
		({ certificate, knownCertificate }) => certificate ?? knownCertificate ?? [],
	);
	return [...pinned, ...authorities.map(({ certificate }) => certificate)];
}

function withKey(keys: readonly TrustedKey[], key: TrustedKey): TrustedKey[] {
	const isKnown = keys.some(({ spkiSha256 }) => spkiSha256 === key.spkiSha256);
	return isKnown || keys.length === MAX_CANDIDATES ? [...keys] : [...keys, key];
}

/** Returns the value of the BIT STRING in a SubjectPublicKeyInfo, RFC 5280 §4.2.1.2 (1). */
function keyBits(spki: Uint8Array): Uint8Array {
	const reader = new DerReader(spki, "public key");
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	return reader.bitStringBytes();
}

function lastFour(bytes: Uint8Array): string {
	return Buffer.from(bytes.subarray(-4)).toString("hex");
}

function unknownKey(keyId: string, trust: TrustPolicy): SigtoolError {
	const hashes = [...trust.pins.values()].filter(
		(pin) => (pin.certificate ?? pin.knownCertificate) === undefined,
	).length;
	const note =
		hashes === 0
			? ""
			: `; ${hashes} pinned ${hashes === 1 ? "key is" : "keys are"} known by hash alone, which cannot check an attribute`;
	const message =
		`Cannot trust key ${keyId}: no trusted certificate goes by that id; ` +
		`pass the signer's certificate with --trust, add it with \`sigtool trust add\`, or give it with --cert under a trusted authority${note}`;
	return new SigtoolError("ERR_UNTRUSTED_SIGNER", message);
}

/**
 * Limit of the keys with one id, which are equal by intent or by a chance of one in four billion. To try each means to
 * hash the content once more.
 */
const MAX_CANDIDATES = 8;
