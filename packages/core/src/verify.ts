/**
 * The verb: is this directory, or this file, what a trusted signer signed?
 *
 * Catalogs are verified first (`verify-catalog.ts`), from where they lie (`verify-sources.ts`); then files are hashed
 * and every difference is a finding.
 */

import { basename, dirname, join } from "node:path";
import { ERROR_CODES, type ExitStatus, quote, SigtoolError } from "./errors.js";
import { compareByDigest, compareByPath, type Finding, type SignedSet } from "./fileset/compare.js";
import { type HashProgress, hashFileSet } from "./fileset/hash-files.js";
import { entryPathOf, isBelow, kindOf, realPath } from "./fileset/locate-catalogs.js";
import type { Manifest } from "./fileset/manifest.js";
import { createSelection, type SelectionRules } from "./fileset/selection.js";
import { encodeCatalog } from "./formats/cat-encode.js";
import { evidenceSize } from "./formats/cat-entries.js";
import { entryFacts, isSigtoolCatalog } from "./formats/cat-facts.js";
import { exists, temporaryNameFor } from "./store.js";
import {
	loadCatalog,
	loadCatalogs,
	type SignedEntries,
	type SourceOptions,
	signedEntries,
	type UsedCatalog,
} from "./verify-sources.js";

export interface VerifyOptions extends SourceOptions {
	/** What an entry without a signature means. Default `fail`. */
	readonly added?: "fail" | "warn" | "ignore";
	/** `report` treats what the signed ignore rules hide as added. Default `apply`. */
	readonly ignoreRules?: "apply" | "report";
	readonly onProgress?: (done: HashProgress) => void;
}

export interface Verification {
	readonly path: string;
	readonly verdict: "trusted" | "failed";
	readonly catalogs: readonly UsedCatalog[];
	/** How files were held against the catalogs; `none` when only a catalog's own signature was verified. */
	readonly match: "path" | "digest" | "none";
	/** Entries that were held against a catalog. */
	readonly checkedCount: number;
	/** Entries whose appearance the signed rules keep silent about; a directory counts once. */
	readonly ignoredCount: number;
	/** Why the verdict is `failed`. */
	readonly findings: readonly Finding[];
	/** Differences that were asked not to decide. */
	readonly notices: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Verifies a directory, a file of a signed directory, or a catalog's own signature (a `.cat` file without `catalogs`).
 * Differences are findings; everything that keeps a verdict from being reached is thrown.
 * @throws ERR_ROOT_MISSING, ERR_CATALOG_NOT_FOUND, ERR_NESTED_CATALOG, ERR_PATH_*, and what `verifyCatalog` throws
 */
export async function verifyPath(path: string, options: VerifyOptions): Promise<Verification> {
	if (kindOf(path) === "directory") return verifyDirectory(realPath(path), path, options);
	if (options.catalogs === undefined && path.endsWith(".cat")) return verifyCatalogFile(path, options);
	return verifyFile(join(realPath(dirname(path)), basename(path)), path, options);
}

/** A catalog for its own sake: its signature, and that its members can be read and are evidence. */
function verifyCatalogFile(path: string, options: VerifyOptions): Verification {
	const catalog = loadCatalog(path, options);
	evidenceSize(catalog.catalog, options.profile ?? "default");
	return conclude(path, "none", [catalog], { checkedCount: 0, ignoredCount: 0, findings: [] }, options);
}

/** Exit status for differences: 1 when any is a proven one, 3 when all are files that could not be read. */
export function worstExitStatus(findings: readonly Finding[]): ExitStatus {
	return findings.every(({ code }) => ERROR_CODES[code][0] === 3) ? 3 : 1;
}

async function verifyDirectory(root: string, path: string, options: VerifyOptions): Promise<Verification> {
	const { catalogs, skipped } = loadCatalogs(root, options);
	let entries: SignedEntries | undefined;
	// Members are read only when something depends on them.
	const signed = () => {
		entries ??= signedEntries(catalogs, options);
		return entries;
	};
	const rules = selectionRules(catalogs, options);
	const selection = await createSelection(root, rules, () => pathsOf(signed().set));
	const listed = listToCompare(catalogs, options);
	const manifest = await hashFileSet(root, {
		digest: listed === undefined && signed().digestSize === 20 ? "sha1" : "sha256",
		links: followsLinks(catalogs),
		linksOutside: "record",
		caseCollisions: listed?.facts.caseCollisions ?? "allow",
		exclude: selection.excludes,
		skip: catalogEntryPaths(root, catalogs),
		onProblem: "collect",
		onProgress: options.onProgress,
	});
	const { ignoredCount } = selection;
	const warnings = [...skipped, ...leftovers(catalogs)];
	if (listed !== undefined && isSignedList(manifest, listed)) {
		return conclude(
			path,
			"path",
			catalogs,
			{ checkedCount: manifest.count, ignoredCount, findings: [] },
			options,
			warnings,
		);
	}
	const { match, set, digests } = signed();
	const findings =
		match === "path" ? compareByPath(manifest, set, { modes: HOST_MODES }) : compareByDigest(manifest, digests);
	return conclude(path, match, catalogs, { checkedCount: manifest.count, ignoredCount, findings }, options, warnings);
}

/** The one catalog of sigtool's own whose list can be held against the files as a whole. */
function listToCompare(catalogs: readonly UsedCatalog[], { match }: VerifyOptions): UsedCatalog | undefined {
	const [catalog, ...others] = catalogs;
	const isOwn = others.length === 0 && isSigtoolCatalog(catalog.catalog.attributes);
	return isOwn && match !== "digest" ? catalog : undefined;
}

/**
 * True when encoding what was found gives the signed list octet for octet: then everything is as it was signed, and no
 * member needs to be decoded. False says nothing yet.
 */
function isSignedList(manifest: Manifest, { catalog, facts }: UsedCatalog): boolean {
	if (manifest.problems.length > 0) return false;
	const { thisUpdate, listId, bytes } = catalog;
	const list = encodeCatalog(manifest, { ...facts, ...entryFacts(manifest) }, { thisUpdate, listId });
	return Buffer.compare(list, bytes) === 0;
}

function pathsOf(set: SignedSet): string[] {
	return [...set.files.keys(), ...set.links.keys()];
}

async function verifyFile(file: string, path: string, options: VerifyOptions): Promise<Verification> {
	const { catalogs, skipped } = loadCatalogs(dirname(file), options);
	const root = rootAbove(file, catalogs) ?? dirname(file);
	const entry = entryPathOf(root, file);
	const { match, digestSize, set, digests } = signedEntries(catalogs, options, entry);
	if (match === "path") requireRoot(file, catalogs);
	const manifest = await hashFileSet(root, {
		digest: digestSize === 20 ? "sha1" : "sha256",
		links: match === "path" ? followsLinks(catalogs) : "follow",
		linksOutside: "record",
		only: [entry],
		onProblem: "collect",
	});
	const findings =
		match === "path"
			? compareByPath(manifest, set, { modes: HOST_MODES })
			: compareByDigest(manifest, digests).filter(({ code }) => code !== "ERR_FILE_MISSING");
	return conclude(path, match, catalogs, { checkedCount: 1, ignoredCount: 0, findings }, options, skipped);
}

const HOST_MODES = process.platform === "win32" ? "ignore" : "compare";

function selectionRules(catalogs: readonly UsedCatalog[], options: VerifyOptions): SelectionRules {
	const facts = catalogs.map((catalog) => catalog.facts);
	const scopes = facts.map(({ scope }) => scope);
	const scope = scopes.includes("root") ? "root" : scopes.every((each) => each === "listed") ? "listed" : scopes.flat();
	if (options.ignoreRules === "report") return { ignore: [], include: [], scope: "root" };
	return {
		ignore: facts.flatMap(({ ignore }) => ignore),
		include: facts.every(({ include }) => include.length > 0) ? facts.flatMap(({ include }) => include) : [],
		scope,
	};
}

function followsLinks(catalogs: readonly UsedCatalog[]): "record" | "follow" {
	return catalogs.some(({ facts }) => facts.links === "follow") ? "follow" : "record";
}

/** The catalogs and the temporary files an interrupted run leaves, as entries of the tree that holds them. */
function catalogEntryPaths(root: string, catalogs: readonly UsedCatalog[]): Set<string> {
	const paths = new Set<string>();
	for (const { file } of catalogs) {
		const path = join(realPath(dirname(file)), basename(file));
		for (const own of [path, temporaryNameFor(path)]) {
			if (isBelow(root, own)) paths.add(entryPathOf(root, own));
		}
	}
	return paths;
}

function leftovers(catalogs: readonly UsedCatalog[]): string[] {
	const names = catalogs.map(({ file }) => temporaryNameFor(file)).filter(exists);
	return names.map((name) => `${quote(name)} was left by an interrupted run; signing again removes it`);
}

/** The directory a signed path is relative to: that of the only catalog, when it lies above the file. */
function rootAbove(file: string, catalogs: readonly UsedCatalog[]): string | undefined {
	const [root, ...others] = new Set(catalogs.map((catalog) => realPath(dirname(catalog.file))));
	return others.length === 0 && isBelow(root, file) ? root : undefined;
}

function requireRoot(file: string, catalogs: readonly UsedCatalog[]): void {
	if (rootAbove(file, catalogs) !== undefined) return;
	const message =
		`Cannot tell which entry ${quote(file)} is: it does not lie below its catalog; ` +
		"verify the directory, or use --match digest";
	throw new SigtoolError("ERR_USAGE", message, { path: file });
}

interface Comparison {
	readonly checkedCount: number;
	readonly ignoredCount: number;
	readonly findings: readonly Finding[];
}

function conclude(
	path: string,
	match: Verification["match"],
	catalogs: readonly UsedCatalog[],
	{ checkedCount, ignoredCount, findings }: Comparison,
	{ added = "fail" }: VerifyOptions,
	warnings: readonly string[] = [],
): Verification {
	const isAddition = ({ code }: Finding) => code === "ERR_FILE_ADDED" || code === "ERR_NOT_A_MEMBER";
	const decisive = added === "fail" ? findings : findings.filter((finding) => !isAddition(finding));
	return {
		path,
		verdict: decisive.length === 0 ? "trusted" : "failed",
		catalogs,
		match,
		checkedCount,
		ignoredCount,
		findings: decisive,
		notices: added === "warn" ? findings.filter(isAddition) : [],
		warnings: [...catalogs.flatMap((catalog) => catalog.warnings), ...warnings],
	};
}
