/** Decides to which entry of a signed tree a path from the command line leads. */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath, leadToOneFile, pathFromRoot } from "../fileset/absolute-path.js";
import { entryPathOf, isBelow, realPath } from "../fileset/locate-catalogs.js";
import { type ResolvedEntry, resolveEntry } from "../fileset/resolve-entry.js";

/**
 * Returns the entry of the file that the kernel opens for `path`, and the links of the tree on the way to the file. If
 * signing followed links, links stay in the entry path, because the paths of the signed entries then go through links.
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
 * Returns the part of the path behind the root, with its links. Returns undefined if the root is not a prefix of the
 * path, or if the path has a `..`, because only the kernel's rules tell to which directory a `..` leads.
 */
function belowRoot(root: string, path: string): string | undefined {
	if (pathFromRoot(path).split("/").includes("..")) return undefined;
	const [prefix, absolute] = [absolutePath(root), absolutePath(path)];
	return isBelow(prefix, absolute) ? entryPathOf(prefix, absolute) : undefined;
}

/** Returns the entry path with links. Links are resolved only if the given path is not below the root. */
function unresolvedEntry(root: string, path: string): string | undefined {
	const absolute = absolutePath(path);
	for (const directory of [absolutePath(root), realPath(root)]) {
		if (isBelow(directory, absolute)) return entryPathOf(directory, absolute);
	}
	const real = join(realPath(dirname(absolute)), basename(absolute));
	return isBelow(realPath(root), real) ? entryPathOf(realPath(root), real) : undefined;
}

/**
 * Requires that the kernel finds the same file by both paths, or no file. The files can differ only if links change
 * meanwhile, or if a link of /proc leads to a file that its text does not name.
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
