/** A directory, or a directory of a signed tree, held against the catalogs. */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import { compareByDigest, compareByPath, type SignedSet } from "./fileset/compare.js";
import { hashFileSet } from "./fileset/hash-files.js";
import { entryPathOf, isBelow, realPath } from "./fileset/locate-catalogs.js";
import type { Manifest } from "./fileset/manifest.js";
import { createSelection, type SelectionRules } from "./fileset/selection.js";
import { encodeCatalog } from "./formats/cat-encode.js";
import { entryFacts, isSigtoolCatalog } from "./formats/cat-facts.js";
import { exists, temporaryNameFor } from "./store.js";
import { conclude, type Verification, type VerifyOptions } from "./verification.js";
import {
	followsLinks,
	HOST_MODES,
	loadCatalogs,
	type SignedEntries,
	signedEntries,
	treeRoot,
	type UsedCatalog,
} from "./verify-sources.js";

/** `directory` is absolute and real. */
export async function verifyDirectory(directory: string, path: string, options: VerifyOptions): Promise<Verification> {
	const { catalogs, skipped } = loadCatalogs(directory, options);
	const root = treeRoot(directory, catalogs, options);
	const within = withinRoot(root, directory, path);
	let entries: SignedEntries | undefined;
	// Members are read only when something depends on them.
	const signed = () => {
		entries ??= signedEntries(catalogs, options);
		return entries;
	};
	const selection = await createSelection(root, selectionRules(catalogs, options), () => pathsOf(signed().set));
	const listed = within === undefined ? listToCompare(catalogs, options) : undefined;
	const manifest = await hashFileSet(root, {
		digest: listed === undefined && signed().digestSize === 20 ? "sha1" : "sha256",
		links: followsLinks(catalogs),
		linksOutside: "record",
		caseCollisions: listed?.facts.caseCollisions ?? "allow",
		exclude: restrictedTo(within, selection.excludes),
		skip: catalogEntryPaths(root, catalogs),
		onProblem: "collect",
		onProgress: options.onProgress,
	});
	const comparison = {
		path,
		catalogs,
		checkedCount: manifest.count,
		ignoredCount: selection.ignoredCount,
		warnings: [...skipped, ...leftovers(catalogs)],
	};
	if (listed !== undefined && isSignedList(manifest, listed)) {
		return conclude({ ...comparison, match: "path", findings: [] }, options.added);
	}
	const { match, set, digests } = signed();
	const findings =
		match === "path"
			? compareByPath(manifest, below(set, within), { modes: HOST_MODES })
			: compareByDigest(manifest, digests).filter(({ code }) => within === undefined || code !== "ERR_FILE_MISSING");
	return conclude({ ...comparison, match, findings }, options.added);
}

/** Entry path of a directory that is part of a signed tree; undefined for the whole tree. */
function withinRoot(root: string, directory: string, path: string): string | undefined {
	if (directory === root) return undefined;
	if (isBelow(root, directory)) return entryPathOf(root, directory);
	throw new SigtoolError("ERR_USAGE", `Cannot verify ${quote(path)}: it does not lie below ${quote(root)}`, { path });
}

type Excludes = (path: string, kind: "file" | "directory") => boolean;

/** Leaves out everything that is neither on the way to `within` nor below it. */
function restrictedTo(within: string | undefined, excludes: Excludes | undefined): Excludes | undefined {
	if (within === undefined) return excludes;
	return (path, kind) => {
		const isInside = path.startsWith(`${within}/`);
		const isOnTheWay = kind === "directory" && (path === within || within.startsWith(`${path}/`));
		return !(isInside || isOnTheWay) || excludes?.(path, kind) === true;
	};
}

function below({ files, links }: SignedSet, within: string | undefined): SignedSet {
	if (within === undefined) return { files, links };
	const isInside = ([path]: readonly [string, unknown]) => path.startsWith(`${within}/`);
	return { files: new Map([...files].filter(isInside)), links: new Map([...links].filter(isInside)) };
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

/** Several catalogs keep silent about what any of them ignores, and speak for whatever any of them is about. */
function selectionRules(catalogs: readonly UsedCatalog[], { ignoreRules }: VerifyOptions): SelectionRules {
	if (ignoreRules === "report") return { ignore: [], include: [], scope: "root" };
	const facts = catalogs.map((catalog) => catalog.facts);
	const scopes = facts.map(({ scope }) => scope);
	return {
		ignore: facts.flatMap(({ ignore }) => ignore),
		include: facts.every(({ include }) => include.length > 0) ? facts.flatMap(({ include }) => include) : [],
		scope: scopes.includes("root") ? "root" : scopes.every((scope) => scope === "listed") ? "listed" : scopes.flat(),
	};
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
