/**
 * Refuses an encrypted PKCS#8 key whose decryption would take too much work, before node:crypto derives the key.
 * OpenSSL has no limit for the iterations of PBKDF2, and 2^31 iterations take minutes.
 */

import { DerReader, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { readAlgorithm } from "../pki/signature-algorithm.js";
import { type CountedDerivation, DerivationLimit } from "./pbe/derivation-limit.js";
import { HMAC_HASHES, PBES2, PBKDF2, readIterations } from "./pbe/pkcs12-derivation.js";
import { PBES2_CIPHERS, TRIPLE_DES } from "./pbe/pkcs12-encryption.js";

/**
 * Refuses EncryptedPrivateKeyInfo ::= SEQUENCE { encryptionAlgorithm, encryptedData } if its decryption would take too
 * much work. RFC 5958 §3.
 * @throws ERR_DER; ERR_LIMIT for too much work; ERR_UNSUPPORTED_ALGORITHM for an encryption whose work this module
 * cannot compute
 */
export function checkEncryptedKey(der: Uint8Array): void {
	const reader = new DerReader(der, "encrypted key");
	const outer = reader.open(TAG.SEQUENCE);
	const { oid, parameters } = readAlgorithm(reader);
	reader.next(TAG.OCTET_STRING);
	reader.close(outer);
	if (!reader.done) reader.fail("bytes behind the key");
	if (oid === PBES2) checkPbes2(parametersOf(parameters));
	else if (PKCS12_SCHEMES.has(oid)) checkPkcs12(parametersOf(parameters));
	else throw unsupported(oid);
}

/** Checks PBES2-params ::= SEQUENCE { keyDerivationFunc, encryptionScheme }. RFC 8018 §A.4. */
function checkPbes2(reader: DerReader): void {
	reader.open(TAG.SEQUENCE);
	const { oid, parameters } = readAlgorithm(reader);
	if (oid === PBKDF2) checkPbkdf2(parametersOf(parameters), PBES2_CIPHERS[readAlgorithm(reader).oid]?.keyBytes);
	else if (oid === SCRYPT) checkScrypt(parametersOf(parameters));
	else throw unsupported(oid);
}

/**
 * Checks PBKDF2-params for a cipher whose keys have `cipherKeyBytes` bytes. OpenSSL has more ciphers and hashes than
 * this module knows. An unknown cipher is counted with the longest key, and an unknown hash with a short hash, so that
 * the work is not underestimated.
 */
function checkPbkdf2(reader: DerReader, cipherKeyBytes = LONGEST_KEY_BYTES): void {
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.OCTET_STRING);
	const iterations = readIterations(reader);
	const keyBytes = reader.peek() === TAG.INTEGER ? reader.integer() : 0;
	const hash = (reader.done ? undefined : HMAC_HASHES[readAlgorithm(reader).oid]) ?? "sha1";
	refuseExcess({ kind: "pbkdf2", hash, iterations }, Math.max(keyBytes, cipherKeyBytes));
}

/** Checks pkcs-12PbeParams ::= SEQUENCE { salt, iterations }. RFC 7292 appendix C. */
function checkPkcs12(reader: DerReader): void {
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.OCTET_STRING);
	const { keyBytes, ivBytes } = TRIPLE_DES;
	refuseExcess({ kind: "pkcs12", hash: "sha1", iterations: readIterations(reader) }, keyBytes, ivBytes);
}

function refuseExcess(derivation: CountedDerivation, ...lengths: readonly number[]): void {
	const excess = new DerivationLimit().add(derivation, ...lengths);
	if (excess !== undefined) throw tooCostly(excess);
}

/**
 * Checks scrypt-params ::= SEQUENCE { salt, costParameter, blockSize, parallelizationParameter, … }. RFC 7914 §7.1.
 * scrypt needs 128 × N × r bytes, and its time grows with N × r × p.
 */
function checkScrypt(reader: DerReader): void {
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.OCTET_STRING);
	const [cost, blockSize, parallelization] = [reader.integer(), reader.integer(), reader.integer()];
	const mebibytes = Math.ceil((128 * cost * blockSize) / 2 ** 20);
	if (mebibytes > MAX_SCRYPT_MEBIBYTES) {
		throw tooCostly(`takes ${mebibytes} MiB of memory for scrypt, at most ${MAX_SCRYPT_MEBIBYTES} are taken`);
	}
	const work = cost * blockSize * parallelization;
	if (work > MAX_SCRYPT_WORK) {
		throw tooCostly(`takes N·r·p = ${work} steps of scrypt, at most ${MAX_SCRYPT_WORK} are taken`);
	}
}

function parametersOf(parameters: Uint8Array | undefined): DerReader {
	return new DerReader(parameters ?? new Uint8Array(), "parameters of an encryption");
}

function tooCostly(excess: string): SigtoolError {
	return new SigtoolError("ERR_LIMIT", `Cannot decrypt: its encryption ${excess}`);
}

function unsupported(oid: string): SigtoolError {
	return new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", `Cannot decrypt: its encryption ${oid} is not supported`);
}

/** The length in bytes of a key of AES-256, the longest that a cipher of OpenSSL is counted with. */
const LONGEST_KEY_BYTES = 32;
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
/**
 * These are the 3DES schemes of RFC 7292 appendix C, with three keys and with two keys. OpenSSL 3 has no other scheme
 * of that appendix without its legacy provider.
 */
const PKCS12_SCHEMES: ReadonlySet<string> = new Set(["1.2.840.113549.1.12.1.3", "1.2.840.113549.1.12.1.4"]);
/** OpenSSL has the same limit. `openssl pkcs8 -scrypt` writes N = 16384 and r = 8, which need 16 MiB. */
const MAX_SCRYPT_MEBIBYTES = 32;
/**
 * N × r × p may have at most this value. It is 64 times the value that OpenSSL writes, and takes about three seconds.
 */
const MAX_SCRYPT_WORK = 2 ** 23;
