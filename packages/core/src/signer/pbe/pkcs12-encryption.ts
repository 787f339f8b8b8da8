/** Decrypts the encrypted parts of a PKCS#12 container: PBES2 (RFC 8018 §6.2), or 3DES and RC2 of RFC 7292. */

import { createDecipheriv } from "node:crypto";
import { DerReader, TAG } from "../../asn1/der.js";
import { SigtoolError } from "../../errors.js";
import { type AlgorithmIdentifier, readAlgorithm } from "../../pki/signature-algorithm.js";
import {
	type Derivation,
	deriveKey,
	derivePbkdf2,
	type EncodedPassphrase,
	PBES2,
	readIterations,
	readPbkdf2,
} from "./pkcs12-derivation.js";

export interface Encryption {
	readonly derivation: Derivation;
	readonly cipher: Cipher;
	/**
	 * The initialization vector that PBES2 states. Undefined for the older schemes, which derive it from the
	 * passphrase.
	 */
	readonly iv: Uint8Array | undefined;
}

interface Cipher {
	readonly name: "aes-128-cbc" | "aes-192-cbc" | "aes-256-cbc" | "des-ede3-cbc" | "rc2-cbc";
	readonly keyBytes: number;
	readonly ivBytes: number;
}

/** Returns the length in bytes of each value that has to be derived for the decryption. */
export function derivedLengths({ cipher, iv }: Encryption): readonly number[] {
	return iv === undefined ? [cipher.keyBytes, cipher.ivBytes] : [cipher.keyBytes];
}

/**
 * Begins to derive a PBES2 key on another thread. Returns undefined for the older schemes, because node:crypto does not
 * have their key derivation, so `decrypt` derives the key.
 */
export function startKey(
	{ derivation, cipher }: Encryption,
	passphrase: EncodedPassphrase,
): Promise<Buffer> | undefined {
	return derivation.kind === "pbkdf2" ? derivePbkdf2(derivation, passphrase, cipher.keyBytes) : undefined;
}

/**
 * Decrypts with `started`, the key that `startKey` began to derive. If `started` is undefined, derives the key of the
 * older scheme.
 * @throws ERR_PKCS12
 */
export async function decrypt(
	{ derivation, cipher, iv: given }: Encryption,
	passphrase: EncodedPassphrase,
	started: Uint8Array | undefined,
	ciphertext: Uint8Array,
): Promise<Buffer> {
	const key = started ?? deriveKey(derivation, passphrase, "key", cipher.keyBytes);
	const iv = given ?? deriveKey(derivation, passphrase, "iv", cipher.ivBytes);
	// node-forge is loaded here for such a container alone, whose MAC has been checked.
	const rc2 = cipher.name === "rc2-cbc" ? await import("./decrypt-rc2.js") : undefined;
	try {
		if (rc2 !== undefined) return rc2.decryptRc2Cbc(key, iv, ciphertext);
		const decipher = createDecipheriv(cipher.name, key, iv);
		return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
	} catch {
		throw damaged();
	}
}

/**
 * Reads the algorithm and the parameters by which a part is encrypted:
 *
 *     pkcs-12PbeParams ::= SEQUENCE { salt OCTET STRING, iterations INTEGER }               RFC 7292 appendix C
 *     PBES2-params     ::= SEQUENCE { keyDerivationFunc, encryptionScheme }                 RFC 8018 §A.4
 *
 * @throws ERR_DER, ERR_UNSUPPORTED_ALGORITHM
 */
export function readEncryption({ oid, parameters }: AlgorithmIdentifier): Encryption {
	const older = PKCS12_CIPHERS[oid];
	if ((older === undefined && oid !== PBES2) || parameters === undefined) throw unsupported(oid);
	const reader = new DerReader(parameters, "parameters of an encryption");
	const outer = reader.open(TAG.SEQUENCE);
	const encryption = older === undefined ? readPbes2(reader) : readPkcs12Encryption(reader, older);
	reader.close(outer);
	return encryption;
}

function readPkcs12Encryption(reader: DerReader, cipher: Cipher): Encryption {
	const salt = reader.value(TAG.OCTET_STRING);
	const iterations = readIterations(reader);
	return { derivation: { kind: "pkcs12", hash: "sha1", salt, iterations }, cipher, iv: undefined };
}

function readPbes2(reader: DerReader): Encryption {
	const derivation = readPbkdf2(readAlgorithm(reader));
	const { oid, parameters } = readAlgorithm(reader);
	if (parameters === undefined) throw unsupported(oid);
	const { cipher, iv } = oid === RC2_CBC ? readRc2(parameters) : readCipher(oid, parameters);
	if (iv.length !== cipher.ivBytes) reader.fail(`an initialization vector has ${iv.length} bytes`);
	if ((derivation.keyBytes ?? cipher.keyBytes) !== cipher.keyBytes) {
		reader.fail(`a key of ${cipher.name} has ${derivation.keyBytes} bytes`);
	}
	return { derivation, cipher, iv };
}

interface CipherWithIv {
	readonly cipher: Cipher;
	readonly iv: Uint8Array;
}

function readCipher(oid: string, parameters: Uint8Array): CipherWithIv {
	const cipher = PBES2_CIPHERS[oid];
	if (cipher === undefined) throw unsupported(oid);
	return { cipher, iv: new DerReader(parameters, "initialization vector").value(TAG.OCTET_STRING) };
}

/** Reads RC2-CBC-Parameter ::= SEQUENCE { rc2ParameterVersion INTEGER, iv OCTET STRING }, RFC 8018 §B.2.3. */
function readRc2(parameters: Uint8Array): CipherWithIv {
	const reader = new DerReader(parameters, "parameters of RC2");
	const outer = reader.open(TAG.SEQUENCE);
	const keyBytes = RC2_KEY_BYTES.get(reader.integer());
	if (keyBytes === undefined) throw unsupported(RC2_CBC);
	const iv = reader.value(TAG.OCTET_STRING);
	reader.close(outer);
	return { cipher: rc2WithKeyOf(keyBytes), iv };
}

/**
 * Makes the error for a part that cannot be decrypted. The error of node:crypto is dropped, because it would not help
 * the user. The MAC has already proven that the passphrase is right.
 */
function damaged(): SigtoolError {
	const reason = "its content is damaged or not supported, or the passphrase was encoded in another way";
	return new SigtoolError("ERR_PKCS12", `Cannot decrypt: ${reason}; export it again under a passphrase in ASCII`);
}

function unsupported(oid: string): SigtoolError {
	const message = `Cannot decrypt: its encryption ${oid} is not supported; export it again with \`openssl pkcs12 -export\``;
	return new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", message);
}

export const TRIPLE_DES: Cipher = { name: "des-ede3-cbc", keyBytes: 24, ivBytes: 8 };
const rc2WithKeyOf = (keyBytes: number): Cipher => ({ name: "rc2-cbc", keyBytes, ivBytes: 8 });
const RC2_CBC = "1.2.840.113549.3.2";
/** The key lengths by the numbers that stand for 40, 64 and 128 effective bits, RFC 8018 §B.2.3. */
const RC2_KEY_BYTES: ReadonlyMap<number, number> = new Map([
	[160, 5],
	[120, 8],
	[58, 16],
]);
/** The schemes with three keys of DES, and with 128 and 40 bits of RC2, from RFC 7292 appendix C. */
const PKCS12_CIPHERS: Readonly<Record<string, Cipher>> = {
	"1.2.840.113549.1.12.1.3": TRIPLE_DES,
	"1.2.840.113549.1.12.1.5": rc2WithKeyOf(16),
	"1.2.840.113549.1.12.1.6": rc2WithKeyOf(5),
};
export const PBES2_CIPHERS: Readonly<Record<string, Cipher>> = {
	"2.16.840.1.101.3.4.1.2": { name: "aes-128-cbc", keyBytes: 16, ivBytes: 16 },
	"2.16.840.1.101.3.4.1.22": { name: "aes-192-cbc", keyBytes: 24, ivBytes: 16 },
	"2.16.840.1.101.3.4.1.42": { name: "aes-256-cbc", keyBytes: 32, ivBytes: 16 },
	"1.2.840.113549.3.7": TRIPLE_DES,
};
