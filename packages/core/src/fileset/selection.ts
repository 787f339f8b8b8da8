/**
 * Selects the files of a tree that a signature covers, by ignore patterns, include globs and paths of the command
 * line.
 *
 * Files that are not selected are left out of a new signature, and are not reported as added by a verification. The
 * rules never apply to a signed member: a path in `members` is always compared.
 */

import { quote, SigtoolError } from "../errors.js";
import { compileGlob, globProblem, ignorePatternProblem } from "./glob.js";
import { compileIgnorePatterns } from "./ignore-patterns.js";

export interface SelectionRules {
	/** Case-sensitive patterns in the syntax of .gitignore. */
	readonly ignore: readonly string[];
	/**
	 * Globs in the syntax of `glob.ts`. If there are any globs, only paths that match one are selected. A directory
	 * that matches includes its content.
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
	 */
	readonly excludes: ((path: string, kind: "file" | "directory") => boolean) | undefined;
	/**
	 * Returns true for a file that is no member and that is outside of the scope or matches no include glob. Ignore
	 * patterns do not matter.
	 */
	readonly isOutside: (path: string) => boolean;
	/** The number of entries that patterns and globs have left out so far. A directory counts once. */
	readonly ignoredCount: number;
}

/** The name of the file at a tree's root whose lines are ignore patterns. */
export const IGNORE_FILE = ".sigtoolignore";

/** Calls `members` only if there are rules. @throws ERR_USAGE for a pattern that cannot be understood */
export function createSelection(rules: SelectionRules, members: () => Iterable<string> = () => []): Selection {
	if (rules.ignore.length === 0 && rules.include.length === 0 && rules.scope === "root") {
		return { excludes: undefined, isOutside: () => false, ignoredCount: 0 };
	}
	const problem = patternProblem(rules);
	if (problem !== undefined) throw new SigtoolError("ERR_USAGE", `Cannot use ${problem}`);
	const protectedPaths = withAncestors(members());
	const isIgnored = compileIgnorePatterns(rules.ignore);
	const isIncluded = includeMatcher(rules.include);
	const inScope = scopeMatcher(rules.scope);
	let ignoredCount = 0;
	return {
		excludes(path, kind) {
			if (protectedPaths.has(path)) return false;
			if (!inScope(path, kind)) return true;
			if (!isIgnored(path, kind) && isIncluded(path, kind)) return false;
			ignoredCount++;
			return true;
		},
		isOutside: (path) => !protectedPaths.has(path) && !(inScope(path, "file") && isIncluded(path, "file")),
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
function includeMatcher(globs: readonly string[]): Matcher {
	if (globs.length === 0) return () => true;
	const compiled = globs.map(compileGlob);
	const directories = new Map<string, boolean>([["", false]]);

	function isIncluded(path: string): boolean {
		const parent = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
		return isDirectoryIncluded(parent) || compiled.some((glob) => glob.matches(path));
	}

	/** Remembers directories, because every entry asks about those above it. */
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
		return isDirectoryIncluded(path) || compiled.some((glob) => glob.leadsInto(path));
	};
}

/**
 * A catalog or a command line is refused if it has more include globs, or if their total length in UTF-16 units is
 * larger.
 */
const MAX_GLOBS = 1024;
const MAX_GLOBS_UNITS = 2 ** 16;

/**
 * Returns the reason why patterns are refused, both when signing and when verifying, or undefined if they can be used.
 */
export function patternProblem({ ignore, include }: Pick<SelectionRules, "ignore" | "include">): string | undefined {
	const units = include.reduce((sum, glob) => sum + glob.length, 0);
	if (include.length > MAX_GLOBS || units > MAX_GLOBS_UNITS) {
		return `there are more than ${MAX_GLOBS} include globs, or more than ${MAX_GLOBS_UNITS} characters of them`;
	}
	for (const glob of include) {
		const problem = globProblem(glob);
		if (problem !== undefined) return `include glob ${quote(glob)}: ${problem}`;
	}
	for (const pattern of ignore) {
		const problem = ignorePatternProblem(pattern);
		if (problem !== undefined) return `ignore pattern ${quote(pattern)}: ${problem}`;
	}
	return undefined;
}

function scopeMatcher(scope: SelectionRules["scope"]): Matcher {
	if (scope === "root") return () => true;
	if (scope === "listed") return () => false;
	const paths = new Set(scope);
	const ancestors = withAncestors(paths);
	return (path, kind) => (kind === "directory" && ancestors.has(path)) || isAtOrBelow(path, paths);
}

/** Returns the paths and every directory above them. */
function withAncestors(paths: Iterable<string>): Set<string> {
	const all = new Set<string>();
	for (let path of paths) {
		for (;;) {
			if (all.has(path)) break;
			all.add(path);
			const slash = path.lastIndexOf("/");
			if (slash === -1) break;
			path = path.slice(0, slash);
		}
	}
	return all;
}

function isAtOrBelow(path: string, paths: ReadonlySet<string>): boolean {
	for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
		if (paths.has(path.slice(0, slash))) return true;
	}
	return paths.has(path);
}
