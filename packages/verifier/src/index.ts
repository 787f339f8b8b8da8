export type { AuditEvent, AuditHook, EventVerdict } from "./audit/audit.js";
export type { EventName, FieldValue } from "./audit/events.js";
export { type HostDenial, hostConfigurationDenying } from "./host-denials.js";
export type { Capability } from "./kernel-check.js";
export type { HookCapabilities, Tier } from "./node/capabilities.js";
export { addAuditHook, hookCapabilities } from "./node/live-hook.js";
export type { Reason, Rule, TrustedVerdict, UntrustedVerdict, Verdict } from "./verdict.js";
export { type CatalogSource, createVerifier, type Verifier, type VerifierOptions, verifyHost } from "./verifier.js";
