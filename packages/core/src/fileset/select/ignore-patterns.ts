/**
 * Decides which entries are left out, by patterns in the syntax of .gitignore. As gitignore(5) describes, the last
 * pattern that matches decides, and an entry below an ignored directory cannot be selected again.
 */

import { compileSegments, type Names, namesOf } from "./glob.js";
import type { MatchSteps } from "./match-steps.js";

export type IgnoreMatcher = (path: string, kind: "file" | "directory") => boolean;

/**
 * Compiles patterns that `ignorePatternProblem` accepts. The matcher takes steps from `steps`, and throws ERR_LIMIT if
 * no steps are left.
 */
export function compileIgnorePatterns(patterns: readonly string[], steps: MatchSteps): IgnoreMatcher {
	const rules = patterns.flatMap((pattern) => ruleOf(pattern, steps) ?? []);
	if (rules.length === 0) return () => false;
	const directories = new Map<string, boolean>([["", false]]);

	function isIgnored(path: string, kind: "file" | "directory"): boolean {
		if (isDirectoryIgnored(path.slice(0, Math.max(path.lastIndexOf("/"), 0)))) return true;
		// The path is split only for patterns that need it, because `sign` matches every path with four names.
		let names: Names | undefined;
		for (let i = rules.length - 1; i >= 0; i--) {
			const { name, matches, onlyDirectories, negated } = rules[i];
			if (onlyDirectories && kind !== "directory") continue;
			if (name === undefined) {
				names ??= namesOf(path);
				if (matches(names)) return !negated;
			} else if (endsWithName(path, name, steps)) return !negated;
		}
		return false;
	}

	/**
	 * Returns true if the directory is ignored. The results are kept, because each is needed for every entry below the
	 * directory.
	 */
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

/** Returns true if the last name of the path is `name`. */
function endsWithName(path: string, name: string, steps: MatchSteps): boolean {
	steps.spend(1);
	const start = path.length - name.length;
	return path.endsWith(name) && (start === 0 || path[start - 1] === "/");
}

interface Rule {
	/**
	 * The name, if the pattern has no "/" and no wildcards. Comparing it with the last name of a path has the same
	 * result as `matches`, and is faster.
	 */
	readonly name: string | undefined;
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
	const name = /[*?[\\/]/.test(body) ? undefined : body;
	return { name, matches: compileSegments(isAnchored ? inside : `**/${inside}`, steps), onlyDirectories, negated };
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
