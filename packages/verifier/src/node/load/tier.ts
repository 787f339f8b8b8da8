/**
 * The facts about a release of Node.js that `capabilities()` returns. This file imports no package, because the published
 * types use it.
 */

/**
 * `enforce-limited` (Node.js before 22.15) verifies files too, but hooks older functions of Node.js. More ways around
 * these functions stay open.
 */
export type Tier = "enforce" | "enforce-limited";

export interface ReleaseFacts {
	readonly tier: Tier;
	/** The details of the capabilities that differ between releases. */
	readonly details: Readonly<Record<"modules" | "require-esm" | "typescript" | "builtins", string>>;
}
