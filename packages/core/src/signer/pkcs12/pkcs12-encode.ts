/**
 * Encodes PKCS#12 containers (RFC 7292) with the algorithms that OpenSSL 3 uses by default. All keys and certificates
 * are encrypted by PBES2, with PBKDF2 over HMAC-SHA-256 and AES-256-CBC (RFC 8018), and the MAC is HMAC-SHA-256.
 * pkcs12.ts reads such containers.
 */

import { createCipheriv, createHash, createHmac, type KeyObject, pbkdf2Sync, randomBytes } from "node:crypto";
import { context, encode, integer, NULL, octetString, oid, sequence, setOf, TAG } from "../../asn1/der.js";
import { SigtoolError } from "../../errors.js";
import type { Certificate } from "../../pki/certificate.js";
import { SHA256_OID } from "../../pki/signature-algorithm.js";
import { bigEndianUtf16, deriveKey, encodingsOf, PBES2, PBKDF2 } from "../pbe/pkcs12-derivation.js";

export interface Pkcs12Content {
	readonly key: KeyObject;
	/** The certificate of the key comes first. */
	readonly certificates: readonly Certificate[];
	/** The name that a program shows for the key after the import. */
	readonly friendlyName: string;
	/** The passphrase has 1 or more characters from U+0020 to U+007E. */
	readonly passphrase: string;
}

/**
 * Encodes a container.
 * @throws ERR_KEY_PASSPHRASE for a passphrase that is empty or has characters outside ASCII, which programs encode
 * differently
 */
export function encodePkcs12({ key, certificates, friendlyName, passphrase }: Pkcs12Content): Uint8Array {
	if (!/^[\x20-\x7e]+$/.test(passphrase)) {
		const reason =
			passphrase === "" ? "it is empty" : "it has characters outside ASCII, which programs encode differently";
		throw new SigtoolError("ERR_KEY_PASSPHRASE", `Cannot protect the container with this passphrase: ${reason}`);
	}
	const localId = createHash("sha256").update(certificates[0].der).digest();
	const names = [
		attribute(OID.friendlyName, encode(TAG.BMP_STRING, bigEndianUtf16(friendlyName))),
		attribute(OID.localKeyId, octetString(localId)),
	];
	const certificateBags = certificates.map(({ der }, index) => {
		const value = sequence(oid(OID.x509Certificate), encode(context(0), octetString(der)));
		return safeBag(OID.certBag, value, index === 0 ? names : []);
	});
	const keyBag = safeBag(OID.shroudedKeyBag, encryptKey(key, passphrase), names);
	const safe = sequence(encryptedData(sequence(...certificateBags), passphrase), data(sequence(keyBag)));
	return sequence(integer(3), data(safe), macData(safe, passphrase));
}

/** Encodes an EncryptedPrivateKeyInfo, PKCS#8. RFC 5958 §3. */
export function encryptKey(key: KeyObject, passphrase: string): Uint8Array {
	const { algorithm, ciphertext } = encrypt(key.export({ format: "der", type: "pkcs8" }), passphrase);
	return sequence(algorithm, octetString(ciphertext));
}

/** Encodes SafeBag ::= SEQUENCE { bagId, bagValue [0] EXPLICIT, bagAttributes SET OF OPTIONAL }. §4.2. */
function safeBag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
	const optional = attributes.length === 0 ? [] : [setOf(...attributes)];
	return sequence(oid(type), encode(context(0), value), ...optional);
}

function attribute(type: string, value: Uint8Array): Uint8Array {
	return sequence(oid(type), setOf(value));
}

/** Encodes a ContentInfo of type data, which has its content unencrypted. RFC 2315 §8. */
function data(content: Uint8Array): Uint8Array {
	return sequence(oid(OID.data), encode(context(0), octetString(content)));
}

/** Encodes a ContentInfo of type EncryptedData, version 0. RFC 2315 §13. */
function encryptedData(content: Uint8Array, passphrase: string): Uint8Array {
	const { algorithm, ciphertext } = encrypt(content, passphrase);
	const encrypted = sequence(oid(OID.data), algorithm, encode(context(0, "primitive"), ciphertext));
	return sequence(oid(OID.encryptedData), encode(context(0), sequence(integer(0), encrypted)));
}

/** Encrypts by PBES2. Returns its AlgorithmIdentifier with the ciphertext. RFC 8018 §6.2, §A.2, §A.4, §B.2.5. */
function encrypt(content: Uint8Array, passphrase: string): { algorithm: Uint8Array; ciphertext: Uint8Array } {
	const [salt, iv] = [randomBytes(16), randomBytes(16)];
	const cipher = createCipheriv("aes-256-cbc", pbkdf2Sync(passphrase, salt, ITERATIONS, 32, "sha256"), iv);
	const prf = sequence(oid(OID.hmacWithSha256), NULL);
	const derivation = sequence(oid(PBKDF2), sequence(octetString(salt), integer(ITERATIONS), prf));
	const scheme = sequence(oid(OID.aes256Cbc), octetString(iv));
	return {
		algorithm: sequence(oid(PBES2), sequence(derivation, scheme)),
		ciphertext: Buffer.concat([cipher.update(content), cipher.final()]),
	};
}

/** Encodes MacData ::= SEQUENCE { DigestInfo, macSalt OCTET STRING, iterations }. §4. */
function macData(content: Uint8Array, passphrase: string): Uint8Array {
	const salt = randomBytes(16);
	const derivation = { kind: "pkcs12", hash: "sha256", salt, iterations: ITERATIONS } as const;
	const [encoded] = encodingsOf(passphrase);
	const key = deriveKey(derivation, encoded, "mac", SHA256_BYTES);
	const mac = createHmac("sha256", key).update(content).digest();
	return sequence(sequence(sequence(oid(SHA256_OID), NULL), octetString(mac)), octetString(salt), integer(ITERATIONS));
}

/**
 * Each key derivation has this many iterations, fifty times as many as OpenSSL writes, so that guessing a passphrase
 * takes fifty times as long.
 */
const ITERATIONS = 100_000;
const SHA256_BYTES = 32;

const OID = {
	data: "1.2.840.113549.1.7.1",
	encryptedData: "1.2.840.113549.1.7.6",
	hmacWithSha256: "1.2.840.113549.2.9",
	aes256Cbc: "2.16.840.1.101.3.4.1.42",
	shroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
	certBag: "1.2.840.113549.1.12.10.1.3",
	x509Certificate: "1.2.840.113549.1.9.22.1",
	friendlyName: "1.2.840.113549.1.9.20",
	localKeyId: "1.2.840.113549.1.9.21",
} as const;
