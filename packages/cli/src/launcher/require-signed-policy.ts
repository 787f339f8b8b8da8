import { existsSync } from "node:fs";
import { examineHost, type HostPlace } from "@sigtool/verifier/internal";
import { hostDocument, type IndexForSettings, NO_INDEX } from "./derived-settings.js";

/**
 * Verifies the index if the host demands a signed policy, because the launcher gets directories to write, ports and
 * variables from the policy. Returns what was verified, and the settings must be derived from that: whoever may write the
 * index can exchange it meanwhile. Returns undefined without that demand. Then the hook verifies the index at every
 * start, which is enough.
 * @throws ERR_POLICY_SIGNER, ERR_HOST_CONFIG, and the errors of `verifyTrustIndex`
 */
export function requireSignedPolicy(place: HostPlace): IndexForSettings | undefined {
	if (hostDocument(place.config)?.policySigners === undefined) return undefined;
	return existsSync(place.index) ? examineHost(place).index : NO_INDEX;
}
