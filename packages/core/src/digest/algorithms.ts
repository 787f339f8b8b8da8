/**
 * Defines the digest algorithms that occur in catalogs, certificates and timestamps, and how strong each of them is.
 */

/**
 * - `evidence`: the digest is accepted everywhere.
 * - `legacy`: the digest is accepted under `--profile windows-legacy` only.
 * - `refused`: the digest is never accepted. The algorithm is known only so that a refusal can name it.
 */
export type DigestStrength = "evidence" | "legacy" | "refused";

/** The names are those of node:crypto. The object identifiers are from RFC 1321, RFC 3279 §2.2.1 and RFC 5754 §2. */
export const DIGEST_ALGORITHMS = {
	md5: { oid: "1.2.840.113549.2.5", sizeBytes: 16, strength: "refused" },
	sha1: { oid: "1.3.14.3.2.26", sizeBytes: 20, strength: "legacy" },
	sha256: { oid: "2.16.840.1.101.3.4.2.1", sizeBytes: 32, strength: "evidence" },
	sha384: { oid: "2.16.840.1.101.3.4.2.2", sizeBytes: 48, strength: "evidence" },
	sha512: { oid: "2.16.840.1.101.3.4.2.3", sizeBytes: 64, strength: "evidence" },
} as const satisfies Record<string, { oid: string; sizeBytes: number; strength: DigestStrength }>;

export type DigestAlgorithm = keyof typeof DIGEST_ALGORITHMS;

/** Returns the algorithm of an object identifier in dotted decimal, or undefined for an unknown one. */
export function digestAlgorithmByOid(oid: string): DigestAlgorithm | undefined {
	return NAME_BY_OID.get(oid);
}

const NAME_BY_OID: ReadonlyMap<string, DigestAlgorithm> = new Map([
	[DIGEST_ALGORITHMS.md5.oid, "md5"],
	[DIGEST_ALGORITHMS.sha1.oid, "sha1"],
	[DIGEST_ALGORITHMS.sha256.oid, "sha256"],
	[DIGEST_ALGORITHMS.sha384.oid, "sha384"],
	[DIGEST_ALGORITHMS.sha512.oid, "sha512"],
] as const);
