/**
 * Decides whether a catalog claims a directory below its own: whether it says something about what lies there. A catalog
 * that does not, such as one that was written with -o beside the tree of another product, cannot make the verification
 * of that directory fail. Nothing of what these functions read is verified.
 */

import { dirname } from "node:path";
import { SigtoolError } from "../errors.js";
import { folded } from "../fileset/paths/entry-path.js";
import { createSelection } from "../fileset/select/selection.js";
import type { CatalogFacts } from "../formats/cat-facts.js";
import { listDirectory } from "../system/look-up.js";
import { type ScannedCatalog, scanCatalog } from "./scan-catalog.js";

/**
 * Returns true if the catalog signs an entry at or below the directory, such as its catalog, or names it or a directory
 * above it as one of the paths that it signs. Also returns true if it signs the whole tree in which the directory lies,
 * because whatever it does not list was then added. It signs the tree of its own directory if it has the conventional
 * name (`isNamed`), or if every name that it signs at the top of its tree is there. A file that cannot be read as a
 * catalog claims everything, so that its verification fails: otherwise damage would make it disappear.
 * @param subdirectory the path of the directory, "/"-separated and relative to that of the catalog. It may also be a link
 */
export function claims(file: string, subdirectory: string, isNamed: boolean): boolean {
	try {
		return scanCatalog(file, (catalog) => {
			const { facts } = catalog;
			const named = typeof facts.scope === "string" ? [] : facts.scope;
			if (named.some((path) => isAtOrBelow(subdirectory, path))) return true;
			if (entryFacts(facts).some((path) => isAtOrBelow(path, subdirectory))) return true;
			const isWhole = facts.scope === "root" && facts.include.length === 0 && !leavesOut(facts.ignore, subdirectory);
			if (isWhole && isNamed) return true;
			const names = new Set(isWhole ? listDirectory(dirname(file)).map(comparable) : []);
			const { isBelow, stranger } = membersOf(file, catalog, subdirectory, names);
			return isBelow || (isWhole && stranger === undefined);
		});
	} catch (error) {
		if (error instanceof SigtoolError) return true;
		throw error;
	}
}

/** The words of the members about a directory. */
interface SaidByMembers {
	/** True if a member lies at or below the directory. */
	readonly isBelow: boolean;
	/** A name at the top of the signed tree that the catalog's directory does not have. */
	readonly stranger: string | undefined;
}

function membersOf(
	file: string,
	{ facts, state, eachMemberPath }: ScannedCatalog,
	directory: string,
	names: ReadonlySet<string>,
): SaidByMembers {
	const key = `${file}\0${directory}`;
	const known = KNOWN.get(key);
	if (known?.state === state) {
		if (known.isBelow || (known.stranger !== undefined && !names.has(known.stranger))) return known;
	}
	let isBelow = false;
	const topOf = (path: string) => comparable(path.split("/", 1)[0] ?? "");
	let stranger = entryFacts(facts)
		.map(topOf)
		.find((name) => !names.has(name));
	eachMemberPath((path) => {
		isBelow = isAtOrBelow(path, directory);
		if (stranger === undefined && !names.has(topOf(path))) stranger = topOf(path);
		return isBelow || stranger !== undefined ? "stop" : "go on";
	});
	if (!isBelow && stranger !== undefined) {
		const start = FOLDS ? undefined : directory.split("/", 1)[0];
		eachMemberPath((path) => {
			isBelow = isAtOrBelow(path, directory);
			return isBelow ? "stop" : "go on";
		}, start);
	}
	const said = { isBelow, stranger };
	if (KNOWN.size === MAX_KNOWN) KNOWN.clear();
	KNOWN.set(key, { state, ...said });
	return said;
}

/** The last answers by catalog and directory, because a process may verify many files of a directory. */
const KNOWN = new Map<string, SaidByMembers & { readonly state: string }>();
const MAX_KNOWN = 1024;

/** Returns the paths of the entries that are no members. */
function entryFacts({ emptyFiles, symbolicLinks }: CatalogFacts): string[] {
	return [...emptyFiles.keys(), ...symbolicLinks.keys()];
}

function isAtOrBelow(path: string, directory: string): boolean {
	const [inner, outer] = [comparable(path), comparable(directory)];
	return inner.startsWith(outer) && (inner.length === outer.length || inner[outer.length] === "/");
}

/**
 * Returns a path in the form in which names are compared. Where a directory can be renamed so that its old name still
 * finds it, the names of both must be the same.
 */
function comparable(path: string): string {
	return FOLDS ? folded(path) : path;
}

const FOLDS = process.platform === "win32" || process.platform === "darwin";

/** Returns true if the ignore patterns leave out the directory, or one above it. */
function leavesOut(ignore: readonly string[], directory: string): boolean {
	const { excludes } = createSelection({ ignore, include: [], scope: "root" });
	if (excludes === undefined) return false;
	const steps = directory.split("/");
	return steps.some((_, index) => excludes(steps.slice(0, index + 1).join("/"), "directory"));
}
