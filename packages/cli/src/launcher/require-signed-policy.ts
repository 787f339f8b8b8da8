import { existsSync } from "node:fs";
import { examineHost, type HostPlace } from "@sigtool/verifier/internal";
import { hostDocument, type IndexForSettings, NO_INDEX } from "./derived-settings.js";

/**
 * Verifies the index if the host demands a signed policy, because the policy tells the launcher which directories to
 * make writable, and which ports and variables to allow. Returns what was verified. The caller must derive the settings
 * from the result and not read the index again, because whoever may write the index could exchange it meanwhile. Returns
 * undefined if the host does not demand a signed policy: then it is enough that the hook verifies the index at every start.
 * @throws ERR_POLICY_SIGNER, ERR_HOST_CONFIG, and the errors of `verifyTrustIndex`
 */
export function requireSignedPolicy(place: HostPlace): IndexForSettings | undefined {
	if (hostDocument(place.config)?.policySigners === undefined) return undefined;
	return existsSync(place.index) ? examineHost(place).index : NO_INDEX;
}
