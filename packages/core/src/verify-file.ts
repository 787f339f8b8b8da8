/** One file held against the catalogs, without reading the rest of the tree. */

import { basename, dirname, join, resolve } from "node:path";
import { quote, SigtoolError } from "./errors.js";
import { compareByDigest, compareByPath, type Finding, type SignedSet } from "./fileset/compare.js";
import { hashFileSet } from "./fileset/hash-files.js";
import { entryPathOf, isBelow, kindOf, realPath } from "./fileset/locate-catalogs.js";
import { exists } from "./store.js";
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

/** As many links as Linux follows. */
const MAX_LINKS = 40;

/**
 * `file` is absolute, its directory real. A signed symbolic link is followed: what it leads to within the tree is held
 * against the catalogs too.
 */
export async function verifyFile(file: string, path: string, options: VerifyOptions): Promise<Verification> {
	const { catalogs, skipped } = loadOrMissing(file, path, options);
	const root = fileRoot(file, catalogs, options);
	const first = signedEntries(catalogs, options, isBelow(root, file) ? entryPathOf(root, file) : basename(file));
	if (first.match === "digest") return verifyByDigest(file, path, first, catalogs, skipped);
	if (!isBelow(root, file)) {
		const message =
			`Cannot tell which entry ${quote(path)} is: it does not lie below ${quote(root)}; ` +
			"name the signed directory with --root, or use --match digest";
		throw new SigtoolError("ERR_USAGE", message, { path });
	}
	const findings: Finding[] = [];
	const warnings: string[] = [...skipped];
	let checkedCount = 0;
	for (let current: string | undefined = file; current !== undefined; ) {
		const entry = entryPathOf(root, current);
		const { set, digestSize } = signedEntries(catalogs, options, entry);
		findings.push(...(await compareEntry(root, entry, set, digestSize, catalogs, options)));
		checkedCount++;
		current = findings.length > 0 ? undefined : linkedFile(root, current, set, warnings);
		if (checkedCount > MAX_LINKS)
			throw new SigtoolError("ERR_LINK_CYCLE", `Cannot follow ${quote(path)}: too many links`);
	}
	return conclude({ path, match: "path", catalogs, checkedCount, findings, warnings });
}

/** A file that is nowhere and that no catalog answers for is a mistyped name, not a missing member. */
function loadOrMissing(file: string, path: string, options: VerifyOptions): ReturnType<typeof loadCatalogs> {
	try {
		return loadCatalogs(dirname(file), options);
	} catch (error) {
		const noCatalog = error instanceof SigtoolError && error.code === "ERR_CATALOG_NOT_FOUND";
		if (!noCatalog || exists(file)) throw error;
		throw missingFile(path);
	}
}

/** For a file, a given catalog's directory is the tree when it lies above the file. */
function fileRoot(file: string, catalogs: readonly UsedCatalog[], options: VerifyOptions): string {
	if (options.root !== undefined || options.catalogs === undefined) return treeRoot(dirname(file), catalogs, options);
	const [root, ...others] = new Set(catalogs.map((catalog) => realPath(dirname(catalog.file))));
	return others.length === 0 ? root : dirname(file);
}

function missingFile(path: string): SigtoolError {
	return new SigtoolError("ERR_ROOT_MISSING", `Cannot open ${quote(path)}: it does not exist`, { path });
}

async function compareEntry(
	root: string,
	entry: string,
	set: SignedSet,
	digestSize: 20 | 32,
	catalogs: readonly UsedCatalog[],
	options: VerifyOptions,
): Promise<Finding[]> {
	const isSigned = set.files.has(entry) || set.links.has(entry);
	if (!exists(join(root, entry))) {
		if (!isSigned) throw missingFile(entry);
		return [{ code: "ERR_FILE_MISSING", path: entry, message: `${quote(entry)} is missing` }];
	}
	if (!isSigned) {
		const [{ file }] = catalogs;
		const hint =
			options.catalogs !== undefined && options.root === undefined ? "; --root names the signed directory" : "";
		const message = `${quote(entry)} is not signed by ${quote(file)}${hint}`;
		return [{ code: "ERR_NOT_A_MEMBER", path: entry, message }];
	}
	const manifest = await hashFileSet(root, {
		digest: digestSize === 20 ? "sha1" : "sha256",
		links: followsLinks(catalogs),
		linksOutside: "record",
		only: [entry],
		onProblem: "collect",
	});
	return compareByPath(manifest, set, { modes: HOST_MODES });
}

/** Where a link that is as signed leads, when that lies in the tree; undefined otherwise, with a warning if so. */
function linkedFile(root: string, file: string, set: SignedSet, warnings: string[]): string | undefined {
	const text = set.links.get(entryPathOf(root, file));
	if (text === undefined) return undefined;
	const target = resolve(dirname(file), text);
	if (exists(target)) {
		const real = join(realPath(dirname(target)), basename(target));
		if (isBelow(root, real) && kindOf(real) !== "directory") return real;
	}
	warnings.push(`${quote(entryPathOf(root, file))} leads to ${quote(target)}, which was not looked at`);
	return undefined;
}

async function verifyByDigest(
	file: string,
	path: string,
	{ digestSize, digests }: SignedEntries,
	catalogs: readonly UsedCatalog[],
	warnings: readonly string[],
): Promise<Verification> {
	const manifest = await hashFileSet(dirname(file), {
		digest: digestSize === 20 ? "sha1" : "sha256",
		links: "follow",
		linksOutside: "record",
		only: [basename(file)],
		onProblem: "collect",
	});
	const findings = compareByDigest(manifest, digests).filter(({ code }) => code !== "ERR_FILE_MISSING");
	return conclude({ path, match: "digest", catalogs, checkedCount: 1, findings, warnings });
}
