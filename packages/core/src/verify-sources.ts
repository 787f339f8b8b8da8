/**
 * Which catalogs answer for a path, and what they sign, all in one.
 *
 * The ones given, else the directory's own `<dir>/<name>.cat`, for a file the nearest parent's. A catalog inside a
 * signed tree counts only as a signed member of the outer one.
 */

import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import type { SignedDigest, SignedSet } from "./fileset/compare.js";
import {
	catalogFilesAt,
	catalogNamesIn,
	catalogsFrom,
	conventionalCatalog,
	entryPathOf,
	realPath,
} from "./fileset/locate-catalogs.js";
import { entriesByDigest, entriesByPath, entryByPath, evidenceSize, naturalMatch } from "./formats/cat-entries.js";
import { readBounded } from "./store.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "./verify-catalog.js";

export interface SourceOptions extends CatalogVerifyOptions {
	/** Catalog files, or directories whose `*.cat` files are all used. */
	readonly catalogs?: readonly string[];
	/** `path` when every catalog carries paths, else `digest`. */
	readonly match?: "path" | "digest";
	/** Directory the signed paths are relative to, when it is not the one that is verified or holds the catalog. */
	readonly root?: string;
}

export interface UsedCatalog extends VerifiedCatalog {
	readonly file: string;
}

export interface LoadedCatalogs {
	/** At least one. */
	readonly catalogs: readonly UsedCatalog[];
	/** Why catalogs of a given directory were passed over. */
	readonly skipped: readonly string[];
}

/** Catalogs up to 1 GiB are read. */
export const MAX_CATALOG_BYTES = 2 ** 30;

/** The octets of a catalog file. @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCatalogFile(file: string): Uint8Array {
	return readBounded(file, MAX_CATALOG_BYTES);
}

/** Verified catalogs for a directory. One that fails is fatal unless others of a given directory stand. */
export function loadCatalogs(directory: string, options: SourceOptions): LoadedCatalogs {
	if (options.catalogs === undefined) return { catalogs: [loadConventionalCatalog(directory, options)], skipped: [] };
	const catalogs: UsedCatalog[] = [];
	const skipped: string[] = [];
	let failure: unknown;
	for (const place of options.catalogs) {
		const files = catalogFilesAt(place);
		for (const file of files) {
			try {
				catalogs.push(loadCatalog(file, options));
			} catch (error) {
				if (!(error instanceof SigtoolError) || files[0] === place) throw error;
				failure ??= error;
				skipped.push(`catalog ${quote(file)} was not used: ${error.message}`);
			}
		}
	}
	if (catalogs.length === 0) throw failure;
	return { catalogs, skipped };
}

/**
 * The directory signed paths are relative to: the one given; else, for catalogs found by convention, the directory of the
 * catalog; else the directory that is verified.
 */
export function treeRoot(directory: string, catalogs: readonly UsedCatalog[], options: SourceOptions): string {
	if (options.root !== undefined) return realPath(options.root);
	if (options.catalogs === undefined) return dirname(catalogs[0].file);
	return directory;
}

/** Links are followed when verifying if they were when signing. */
export function followsLinks(catalogs: readonly UsedCatalog[]): "record" | "follow" {
	return catalogs.some(({ facts }) => facts.links === "follow") ? "follow" : "record";
}

/** Whether the host has modes to compare. */
export const HOST_MODES = process.platform === "win32" ? "ignore" : "compare";

/** One catalog file, verified. Errors name the file. */
export function loadCatalog(file: string, options: CatalogVerifyOptions): UsedCatalog {
	try {
		return { file, ...verifyCatalog(readCatalogFile(file), options) };
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.path !== undefined) throw error;
		throw new SigtoolError(error.code, `${quote(file)}: ${error.message}`, { cause: error.cause, path: file });
	}
}

export interface SignedEntries {
	readonly match: "path" | "digest";
	readonly digestSize: 20 | 32;
	/** Filled when matching by path. */
	readonly set: SignedSet;
	/** Filled when matching by digest. */
	readonly digests: readonly SignedDigest[];
}

/**
 * What the catalogs sign; with `path`, matching by path, only that entry.
 * @throws ERR_WEAK_DIGEST, ERR_PATH_*, ERR_USAGE or ERR_CATALOG_FORMAT when catalogs do not fit together
 */
export function signedEntries(catalogs: readonly UsedCatalog[], options: SourceOptions, path?: string): SignedEntries {
	const { profile = "default" } = options;
	const [digestSize, ...others] = new Set(catalogs.map(({ catalog }) => evidenceSize(catalog, profile)));
	if (others.length > 0) {
		throw new SigtoolError("ERR_USAGE", "Cannot use SHA-1 and SHA-256 catalogs together; verify with one at a time");
	}
	const carriesPaths = catalogs.every(({ catalog }) => naturalMatch(catalog, digestSize) === "path");
	const match = options.match ?? (carriesPaths ? "path" : "digest");
	if (match === "digest") {
		const digests = catalogs.flatMap(({ catalog, facts }) => entriesByDigest(catalog, facts, digestSize));
		return { match, digestSize, set: { files: new Map(), links: new Map() }, digests };
	}
	const sets = catalogs.map(({ catalog, facts }) => {
		return path === undefined
			? entriesByPath(catalog, facts, digestSize)
			: entryByPath(catalog, facts, digestSize, path);
	});
	return { match, digestSize, set: sets.length === 1 ? sets[0] : union(sets, catalogs), digests: [] };
}

/** The nearest catalog, itself a signed member of every catalog further out. */
function loadConventionalCatalog(directory: string, options: SourceOptions): UsedCatalog {
	const [nearest, ...outer] = catalogsFrom(directory);
	if (nearest === undefined) {
		const [other] = catalogNamesIn(directory);
		const hint =
			other === undefined ? "sign it, or name one with --catalog" : `it holds ${quote(other)}: name it with --catalog`;
		const message = `Cannot find the catalog ${quote(basename(conventionalCatalog(directory)))} in ${quote(directory)}: ${hint}`;
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", message, { path: directory });
	}
	const catalog = loadCatalog(nearest, options);
	let inner = nearest;
	for (const file of outer) {
		requireMember(inner, loadCatalog(file, { ...options, product: undefined }), options);
		inner = file;
	}
	return catalog;
}

function requireMember(inner: string, outer: UsedCatalog, options: SourceOptions): void {
	const entry = entryPathOf(dirname(outer.file), inner);
	const { set, digestSize } = signedEntries([outer], { ...options, match: "path" }, entry);
	const signed = set.files.get(entry)?.digest;
	const algorithm = digestSize === 20 ? "sha1" : "sha256";
	const actual = createHash(algorithm).update(readCatalogFile(inner)).digest();
	if (signed !== undefined && actual.equals(signed)) return;
	const message =
		`Cannot trust catalog ${quote(inner)}: it lies in the tree of ${quote(outer.file)}, which does not sign it; ` +
		"sign the outer tree again, or name the catalog with --catalog";
	throw new SigtoolError("ERR_NESTED_CATALOG", message, { path: inner });
}

/** Several catalogs over one tree may overlap, but not contradict each other. */
function union(sets: readonly SignedSet[], catalogs: readonly UsedCatalog[]): SignedSet {
	const files = new Map(sets[0].files);
	const links = new Map(sets[0].links);
	for (let i = 1; i < sets.length; i++) {
		for (const [path, file] of sets[i].files) {
			const known = files.get(path);
			const differs = known !== undefined && Buffer.compare(known.digest, file.digest) !== 0;
			if (differs || links.has(path)) throw contradiction(path, catalogs[i]);
			files.set(path, file);
		}
		for (const [path, target] of sets[i].links) {
			if (files.has(path) || (links.get(path) ?? target) !== target) throw contradiction(path, catalogs[i]);
			links.set(path, target);
		}
	}
	return { files, links };
}

function contradiction(path: string, { file }: UsedCatalog): SigtoolError {
	const message = `Cannot use catalog ${quote(file)} with the others: it signs ${quote(path)} differently`;
	return new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
}
