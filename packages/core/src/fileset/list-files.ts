/** Lists the regular files of a tree without reading them. */

import { asBase } from "./hash-files.js";
import { type WalkOptions, walkTree } from "./walk.js";

/** Returns entry paths in byte order. `root` is a real path. Entries that cannot be listed or signed are left out. */
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
