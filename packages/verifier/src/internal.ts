/**
 * Exports functions for the command line of this project. Each release may rename or remove them. Their arguments are
 * not checked, because the compiler has checked the calls.
 */

export {
	type DeniedEntry,
	examineHost,
	type HostEnd,
	type HostExamination,
	type HostPlace,
} from "./examine-host.js";
export { type HostDenial, hostConfigurationDenying } from "./host/host-denials.js";
export { faultOfFile, type Trusted } from "./host/owned-file.js";
export { type HostEntry, type HostProduct, type HostProductsOptions, productsOfHost } from "./host-products.js";
export { ownerOrModeObjection } from "./monitor/owner-and-mode.js";
export { type PolicyRule, policyRuleOf, rulingOfChildren } from "./monitor/policy-rules.js";
export { mendsOfFiles } from "./monitor/verdict.js";
export { verifyHost } from "./verifier.js";
