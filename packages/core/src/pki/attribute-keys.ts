/**
 * Finds the keys that check the signature in an extended attribute. An attribute contains no certificates and names the
 * key by four bytes only, so the certificates come from the trust policy and from the caller.
 */

import { createHash, type KeyObject } from "node:crypto";
import { DerReader, TAG } from "../asn1/der.js";
import { COMMAND, SigtoolError } from "../errors.js";
import { type Certificate, publicKeyOf } from "./certificate.js";
import type { Profile } from "./signature-algorithm.js";
import { judgeSigner, type VerifiedSigner } from "./signer-trust.js";
import type { TrustPolicy } from "./trust-policy.js";

export interface AttributeKeys {
	/**
	 * Returns the distinct trusted keys with this id (8 lower-case hexadecimal digits): at most 8 keys, and no key for
	 * an unknown id. The id is only a hint, so the caller has to try each key.
	 */
	readonly candidatesFor: (keyId: string) => readonly TrustedKey[];
	/**
	 * Returns the reason why there is no candidate: the first error that refused a certificate with this id, or
	 * ERR_UNTRUSTED_SIGNER if no certificate has this id.
	 */
	readonly refusalFor: (keyId: string) => SigtoolError;
}

export interface TrustedKey extends VerifiedSigner {
	/**
	 * Is always present, because the certificate comes from the trust policy or from the caller, and never with the
	 * attribute.
	 */
	readonly certificate: Certificate;
	readonly publicKey: KeyObject;
}

export interface AttributeKeyOptions {
	/** The time for which keys are judged, in milliseconds since the epoch. Default: now. */
	readonly at?: number;
	readonly profile?: Profile;
}

/**
 * Judges each certificate of the trust policy and each of `certificates` as `judgeSigner` judges the signer of a
 * catalog. The caller's certificates may be signers and their issuers, in any order.
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
 * Returns the id that is written into an attribute, so that the kernel finds the key: the last four bytes of the
 * certificate's subject key identifier. If the identifier is absent or shorter than four bytes, the id is the last four
 * bytes of a SHA-1 over the key's bits.
 */
export function keyIdOf(certificate: Certificate): string {
	return keyIdsOf(certificate)[0];
}

/**
 * Returns the ids by which an attribute may name the key: the id from the certificate's key identifier, then the id
 * from the key's bits. Versions of `evmctl` before 1.6 always write the second id, and later versions write it if they
 * get no certificate.
 */
function keyIdsOf({ extensions: { subjectKeyId }, spki }: Certificate): readonly [string, ...string[]] {
	// The SHA-1 only identifies the key. Nothing is proven by it.
	const ofKey = lastFour(createHash("sha1").update(keyBits(spki)).digest());
	if (subjectKeyId === undefined || subjectKeyId.length < 4) return [ofKey];
	return [lastFour(subjectKeyId), ofKey];
}

/**
 * Returns the certificates in the trust policy. Authorities are included because an authority may be a signer too:
 * `openssl req -x509` marks every self-signed certificate as an authority.
 */
function trustedCertificates({ pins, authorities }: TrustPolicy): Certificate[] {
	const pinned = [...pins.values()].flatMap(({ certificate }) => certificate ?? []);
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
	const hashes = [...trust.pins.values()].filter(({ certificate }) => certificate === undefined).length;
	const note =
		hashes === 0
			? ""
			: `; ${hashes} pinned ${hashes === 1 ? "key is" : "keys are"} known by hash alone, which cannot check an attribute`;
	const message =
		`Cannot trust key ${keyId}: no trusted certificate goes by that id; ` +
		`pass the signer's certificate with --trust, add it with \`${COMMAND} trust add\`, or give it with --cert under a trusted authority${note}`;
	return new SigtoolError("ERR_UNTRUSTED_SIGNER", message);
}

/**
 * An id has at most this many keys. Two keys share an id by intent, or by a chance of one in four billion. For each
 * further key, the content of a file has to be hashed once more.
 */
const MAX_CANDIDATES = 8;
