/** The facts about a release of Node.js that `capabilities()` prints. The published types use them, so they name no package. */

/**
 * `enforce-limited` (Node.js before 22.15) verifies files too, but by older functions of Node.js that leave more ways
 * open.
 */
export type Tier = "enforce" | "enforce-limited";

export interface ReleaseFacts {
	readonly tier: Tier;
	/** The details of those capabilities that differ between releases. */
	readonly details: Readonly<Record<"modules" | "require-esm" | "typescript" | "builtins", string>>;
}
