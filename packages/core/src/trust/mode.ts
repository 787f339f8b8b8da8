/** The modes of a policy, from letting everything run to refusing what enforcement would only record. */
export const MODES = ["off", "audit", "enforce", "strict"] as const;
export type Mode = (typeof MODES)[number];
