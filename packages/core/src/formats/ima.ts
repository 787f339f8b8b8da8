/**
 * Encodes and parses values of `security.ima`, the attribute of the Linux kernel's Integrity Measurement Architecture
 * (security/integrity/ima/ima_appraise.c).
 *
 *     01 | digest                          MD5 or SHA-1, by the length
 *     04 | algorithm | digest              digest-ng
 *     03 02 | … signature header …         signature version 2, over the content
 *     06 03 | … signature header …         signature version 3, over an fs-verity digest
 *
 * Supports neither signature version 1 nor version 3 over a digest of another kind. A digest alone is no signature. A
 * signature covers only the content, not the file's name, path, owner or mode.
 */

import type { DigestAlgorithm } from "../digest/algorithms.js";
import type { FsverityOptions } from "../digest/fsverity.js";
import { SigtoolError } from "../errors.js";
import type { EvidenceDigest } from "../pki/signature-algorithm.js";
import {
	ALGORITHM_NUMBERS,
	algorithmByNumber,
	checkDigestSize,
	checkSize,
	encodeSignature,
	type IntegritySignature,
	malformed,
	parseSignature,
} from "./integrity-signature.js";

export const IMA_ATTRIBUTE = "security.ima";
/** The attribute for use without privileges, as with `evmctl --xattr-user`. The kernel ignores it. */
export const IMA_USER_ATTRIBUTE = "user.ima";

/** The algorithms of fs-verity, which has no SHA-384. */
export type VerityDigest = FsverityOptions["algorithm"];

export type ImaValue =
	| ({ readonly kind: "digest" } & IntegrityDigest)
	| ({ readonly kind: "digest-ng" } & IntegrityDigest)
	| ({ readonly kind: "signature" } & IntegritySignature)
	| ({ readonly kind: "verity-signature" } & VeritySignature);

export interface IntegrityDigest {
	readonly algorithm: DigestAlgorithm;
	readonly digest: Uint8Array;
}

export interface VeritySignature extends IntegritySignature {
	/** The algorithm of the fs-verity digest and of the hash over `verityMessage`. */
	readonly algorithm: VerityDigest;
}

/** Parses a whole value and refuses bytes left over. @throws ERR_ATTRIBUTE_FORMAT, ERR_UNSUPPORTED_ALGORITHM */
export function parseIma(value: Uint8Array): ImaValue {
	checkSize(value, WHAT);
	switch (value[0]) {
		case DIGEST: {
			const digest = value.subarray(1);
			const algorithm = digest.length === 16 ? "md5" : "sha1";
			checkDigestSize(algorithm, digest, WHAT);
			return { kind: "digest", algorithm, digest };
		}
		case DIGEST_NG: {
			if (value.length < 2) throw malformed(WHAT, "it ends before the algorithm");
			const algorithm = algorithmByNumber(value[1], WHAT);
			const digest = value.subarray(2);
			checkDigestSize(algorithm, digest, WHAT);
			return { kind: "digest-ng", algorithm, digest };
		}
		case SIGNATURE.type:
			return { kind: "signature", ...parseSignature(value, SIGNATURE, WHAT) };
		case VERITY_SIGNATURE.type: {
			const signature = parseSignature(value, VERITY_SIGNATURE, WHAT);
			return { kind: "verity-signature", ...signature, algorithm: verityDigest(signature.algorithm) };
		}
		default:
			throw malformed(WHAT, `type ${value[0]} is not known`);
	}
}

/** Encodes a digest of the content. The value has no signature. */
export function encodeImaDigest(algorithm: EvidenceDigest, digest: Uint8Array): Uint8Array {
	checkDigestSize(algorithm, digest, WHAT);
	return Buffer.concat([Buffer.of(DIGEST_NG, ALGORITHM_NUMBERS[algorithm]), digest]);
}

/** Encodes a signature over content that `createCrossSignatureCheck` has passed. @throws ERR_ATTRIBUTE_SPACE */
export function encodeImaSignature(signature: IntegritySignature): Uint8Array {
	return encodeSignature(SIGNATURE, signature);
}

/** Encodes a signature over `verityMessage`. @throws ERR_ATTRIBUTE_SPACE */
export function encodeVeritySignature(signature: VeritySignature): Uint8Array {
	return encodeSignature(VERITY_SIGNATURE, signature);
}

/**
 * Returns the message that a signature of version 3 covers: `06 | algorithm | fs-verity digest` (calc_file_id_hash in
 * ima_appraise.c).
 */
export function verityMessage(algorithm: VerityDigest, digest: Uint8Array): Uint8Array {
	checkDigestSize(algorithm, digest, "fs-verity digest");
	return Buffer.concat([Buffer.of(VERITY_SIGNATURE.type, ALGORITHM_NUMBERS[algorithm]), digest]);
}

function verityDigest(algorithm: DigestAlgorithm): VerityDigest {
	if (algorithm === "sha256" || algorithm === "sha512") return algorithm;
	throw new SigtoolError("ERR_UNSUPPORTED_ALGORITHM", `Cannot use ${WHAT}: fs-verity knows no digest ${algorithm}`);
}

const WHAT = "IMA attribute";

/** The type bytes are from enum evm_ima_xattr_type in security/integrity/integrity.h. */
const DIGEST = 0x01;
const DIGEST_NG = 0x04;
const SIGNATURE = { type: 0x03, version: 2 } as const;
const VERITY_SIGNATURE = { type: 0x06, version: 3 } as const;
