/**
 * Finds the catalogs that apply to a directory `<dir>`. By the first rule this is `<dir>/<name of dir>.cat`, the
 * conventional name. By the second rule it is the only catalog in the directory that sigtool wrote. The second rule is
 * for directories that were renamed, such as unpacked archives, clones, and packages in node_modules.
 */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/paths/absolute-path.js";
import {
	catalogNamesIn,
	catalogsFrom,
	kindOf,
	type LocatedCatalog,
	realPath,
} from "../fileset/paths/locate-catalogs.js";
import { exists } from "../system/look-up.js";
import { isOwnCatalog, unverifiedPaths } from "./catalog-file.js";

export interface FoundCatalogs {
	/** The catalogs of the directory and of the directories above it, from the inside out. They are not verified. */
	readonly catalogs: readonly LocatedCatalog[];
	/**
	 * The paths of several catalogs in one directory, all written by sigtool and none with the conventional name. No
	 * rule decides between them, so the search ends in this directory, and `catalogs` has only the catalogs from the
	 * directories below it. Otherwise the list is empty.
	 */
	readonly rivals: readonly string[];
}

/**
 * First searches for catalogs with the conventional name, in the directory and in all directories above it. If there
 * are none, uses the nearest directory to which the second rule applies. Above the nearest catalog both rules apply,
 * because an outer tree may have been renamed too: with the first rule alone, an attacker who puts a catalog into a
 * renamed tree would hide the catalog of that tree.
 */
export function findCatalogs(directory: string): FoundCatalogs {
	const conventional = new Map(catalogsFrom(directory).map((catalog) => [catalog.directory, catalog]));
	const catalogs: LocatedCatalog[] = [];
	for (let current = absolutePath(directory); ; current = dirname(current)) {
		const usual = conventional.get(current);
		if (usual !== undefined) catalogs.push(usual);
		else if (catalogs.length > 0 || conventional.size === 0) {
			const own = catalogs.length > 0 ? ownCatalogsOf(current) : ownCatalogsIn(current);
			if (own.length > 1) return { catalogs, rivals: own };
			if (own.length === 1) catalogs.push({ file: own[0], directory: current });
		}
		if (current === dirname(current)) return { catalogs, rivals: [] };
	}
}

/**
 * Returns the catalogs of `findCatalogs`.
 * @throws ERR_CATALOG_AMBIGUOUS if `findCatalogs` finds rivals
 */
export function catalogsCovering(directory: string): readonly LocatedCatalog[] {
	const { catalogs, rivals } = findCatalogs(directory);
	const [first] = rivals;
	if (first === undefined) return catalogs;
	const names = rivals.map((file) => quote(basename(file))).join(" and ");
	const message =
		`Cannot choose a catalog for ${quote(directory)}: ${names} lie in ${quote(dirname(first))}, ` +
		"and none is named after it; name one with --catalog";
	throw new SigtoolError("ERR_CATALOG_AMBIGUOUS", message, { path: directory });
}

/**
 * Returns the real paths of the catalogs in a directory that say that sigtool wrote them. Leaves out files that cannot
 * be read.
 */
export function ownCatalogsIn(directory: string): string[] {
	return unlessUnreadable([], () => {
		const real = realPath(directory);
		const files = catalogNamesIn(real).map((name) => join(real, name));
		return files.filter((file) => unlessUnreadable(false, () => kindOf(file) === "file" && isOwnCatalog(file)));
	});
}

/**
 * Returns those catalogs of `ownCatalogsIn` that sign a path which exists below this directory. Any other catalog
 * probably signs a tree elsewhere and was written here with -o, so it says nothing about the trees in this directory.
 */
function ownCatalogsOf(directory: string): string[] {
	return ownCatalogsIn(directory).filter((file) => {
		// If a catalog cannot be read, it is used, so that its verification fails. Otherwise damage would make it
		// disappear.
		return unlessUnreadable(true, () => {
			for (const path of unverifiedPaths(file)) if (exists(join(directory, path))) return true;
			return false;
		});
	});
}

export function unlessUnreadable<T>(otherwise: T, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (error instanceof SigtoolError) return otherwise;
		throw error;
	}
}
