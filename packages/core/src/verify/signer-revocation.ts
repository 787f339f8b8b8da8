/** Checks the signer of a verified trust index for revocation. */

import type { Profile } from "../pki/signature-algorithm.js";
import type { VerifiedSigner } from "../pki/signer-trust.js";
import type { RevocationReport } from "./chain-revocation.js";
import type { RevocationOptions } from "./revocation-sources.js";

export interface SignerRevocationOptions {
	readonly revocation: RevocationOptions;
	/** The time for which the signer is judged, in milliseconds since the epoch. Default: now. */
	readonly at?: number;
	readonly profile?: Profile;
}

/**
 * Returns the revocation status of every certificate of a signer that an authority issued, and warnings for the user.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`
 */
export async function checkSignerRevocation(
	signer: VerifiedSigner,
	{ revocation, at, profile = "default" }: SignerRevocationOptions,
): Promise<RevocationReport> {
	// The modules are loaded only here, because most verifications need no network.
	const { revocationSources } = await import("./revocation-sources.js");
	const { judgementAt, signerStatuses } = await import("./chain-revocation.js");
	return signerStatuses(signer, judgementAt(at), revocationSources(revocation, profile));
}
