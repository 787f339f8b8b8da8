/**
 * Decides which files of a tree a signature covers, by ignore patterns, include globs and paths of the command line.
 *
 * Files that are not selected are left out of a new signature, and are not reported as added by a verification. The
 * rules never apply to a signed member: a path in `members` is always compared.
 */

import { quote, reasonOf, SigtoolError } from "../../errors.js";
import { entryPathProblem } from "../paths/entry-path.js";
import { createPathTree, directoriesAbove } from "../paths/path-tree.js";
import { compileGlob, expandedUnits, globProblem, ignorePatternProblem, namesOf } from "./glob.js";
import { compileIgnorePatterns } from "./ignore-patterns.js";
import { createMatchSteps, type MatchSteps } from "./match-steps.js";

export interface SelectionRules {
	/** Case-sensitive patterns in the syntax of .gitignore. */
	readonly ignore: readonly string[];
	/**
	 * Globs in the syntax of `glob.ts`. If there are any globs, only paths that one of them matches are selected. If a
	 * glob matches a directory, everything below the directory is selected.
	 */
	readonly include: readonly string[];
	/**
	 * The value `root` selects everything, `listed` selects only members, and an array selects the files and
	 * directories with these paths.
	 */
	readonly scope: "root" | "listed" | readonly string[];
}

export interface Selection {
	/**
	 * Returns true for an entry that the walk leaves out. A directory that is left out is not entered. The function is
	 * undefined if all entries are selected.
	 * @throws ERR_LIMIT if matching takes too many steps
	 */
	readonly excludes: ((path: string, kind: "file" | "directory") => boolean) | undefined;
	/**
	 * Returns true for a file that is no member and that is outside of the scope or matches no include glob. Ignore
	 * patterns do not matter. @throws ERR_LIMIT
	 */
	readonly isOutside: (path: string) => boolean;
	/** The number of entries that ignore patterns and include globs have left out so far. A directory counts once. */
	readonly ignoredCount: number;
}

/**
 * The patterns that `sign` adds when it selects the files of a tree for a catalog. The patterns of the user come after
 * them and can cancel one, for example by `!.git`. The catalog records only those of these patterns that left something
 * out, so that `verify` reports a `.git` that was added after signing.
 */
export const VERSION_CONTROL = [".git", ".hg", ".svn", ".jj"] as const;

/** The name of the file at a tree's root whose lines are ignore patterns. */
export const IGNORE_FILE = ".sigtoolignore";

/**
 * Returns the selection by these rules. `members` returns the paths of the signed members, and is called only if a rule
 * can leave something out.
 * @throws ERR_USAGE for a rule that `rulesProblem` refuses
 */
export function createSelection(rules: SelectionRules, members: () => Iterable<string> = () => []): Selection {
	if (rules.ignore.length === 0 && rules.include.length === 0 && rules.scope === "root") {
		return { excludes: undefined, isOutside: () => false, ignoredCount: 0 };
	}
	const problem = rulesProblem(rules);
	if (problem !== undefined) throw new SigtoolError("ERR_USAGE", `Cannot use ${problem}`);
	const isProtected = protection(members());
	const steps = createMatchSteps();
	const isIgnored = compileIgnorePatterns(rules.ignore, steps);
	const isIncluded = includeMatcher(rules.include, steps);
	const inScope = scopeMatcher(rules.scope);
	let ignoredCount = 0;
	return {
		excludes(path, kind) {
			if (isProtected(path)) return false;
			if (!inScope(path, kind)) return true;
			steps.nextPath();
			if (!isIgnored(path, kind) && isIncluded(path, kind)) return false;
			ignoredCount++;
			return true;
		},
		isOutside(path) {
			if (isProtected(path)) return false;
			steps.nextPath();
			return !(inScope(path, "file") && isIncluded(path, "file"));
		},
		get ignoredCount() {
			return ignoredCount;
		},
	};
}

/** Returns the patterns of an ignore file: its lines, unchanged, without blank lines and comments. */
export function ignorePatterns(text: string): string[] {
	return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

type Matcher = (path: string, kind: "file" | "directory") => boolean;

/** Includes the paths that a glob matches, and everything below a directory that a glob matches. */
function includeMatcher(globs: readonly string[], steps: MatchSteps): Matcher {
	if (globs.length === 0) return () => true;
	const compiled = globs.map((glob) => compileGlob(glob, steps));
	const directories = new Map<string, boolean>([["", false]]);

	function isIncluded(path: string): boolean {
		const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
		if (isDirectoryIncluded(parent)) return true;
		const names = namesOf(path);
		return compiled.some((glob) => glob.matches(names));
	}

	/**
	 * Returns true if a glob matches the directory or one above it. The results are kept, because each is needed for
	 * every entry below the directory.
	 */
	function isDirectoryIncluded(directory: string): boolean {
		let known = directories.get(directory);
		if (known === undefined) {
			known = isIncluded(directory);
			directories.set(directory, known);
		}
		return known;
	}

	return (path, kind) => {
		if (kind === "file") return isIncluded(path);
		if (isDirectoryIncluded(path)) return true;
		const names = namesOf(path);
		return compiled.some((glob) => glob.leadsInto(names));
	};
}

/** The largest number of include globs, and of ignore patterns. */
const MAX_PATTERNS = 1024;
/** The largest total length in UTF-16 units of the ignore patterns, and of the include globs with expanded braces. */
const MAX_PATTERN_UNITS = 2 ** 16;
/** The largest number of paths in the scope of rules. */
const MAX_SCOPE_PATHS = 2 ** 16;

/** Returns the reason why rules are refused, both when signing and when verifying, or undefined if they can be used. */
export function rulesProblem({ ignore, include, scope }: SelectionRules): string | undefined {
	const listed = typeof scope === "string" ? [] : scope;
	return (
		patternsProblem("include globs", include, { describe: globProblem, unitsOf: expandedUnits }) ??
		patternsProblem("ignore patterns", ignore, { describe: ignorePatternProblem, unitsOf: ({ length }) => length }) ??
		scopeProblem(listed)
	);
}

interface PatternBounds {
	readonly describe: (pattern: string) => string | undefined;
	readonly unitsOf: (pattern: string) => number;
}

function patternsProblem(
	what: string,
	patterns: readonly string[],
	{ describe, unitsOf }: PatternBounds,
): string | undefined {
	if (patterns.length > MAX_PATTERNS) return `the ${what}: there are more than ${MAX_PATTERNS}`;
	let units = 0;
	for (const pattern of patterns) {
		const problem = describe(pattern);
		if (problem !== undefined) return `${what.replace(/s$/, "")} ${quote(pattern)}: ${problem}`;
		units += unitsOf(pattern);
		if (units > MAX_PATTERN_UNITS) {
			return `the ${what}: they stand for more than ${MAX_PATTERN_UNITS} characters of patterns`;
		}
	}
	return undefined;
}

function scopeProblem(scope: readonly string[]): string | undefined {
	if (scope.length > MAX_SCOPE_PATHS) return `the signed paths: there are more than ${MAX_SCOPE_PATHS}`;
	for (const path of scope) {
		const problem = entryPathProblem(path);
		if (problem !== undefined) return `the signed paths: ${reasonOf(problem)}`;
	}
	return undefined;
}

/** Returns a function that decides if a path is a member or a directory above a member. */
function protection(members: Iterable<string>): (path: string) => boolean {
	const paths = new Set(members);
	if (paths.size === 0) return () => false;
	const directories = directoriesAbove(paths);
	return (path) => paths.has(path) || directories.leadsTo(path);
}

function scopeMatcher(scope: SelectionRules["scope"]): Matcher {
	if (scope === "root") return () => true;
	if (scope === "listed") return () => false;
	const paths = createPathTree(scope);
	return (path, kind) => (kind === "directory" && paths.leadsTo(path)) || paths.covers(path);
}
