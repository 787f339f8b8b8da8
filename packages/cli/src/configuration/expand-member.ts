/** Expands the patterns in a list of a configuration, such as `sign`. */

import { dirname, resolve } from "node:path";
import { quote } from "@sigtool/core/internal/errors";
import type { ProjectConfiguration } from "./configuration.js";
import { isPattern } from "./is-pattern.js";
import { unfit } from "./read-document.js";

/**
 * Returns the paths of a member, each once, with their members' names, such as `sign[0]`. The paths are relative to the
 * directory of the configuration. The wildcards are `*`, `**` and `?`; other characters are parts of names.
 * @throws ERR_CONFIG for a pattern that matches nothing or has too many wildcards; the errors of `expandPattern`
 */
export async function expandMember(
	{ file, places }: ProjectConfiguration,
	member: "sign" | "verify.catalogs",
	paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
	const directory = dirname(file);
	const found = new Map<string, string>();
	for (const [index, path] of paths.entries()) {
		const name = `${member}[${index}]`;
		const add = (each: string) => found.set(each, found.get(each) ?? name);
		if (!isPattern(resolve(directory, path), /[*?]/)) {
			add(path);
			continue;
		}
		const refuse = (reason: string) => unfit(file, places.get(name), `${quote(name)} ${reason}`);
		const pattern = process.platform === "win32" ? path.replaceAll("\\", "/") : path;
		if (!isBounded(pattern)) {
			throw refuse('has too many "*": a pattern may have one "**", and one name with two "*"');
		}
		const { expandPattern } = await import("./expand-pattern.js");
		const matches = expandPattern(pattern.replace(/[\\[\](){}!+@|]/g, "\\$&"), directory);
		if (matches.length === 0) throw refuse(`matches nothing: ${quote(path)}`);
		for (const match of matches) add(match);
	}
	return found;
}

/**
 * Returns true if a match takes a short time. An attacker may have written a configuration that was found. On a hostile
 * name, fast-glob's matcher needs 7 ms for two `*` in one name, but 39 s for `*a*` three times.
 */
function isBounded(pattern: string): boolean {
	const names = pattern.split("/");
	const counts = names.filter((name) => name !== "**").map((name) => name.split("*").length - 1);
	return (
		names.filter((name) => name === "**").length <= 1 &&
		counts.every((count) => count <= 2) &&
		counts.filter((count) => count === 2).length <= 1
	);
}
