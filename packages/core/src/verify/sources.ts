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
	realPath,
} from "../fileset/paths/locate-catalogs.js";
import { readCatalogFile } from "./catalog-file.js";
import { findCatalogs, refuseRivals } from "./find-catalogs.js";
import { type MergeOptions, signedEntries } from "./merge.js";
import { loadCatalog, type UsedCatalog } from "./used-catalog.js";
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

/** The catalogs that apply to a path, and the root of their tree. */
export interface Sources {
	/** The catalogs of the tree, at least one. */
	readonly catalogs: readonly UsedCatalog[];
	/**
	 * The catalogs of the directories above, from the inside out, if the catalog was found and not given. They are
	 * verified, and each of them signs the next inner catalog. If revocation is checked, their signers must not be
	 * revoked either.
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
export function loadCatalogs(directory: string, options: SourceOptions): Sources {
	const { catalogs, outer, root } = loadFrom(directory, options);
	requireSigners(catalogs, options.requiredSigners ?? 1);
	return { catalogs, outer, root: options.root ?? root };
}

function loadFrom(directory: string, options: SourceOptions): Sources {
	if (options.catalogs === undefined) {
		const { catalog, outer, directory: root } = loadConventionalCatalog(directory, options);
		return { catalogs: [catalog], outer, root };
	}
	const files = options.catalogs.flatMap(catalogFilesAt);
	return { catalogs: files.map((file) => loadCatalog(file, options)), outer: [], root: directory };
}

/**
 * Finds and verifies the catalog nearest to `directory`, and the catalogs above it. Each outer catalog must sign the
 * next inner one.
 * @throws ERR_CATALOG_NOT_FOUND, ERR_CATALOG_AMBIGUOUS, ERR_NESTED_CATALOG, and the errors of `loadCatalog`
 */
function loadConventionalCatalog(
	directory: string,
	options: SourceOptions,
): { catalog: UsedCatalog; outer: UsedCatalog[]; directory: string } {
	const load = kept((file) => loadCatalog(file, withoutProduct(options)));
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
	const catalog = loadCatalog(nearest.file, options);
	const warnings = [...catalog.warnings, ...found.passedOver.map(passedOver)];
	const outer: UsedCatalog[] = [];
	let inner = nearest.file;
	for (const { file } of above) {
		const signing = load(file);
		requireMember(inner, signing, options);
		outer.push(signing);
		inner = file;
	}
	return { catalog: { ...catalog, warnings }, outer, directory: nearest.directory };
}

/** Returns a function that calls `load` once for each file. */
function kept(load: (file: string) => UsedCatalog): (file: string) => UsedCatalog {
	const loaded = new Map<string, UsedCatalog>();
	return (file) => {
		const used = loaded.get(file) ?? load(file);
		loaded.set(file, used);
		return used;
	};
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

function requireMember(inner: string, outer: UsedCatalog, options: SourceOptions): void {
	const entry = entryPathOf(dirname(outer.file), inner);
	const isInside = isBelow(dirname(outer.file), inner);
	const { set, digestSize } = isInside
		? signedEntries([outer], { ...options, match: "path" }, entry)
		: { set: undefined, digestSize: 32 };
	const algorithm = digestSize === 20 ? "sha1" : "sha256";
	const actual = createHash(algorithm).update(readCatalogFile(inner)).digest();
	const signed = set?.files.get(entry)?.digest;
	if (signed !== undefined && actual.equals(signed)) return;
	const message =
		`Cannot trust catalog ${quote(inner)}: it lies in the tree of ${quote(outer.file)}, which does not sign it; ` +
		"sign the outer tree again, or name the catalog with --catalog";
	throw new SigtoolError("ERR_NESTED_CATALOG", message, { path: inner });
}
