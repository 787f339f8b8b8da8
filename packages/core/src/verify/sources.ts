/**
 * Finds and verifies the catalogs that apply to a path.
 *
 * These are the catalogs that the caller gives, or else those that `find-catalogs.ts` finds. For a file, the search
 * starts in its parent directory. A found catalog that is inside a signed tree is used only if the catalog of that tree
 * signs it.
 */

import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import {
	catalogFilesAt,
	catalogNamesIn,
	conventionalCatalog,
	entryPathOf,
	isBelow,
	isRegularFile,
	type LocatedCatalog,
	realPath,
} from "../fileset/paths/locate-catalogs.js";
import { readTarget } from "../fileset/paths/resolve-entry.js";
import { slashes } from "../fileset/walk/links.js";
import { findCatalogs, refuseRivals } from "./find-catalogs.js";
import { type MergeOptions, signedEntries } from "./merge.js";
import { type KeptCatalogs, loadCatalogOnce, type UsedCatalog } from "./used-catalog.js";
import type { CatalogVerifyOptions } from "./verify-catalog.js";
import { requireSigners } from "./verify-signers.js";

/** Names the catalogs, and whom to trust. */
export interface SourceOptions extends CatalogVerifyOptions, MergeOptions {
	/**
	 * The catalog files to use. A directory stands for all `*.cat` files in it. If undefined, catalogs are searched
	 * for.
	 */
	readonly catalogs?: readonly string[];
	/**
	 * The directory to which signed paths are relative. The default is the directory that is verified if `catalogs` is
	 * given, or else the directory of the found catalog.
	 */
	readonly root?: string;
}

export interface KeepingCatalogs {
	/**
	 * Catalogs to use again, and where those that are verified are put. The verifications of many paths by one run of a
	 * program share it, so that a catalog is read once. The default is to read each again.
	 */
	readonly keptCatalogs?: KeptCatalogs | undefined;
}

/** The catalogs that apply to a path, and the root of their tree. */
export interface Sources {
	/** The catalogs of the tree, at least one. */
	readonly catalogs: readonly UsedCatalog[];
	/**
	 * The catalogs of the directories above if the catalog was found and not given, and those that sign links on the way
	 * to it. They are verified, and each of them signs the next inner catalog or a link. If revocation is checked, their
	 * signers must not be revoked either.
	 */
	readonly outer: readonly UsedCatalog[];
	/** The directory to which signed paths are relative. This may be a path through links. */
	readonly root: string;
}

/**
 * Verifies the catalogs of a directory and determines the root of their tree. The root is `options.root` if given.
 * Otherwise it is `directory` if catalogs were given, or the directory of the catalog that was found. Every catalog
 * must verify, even if a directory of catalogs was given. Otherwise an attacker could damage one of the catalogs, and
 * so decide which files are checked.
 * @throws ERR_CATALOG_NOT_FOUND, ERR_CATALOG_AMBIGUOUS, ERR_NESTED_CATALOG, ERR_TOO_FEW_SIGNERS, and the errors of
 * `loadCatalog`
 */
export function loadCatalogs(directory: string, options: SourceOptions & KeepingCatalogs): Sources {
	const { catalogs, outer, root } = loadFrom(directory, options);
	requireSigners(catalogs, options.requiredSigners ?? 1);
	return { catalogs, outer, root: options.root ?? root };
}

function loadFrom(directory: string, options: SourceOptions & KeepingCatalogs): Sources {
	if (options.catalogs === undefined) {
		const { catalog, outer, directory: root } = loadConventionalCatalog(directory, options);
		return { catalogs: [catalog], outer, root };
	}
	const files = options.catalogs.flatMap(catalogFilesAt);
	const { keptCatalogs = new Map() } = options;
	const catalogs = files.map((file) => loadCatalogOnce(file, options, keptCatalogs));
	return { catalogs, outer: [], root: directory };
}

/**
 * Finds and verifies the catalog nearest to `directory`, and the catalogs above it. Each outer catalog must sign the
 * next inner one.
 * @throws ERR_CATALOG_NOT_FOUND, ERR_CATALOG_AMBIGUOUS, ERR_NESTED_CATALOG, and the errors of `loadCatalog`
 */
function loadConventionalCatalog(
	directory: string,
	options: SourceOptions & KeepingCatalogs,
): { catalog: UsedCatalog; outer: UsedCatalog[]; directory: string } {
	const { keptCatalogs = new Map() } = options;
	const load = (file: string) => loadCatalogOnce(file, withoutProduct(options), keptCatalogs);
	const found = findCatalogs(directory, (file) => isSound(() => load(file)));
	refuseRivals(directory, found);
	const [nearest, ...above] = found.catalogs;
	if (nearest === undefined) {
		const usual = basename(conventionalCatalog(realPath(directory)));
		const names = catalogNamesIn(directory);
		const other = names.find((name) => isRegularFile(join(directory, name)));
		const way = other === undefined ? "sign it, or name one" : `it holds ${quote(other)}: name it`;
		const what = names.includes(usual) && other !== usual ? "that is a directory; " : "";
		const message = `Cannot find the catalog ${quote(usual)} in ${quote(directory)}: ${what}${way} with --catalog`;
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", message, { path: directory });
	}
	const catalog = loadCatalogOnce(nearest.file, options, keptCatalogs);
	const warnings = [...catalog.warnings, ...found.passedOver.map(passedOver)];
	const outer = outerChain(catalog, above, load, options);
	for (const claimed of found.links) {
		refuseRivals(claimed.link, claimed);
		const [first, ...rest] = claimed.catalogs;
		const signing = load(first.file);
		requireLink(claimed.link, catalog, signing, options);
		outer.push(signing, ...outerChain(signing, rest, load, options));
	}
	return { catalog: { ...catalog, warnings }, outer: [...new Set(outer)], directory: nearest.directory };
}

/** Verifies the outer catalogs of `nearest`. Each must sign the next inner one. */
function outerChain(
	nearest: UsedCatalog,
	above: readonly LocatedCatalog[],
	load: (file: string) => UsedCatalog,
	options: SourceOptions,
): UsedCatalog[] {
	let inner = nearest;
	return above.map((catalog) => {
		const signing = load(catalog.file);
		requireMember(inner, signing, options);
		inner = signing;
		return signing;
	});
}

function isSound(verify: () => unknown): boolean {
	try {
		verify();
		return true;
	} catch (error) {
		if (error instanceof SigtoolError) return false;
		throw error;
	}
}

function passedOver(file: string): string {
	return `${quote(file)} does not count: it is not trusted, and another user could have put it there`;
}

/** Returns the options for an outer catalog, which may be of another product. */
export function withoutProduct<T extends CatalogVerifyOptions>(options: T): T {
	return { ...options, product: undefined };
}

/**
 * Requires that a catalog signs the symbolic link in its tree through which a path leads to the tree of `nearest`. A
 * catalog for which links were followed signs no links, so it must sign `nearest` by its path through the link.
 * @throws ERR_NESTED_CATALOG, and the errors of `signedEntries`
 */
function requireLink(link: string, nearest: UsedCatalog, outer: UsedCatalog, options: SourceOptions): void {
	if (outer.facts.links !== "record") {
		const target = realPath(link);
		if (!isBelow(target, nearest.file)) throw unsigned(nearest, outer, link);
		requireMember(nearest, outer, options, join(link, entryPathOf(target, nearest.file)));
		return;
	}
	const entry = entryPathOf(dirname(outer.file), link);
	const { set } = signedEntries([outer], { ...options, match: "path" }, entry);
	if (set.links.get(entry) !== slashes(readTarget(link))) throw unsigned(nearest, outer, link);
}

/** Requires that a catalog signs the bytes of another one that were read, as the file at `place`. */
function requireMember(inner: UsedCatalog, outer: UsedCatalog, options: SourceOptions, place = inner.file): void {
	const entry = entryPathOf(dirname(outer.file), place);
	const isInside = isBelow(dirname(outer.file), place);
	const { set, digestSize } = isInside
		? signedEntries([outer], { ...options, match: "path" }, entry)
		: { set: undefined, digestSize: 32 };
	const algorithm = digestSize === 20 ? "sha1" : "sha256";
	const actual = createHash(algorithm).update(inner.bytes).digest();
	const signed = set?.files.get(entry)?.digest;
	if (signed === undefined || !actual.equals(signed)) throw unsigned(inner, outer);
}

function unsigned(inner: UsedCatalog, { file }: UsedCatalog, link?: string): SigtoolError {
	const where =
		link === undefined
			? `it lies in the tree of ${quote(file)}, which does not sign it`
			: `the path goes through the link ${quote(link)} in the tree of ${quote(file)}, which does not sign it as it is`;
	const message = `Cannot trust catalog ${quote(inner.file)}: ${where}; sign the outer tree again, or name the catalog with --catalog`;
	return new SigtoolError("ERR_NESTED_CATALOG", message, { path: inner.file });
}
