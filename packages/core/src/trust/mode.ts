/**
 * The modes of a policy, from weak to strict: `off` checks nothing. `strict` also refuses actions that `enforce` only
 * records.
 */
export const MODES = ["off", "audit", "enforce", "strict"] as const;
export type Mode = (typeof MODES)[number];
