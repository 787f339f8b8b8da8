/**
 * Defines the facts about a release of Node.js that `capabilities()` returns. This file imports no package, because the
 * published types use it.
 */

/**
 * On Node.js before 22.15 the tier is `enforce-limited`. Files are verified there too, but by older functions of
 * Node.js, which leave a program more ways around the hook.
 */
export type Tier = "enforce" | "enforce-limited";

export interface ReleaseFacts {
	readonly tier: Tier;
	/** The details of the capabilities that differ between releases. */
	readonly details: Readonly<Record<"modules" | "require-esm" | "typescript" | "builtins", string>>;
}
