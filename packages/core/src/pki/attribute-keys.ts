/**
 * The keys that may judge a signature in an extended attribute. Such a signature comes without certificates and names its
 * key by four octets, so the certificates come from trust itself and from the caller.
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
	 * The trusted keys that go by this id (8 lowercase hexadecimal digits), distinct, at most 8: the id is a hint, so try
	 * each. None for an id that is unknown.
	 */
	readonly candidatesFor: (keyId: string) => readonly TrustedKey[];
	/**
	 * Why there is no candidate: what is wrong with a certificate that goes by this id (its code), else
	 * ERR_UNTRUSTED_SIGNER.
	 */
	readonly refusalFor: (keyId: string) => SigtoolError;
}

export interface TrustedKey extends VerifiedSigner {
	readonly publicKey: KeyObject;
}

export interface AttributeKeyOptions {
	/** Milliseconds since the epoch at which to judge; now when absent. */
	readonly at?: number;
	readonly profile?: Profile;
}

/**
 * Judges the certificates that come with trust, and those given, as `verifyCatalog` judges the signer of a catalog. Those
 * given may hold signers and their issuers in any order.
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
			const key = { ...signer, publicKey: publicKeyOf(certificate) };
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
 * The id to write beside a signature, by which the kernel finds the key: the last four octets of the subject key
 * identifier; for a certificate without one, of SHA-1 over the key's bits.
 */
export function keyIdOf(certificate: Certificate): string {
	return keyIdsOf(certificate)[0];
}

/** A certificate's key identifier counts first; `evmctl` before 1.6, or without a certificate, goes by the key's bits. */
function keyIdsOf({ extensions: { subjectKeyId }, spki }: Certificate): readonly [string, ...string[]] {
	const ofKey = lastFour(createHash("sha1").update(keyBits(spki)).digest()); // A name, which protects nothing.
	if (subjectKeyId === undefined || subjectKeyId.length < 4) return [ofKey];
	return [lastFour(subjectKeyId), ofKey];
}

/** An authority may be a signer too: `openssl req -x509` makes one of every self-signed certificate. */
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

/** Value of the BIT STRING of a SubjectPublicKeyInfo, RFC 5280 §4.2.1.2 (1). */
function keyBits(spki: Uint8Array): Uint8Array {
	const reader = new DerReader(spki, "public key");
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.SEQUENCE);
	return reader.bitStringOctets();
}

function lastFour(octets: Uint8Array): string {
	return Buffer.from(octets.subarray(-4)).toString("hex");
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

/** Keys that share one id, by intent or by chance of one in four billion; each costs hashing the content once more. */
const MAX_CANDIDATES = 8;
