/**
 * Finds the catalogs that answer for a directory: `<dir>/<name of dir>.cat`, else the only catalog of sigtool's in it.
 * The second way serves directories that were renamed: unpacked archives, clones, and packages in node_modules.
 */

import { basename, dirname, join, resolve } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { catalogNamesIn, catalogsFrom, kindOf, type LocatedCatalog, realPath } from "../fileset/locate-catalogs.js";
import { isOwnCatalog } from "./catalog-file.js";

export interface FoundCatalogs {
	/** The catalogs of the directory and of those above it, from the inside out. A catalog of another name has none above it. */
	readonly catalogs: readonly LocatedCatalog[];
	/** The paths of several catalogs of sigtool's in one directory, none of which counts. */
	readonly rivals: readonly string[];
}

/**
 * Looks for catalogs by convention first, in the directory and above it. Only where there are none, the nearest directory
 * with a catalog of sigtool's counts.
 */
export function findCatalogs(directory: string): FoundCatalogs {
	const conventional = catalogsFrom(directory);
	if (conventional.length > 0) return { catalogs: conventional, rivals: [] };
	for (let current = resolve(directory); ; current = dirname(current)) {
		const own = ownCatalogsIn(current);
		if (own.length > 1) return { catalogs: [], rivals: own };
		if (own.length === 1) return { catalogs: [{ file: own[0], directory: current }], rivals: [] };
		if (current === dirname(current)) return { catalogs: [], rivals: [] };
	}
}

/**
 * Returns the catalogs of `findCatalogs`.
 * @throws ERR_CATALOG_AMBIGUOUS when one of several would have to be chosen
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

/** Returns the catalogs of sigtool's in a directory, with its real path. What cannot be read does not count. */
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
