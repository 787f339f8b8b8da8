/**
 * Finds the catalogs that apply to a directory: `<dir>/<name of dir>.cat`, or else the only catalog of sigtool's in the
 * directory. The second rule serves directories that were renamed, such as unpacked archives, clones, and packages in
 * node_modules.
 */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/absolute-path.js";
import { catalogNamesIn, catalogsFrom, kindOf, type LocatedCatalog, realPath } from "../fileset/locate-catalogs.js";
import { exists } from "../system/store.js";
import { isOwnCatalog, unverifiedPaths } from "./catalog-file.js";

export interface FoundCatalogs {
	/** The catalogs of the directory and of the directories above it, from the inside out. */
	readonly catalogs: readonly LocatedCatalog[];
	/**
	 * The paths of several catalogs of sigtool's in one directory. No rule decides between them, so the search ends
	 * there, and `catalogs` has only the catalogs that were found before.
	 */
	readonly rivals: readonly string[];
}

/**
 * Searches first for catalogs with the conventional name, in the directory and above it. If there are none, the nearest
 * directory with a catalog of sigtool's counts. Directories above the nearest catalog may have been renamed too, so the
 * second rule applies to them. Otherwise a catalog planted inside a renamed tree would hide the catalog of the tree.
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
 * @throws ERR_CATALOG_AMBIGUOUS if there are several catalogs and no rule decides between them
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

/** Returns the real paths of the catalogs of sigtool's in a directory. Files that cannot be read are left out. */
export function ownCatalogsIn(directory: string): string[] {
	return unlessUnreadable([], () => {
		const real = realPath(directory);
		const files = catalogNamesIn(real).map((name) => join(real, name));
		return files.filter((file) => unlessUnreadable(false, () => kindOf(file) === "file" && isOwnCatalog(file)));
	});
}

/**
 * Returns the catalogs of `ownCatalogsIn` that sign a path of this directory. Any other catalog lies there by chance: it
 * was written beside its tree with -o, and says nothing about the trees next to it.
 */
function ownCatalogsOf(directory: string): string[] {
	return ownCatalogsIn(directory).filter((file) => {
		// A catalog that cannot be read counts, so that verification refuses it.
		return unlessUnreadable(true, () => {
			for (const path of unverifiedPaths(file)) if (exists(join(directory, path))) return true;
			return false;
		});
	});
}

function unlessUnreadable<T>(otherwise: T, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (error instanceof SigtoolError) return otherwise;
		throw error;
	}
}
