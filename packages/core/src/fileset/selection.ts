/**
 * Which files of a tree a signature is about: ignore patterns, include globs, and the paths named on the command line.
 *
 * The same rules serve signing (what is left out) and verifying (whose appearance is not reported). They never reach a
 * signed member: a path in `members` is always looked at.
 */

import { quote, SigtoolError } from "../errors.js";

export interface SelectionRules {
	/** Patterns in .gitignore's syntax, case-sensitive. */
	readonly ignore: readonly string[];
	/** Globs (fast-glob's syntax); when there are any, only what they match is selected. A directory selects its content. */
	readonly include: readonly string[];
	/** `root`: everything; `listed`: nothing but members; else entry paths of files and directories. */
	readonly scope: "root" | "listed" | readonly string[];
}

export interface Selection {
	/** Whether the walk leaves this entry out; a directory that is left out is not entered. Absent: nothing is. */
	readonly excludes: ((path: string, kind: "file" | "directory") => boolean) | undefined;
	/** Entries that ignore patterns or include globs have left out so far; a directory counts once. */
	readonly ignoredCount: number;
}

/** Name of the file at a tree's root whose lines are ignore patterns. */
export const IGNORE_FILE = ".sigtoolignore";

/** `members` are asked for only when there are rules. @throws ERR_USAGE for a pattern that cannot be understood */
export async function createSelection(
	root: string,
	rules: SelectionRules,
	members: () => Iterable<string> = () => [],
): Promise<Selection> {
	if (rules.ignore.length === 0 && rules.include.length === 0 && rules.scope === "root") {
		return { excludes: undefined, ignoredCount: 0 };
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
		get ignoredCount() {
			return ignoredCount;
		},
	};
}

/** Lines of an ignore file that are patterns: blank lines and comments are dropped, the rest is kept as it stands. */
export function ignorePatterns(text: string): string[] {
	return text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

type Matcher = (path: string, kind: "file" | "directory") => boolean;

async function ignoreMatcher(patterns: readonly string[]): Promise<Matcher> {
	if (patterns.length === 0) return () => false;
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

/** fast-glob decides what matches; its walk never follows links and its result only narrows ours. */
async function includeMatcher(root: string, globs: readonly string[]): Promise<Matcher> {
	if (globs.length === 0) return () => true;
	for (const glob of globs) checkGlob(glob);
	const { default: fastGlob } = await import("fast-glob");
	// What cannot be listed matches nothing here; the walk names it.
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

/** Braces multiply: a few dozen octets can stand for millions of globs. */
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

/** The paths and every directory above them. */
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
