/** The comments in generated files, which say from which table they are. */

export const ORIGIN = "Generated from packages/core/src/trust/schema.ts by `pnpm generate`.";
export const VERDICTS_ORIGIN = "Generated from packages/verifier/src/audit/verdicts.ts by `pnpm generate`.";
export const CONFIGURATION_ORIGIN = "Generated from packages/cli/src/configuration/members.ts by `pnpm generate`.";
