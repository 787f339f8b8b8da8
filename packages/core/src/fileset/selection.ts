/**
 * Selects the files of a tree that a signature covers, by ignore patterns, include globs and paths of the command line.
 *
 * When signing, the other files are left out; when verifying, they are not reported as added. The rules never apply to
 * a signed member: a path in `members` is always compared.
 */

import { quote, SigtoolError } from "../errors.js";

export interface SelectionRules {
	/** Case-sensitive patterns in the syntax of .gitignore. */
	readonly ignore: readonly string[];
	/**
	 * Globs in the syntax of fast-glob. If there are any, only matches are selected; a directory includes its content.
	 */
	readonly include: readonly string[];
	/** The value `root` selects everything, `listed` only members, an array the files and directories with its paths. */
	readonly scope: "root" | "listed" | readonly string[];
}

export interface Selection {
	/**
	 * Returns true for an entry that the walk leaves out. Such a directory is not entered. Undefined: all are selected.
	 */
	readonly excludes: ((path: string, kind: "file" | "directory") => boolean) | undefined;
	/** Returns true for a file that no path of the scope, no glob and no member covers, whatever the patterns say. */
	readonly isOutside: (path: string) => boolean;
	/** The number of entries that patterns and globs have left out so far. A directory counts once. */
	readonly ignoredCount: number;
}

/** The name of the file at a tree's root whose lines are ignore patterns. */
export const IGNORE_FILE = ".sigtoolignore";

/** Calls `members` only when there are rules. @throws ERR_USAGE for a pattern that cannot be understood */
export async function createSelection(
	root: string,
	rules: SelectionRules,
	members: () => Iterable<string> = () => [],
): Promise<Selection> {
	if (rules.ignore.length === 0 && rules.include.length === 0 && rules.scope === "root") {
		return { excludes: undefined, isOutside: () => false, ignoredCount: 0 };
	}
	const protectedPaths = withAncestors(members());
	const isIgnored = await ignoreMatcher(rules.ignore);
	const isIncluded = await includeMatcher(root, rules.include);
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

async function ignoreMatcher(patterns: readonly string[]): Promise<Matcher> {
	if (patterns.length === 0) return () => false;
	// Plain names need no parser. `sign` leaves version control folders out of every tree by such patterns.
	if (patterns.every((pattern) => PLAIN_NAME.test(pattern))) {
		const names = new RegExp(`(?:^|/)(?:${patterns.join("|").replaceAll(".", "\\.")})(?:/|$)`);
		return (path) => names.test(path);
	}
	const { default: ignore } = await import("ignore");
	const matcher = ignore({ ignorecase: false });
	try {
		matcher.add([...patterns]);
		matcher.ignores("a");
	} catch (cause) {
		throw new SigtoolError("ERR_USAGE", "Cannot use the ignore patterns: one of them cannot be understood", { cause });
	}
	return (path, kind) => matcher.ignores(kind === "directory" ? `${path}/` : path);
}

/** Matches a pattern that is the name of files and directories at any depth. */
const PLAIN_NAME = /^[\w.-]+$/;

/** Lets fast-glob decide what matches. Its walk follows no links, and its result can only reduce the selection. */
async function includeMatcher(root: string, globs: readonly string[]): Promise<Matcher> {
	if (globs.length === 0) return () => true;
	for (const glob of globs) checkGlob(glob);
	const { default: fastGlob } = await import("fast-glob");
	// A directory that cannot be listed matches nothing here; the walk reports it.
	const options = {
		cwd: root,
		dot: true,
		followSymbolicLinks: false,
		onlyFiles: false,
		unique: true,
		suppressErrors: true,
	};
	let matches: ReadonlySet<string>;
	try {
		matches = new Set(fastGlob.sync([...globs], options));
	} catch (cause) {
		throw new SigtoolError("ERR_USAGE", `Cannot use the include globs ${globs.map(quote).join(", ")}`, { cause });
	}
	const ancestors = withAncestors(matches);
	return (path, kind) => (kind === "directory" && ancestors.has(path)) || isAtOrBelow(path, matches);
}

/** Braces multiply: a glob of a few dozen bytes can expand to millions of globs. */
const MAX_BRACES = 4;

function checkGlob(glob: string): void {
	const braces = glob.split("{").length - 1;
	const reason =
		glob === ""
			? "it is empty"
			: braces > MAX_BRACES
				? `it has more than ${MAX_BRACES} braces`
				: /\{[^}]*\.\.[^}]*\}/.test(glob)
					? "ranges are not supported"
					: undefined;
	if (reason !== undefined) throw new SigtoolError("ERR_USAGE", `Cannot use include glob ${quote(glob)}: ${reason}`);
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
