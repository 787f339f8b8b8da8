/**
 * Verifies a trust index (`.sigx`): its signature, its signer, its expiry, and the signature of its policy if the trust
 * policy demands one.
 */

import { SigtoolError } from "../errors.js";
import type { Certificate } from "../pki/certificate.js";
import { type Denial, denied, refuseDeniedDigests } from "../pki/deny-list.js";
import type { TrustPolicy } from "../pki/trust-policy.js";
import type { Verified } from "../pki/verified.js";
import type { FindRecord } from "./index-entries.js";
import { verifySignedPolicy } from "./signed-policy.js";
import { INDEX_SIGNATURE, type IndexDigests, readIndex, splitIndex, type TrustIndex } from "./trust-index.js";
import { checkDetached, judgeDetached, type VerifiedSignature } from "./verify-detached.js";

/** The options of `verifyTrustIndex`. */
export interface TrustIndexVerifyOptions {
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
	 * The time in milliseconds since the epoch for which the index is verified. The default is now. If a timestamp is
	 * valid, the signer is judged for the time of the timestamp instead, but the `notAfter` of the index is still
	 * compared with `at`.
	 */
	readonly at?: number;
	/** The value `allow` accepts an index that a development identity signed. Default `refuse`. */
	readonly development?: "refuse" | "allow";
	/** A native function that finds records faster, with the same results. */
	readonly findRecord?: FindRecord | undefined;
	/**
	 * The digests of exactly these bytes, from someone who is trusted like the pins. Then the bytes are not digested, so
	 * wrong digests let wrong bytes pass. Default: the bytes are digested.
	 */
	readonly digests?: IndexDigests | undefined;
}

/** A trust index whose signer is trusted. */
export interface VerifiedTrustIndex extends VerifiedSignature {
	readonly index: Verified<TrustIndex>;
	readonly digests: IndexDigests;
	/** The signature of the policy. Undefined if the trust policy demands none, so that nobody has looked at it. */
	readonly policySignature: VerifiedSignature | undefined;
}

/**
 * Verifies the signature of an index, and verifies that the signer is trusted. Parses the head and the entries only
 * after these checks. If a timestamp proves that the index was signed before the signer's certificate expired, the
 * signer is still trusted. The caller must not change `bytes` afterwards, because `find` and `entries` read from these
 * bytes.
 * @throws ERR_INDEX_FORMAT, ERR_INDEX_EXPIRED, ERR_DER, ERR_CMS_FORMAT, ERR_SIGNATURE, ERR_SIGNED_ATTRIBUTES,
 * `ERR_WEAK_*`, ERR_UNSUPPORTED_ALGORITHM, `ERR_CERTIFICATE_*`, ERR_UNTRUSTED_SIGNER, ERR_DENIED,
 * ERR_DEVELOPMENT_IDENTITY, ERR_LIMIT, ERR_POLICY, ERR_POLICY_SIGNER, ERR_SEQUENCE
 * @example
 * ```ts
 * import { readFileSync } from "node:fs";
 * import { defaultTrust, verifyTrustIndex } from "@sigtool/core/read";
 *
 * const { index } = verifyTrustIndex(readFileSync("app.sigx"), { trust: defaultTrust() });
 * console.log(index.find("lib", "main.js")?.kind); // file
 * ```
 */
export function verifyTrustIndex(bytes: Uint8Array, options: TrustIndexVerifyOptions): VerifiedTrustIndex {
	const { trust } = options;
	const parts = splitIndex(bytes, options.digests);
	const { digests } = parts;
	const certificate = checkDetached(parts, Buffer.from(digests.content, "hex"), INDEX_SIGNATURE);
	const verified = judgeDetached(parts, certificate, INDEX_SIGNATURE, options);
	refuseDeniedDigests(trust.deny, [digests.index, digests.content]);
	const index = readIndex(parts, options.findRecord);
	refuseDeniedSources(index, trust.deny);
	// Here `at` counts even if there is a timestamp. A timestamp proves when the index was signed, but `notAfter`
	// limits how long the index may be used.
	const { at = Date.now() } = options;
	if (index.notAfter !== undefined && at > index.notAfter) {
		const message = `Cannot use the trust index: it expired on ${new Date(index.notAfter).toISOString()}; compile it again`;
		throw new SigtoolError("ERR_INDEX_EXPIRED", message);
	}
	const { policySigners } = trust;
	const { signedPolicy, policy } = index;
	const policySignature = policySigners && verifySignedPolicy(signedPolicy, policy, policySigners, options);
	return {
		// The type assertion is safe: signature and signer were checked above.
		index: index as Verified<TrustIndex>,
		digests,
		...verified,
		policySignature,
		warnings: [
			...verified.warnings,
			...(policySignature?.warnings ?? []).map((warning) => `of the signed policy, ${warning}`),
		],
	};
}

/**
 * Refuses an index that was compiled from a denied catalog, or from a catalog that a denied key signed.
 * @throws ERR_DENIED
 */
function refuseDeniedSources({ signers, products }: TrustIndex, deny: readonly Denial[] | undefined): void {
	for (const denial of deny ?? []) {
		const sources = denial.kind === "key" ? signers : products.flatMap(({ catalogs }) => catalogs);
		if ((denial.kind === "key" || denial.kind === "catalog") && sources.includes(denial.sha256)) {
			throw denied("a catalog from which the trust index was compiled", denial);
		}
	}
}
