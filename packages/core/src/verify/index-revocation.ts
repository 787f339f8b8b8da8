/**
 * Verifies a trust index, and checks for revocation the certificates of its signer and of the authority that made its
 * timestamp.
 */

import { type TrustIndexVerifyOptions, type VerifiedTrustIndex, verifyTrustIndex } from "../trust/verify-index.js";
import type { SignerStatus } from "./chain-revocation.js";
import type { RevocationOptions } from "./revocation-sources.js";

export interface IndexRevocationOptions extends TrustIndexVerifyOptions {
	readonly revocation: RevocationOptions;
}

export interface CheckedTrustIndex extends VerifiedTrustIndex {
	/**
	 * The status of each certificate that an authority issued. If the key of the signer is pinned, a PinnedStatus comes
	 * first.
	 */
	readonly statuses: readonly SignerStatus[];
}

/**
 * Returns the result of `verifyTrustIndex`, and the revocation status of each certificate that an authority issued. If
 * a certificate of the timestamping authority is revoked, the timestamp is dropped and the signer is judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `verifyTrustIndex`
 */
export async function verifyUnrevokedIndex(
	bytes: Uint8Array,
	{ revocation, ...options }: IndexRevocationOptions,
): Promise<CheckedTrustIndex> {
	const first = verifyTrustIndex(bytes, options);
	// These modules are loaded on demand, because most verifications do not check revocation.
	const { revocationSources } = await import("./revocation-sources.js");
	const { signerStatuses, warningsOf } = await import("./chain-revocation.js");
	const { withSoundTimestamp } = await import("./sound-timestamp.js");
	const sources = revocationSources(revocation, "default");
	const { judged, statuses } = await withSoundTimestamp(
		first,
		(refusedAuthorities) => verifyTrustIndex(bytes, { ...options, refusedAuthorities }),
		sources,
	);
	const { at, source } = judged.judgedAt;
	const time = source === "now" ? "assumed" : "proven";
	const report = await signerStatuses(judged.signer, { at, time, purpose: "codeSigning" }, sources);
	return {
		...judged,
		statuses: [...report.statuses, ...statuses],
		warnings: [...judged.warnings, ...report.warnings, ...statuses.flatMap(warningsOf)],
	};
}
