/**
 * Expands patterns among operands, such as `'dist/*.cat'`, once, before the command gets them. Shells of Unix expand what
 * is not quoted; shells of Windows and the files of CI systems expand nothing.
 */

import { quote, SigtoolError } from "@sigtool/core/internal/errors";
import type { Argument } from "commander";
import { isPattern } from "../configuration/is-pattern.js";
import { usageError } from "./usage.js";

/**
 * The operands that are files and nothing else, by their names in declarations. Others are names, codes, events, whom to
 * trust, and the words of a program that is started.
 */
const FILES: ReadonlySet<string> = new Set([
	"after",
	"before",
	"catalog",
	"dir",
	"file",
	"index",
	"log",
	"path",
	"policy",
]);

/**
 * Returns the operands of a command, with files in place of patterns. `operands` has a value for each declared one, which
 * is a list if it can be repeated, and maybe others behind.
 * @throws ERR_USAGE if a pattern matches several files, and the command takes one; the errors of `expandPaths`
 */
export async function expandOperands(declared: readonly Argument[], operands: readonly unknown[]): Promise<unknown[]> {
	const expanded = [...operands];
	for (const [index, argument] of declared.entries()) {
		const value = operands[index];
		if (!FILES.has(argument.name())) continue;
		// The type assertion is safe: commander makes lists of strings.
		if (Array.isArray(value)) expanded[index] = await expandPaths(value as string[]);
		if (typeof value !== "string") continue;
		const [path, ...others] = await expandPaths([value]);
		if (others.length > 0) {
			throw usageError(`Name one ${argument.name()}: the pattern ${quote(value)} matches ${others.length + 1}`);
		}
		expanded[index] = path;
	}
	return expanded;
}

/**
 * Returns the paths, with files and directories in place of patterns. If there is a pattern, each path is named once.
 * @throws ERR_ROOT_MISSING for a pattern that matches nothing; the errors of `expandPattern`
 */
export async function expandPaths(paths: readonly string[]): Promise<readonly string[]> {
	if (!paths.some(isTypedPattern)) return paths;
	const { expandPattern } = await import("../configuration/expand-pattern.js");
	const found = new Map<string, string>();
	for (const path of paths) {
		const pattern = process.platform === "win32" ? path.replaceAll("\\", "/") : path;
		const matches = isTypedPattern(path) ? expandPattern(pattern, ".") : [path];
		if (matches.length === 0) {
			throw new SigtoolError("ERR_ROOT_MISSING", `Cannot find ${quote(path)}: no file matches this pattern`, { path });
		}
		for (const match of matches) if (!found.has(keyOf(match))) found.set(keyOf(match), match);
	}
	return [...found.values()];
}

/** Only operands with such a character are looked up, because each look-up takes time. */
function isTypedPattern(path: string): boolean {
	return isPattern(path, /[*?]|\[.*\]|\{.*\}|[@!+]\(.*\)/s);
}

/** Returns the same text for `lib`, `./lib` and `lib/`. Standard input (`-`) is not the file `./-`. */
function keyOf(path: string): string {
	return path === "-" ? path : `./${path.replace(/^(?:\.\/+)+|\/+$/g, "")}`;
}
