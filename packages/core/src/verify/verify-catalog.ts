/**
 * Verifies a catalog in an order in which unverified data has no effect: first DER, then the signature over the
 * received bytes, the signed attributes, the certificate chain at a trusted time, and the trust in the signer. Members
 * are parsed, and files are compared with them, only after all these checks.
 */

import { quote, SigtoolError } from "../errors.js";
import { parseCatalog } from "../formats/cat.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { CATALOG_OID, type Catalog } from "../formats/cat-model.js";
import type { Certificate } from "../pki/certificate.js";
import { parseSignedData, type SignerInfo } from "../pki/cms.js";
import { verifySigner } from "../pki/cms-verify.js";
import { refuseDeniedCatalog } from "../pki/deny-list.js";
import { expiryNotice } from "../pki/expiry.js";
import { type JudgedTime, judgementTime, withTimestampFailures } from "../pki/judged-time.js";
import { certificateToJudge, judgeSigner, type VerifiedSigner } from "../pki/signer-trust.js";
import { type Timestamp, verifyTimestamps } from "../pki/timestamp.js";
import { type TrustPolicy, timestampAnchors } from "../pki/trust-policy.js";
import type { Verified } from "../pki/verified.js";

export type { JudgedTime } from "../pki/judged-time.js";
export type { VerifiedSigner } from "../pki/signer-trust.js";
export type { Verified } from "../pki/verified.js";

/** Tells whom to trust, and for which time. */
export interface CatalogVerifyOptions {
	readonly trust: TrustPolicy;
	/**
	 * The trust anchors for timestamping authorities. By default these are the authorities of `trust` that may vouch
	 * for any subject.
	 */
	readonly timestampAnchors?: readonly Certificate[];
	/**
	 * The timestamping authorities whose timestamps are refused. The key is the SHA-256 of the authority's
	 * SubjectPublicKeyInfo in hexadecimal, and the value is the error to report.
	 */
	readonly refusedAuthorities?: ReadonlyMap<string, SigtoolError>;
	/**
	 * The time in milliseconds since the epoch for which the signer is judged if there is no valid timestamp. The
	 * default is now.
	 */
	readonly at?: number;
	/**
	 * The value `windows-legacy` also accepts SHA-1, and RSA keys from 1024 bits, as Windows did. MD5 is refused in
	 * both profiles.
	 */
	readonly profile?: "default" | "windows-legacy";
	/** The product that the catalog must name. If undefined, any product is accepted, and also none. */
	readonly product?: string;
}

/** A catalog whose signer is trusted. Its members are evidence. */
export interface VerifiedCatalog {
	readonly catalog: Verified<Catalog>;
	readonly facts: CatalogFacts;
	readonly signer: VerifiedSigner;
	readonly judgedAt: JudgedTime;
	/** The timestamp that gave the time `judgedAt`. Undefined if the time is not from a timestamp. */
	readonly timestamp: Timestamp | undefined;
	/** Texts for the user about facts that do not affect the verdict. */
	readonly warnings: readonly string[];
}

export const NESTED_SIGNATURE = "1.3.6.1.4.1.311.2.4.1";

/**
 * Verifies the signature of a catalog, and verifies that the signer is trusted. Compares no files and does not check
 * revocation.
 * @throws ERR_DER, ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_UNSIGNED, ERR_SIGNATURE, ERR_SIGNED_ATTRIBUTES,
 * ERR_WEAK_DIGEST, ERR_UNSUPPORTED_ALGORITHM, `ERR_CERTIFICATE_*`, ERR_WEAK_KEY, ERR_UNTRUSTED_SIGNER, ERR_DENIED,
 * ERR_PRODUCT_MISMATCH
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { defaultTrust, verifyCatalog } from "@sigtool/core/read";
 *
 * const { signer, facts } = verifyCatalog(readFileSync("lib/lib.cat"), { trust: defaultTrust(), product: "lib" });
 * console.log(signer.certificate?.subject.text, facts.product); // CN=release lib
 * ```
 */
export function verifyCatalog(bytes: Uint8Array, options: CatalogVerifyOptions): VerifiedCatalog {
	const { trust, profile = "default" } = options;
	const signedData = parseSignedData(bytes, "catalog");
	const { content, contentValue, contentType, certificates, anomalies } = signedData;
	if (contentType !== CATALOG_OID.certTrustList || content === undefined || contentValue === undefined) {
		throw new SigtoolError("ERR_CATALOG_FORMAT", "Cannot read catalog: the signed content is not a catalog list");
	}
	const [signer, ...others] = signedData.signers;
	if (signer === undefined) throw new SigtoolError("ERR_UNSIGNED", "Cannot trust the catalog: it is not signed");
	if (others.length > 0) {
		throw new SigtoolError("ERR_CMS_FORMAT", "Cannot trust the catalog: it carries more than one signature");
	}
	refuseDeniedCatalog(trust.deny, bytes, contentValue);
	const { certificate } = verifySigner(signer, { contentType, contentValue, certificates, anomalies, profile });

	const anchors = options.timestampAnchors ?? timestampAnchors(trust);
	const { refusedAuthorities } = options;
	const { timestamps, failures } = verifyTimestamps(signer, {
		...{ certificates, anchors, profile, refusedAuthorities },
		deny: trust.deny,
	});
	const judgedAt = judgementTime(certificateToJudge(certificate, trust), timestamps, failures.length > 0, options.at);
	const verifiedSigner = withTimestampFailures(failures, () => {
		return judgeSigner(certificate, trust, { intermediates: certificates, at: judgedAt.at, profile });
	});

	const catalog = parseCatalog(content);
	const facts = parseFacts(catalog.attributes);
	checkProduct(facts, options.product);
	return {
		catalog: catalog as Verified<Catalog>, // Signature, chain, signer and product were checked above.
		facts,
		signer: verifiedSigner,
		judgedAt,
		timestamp: judgedAt.without === undefined ? timestamps[0] : undefined,
		warnings: [
			...signedData.anomalies,
			...failures.map((failure) => `a timestamp was not used: ${failure.message}`),
			...nestedSignatureWarnings(signer),
			...expiryWarnings(verifiedSigner, judgedAt),
		],
	};
}

function checkProduct(facts: CatalogFacts, expected: string | undefined): void {
	if (expected === undefined || facts.product === expected) return;
	const found = facts.product === undefined ? "names no product" : `is of product ${quote(facts.product)}`;
	throw new SigtoolError("ERR_PRODUCT_MISMATCH", `Cannot trust the catalog: it ${found}, expected ${quote(expected)}`);
}

/**
 * Warns if a certificate of the chain expires soon. A signature with a valid timestamp stays valid after that, and a
 * time that the user gave does not pass, so only a judgement for now needs the warning.
 */
function expiryWarnings({ expiries }: VerifiedSigner, { at, source }: JudgedTime): string[] {
	if (source !== "now") return [];
	const notice = expiryNotice(expiries, at);
	return notice === undefined ? [] : [`${notice}; without a timestamp, what it signed fails from then on`];
}

function nestedSignatureWarnings(signer: SignerInfo): string[] {
	const nested = signer.unsignedAttributes.filter((attribute) => attribute.oid === NESTED_SIGNATURE);
	const count = nested.reduce((sum, attribute) => sum + attribute.values.length, 0);
	return count === 0 ? [] : [`${count} nested signature${count === 1 ? "" : "s"} not judged`];
}
