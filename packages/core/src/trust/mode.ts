/**
 * The modes of a policy, from weak to strict. `off` checks nothing. `audit` records every decision as an event and
 * refuses nothing. `enforce` refuses what the policy refuses. `strict` also refuses actions that `enforce` only
 * records.
 */
export const MODES = ["off", "audit", "enforce", "strict"] as const;
/** The strictness of a runtime. docs/reference/verifier.md says what each mode refuses. */
export type Mode = (typeof MODES)[number];
