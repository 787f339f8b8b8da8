export type { AuditEvent, AuditHook, EventVerdict } from "./audit/audit.js";
export type { EventName, FieldValue } from "./audit/events.js";
export {
	type DeniedEntry,
	examineHost,
	type HostEnd,
	type HostExamination,
	type HostPlace,
} from "./examine-host.js";
export type { Capability } from "./gate/kernel-check.js";
export { type PolicyRule, policyRuleOf } from "./gate/policy-rules.js";
export {
	mendsOfFiles,
	type Reason,
	type Rule,
	type TrustedVerdict,
	type UntrustedVerdict,
	type Verdict,
} from "./gate/verdict.js";
export { type HostDenial, hostConfigurationDenying } from "./host/host-denials.js";
export { faultOfFile, type Trusted } from "./host/owned-file.js";
export { type HostEntry, type HostProduct, type HostProductsOptions, productsOfHost } from "./host-products.js";
export type { Tier } from "./node/load/tier.js";
export type { HookCapabilities } from "./node/start/capabilities.js";
export { addAuditHook, hookCapabilities } from "./node/start/live-hook.js";
export { type CatalogSource, createVerifier, type Verifier, type VerifierOptions, verifyHost } from "./verifier.js";
