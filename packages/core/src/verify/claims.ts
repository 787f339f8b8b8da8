/**
 * Decides whether a catalog claims a directory below its own: whether it says something about what lies there. A catalog
 * that does not, such as one that was written with -o beside the tree of another product, cannot make the verification
 * of that directory fail. Nothing of what these functions read is verified.
 */

import { dirname } from "node:path";
import { SigtoolError } from "../errors.js";
import { createSelection } from "../fileset/select/selection.js";
import { listDirectory } from "../system/look-up.js";
import { type UnverifiedClaims, unverifiedClaims } from "./catalog-file.js";

/**
 * Returns true if the catalog signs an entry at or below the directory, such as its catalog, or names it or a directory
 * above it as one of the paths that it signs. Also returns true if it signs the whole tree in which the directory lies,
 * because whatever it does not list was then added. It signs the tree of its own directory if it has the conventional
 * name (`isNamed`), or if every name that it signs at the top of its tree is there. A file that cannot be read as a
 * catalog claims everything, so that its verification fails: otherwise damage would make it disappear.
 * @param subdirectory the path of the directory, "/"-separated and relative to that of the catalog
 */
export function claims(file: string, subdirectory: string, isNamed: boolean): boolean {
	try {
		const claimed = unverifiedClaims(file);
		if (signsBelow(claimed, subdirectory)) return true;
		const { scope, include, ignore } = claimed.facts;
		if (scope !== "root" || include.length > 0 || leavesOut(ignore, subdirectory)) return false;
		return isNamed || liesAtTop(claimed, dirname(file));
	} catch (error) {
		if (error instanceof SigtoolError) return true;
		throw error;
	}
}

function signsBelow({ facts: { scope }, paths }: UnverifiedClaims, directory: string): boolean {
	const named = typeof scope === "string" ? [] : scope;
	if (named.some((path) => isAtOrBelow(directory, path))) return true;
	for (const path of paths) if (isAtOrBelow(path, directory)) return true;
	return false;
}

function isAtOrBelow(path: string, directory: string): boolean {
	return path === directory || path.startsWith(`${directory}/`);
}

/** Returns true if the ignore patterns leave out the directory, or one above it. */
function leavesOut(ignore: readonly string[], directory: string): boolean {
	const { excludes } = createSelection({ ignore, include: [], scope: "root" });
	if (excludes === undefined) return false;
	const steps = directory.split("/");
	return steps.some((_, index) => excludes(steps.slice(0, index + 1).join("/"), "directory"));
}

/** Returns true if the directory has each of the names with which the signed paths begin. */
function liesAtTop({ paths }: UnverifiedClaims, directory: string): boolean {
	const names = new Set(listDirectory(directory));
	for (const path of paths) if (!names.has(path.split("/", 1)[0] ?? "")) return false;
	return true;
}
