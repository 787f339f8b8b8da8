/**
 * Names algorithms for display: a digest as node:crypto does (`sha256`), and any other algorithm as its RFC does
 * (`id-Ed25519`).
 */

import { digestAlgorithmByOid } from "../digest/algorithms.js";

/** Returns the name for an object identifier in dotted decimal, or undefined if sigtool has no name for it. */
export function algorithmName(oid: string): string | undefined {
	return digestAlgorithmByOid(oid) ?? SIGNATURE_NAMES[oid];
}

/**
 * The names are from RFC 8017 appendix C, RFC 5758 and RFC 8410. The identifier 1.3.14.3.2.29, from OIW, is an older
 * one for sha1WithRSAEncryption.
 */
const SIGNATURE_NAMES: Readonly<Record<string, string>> = {
	"1.2.840.113549.1.1.1": "rsaEncryption",
	"1.2.840.113549.1.1.4": "md5WithRSAEncryption",
	"1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
	"1.3.14.3.2.29": "sha1WithRSAEncryption",
	"1.2.840.113549.1.1.10": "id-RSASSA-PSS",
	"1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
	"1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
	"1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
	"1.2.840.10045.4.1": "ecdsa-with-SHA1",
	"1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
	"1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
	"1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
	"1.3.101.112": "id-Ed25519",
	"1.3.101.113": "id-Ed448",
};
