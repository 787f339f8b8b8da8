/**
 * Finds the catalogs that apply to a directory: `<dir>/<name of dir>.cat`, or else the only catalog of sigtool's in the
 * directory. The second rule serves directories that were renamed, such as unpacked archives, clones, and packages in
 * node_modules.
 */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/absolute-path.js";
import { catalogNamesIn, catalogsFrom, kindOf, type LocatedCatalog, realPath } from "../fileset/locate-catalogs.js";
import { isOwnCatalog } from "./catalog-file.js";

export interface FoundCatalogs {
	/**
	 * The catalogs of the directory and of the directories above it, from the inside out. If a catalog was found by the
	 * second rule, it is the only element.
	 */
	readonly catalogs: readonly LocatedCatalog[];
	/**
	 * The paths of several catalogs of sigtool's in one directory. None of these catalogs applies, because the choice
	 * would be ambiguous.
	 */
	readonly rivals: readonly string[];
}

/**
 * Searches first for catalogs with the conventional name, in the directory and above it. If there are none, uses the
 * nearest directory with a catalog of sigtool's.
 */
export function findCatalogs(directory: string): FoundCatalogs {
	const conventional = catalogsFrom(directory);
	if (conventional.length > 0) return { catalogs: conventional, rivals: [] };
	for (let current = absolutePath(directory); ; current = dirname(current)) {
		const own = ownCatalogsIn(current);
		if (own.length > 1) return { catalogs: [], rivals: own };
		if (own.length === 1) return { catalogs: [{ file: own[0], directory: current }], rivals: [] };
		if (current === dirname(current)) return { catalogs: [], rivals: [] };
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

function unlessUnreadable<T>(otherwise: T, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (error instanceof SigtoolError) return otherwise;
		throw error;
	}
}
