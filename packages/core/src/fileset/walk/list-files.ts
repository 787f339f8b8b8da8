/** Lists the regular files of a tree without reading them. */

import { asBase, type WalkOptions, walkTree } from "./walk.js";

/**
 * Returns the entry paths of the regular files below `root`, a real path, in byte order. Entries that cannot be listed
 * or signed are left out.
 */
export function listFiles(root: string, exclude: WalkOptions["exclude"]): string[] {
	const names: string[] = [];
	const options = {
		exclude,
		links: "record",
		linksOutside: "record",
		caseCollisions: "allow",
		skip: new Set<string>(),
	} as const;
	for (const step of walkTree(asBase(root), options)) {
		if (step.kind === "files") for (const name of step.names) names.push(step.prefix + name);
	}
	return names;
}
