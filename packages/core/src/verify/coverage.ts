/** Determines which part of a tree the catalogs cover, and counts the files outside of this part. */

import type { Selection, SelectionRules } from "../fileset/select/selection.js";
import { asBase, walkTree } from "../fileset/walk/walk.js";

/**
 * The part of a tree that catalogs cover: the whole tree, the files of a list (`--files-from`), the files that match
 * globs (`--include`), or some paths. A catalog over a part of a tree says nothing about the other files of the tree.
 */
export interface Coverage {
	readonly covers: "tree" | "list" | "include" | "paths";
	/** The signed paths if `covers` is `paths`. Otherwise the list is empty. */
	readonly paths: readonly string[];
}

export function coverageOf({ scope, include }: SelectionRules): Coverage {
	if (scope === "listed") return { covers: "list", paths: [] };
	if (include.length > 0) return { covers: "include", paths: [] };
	return typeof scope === "string" ? { covers: "tree", paths: [] } : { covers: "paths", paths: scope };
}

/**
 * Returns the number of files and links in the tree at `root` that are outside of the selection. Opens only
 * directories. Does not count the entries in `skip`, nor those in a directory that cannot be listed or that `excludes`
 * leaves out.
 */
export function countOthers(
	root: string,
	{ isOutside }: Pick<Selection, "isOutside">,
	excludes: Selection["excludes"],
	skip: ReadonlySet<string>,
): number {
	let count = 0;
	const steps = walkTree(asBase(root), {
		...{ links: "record", linksOutside: "record", caseCollisions: "allow", skip },
		exclude(path, kind) {
			if (excludes?.(path, kind) === true) return true;
			if (kind === "file" && isOutside(path)) count++;
			return false;
		},
	});
	while (steps.next().done !== true); // Each step lists directories, and the callback counts.
	return count;
}
