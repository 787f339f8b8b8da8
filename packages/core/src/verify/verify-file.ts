/** Compares one file with the catalogs. Reads no other file of the tree except its catalogs. */

import { basename, dirname, join } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import { compareByDigest, compareByPath, type Finding, HOST_MODES } from "../fileset/compare/compare.js";
import { hashEntry } from "../fileset/hash/hash-entry.js";
import { absolutePath, pathFromRoot } from "../fileset/paths/absolute-path.js";
import { missingFile, realPath } from "../fileset/paths/locate-catalogs.js";
import { exists } from "../system/look-up.js";
import { bindingOf, linkRules, signedEntries } from "./merge.js";
import { operandEntry } from "./operand-entry.js";
import { concludeOutside } from "./outside.js";
import { sizeLimit } from "./size-limit.js";
import { type KeepingCatalogs, loadCatalogs, type Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { watchForDenied } from "./verify-denied.js";

/**
 * Compares the file at `path` with the catalogs, and also every symbolic link of the tree in this path.
 * @throws the errors of `verifyPath`
 */
export async function verifyFile(path: string, options: VerifyOptions & KeepingCatalogs): Promise<Verification> {
	const sources = await unlessRevoked(sourcesOf(path, options), options);
	const { catalogs, root } = sources;
	if (bindingOf(catalogs, options).match === "digest") return verifyByDigest(path, catalogs, options);
	const { entry, links } = operandEntry(root, path, linkRules(catalogs).links);
	const findings: Finding[] = [];
	for (const each of entry === undefined ? links : [...links, entry]) {
		findings.push(...(await compareEntry(realPath(root), each, catalogs, options, path)));
	}
	if (entry === undefined) return concludeOutside(path, sources, links, findings);
	const checkedCount = links.length + 1;
	return conclude({ path, match: "path", covers: "file", root: realPath(root), catalogs, checkedCount, findings });
}

/**
 * Loads the catalogs that apply to the file. If no catalog is found and the file does not exist, the error is about the
 * missing file.
 */
function sourcesOf(path: string, options: VerifyOptions & KeepingCatalogs): Sources {
	const directory = dirname(pathFromRoot(path));
	try {
		const sources = loadCatalogs(directory, options);
		if (options.root !== undefined || options.catalogs === undefined) return sources;
		return { ...sources, root: directoryOf(sources.catalogs, path, options) };
	} catch (error) {
		const noCatalog = error instanceof SigtoolError && NO_CATALOG.has(error.code);
		if (!noCatalog || exists(path)) throw error;
		throw missingFile(path);
	}
}

const NO_CATALOG: ReadonlySet<string> = new Set(["ERR_CATALOG_NOT_FOUND", "ERR_CATALOG_AMBIGUOUS"]);

/**
 * Returns the directory in which all given catalogs are. It counts as the root of the signed tree.
 * @throws ERR_USAGE if the catalogs are in several directories, unless files are matched by digest alone
 */
function directoryOf(catalogs: Sources["catalogs"], path: string, options: VerifyOptions): string {
	const [first, ...others] = catalogs.map(({ file }) => dirname(absolutePath(file)));
	const isOne = others.every((other) => realPath(other) === realPath(first));
	if (isOne || bindingOf(catalogs, options).match === "digest") return first;
	const message =
		`Cannot tell which entry ${quote(path)} is: the catalogs lie in several directories; ` +
		"name the signed directory with --root";
	throw new SigtoolError("ERR_USAGE", message, { path });
}

/**
 * Compares the entry at one entry path with the catalogs, and returns the differences. `typed` is the path by which an
 * error names a missing entry.
 * @throws ERR_ROOT_MISSING if the entry neither exists nor is signed; AbortError
 */
export async function compareEntry(
	root: string,
	entry: string,
	catalogs: readonly UsedCatalog[],
	options: VerifyOptions,
	typed = entry,
): Promise<Finding[]> {
	const { set, digestSize, short } = signedEntries(catalogs, options, entry);
	const isSigned = set.files.has(entry) || set.links.has(entry);
	if (!exists(join(root, entry))) {
		if (!isSigned) throw missingFile(typed);
		return [{ code: "ERR_FILE_MISSING", path: entry, message: `${quote(entry)} is missing` }];
	}
	if (!isSigned) {
		const [{ file }] = catalogs;
		const hint =
			options.catalogs !== undefined && options.root === undefined ? "; --root names the signed directory" : "";
		const message = `${quote(entry)} is not signed by ${quote(file)}${hint}`;
		return [{ code: "ERR_NOT_A_MEMBER", path: entry, message }];
	}
	const digest = digestSize === 20 ? "sha1" : "sha256";
	const denied = watchForDenied(options.trust, digest);
	const { signal } = options;
	const { visitor } = denied;
	// A file in the place of a link is changed, whatever it contains, unless a list of denied files names its content.
	const isNeeded = set.files.has(entry) || visitor !== undefined;
	const limit = sizeLimit(root, options.maxFileBytes);
	const content = isNeeded && limit.isWithin(entry) ? "read" : "leave";
	const manifest = await hashEntry(root, entry, { ...linkRules(catalogs), digest, visitor, content, signal });
	const differences = limit.ofRead(compareByPath(manifest, set, { modes: HOST_MODES }));
	return [...denied.findings, ...limit.findings, ...short, ...differences];
}

async function verifyByDigest(
	path: string,
	catalogs: readonly UsedCatalog[],
	options: VerifyOptions,
): Promise<Verification> {
	const { digestSize, digests } = signedEntries(catalogs, options);
	const digest = digestSize === 20 ? "sha1" : "sha256";
	const denied = watchForDenied(options.trust, digest);
	const absolute = absolutePath(path);
	const limit = sizeLimit(realPath(dirname(absolute)), options.maxFileBytes);
	const manifest = await hashEntry(realPath(dirname(absolute)), basename(absolute), {
		content: limit.isWithin(basename(absolute)) ? "read" : "leave",
		digest,
		visitor: denied.visitor,
		links: "follow",
		linksOutside: "record",
		signal: options.signal,
	});
	const differences = compareByDigest(manifest, digests).filter(({ code }) => code !== "ERR_FILE_MISSING");
	const findings = [...denied.findings, ...limit.findings, ...limit.ofRead(differences)];
	return conclude({ path, match: "digest", covers: "file", root: undefined, catalogs, checkedCount: 1, findings });
}
