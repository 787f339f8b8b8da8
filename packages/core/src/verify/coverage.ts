/** The part of a tree that catalogs are about, and how much lies beside it. */

import { asBase } from "../fileset/hash-files.js";
import type { Selection, SelectionRules } from "../fileset/selection.js";
import { walkTree } from "../fileset/walk.js";

/** Catalogs of a list, of globs or of paths say nothing about other files of their tree. */
export interface Coverage {
	readonly covers: "tree" | "list" | "include" | "paths";
	/** The signed paths, for `paths`; else empty. */
	readonly paths: readonly string[];
}

export function coverageOf({ scope, include }: SelectionRules): Coverage {
	if (scope === "listed") return { covers: "list", paths: [] };
	if (include.length > 0) return { covers: "include", paths: [] };
	return typeof scope === "string" ? { covers: "tree", paths: [] } : { covers: "paths", paths: scope };
}

/**
 * Returns the number of files and links that lie in the tree at `root` and outside of the selection. Nothing is opened
 * but directories. A directory that cannot be listed, or that `excludes` leaves out, counts nothing.
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
	while (steps.next().done !== true); // Each step lists directories; the callback counts.
	return count;
}
