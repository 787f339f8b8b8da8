/**
 * Decides which entries are left out, by patterns in the syntax of .gitignore. As gitignore(5) describes, the last
 * pattern that matches decides, and an entry below an ignored directory cannot be selected again.
 */

import { compileSegments, type Names, namesOf } from "./glob.js";
import type { MatchSteps } from "./match-steps.js";

export type IgnoreMatcher = (path: string, kind: "file" | "directory") => boolean;

/** Compiles patterns that `ignorePatternProblem` accepts. Matching spends `steps`, and throws ERR_LIMIT without any. */
export function compileIgnorePatterns(patterns: readonly string[], steps: MatchSteps): IgnoreMatcher {
	const rules = patterns.flatMap((pattern) => ruleOf(pattern, steps) ?? []);
	if (rules.length === 0) return () => false;
	const directories = new Map<string, boolean>([["", false]]);

	function isIgnored(path: string, kind: "file" | "directory"): boolean {
		if (isDirectoryIgnored(path.slice(0, Math.max(path.lastIndexOf("/"), 0)))) return true;
		const names = namesOf(path);
		for (let i = rules.length - 1; i >= 0; i--) {
			const { matches, onlyDirectories, negated } = rules[i];
			if ((kind === "directory" || !onlyDirectories) && matches(names)) return !negated;
		}
		return false;
	}

	/** Remembers directories, because every entry asks about those above it. */
	function isDirectoryIgnored(directory: string): boolean {
		let known = directories.get(directory);
		if (known === undefined) {
			known = isIgnored(directory, "directory");
			directories.set(directory, known);
		}
		return known;
	}

	return (path, kind) => (kind === "directory" ? isDirectoryIgnored(path) : isIgnored(path, kind));
}

interface Rule {
	readonly matches: (path: Names) => boolean;
	readonly onlyDirectories: boolean;
	readonly negated: boolean;
}

/**
 * Returns undefined for a pattern that matches nothing: a blank line, a comment, or a pattern that ends in a backslash
 * that escapes nothing.
 */
function ruleOf(pattern: string, steps: MatchSteps): Rule | undefined {
	if (pattern.startsWith("#")) return undefined;
	const negated = pattern.startsWith("!");
	const trimmed = withoutTrailingSpaces(negated ? pattern.slice(1) : pattern);
	const onlyDirectories = trimmed.endsWith("/");
	const body = onlyDirectories ? trimmed.slice(0, -1) : trimmed;
	if (body === "" || /(?:^|[^\\])(?:\\\\)*\\$/.test(body)) return undefined;
	const isAnchored = body.includes("/");
	const relative = body.startsWith("/") ? body.slice(1) : body;
	// A final `/**` matches the content of a directory, but not the directory itself.
	const inside = relative.endsWith("/**") ? `${relative.slice(0, -2)}*/**` : relative;
	return { matches: compileSegments(isAnchored ? inside : `**/${inside}`, steps), onlyDirectories, negated };
}

/** Removes the spaces at the end that no backslash escapes. */
function withoutTrailingSpaces(pattern: string): string {
	let end = pattern.length;
	while (end > 0 && pattern[end - 1] === " " && !isEscaped(pattern, end - 1)) end--;
	return pattern.slice(0, end);
}

function isEscaped(text: string, at: number): boolean {
	let backslashes = 0;
	while (text[at - 1 - backslashes] === "\\") backslashes++;
	return backslashes % 2 === 1;
}
