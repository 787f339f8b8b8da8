import { existsSync } from "node:fs";
import { examineHost, type HostPlace } from "@sigtool/verifier/internal";
import { hostDocument } from "./launcher-place.js";

/**
 * Verifies the index if the host demands a signed policy, because the launcher gets directories to write, ports and
 * variables from the policy. Without that demand the hook verifies the index at every start, which is enough.
 * @throws ERR_POLICY_SIGNER, ERR_HOST_CONFIG, and the errors of `verifyTrustIndex`
 */
export function requireSignedPolicy(place: HostPlace): void {
	if (existsSync(place.index) && hostDocument(place.config)?.policySigners !== undefined) examineHost(place);
}
