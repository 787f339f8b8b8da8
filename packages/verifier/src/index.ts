/**
 * This entry point exports everything public. docs/reference/verifier.md introduces it. Its types refer to no type of
 * @sigtool/core, because core is bundled and users need not install it.
 * @module @sigtool/verifier
 */

export type { AuditHook } from "./audit/audit.js";
export {
	type AuditEvent,
	type AuditEventOf,
	BOOLEAN_FIELDS,
	type CommonEventFields,
	EVENTS,
	type EventDescription,
	type EventDetail,
	type EventFields,
	type EventName,
	type EventVerdict,
	type FieldName,
	NUMBER_FIELDS,
} from "./audit/events.js";
export { VERDICTS, type VerdictDescription } from "./audit/verdicts.js";
export type { Capability } from "./monitor/kernel-check.js";
export type { Reason, Rule, TrustedVerdict, UntrustedVerdict, Verdict } from "./monitor/verdict.js";
export type { Tier } from "./node/load/tier.js";
export type { HookCapabilities } from "./node/start/capabilities.js";
export { addAuditHook, hookCapabilities } from "./node/start/live-hook.js";
export { type CatalogSource, createVerifier, type Verifier, type VerifierOptions } from "./verifier.js";
