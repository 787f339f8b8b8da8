/**
 * Finds the catalogs that apply to a directory `<dir>`. By the first rule this is `<dir>/<name of dir>.cat`, the
 * conventional name. By the second rule it is the only catalog in the directory that sigtool wrote. The second rule is
 * for directories that were renamed, such as unpacked archives, clones, and packages in node_modules.
 *
 * The search goes up from the real path of the directory, so that no link leads round a catalog. The path as typed
 * decides how a directory is shown, and which links it goes through. If no catalog is found, the search goes up from
 * the path as typed, because signing may have followed links.
 */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { absolutePath, pathFromRoot } from "../fileset/paths/absolute-path.js";
import {
	catalogNamesIn,
	conventionalCatalog,
	entryPathOf,
	isBelow,
	isRegularFile,
	kindOf,
	type LocatedCatalog,
	realPath,
} from "../fileset/paths/locate-catalogs.js";
import { otherWriterOf } from "../fileset/paths/other-writers.js";
import { linksOnWay } from "../fileset/paths/resolve-entry.js";
import { exists, lstatIfThere } from "../system/look-up.js";
import { claims } from "./claims.js";
import { isOwnCatalog } from "./scan-catalog.js";

/** A chain of catalogs from the inside out. They are not verified. */
export interface CatalogChain {
	readonly catalogs: readonly LocatedCatalog[];
	/**
	 * The paths of several catalogs in one directory, all written by sigtool and none with the conventional name. No
	 * rule decides between them, so the search ends in this directory, and `catalogs` has only the catalogs from the
	 * directories below it. Otherwise the list is empty.
	 */
	readonly rivals: readonly string[];
}

/** The catalogs of the directory and of the directories above it. */
export interface FoundCatalogs extends CatalogChain {
	/**
	 * The symbolic links on the way to the directory, as far as they lie outside of its tree and catalogs claim them.
	 * Such a link is a part of another signed tree, and somebody may have made it lead elsewhere.
	 */
	readonly links: readonly ClaimedLink[];
	/** The catalogs above `<dir>` that do not count, because another user could have put them there. */
	readonly passedOver: readonly string[];
}

/** A symbolic link, by its real place, and the catalogs that claim it. */
export interface ClaimedLink extends CatalogChain {
	readonly link: string;
}

/**
 * First searches for a catalog with the conventional name, in the directory and in all directories above it. If there
 * is none, uses the nearest directory to which the second rule applies. Above this nearest catalog both rules apply,
 * because an outer tree may have been renamed too. A catalog above counts only if it claims the way down (`claims.ts`).
 *
 * `decides` is asked about a catalog above `<dir>` that another user could have written or exchanged. If it returns
 * false, this catalog is passed over. If no catalog counts, the nearest is returned nevertheless: it cannot make the
 * directory trusted, but its error says more than that there is none.
 */
export function findCatalogs(directory: string, decides: (file: string) => boolean = () => true): FoundCatalogs {
	const shown = typedDirectories(directory);
	const [start] = shown.keys();
	const passedOver = new Set<string>();
	const counts: Counts = (file, place) => {
		if (place === start || !isByOthers(file, place) || decides(file)) return true;
		passedOver.add(file);
		return false;
	};
	const way = new Map(upFrom(start).map((real) => [real, entryPathOf(real, start)]));
	const typed = new Map(Array.from(shown, ([real, name]) => [real, entryPathOf(name, shown.get(start) ?? start)]));
	const nearest =
		nearestIn(way, { claims, counts }) ??
		nearestIn(typed, { claims, counts }) ??
		nearestIn(way, ALL) ??
		nearestIn(typed, ALL);
	const chainFrom = (level: Level | undefined): CatalogChain => {
		const catalogs: LocatedCatalog[] = [];
		for (let found = level; found !== undefined; found = outerOf(found.directory, counts)) {
			if (found.files.length > 1) return { catalogs, rivals: found.files };
			const [file] = found.files;
			catalogs.push({ file, directory: shown.get(found.directory) ?? found.directory });
		}
		return { catalogs, rivals: [] };
	};
	if (nearest === undefined) return { catalogs: [], rivals: [], links: [], passedOver: [] };
	const links = linksOnWay(pathFromRoot(directory))
		.filter((link) => !isBelow(nearest.directory, link))
		.map((link) => ({ link, ...chainFrom(outerOf(link, counts)) }))
		.filter(({ catalogs, rivals }) => catalogs.length + rivals.length > 0);
	return { ...chainFrom(nearest), links, passedOver: [...passedOver] };
}

/** The files of a directory that may be its catalog. The list has more than one only if no rule decides. */
interface Level {
	readonly directory: string;
	readonly files: readonly string[];
}

type Counts = (file: string, directory: string) => boolean;

/** Decides which catalogs above the directory that is verified count. */
interface Conditions {
	readonly claims: (file: string, subdirectory: string, isNamed: boolean) => boolean;
	readonly counts: Counts;
}

const ALL: Conditions = { claims: () => true, counts: () => true };

/**
 * Returns the first directory with a conventional catalog, or else the first with one of sigtool's. `ways` maps each real
 * directory, from the inside out, to the path from it to the directory that is verified, "" for that directory itself. If
 * one of sigtool's catalogs in a directory claims this path, the others there are its rivals.
 */
function nearestIn(ways: ReadonlyMap<string, string>, { claims, counts }: Conditions): Level | undefined {
	for (const [directory, within] of ways) {
		const usual = conventionalCatalog(directory);
		if (!isRegularFile(usual) || (within !== "" && !claims(usual, within, true))) continue;
		if (counts(usual, directory)) return { directory, files: [usual] };
	}
	for (const [directory, within] of ways) {
		const own = ownCatalogsIn(directory);
		if (within !== "" && !own.some((file) => claims(file, within, false))) continue;
		const files = own.filter((file) => counts(file, directory));
		if (files.length > 0) return { directory, files };
	}
	return undefined;
}

/** Returns the next directory above `inner` that has a catalog which claims `inner`. */
function outerOf(inner: string, counts: Counts): Level | undefined {
	for (const directory of upFrom(dirname(inner), inner)) {
		const within = entryPathOf(directory, inner);
		const usual = conventionalCatalog(directory);
		if (isRegularFile(usual) && claims(usual, within, true) && counts(usual, directory)) {
			return { directory, files: [usual] };
		}
		const own = ownCatalogsIn(directory).filter((file) => file !== usual);
		const files = own.filter((file) => claims(file, within, false) && counts(file, directory));
		if (files.length > 0) return { directory, files };
	}
	return undefined;
}

/** Returns a directory and all directories above it, without those down to `below`. */
function upFrom(directory: string, below?: string): string[] {
	const way: string[] = [];
	if (directory === below) return way; // `below` is the root directory.
	for (let current = directory; ; current = dirname(current)) {
		way.push(current);
		if (current === dirname(current)) return way;
	}
}

/**
 * Maps the real path of each existing directory in the path as typed, from the inside out, to the directory as typed.
 * In the latter, links are not resolved unless a `..` follows them. If the path goes through a directory twice, because
 * a link leads back, this is the first time, so that the link is below the directory.
 */
function typedDirectories(path: string): ReadonlyMap<string, string> {
	const shown = new Map<string, string>();
	for (const typed of upFrom(absolutePath(path))) {
		// Windows lets nobody look up the root of some spellings of a path.
		if (!unlessUnreadable(false, () => exists(typed))) continue;
		shown.set(realPath(typed), typed);
	}
	return shown;
}

/** Tells whether another user than root and this one can write to a file of this directory, or exchange it. */
function isByOthers(file: string, directory: string): boolean {
	const me = process.getuid?.();
	if (me === undefined) return false; // Windows has no modes to check.
	return [file, directory].some((path) => {
		const stats = lstatIfThere(path);
		return stats !== undefined && otherWriterOf(stats, me, "accept") !== undefined;
	});
}

/**
 * Returns the catalogs of `findCatalogs`.
 * @throws ERR_CATALOG_AMBIGUOUS if `findCatalogs` finds rivals
 */
export function catalogsCovering(directory: string): readonly LocatedCatalog[] {
	const found = findCatalogs(directory);
	refuseRivals(directory, found);
	return found.catalogs;
}

/** @throws ERR_CATALOG_AMBIGUOUS */
export function refuseRivals(directory: string, { rivals }: CatalogChain): void {
	const [first] = rivals;
	if (first === undefined) return;
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
	return catalogsIn(directory).filter((file) => unlessUnreadable(false, () => isOwnCatalog(file)));
}

/** Returns the real paths of the regular files in a directory that have the name of a catalog. */
function catalogsIn(directory: string): string[] {
	return unlessUnreadable([], () => {
		const real = realPath(directory);
		const files = catalogNamesIn(real).map((name) => join(real, name));
		return files.filter((file) => unlessUnreadable(false, () => kindOf(file) === "file"));
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
