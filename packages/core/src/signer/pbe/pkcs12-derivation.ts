/**
 * Derives keys from a passphrase for PKCS#12, by PBKDF2 (RFC 8018 §5.2) or by the function of RFC 7292 appendix B, and
 * reads the parameters. Older containers use the function of appendix B for encryption and MAC. Most other containers
 * use it for the MAC alone.
 */

import { hash, pbkdf2, pbkdf2Sync } from "node:crypto";
import { promisify } from "node:util";
import { DerReader, TAG } from "../../asn1/der.js";
import { SigtoolError } from "../../errors.js";
import { type AlgorithmIdentifier, readAlgorithm } from "../../pki/signature-algorithm.js";
import { type HashName, iterateHash } from "./iterated-hash.js";

export interface Derivation {
	readonly kind: "pbkdf2" | "pkcs12";
	/** For `pbkdf2`, the hash of the HMAC. For `pkcs12`, the hash that is iterated. */
	readonly hash: HashName;
	readonly salt: Uint8Array;
	readonly iterations: number;
	/** The length of the key in bytes. Undefined if the container does not state it. */
	readonly keyBytes?: number;
}

/** A passphrase has two encodings: UTF-8 for PBKDF2, and BMPString for PKCS#12's own function. */
export interface EncodedPassphrase {
	readonly utf8: Uint8Array;
	readonly bmp: Uint8Array;
}

/** PKCS#12's own function derives a different value for each purpose. The numbers are from RFC 7292 §B.3. */
export type Purpose = "key" | "iv" | "mac";
const PURPOSES: Readonly<Record<Purpose, number>> = { key: 1, iv: 2, mac: 3 };

/**
 * Returns the encodings of a passphrase, the usual one first. PKCS#12 puts two zero bytes behind a BMPString (RFC 7292
 * §B.1). Some programs leave these bytes out if the passphrase is empty, so an empty passphrase has two encodings.
 */
export function encodingsOf(passphrase: string): EncodedPassphrase[] {
	const utf8 = Buffer.from(passphrase, "utf8");
	const usual = { utf8, bmp: Buffer.concat([bigEndianUtf16(passphrase), Buffer.alloc(2)]) };
	return passphrase === "" ? [usual, { utf8, bmp: Buffer.alloc(0) }] : [usual];
}

/** Encodes text as big-endian UTF-16, as a BMPString has it. */
export function bigEndianUtf16(text: string): Buffer {
	return Buffer.from(text, "utf16le").swap16();
}

/** Derives a key or an initialization vector of `length` bytes. PBKDF2 ignores `purpose`. */
export function deriveKey(
	derivation: Derivation,
	passphrase: EncodedPassphrase,
	purpose: Purpose,
	length: number,
): Buffer {
	const { kind, salt, iterations } = derivation;
	return kind === "pbkdf2"
		? pbkdf2Sync(passphrase.utf8, salt, iterations, length, derivation.hash)
		: derivePkcs12(derivation, passphrase.bmp, purpose, length);
}

/** Derives a key by PBKDF2 on a thread of libuv, so that the calling thread can do other work meanwhile. */
export function derivePbkdf2(
	{ salt, iterations, hash: name }: Derivation,
	passphrase: EncodedPassphrase,
	length: number,
): Promise<Buffer> {
	return pbkdf2OnThread(passphrase.utf8, salt, iterations, length, name);
}

/** Derives a value as RFC 7292 §B.2 does. The letters v, D, I, A_i and B in comments are names in the RFC. */
function derivePkcs12(
	{ hash: name, salt, iterations }: Derivation,
	passphrase: Uint8Array,
	purpose: Purpose,
	length: number,
): Buffer {
	const { blockBytes } = HASHES[name]; // v
	const diversifier = Buffer.alloc(blockBytes, PURPOSES[purpose]); // D
	const input = Buffer.concat([repeated(salt, blockBytes), repeated(passphrase, blockBytes)]); // I
	const parts: Buffer[] = [];
	for (let made = 0; made < length; ) {
		const first = hash(name, Buffer.concat([diversifier, input]), "buffer");
		const part = iterateHash(name, first, iterations - 1); // A_i
		parts.push(part);
		made += part.length;
		addToBlocks(input, repeated(part, blockBytes).subarray(0, blockBytes));
	}
	return Buffer.concat(parts).subarray(0, length);
}

/** Repeats the bytes until they fill whole blocks. */
function repeated(bytes: Uint8Array, blockBytes: number): Buffer {
	return Buffer.alloc(Math.ceil(bytes.length / blockBytes) * blockBytes, bytes);
}

/**
 * Adds `addend` (B) and one to each block of `input`, in place. The blocks are big-endian numbers, and a carry out of a
 * block is dropped.
 */
function addToBlocks(input: Buffer, addend: Uint8Array): void {
	const blockBytes = addend.length;
	for (let start = 0; start < input.length; start += blockBytes) {
		let carry = 1;
		for (let i = blockBytes - 1; i >= 0; i--) {
			carry += input[start + i] + addend[i];
			input[start + i] = carry & 0xff;
			carry >>= 8;
		}
	}
}

/**
 * Reads AlgorithmIdentifier {PBKDF2}, RFC 8018 §A.2:
 *
 *     PBKDF2-params ::= SEQUENCE { salt OCTET STRING, iterationCount, keyLength OPTIONAL, prf DEFAULT hmacWithSHA1 }
 *
 * @throws ERR_DER; ERR_UNSUPPORTED_ALGORITHM for another function
 */
export function readPbkdf2({ oid, parameters }: AlgorithmIdentifier): Derivation {
	if (oid !== PBKDF2 || parameters === undefined) throw unsupported(`key derivation ${oid}`);
	const reader = new DerReader(parameters, "parameters of PBKDF2");
	const outer = reader.open(TAG.SEQUENCE);
	const salt = reader.value(TAG.OCTET_STRING);
	const iterations = readIterations(reader);
	const keyBytes = reader.peek() === TAG.INTEGER ? reader.integer() : undefined;
	const prf = reader.done ? HMAC_SHA1 : readAlgorithm(reader).oid;
	reader.close(outer);
	return { kind: "pbkdf2", hash: hmacHash(prf), salt, iterations, ...(keyBytes === undefined ? {} : { keyBytes }) };
}

/** Reads the number of iterations. @throws ERR_DER for zero, and for 2^31 or more */
export function readIterations(reader: DerReader): number {
	const iterations = reader.integer();
	if (iterations === 0) reader.fail("it has no iterations");
	return iterations;
}

/** Returns the hash of an HMAC by its object identifier, RFC 8018 §B.1. @throws ERR_UNSUPPORTED_ALGORITHM */
export function hmacHash(oid: string): HashName {
	const name = HMAC_HASHES[oid];
	if (name === undefined) throw unsupported(`pseudo-random function ${oid}`);
	return name;
}

function unsupported(name: string): SigtoolError {
	return new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", `Cannot derive a key: its ${name} is not supported`);
}

const pbkdf2OnThread = promisify(pbkdf2);

interface HashFacts {
	readonly blockBytes: number;
	readonly hashBytes: number;
	/**
	 * The time of one iteration of PKCS#12's own function, divided by the time of one iteration of PBKDF2. It is 1 for
	 * the hashes that iterated-hash.ts computes itself. The other hashes take a call of node:crypto for each iteration.
	 */
	readonly pkcs12Weight: number;
}

/** The sizes are from FIPS 180-4 §1. */
export const HASHES: Readonly<Record<HashName, HashFacts>> = {
	sha1: { blockBytes: 64, hashBytes: 20, pkcs12Weight: 1 },
	sha224: { blockBytes: 64, hashBytes: 28, pkcs12Weight: 4 },
	sha256: { blockBytes: 64, hashBytes: 32, pkcs12Weight: 1 },
	sha384: { blockBytes: 128, hashBytes: 48, pkcs12Weight: 4 },
	sha512: { blockBytes: 128, hashBytes: 64, pkcs12Weight: 4 },
};
export const PBES2 = "1.2.840.113549.1.5.13";
export const PBKDF2 = "1.2.840.113549.1.5.12";
const HMAC_SHA1 = "1.2.840.113549.2.7";
export const HMAC_HASHES: Readonly<Record<string, HashName>> = {
	[HMAC_SHA1]: "sha1",
	"1.2.840.113549.2.8": "sha224",
	"1.2.840.113549.2.9": "sha256",
	"1.2.840.113549.2.10": "sha384",
	"1.2.840.113549.2.11": "sha512",
};
