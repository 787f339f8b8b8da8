/**
 * Which catalogs answer for a path, and what they sign, all in one.
 *
 * The ones given, else the directory's own `<dir>/<name>.cat`, for a file the nearest parent's. A catalog inside a
 * signed tree counts only as a signed member of the outer one.
 */

import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import type { Finding, SignedDigest, SignedFile, SignedSet } from "./fileset/compare.js";
import type { HashFileSetOptions } from "./fileset/hash-files.js";
import {
	catalogFilesAt,
	catalogNamesIn,
	catalogsFrom,
	conventionalCatalog,
	entryPathOf,
	isBelow,
	realPath,
} from "./fileset/locate-catalogs.js";
import { parseCatalog } from "./formats/cat.js";
import { entriesByDigest, entriesByPath, entryByPath, evidenceSize, naturalMatch } from "./formats/cat-entries.js";
import { isSigtoolCatalog } from "./formats/cat-facts.js";
import { parseSignedData } from "./pki/cms.js";
import type { CertificateStatus } from "./pki/revocation.js";
import { readBounded } from "./store.js";
import { type CatalogVerifyOptions, type VerifiedCatalog, verifyCatalog } from "./verify-catalog.js";
import { entriesShortOfSigners, requireSigners } from "./verify-signers.js";

export interface SourceOptions extends CatalogVerifyOptions {
	/** Catalog files, or directories whose `*.cat` files are all used. */
	readonly catalogs?: readonly string[];
	/** `path` when every catalog carries paths, else `digest`. */
	readonly match?: "path" | "digest";
	/** Different keys that must have signed each entry, each in a catalog of its own. Default 1. */
	readonly requiredSigners?: number;
	/** Directory the signed paths are relative to, when it is not the one that is verified or holds the catalog. */
	readonly root?: string;
}

export interface UsedCatalog extends VerifiedCatalog {
	readonly file: string;
	/** Of the certificates of the signer and of the timestamp; absent when nobody was asked. */
	readonly revocation?: readonly CertificateStatus[];
	/** All of the file, as it was read. */
	readonly octets: Uint8Array;
}

/** Catalogs that answer for a path, and where their tree begins. */
export interface Sources {
	/** At least one. */
	readonly catalogs: readonly UsedCatalog[];
	/** Directory the signed paths are relative to, as one gets there from the path. */
	readonly root: string;
}

/** Catalogs up to 1 GiB are read. */
export const MAX_CATALOG_BYTES = 2 ** 30;

/** The octets of a catalog file. @throws ERR_ROOT_MISSING, ERR_LIMIT, ERR_IO */
export function readCatalogFile(file: string): Uint8Array {
	return readBounded(file, MAX_CATALOG_BYTES);
}

/** Whether a file is a catalog that sigtool wrote, by what it says: no evidence of anything. @throws ERR_IO */
export function isOwnCatalog(file: string): boolean {
	try {
		const { content } = parseSignedData(readCatalogFile(file), "catalog");
		return content !== undefined && isSigtoolCatalog(parseCatalog(content).attributes);
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_IO") return false;
		throw error;
	}
}

/**
 * Verified catalogs for a directory, and their root: the one given; else, for a catalog found by convention, the directory
 * it speaks for; else the directory itself. Each catalog must verify, also those of a given directory: which of them an
 * attacker has spoilt must not decide what is looked at.
 */
export function loadCatalogs(directory: string, options: SourceOptions): Sources {
	const { catalogs, root } = loadFrom(directory, options);
	requireSigners(catalogs, options.requiredSigners ?? 1);
	return { catalogs, root: options.root ?? root };
}

function loadFrom(directory: string, options: SourceOptions): Sources {
	if (options.catalogs === undefined) {
		const { catalog, directory: root } = loadConventionalCatalog(directory, options);
		return { catalogs: [catalog], root };
	}
	const files = options.catalogs.flatMap(catalogFilesAt);
	return { catalogs: files.map((file) => loadCatalog(file, options)), root: directory };
}

/** Links are treated when verifying as they were when signing. */
export function linkRules(
	catalogs: readonly UsedCatalog[],
): Required<Pick<HashFileSetOptions, "links" | "linksOutside">> {
	const rules = new Set(catalogs.map(({ facts }) => facts.links));
	if (rules.size > 1) {
		throw new SigtoolError("ERR_USAGE", "Cannot use the catalogs together: they treat symbolic links differently");
	}
	if (rules.has("record")) return { links: "record", linksOutside: "record" };
	return { links: "follow", linksOutside: rules.has("follow-outside") ? "record" : "refuse" };
}

/** Whether the host has modes to compare. */
export const HOST_MODES = process.platform === "win32" ? "ignore" : "compare";

/** One catalog file, verified. Errors name the file. */
export function loadCatalog(file: string, options: CatalogVerifyOptions): UsedCatalog {
	const octets = readCatalogFile(file);
	return { file, octets, ...verifyNamed(file, octets, options) };
}

/** As `verifyCatalog`. Errors name the file. */
export function verifyNamed(file: string, octets: Uint8Array, options: CatalogVerifyOptions): VerifiedCatalog {
	try {
		return verifyCatalog(octets, options);
	} catch (error) {
		if (!(error instanceof SigtoolError) || error.path !== undefined) throw error;
		throw new SigtoolError(error.code, `${quote(file)}: ${error.message}`, { cause: error.cause, path: file });
	}
}

/** How catalogs bind files: by path or by digest alone, and by a digest of so many octets. */
export interface Binding {
	readonly match: "path" | "digest";
	readonly digestSize: 20 | 32;
}

/** @throws ERR_WEAK_DIGEST, ERR_CATALOG_FORMAT; ERR_USAGE when catalogs do not fit together */
export function bindingOf(catalogs: readonly UsedCatalog[], options: SourceOptions): Binding {
	const { profile = "default" } = options;
	const [digestSize, ...others] = new Set(catalogs.map(({ catalog }) => evidenceSize(catalog, profile)));
	if (others.length > 0) {
		throw new SigtoolError("ERR_USAGE", "Cannot use SHA-1 and SHA-256 catalogs together; verify with one at a time");
	}
	const carriesPaths = catalogs.every(({ catalog }) => naturalMatch(catalog, digestSize) === "path");
	return { match: options.match ?? (carriesPaths ? "path" : "digest"), digestSize };
}

export interface SignedEntries extends Binding {
	/** Filled when matching by path. */
	readonly set: SignedSet;
	/** Filled when matching by digest. */
	readonly digests: readonly SignedDigest[];
	/** What too few keys signed, in `set` all the same. */
	readonly short: readonly Finding[];
}

/**
 * What the catalogs sign; with `path`, matching by path, only that entry.
 * @throws ERR_WEAK_DIGEST, ERR_PATH_*, ERR_USAGE or ERR_CATALOG_FORMAT when catalogs do not fit together
 */
export function signedEntries(catalogs: readonly UsedCatalog[], options: SourceOptions, path?: string): SignedEntries {
	const { requiredSigners = 1 } = options;
	const { match, digestSize } = bindingOf(catalogs, options);
	if (match === "digest") {
		if (requiredSigners > 1) {
			throw new SigtoolError("ERR_USAGE", "Cannot count the signers of files that are matched by digest alone");
		}
		const digests = catalogs.flatMap(({ catalog, facts }) => entriesByDigest(catalog, facts, digestSize));
		return { match, digestSize, set: { files: new Map(), links: new Map() }, digests, short: [] };
	}
	const sets = catalogs.map(({ catalog, facts }) => {
		return path === undefined
			? entriesByPath(catalog, facts, digestSize)
			: entryByPath(catalog, facts, digestSize, path);
	});
	const set = sets.length === 1 ? sets[0] : union(sets, catalogs);
	return { match, digestSize, set, digests: [], short: entriesShortOfSigners(sets, catalogs, requiredSigners) };
}

/** The nearest catalog, itself a signed member of every catalog further out. */
function loadConventionalCatalog(
	directory: string,
	options: SourceOptions,
): { catalog: UsedCatalog; directory: string } {
	const [nearest, ...outer] = catalogsFrom(directory);
	if (nearest === undefined) {
		const [other] = catalogNamesIn(directory);
		const hint =
			other === undefined ? "sign it, or name one with --catalog" : `it holds ${quote(other)}: name it with --catalog`;
		const usual = basename(conventionalCatalog(realPath(directory)));
		const message = `Cannot find the catalog ${quote(usual)} in ${quote(directory)}: ${hint}`;
		throw new SigtoolError("ERR_CATALOG_NOT_FOUND", message, { path: directory });
	}
	const catalog = loadCatalog(nearest.file, options);
	let inner = nearest.file;
	for (const { file } of outer) {
		requireMember(inner, loadCatalog(file, { ...options, product: undefined }), options);
		inner = file;
	}
	return { catalog, directory: nearest.directory };
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

/** Several catalogs over one tree may overlap, but not contradict each other. */
function union(sets: readonly SignedSet[], catalogs: readonly UsedCatalog[]): SignedSet {
	const files = new Map(sets[0].files);
	const links = new Map(sets[0].links);
	for (let i = 1; i < sets.length; i++) {
		for (const [path, file] of sets[i].files) {
			const known = files.get(path);
			if (links.has(path) || (known !== undefined && !agree(known, file))) throw contradiction(path, catalogs[i]);
			files.set(path, known === undefined ? file : combined(known, file));
		}
		for (const [path, target] of sets[i].links) {
			if (files.has(path) || (links.get(path) ?? target) !== target) throw contradiction(path, catalogs[i]);
			links.set(path, target);
		}
	}
	return { files, links };
}

/** A catalog without modes takes none away from one that has them; of carried attributes the first catalog's count. */
function combined(first: SignedFile, second: SignedFile): SignedFile {
	const carried = first.carried ?? second.carried;
	return {
		...first,
		mode: first.mode === -1 ? second.mode : first.mode,
		...(carried === undefined ? {} : { carried }),
	};
}

function agree(a: SignedFile, b: SignedFile): boolean {
	const sameMode = a.mode === -1 || b.mode === -1 || a.mode === b.mode;
	return sameMode && a.kind === b.kind && Buffer.compare(a.digest, b.digest) === 0;
}

function contradiction(path: string, { file }: UsedCatalog): SigtoolError {
	const message = `Cannot use catalog ${quote(file)} with the others: it signs ${quote(path)} differently`;
	return new SigtoolError("ERR_CATALOG_FORMAT", message, { path: file });
}
