/**
 * Finds the files and directories that a pattern of the user names, by fast-glob. Its matchers take minutes for hostile
 * patterns, so only patterns that were typed come here, and patterns of a configuration within the limits of
 * expand-member.ts. Patterns in signed catalogs have a matcher of their own in core, whose time is bounded.
 */

import { isUtf8 } from "node:buffer";
import { type Dirent, readdirSync } from "node:fs";
import { errnoReason, isErrnoException, quote, SigtoolError } from "@sigtool/core/internal/errors";
import fastGlob from "fast-glob";

/**
 * Returns the paths that match, sorted by their bytes, and relative to `directory` unless the pattern is absolute. Names
 * that begin with a dot match too. A wildcard matches a link, but never leads through one. `/` separates names and `\`
 * escapes characters, on Windows too. A file called `-` is returned as `./-`, because `-` alone is standard input.
 * @throws ERR_USAGE for a pattern that fast-glob refuses; ERR_PATH_ENCODING, ERR_IO
 */
export function expandPattern(pattern: string, directory: string): string[] {
	const paths = find(pattern, directory).map((path) => (path === "-" ? "./-" : path));
	return paths.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function find(pattern: string, cwd: string): string[] {
	try {
		return fastGlob.sync(withClasses(pattern), {
			cwd,
			dot: true,
			onlyFiles: false,
			followSymbolicLinks: false,
			// The type assertion is safe: fast-glob always asks for names with kinds.
			fs: { readdirSync: listDirectory as unknown as typeof readdirSync },
		});
	} catch (cause) {
		if (cause instanceof SigtoolError) throw cause;
		// `file/*` leads through what is no directory.
		if (isErrnoException(cause) && cause.code === "ENOTDIR") return [];
		const [code, reason] = isErrnoException(cause)
			? (["ERR_IO", errnoReason(cause)] as const)
			: (["ERR_USAGE", "it stands for too many patterns, or is too long"] as const);
		throw new SigtoolError(code, `Cannot expand ${quote(pattern)}: ${reason}`, { cause });
	}
}

/**
 * Writes each `?` as a class of all characters but `/`, because fast-glob takes a directory like `v?` for a plain name.
 * Escapes a `!` at the beginning, which would turn the pattern round.
 */
function withClasses(pattern: string): string {
	const classes = pattern.replace(/\\.|\[[^\]/]*\]|[@!+*?]\(|\?/gs, (part) =>
		part === "?" ? "[\u0001-.0-\uffff]" : part,
	);
	return classes.replace(/^!(?!\()/, "\\!");
}

/**
 * Lists a directory. Node.js replaces bytes that are not UTF-8, so such a name would be lost, or another file taken for
 * it. @throws ERR_PATH_ENCODING
 */
function listDirectory(directory: string): Dirent[] {
	const entries = readdirSync(directory, { withFileTypes: true });
	const isDoubtful = entries.some(({ name }) => name.includes("\ufffd"));
	if (isDoubtful && !readdirSync(directory, { encoding: "buffer" }).every((name) => isUtf8(name))) {
		const reason = `${quote(directory)} has a name that is not UTF-8; name the files in it`;
		throw new SigtoolError("ERR_PATH_ENCODING", `Cannot expand a pattern: ${reason}`, { path: directory });
	}
	return entries;
}
