/** Verifies a trust index, and checks the certificates of its signer and of its timestamp's authority for revocation. */

import { type TrustIndexVerifyOptions, type VerifiedTrustIndex, verifyTrustIndex } from "../trust/trust-index.js";
import type { SignerStatus } from "./chain-revocation.js";
import type { RevocationOptions } from "./revocation-sources.js";

export interface IndexRevocationOptions extends TrustIndexVerifyOptions {
	readonly revocation: RevocationOptions;
}

export interface CheckedTrustIndex extends VerifiedTrustIndex {
	/** The status of every certificate that an authority issued, or of the pinned key. */
	readonly statuses: readonly SignerStatus[];
}

/**
 * Returns what `verifyTrustIndex` returns, with the revocation status of every certificate that an authority issued. If a
 * certificate of a timestamp's authority is revoked, the timestamp is dropped and the signer is judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `verifyTrustIndex`
 */
export async function verifyUnrevokedIndex(
	bytes: Uint8Array,
	{ revocation, ...options }: IndexRevocationOptions,
): Promise<CheckedTrustIndex> {
	const first = verifyTrustIndex(bytes, options);
	// The modules are loaded only here, because most verifications need no network.
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
