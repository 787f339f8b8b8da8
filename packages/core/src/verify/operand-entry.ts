/** Finds the entry of a signed tree to which a path from the command line leads. */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath, leadToOneFile, pathFromRoot } from "../fileset/paths/absolute-path.js";
import { entryPathOf, isBelow, realPath } from "../fileset/paths/locate-catalogs.js";
import { type ResolvedEntry, resolveEntry } from "../fileset/paths/resolve-entry.js";

/**
 * Returns the entry path of the file that the kernel opens for `path`, and the symbolic links of the tree that the
 * kernel follows on the way. The entry is undefined if these links lead out of the tree. If `rule` is `follow`, links
 * are not resolved: signing followed them, so the signed paths go through the links.
 * @throws ERR_USAGE if the path is not below the root; ERR_ROOT_MISSING, ERR_LINK_CYCLE, ERR_IO
 */
export function operandEntry(root: string, path: string, rule: "record" | "reject" | "follow"): ResolvedEntry {
	const realRoot = realPath(root);
	const found =
		rule === "follow"
			? { entry: unresolvedEntry(root, path), links: [] }
			: resolveEntry(realRoot, belowRoot(root, path) ?? pathFromRoot(path));
	if (found.entry === undefined && found.links.length === 0) throw notBelow(root, path);
	if (found.entry !== undefined) requireSameFile(path, join(realRoot, found.entry));
	return found;
}

/**
 * Returns the part of `path` below `root`, with links unresolved. Returns undefined if `root` is not a prefix of
 * `path`, or if `path` has a `..`: after a link, only the kernel knows to which directory `..` leads.
 */
function belowRoot(root: string, path: string): string | undefined {
	if (pathFromRoot(path).split("/").includes("..")) return undefined;
	const [prefix, absolute] = [absolutePath(root), absolutePath(path)];
	return isBelow(prefix, absolute) ? entryPathOf(prefix, absolute) : undefined;
}

/**
 * Returns the entry path of `path` with links unresolved. If `path` is not below `root` as a text, resolves the links
 * of the path's directory. Returns undefined if it is still not below `root`.
 */
function unresolvedEntry(root: string, path: string): string | undefined {
	const absolute = absolutePath(path);
	for (const directory of [absolutePath(root), realPath(root)]) {
		if (isBelow(directory, absolute)) return entryPathOf(directory, absolute);
	}
	const real = join(realPath(dirname(absolute)), basename(absolute));
	return isBelow(realPath(root), real) ? entryPathOf(realPath(root), real) : undefined;
}

/**
 * Requires that both paths lead to the same file, or both to none. They can differ only if links change at this moment,
 * or if a link of /proc leads to a file that the text of the link does not name.
 * @throws ERR_USAGE
 */
function requireSameFile(path: string, entry: string): void {
	if (leadToOneFile(path, entry)) return;
	const message = `Cannot tell which entry ${quote(path)} is: it leads to another file than ${quote(entry)}`;
	throw new SigtoolError("ERR_USAGE", message, { path });
}

function notBelow(root: string, path: string): SigtoolError {
	const message =
		`Cannot tell which entry ${quote(path)} is: it does not lie below ${quote(root)}; ` +
		"name the signed directory with --root, or use --match digest";
	return new SigtoolError("ERR_USAGE", message, { path });
}
