/**
 * Encodes and parses the parts that IMA's and EVM's values have in common: algorithm numbers, and signatures with a
 * header.
 *
 *     type | version | algorithm | key id, 4 bytes | length of the signature, 2 bytes big-endian | signature
 *
 * The kernel calls the header struct signature_v2_hdr (security/integrity/integrity.h). RSA signatures are PKCS#1
 * v1.5, and ECDSA signatures are DER.
 */

import { DIGEST_ALGORITHMS, type DigestAlgorithm } from "../digest/algorithms.js";
import { SigtoolError } from "../errors.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";

export interface IntegritySignature {
	/**
	 * The hash function of the signature. The signature is evidence only if the hash function passes
	 * `requireEvidence`.
	 */
	readonly algorithm: DigestAlgorithm;
	/**
	 * A hint that helps to find the signing key: 8 lower-case hexadecimal digits. Several keys can have the same hint.
	 */
	readonly keyId: string;
	/** The signature, at least one byte. */
	readonly signature: Uint8Array;
}

/** The first two bytes of a value. */
export interface SignatureKind {
	readonly type: number;
	readonly version: number;
}

/**
 * The largest size in bytes of a value that is read or written. A value with an RSA-4096 signature has 521 bytes. On
 * ext4 with blocks of 1 KiB, a value can have up to 968 bytes.
 */
export const MAX_VALUE_BYTES = 1024;

/**
 * Parses a whole value and refuses bytes left over. The argument `what` names the attribute in messages.
 * @throws ERR_ATTRIBUTE_FORMAT, ERR_UNSUPPORTED_ALGORITHM
 */
export function parseSignature(value: Uint8Array, kind: SignatureKind, what: string): IntegritySignature {
	if (value[1] !== kind.version) throw malformed(what, `signature version ${value[1] ?? "missing"} is not known`);
	if (value.length <= HEADER_BYTES) throw malformed(what, `it ends within its header, after ${value.length} bytes`);
	const algorithm = algorithmByNumber(value[2], what);
	const header = Buffer.from(value.buffer, value.byteOffset, HEADER_BYTES);
	const announced = header.readUInt16BE(7);
	const signature = value.subarray(HEADER_BYTES);
	if (signature.length !== announced) {
		throw malformed(what, `it announces a signature of ${announced} bytes and holds ${signature.length}`);
	}
	return { algorithm, keyId: header.toString("hex", 3, 7), signature };
}

/** @throws ERR_ATTRIBUTE_SPACE for a signature longer than `parseSignature` reads */
export function encodeSignature(kind: SignatureKind, { algorithm, keyId, signature }: IntegritySignature): Uint8Array {
	if (!/^[0-9a-f]{8}$/.test(keyId)) throw new RangeError("A key id is 8 lowercase hexadecimal digits");
	if (signature.length === 0) throw new RangeError("A signature has at least one byte");
	if (HEADER_BYTES + signature.length > MAX_VALUE_BYTES) {
		const reason = `its ${signature.length} bytes are more than an attribute takes; sign with a key of 4096 bits or fewer`;
		throw new SigtoolError("ERR_ATTRIBUTE_SPACE", `Cannot put the signature into an attribute: ${reason}`);
	}
	const value = Buffer.alloc(HEADER_BYTES + signature.length);
	value.set([kind.type, kind.version, ALGORITHM_NUMBERS[algorithm]]);
	value.write(keyId, 3, "hex");
	value.writeUInt16BE(signature.length, 7);
	value.set(signature, HEADER_BYTES);
	return value;
}

/** Refuses a value that is empty or longer than `MAX_VALUE_BYTES`. @throws ERR_ATTRIBUTE_FORMAT */
export function checkSize({ length }: Uint8Array, what: string): void {
	if (length === 0) throw malformed(what, "it is empty");
	if (length > MAX_VALUE_BYTES) throw malformed(what, `it has ${length} bytes, more than ${MAX_VALUE_BYTES}`);
}

/** Returns the algorithm if its digests and signatures are evidence. @throws ERR_WEAK_DIGEST for MD5 and SHA-1 */
export function requireEvidence(algorithm: DigestAlgorithm, what: string): EvidenceDigest {
	if (algorithm !== "md5" && algorithm !== "sha1") return algorithm;
	const name = algorithm === "md5" ? "MD5" : "SHA-1";
	throw new SigtoolError("ERR_WEAK_DIGEST", `Cannot trust the ${what}: ${name} is no evidence`);
}

/**
 * Returns the algorithm with this number of the kernel. Returns MD5 and SHA-1 too, so that values with these algorithms
 * can be shown.
 * @throws ERR_UNSUPPORTED_ALGORITHM
 */
export function algorithmByNumber(number: number, what: string): DigestAlgorithm {
	const algorithm = ALGORITHM_BY_NUMBER.get(number);
	if (algorithm !== undefined) return algorithm;
	const name = KERNEL_NAMES[number] ?? `number ${number}`;
	throw new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", `Cannot use ${what}: digest algorithm ${name} is not accepted`);
}

/** @throws ERR_ATTRIBUTE_FORMAT if the digest does not have the length of its algorithm */
export function checkDigestSize(algorithm: DigestAlgorithm, { length }: Uint8Array, what: string): void {
	const { sizeBytes } = DIGEST_ALGORITHMS[algorithm];
	if (length !== sizeBytes) throw malformed(what, `${algorithm} has ${sizeBytes} bytes, not ${length}`);
}

export function malformed(what: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_ATTRIBUTE_FORMAT", `Cannot parse ${what}: ${reason}`);
}

const HEADER_BYTES = 9;

/** The numbers are from enum hash_algo in include/uapi/linux/hash_info.h. */
export const ALGORITHM_NUMBERS: Readonly<Record<DigestAlgorithm, number>> = {
	md5: 1,
	sha1: 2,
	sha256: 4,
	sha384: 5,
	sha512: 6,
};
const ALGORITHM_BY_NUMBER: ReadonlyMap<number, DigestAlgorithm> = new Map(
	(["md5", "sha1", "sha256", "sha384", "sha512"] as const).map((name) => [ALGORITHM_NUMBERS[name], name]),
);
/** The names of refused algorithms that may occur in practice, for the message. */
const KERNEL_NAMES: Readonly<Record<number, string>> = {
	0: "MD4",
	3: "RIPEMD-160",
	7: "SHA-224",
	17: "SM3",
	18: "Streebog-256",
	19: "Streebog-512",
	20: "SHA3-256",
	21: "SHA3-384",
	22: "SHA3-512",
};
