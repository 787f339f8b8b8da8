/** Compares a signed directory, or a directory of a signed tree, with the catalogs. */

import { basename, dirname, join, sep } from "node:path";
import { quote, SigtoolError } from "../errors.js";
import {
	compareByDigest,
	compareByPath,
	type Finding,
	HOST_MODES,
	type SignedSet,
} from "../fileset/compare/compare.js";
import type { FileVisitor } from "../fileset/hash/hash-file.js";
import { hashFileSet } from "../fileset/hash/hash-files.js";
import { ENTRY_KIND, type Manifest } from "../fileset/manifest.js";
import { absolutePath } from "../fileset/paths/absolute-path.js";
import { entryPathOf, isBelow, realPath } from "../fileset/paths/locate-catalogs.js";
import type { ResolvedEntry } from "../fileset/paths/resolve-entry.js";
import { createSelection, type SelectionRules } from "../fileset/select/selection.js";
import { encodeCatalog } from "../formats/cat-encode.js";
import { type CatalogFacts, entryFacts, isSigtoolCatalog } from "../formats/cat-facts.js";
import { exists } from "../system/look-up.js";
import { temporaryNameFor } from "../system/store.js";
import type { CatalogTree } from "./catalog-tree.js";
import { countOthers, coverageOf } from "./coverage.js";
import { bindingOf, filesToRead, linkRules, type SignedEntries, signedEntries } from "./merge.js";
import { operandEntry } from "./operand-entry.js";
import { concludeOutside, countOutsideLinks } from "./outside.js";
import { sizeLimit } from "./size-limit.js";
import { type KeepingCatalogs, loadCatalogs, type Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";
import { conclude, unlessRevoked, type Verification, type VerifyOptions } from "./verification.js";
import { watchForDenied } from "./verify-denied.js";
import { compareEntry } from "./verify-file.js";

export interface DirectoryVerifyOptions extends VerifyOptions, KeepingCatalogs {
	/** A visitor that sees each file while the file is hashed. If it is given, only the calling thread hashes. */
	readonly visitor?: FileVisitor;
	/** The catalog that the user named instead of the directory. The directory is compared with this catalog. */
	readonly operand?: CatalogOperand;
}

export interface CatalogOperand extends Pick<CatalogTree, "file" | "leadsTo"> {
	/** The path of the catalog as the user gave it. */
	readonly path: string;
}

/**
 * Compares a directory with the catalogs that apply to it. `path` is the directory. @throws the errors of `verifyPath`
 */
export async function verifyDirectory(path: string, given: DirectoryVerifyOptions): Promise<Verification> {
	const { operand } = given;
	// If the user named a catalog and also a root, the catalog is used for the tree at this root, as if --catalog had
	// named it.
	const options = operand === undefined || given.root === undefined ? given : { ...given, catalogs: [operand.file] };
	const sources = await unlessRevoked(loadCatalogs(path, options), options);
	const { catalogs } = sources;
	if (operand !== undefined && options.root === undefined) requireNames(operand.path, catalogs, options);
	const root = realPath(sources.root);
	const { entry, links, findings: onTheWay } = await withinTree(sources, path, options);
	if (entry === undefined) return concludeOutside(path, sources, links, onTheWay);
	const within = entry === "" ? undefined : entry;
	let entries: SignedEntries | undefined;
	// The members of the catalogs are parsed only if a step below needs them.
	const signed = () => {
		entries ??= signedEntries(catalogs, options);
		return entries;
	};
	const members = () => pathsOf(signed().set);
	const covered = selectionRules(catalogs, options);
	const selection = createSelection(asAskedFor(covered, options), members);
	const listed = within === undefined ? listToCompare(catalogs, options) : undefined;
	const digest = listed === undefined && signed().digestSize === 20 ? "sha1" : "sha256";
	const denied = watchForDenied(options.trust, digest, options.visitor);
	const skip = catalogEntryPaths(root, catalogs);
	const limit = sizeLimit(root, options.maxFileBytes);
	// A list of denied files names content, which only reading shows.
	const named = denied.visitor === options.visitor ? filesToRead(catalogs, options) : undefined;
	const manifest = await hashFileSet(root, {
		digest,
		...linkRules(catalogs),
		caseCollisions: listed?.facts.caseCollisions ?? "allow",
		exclude: restrictedTo(within, selection.excludes),
		skip,
		reads: options.maxFileBytes === undefined ? named : (entry) => named?.(entry) !== false && limit.isWithin(entry),
		onProblem: "collect",
		onProgress: options.onProgress,
		signal: options.signal,
		visitor: denied.visitor,
	});
	const { covers, paths: coveredPaths } = coverageOf(covered);
	const comparison = {
		path: operand?.path ?? path,
		leadsTo: operand?.leadsTo,
		root,
		catalogs,
		covers,
		coveredPaths,
		otherCount: covers === "paths" ? undefined : await othersBeside(root, covered, { members, within, skip }),
		outsideLinkCount: countOutsideLinks(manifest),
		checkedCount: manifest.count,
		ignoredCount: selection.ignoredCount,
		onTheWay,
		warnings: given.root === undefined && options.catalogs !== undefined ? rootHints(path, root, coveredPaths) : [],
	};
	if (listed !== undefined && isSignedList(manifest, listed)) {
		return conclude({ ...comparison, match: "path", findings: denied.findings }, options.added);
	}
	const { match, set, digests, short } = signed();
	if (match === "digest") {
		if (within !== undefined) {
			throw new SigtoolError("ERR_USAGE", `Cannot match ${quote(path)} by digest alone: verify the whole tree`, {
				path,
			});
		}
		return conclude(
			{
				...comparison,
				match,
				findings: [
					...denied.findings,
					...limit.findings,
					...limit.ofRead(compareByDigest(manifest, digests, signedLinks(catalogs))),
				],
			},
			options.added,
		);
	}
	const expected = below(set, within);
	const findings = [
		...denied.findings,
		...limit.findings,
		...short.filter(({ path: entry }) => within === undefined || entry.startsWith(`${within}/`)),
		...limit.ofRead(compareByPath(manifest, expected, { modes: HOST_MODES })).map(hintAtLeftovers(root, catalogs)),
	];
	if (within !== undefined && expected.files.size + expected.links.size === 0) {
		const message = `nothing in ${quote(within)} is signed by ${quote(catalogs[0].file)}`;
		return conclude({
			...comparison,
			match,
			findings: [{ code: "ERR_NOT_A_MEMBER", path: within, message }, ...findings],
		});
	}
	return conclude({ ...comparison, match, findings }, options.added);
}

/**
 * Refuses a catalog whose members have no names, such as the catalog of a driver. The files that it signs may be in any
 * directory, so the catalog alone does not show which directory to verify.
 * @throws ERR_USAGE
 */
function requireNames(operand: string, catalogs: readonly UsedCatalog[], options: VerifyOptions): void {
	if (bindingOf(catalogs, { ...options, match: undefined }).match === "path") return;
	const message =
		`Cannot tell which files ${quote(operand)} signs: its members have no names; name their directory with --root, ` +
		"or verify the signature alone with --signature-only";
	throw new SigtoolError("ERR_USAGE", message, { path: operand });
}

function signedLinks(catalogs: readonly UsedCatalog[]): ReadonlyMap<string, string> {
	return new Map(catalogs.flatMap(({ facts }) => [...facts.symbolicLinks]));
}

interface Within extends ResolvedEntry {
	/** The findings about the symbolic links in the path to the directory. */
	readonly findings: readonly Finding[];
}

/**
 * Returns the entry of the directory `path` in the signed tree. The entry is "" for the whole tree, and undefined if
 * the path leads out of the tree.
 */
async function withinTree({ catalogs, root }: Sources, path: string, options: VerifyOptions): Promise<Within> {
	const isSamePath = () => absolutePath(root) === absolutePath(path);
	if (realPath(root) === realPath(path) && (options.catalogs !== undefined || isSamePath())) {
		return { entry: "", links: [], findings: [] };
	}
	const { entry, links } = operandEntry(root, path, linkRules(catalogs).links);
	const findings: Finding[] = [];
	for (const link of links) findings.push(...(await compareEntry(realPath(root), link, catalogs, options)));
	return { entry, links, findings };
}

/**
 * Returns a warning if the catalogs cover paths of one directory, and none of these paths exists below `root`. In this
 * case the user probably named one of the signed paths instead of the directory that contains them.
 */
function rootHints(path: string, root: string, coveredPaths: readonly string[]): string[] {
	if (coveredPaths.length === 0 || coveredPaths.some((covered) => exists(join(root, covered)))) return [];
	const signed = coveredPaths.slice(0, MAX_NAMED_PATHS).map(quote).join(", ");
	const more = coveredPaths.length > MAX_NAMED_PATHS ? ", …" : "";
	const among = coveredPaths.find((covered) => root.split(sep).join("/").endsWith(`/${covered}`));
	const directory = among === undefined ? "" : ` ${quote(join(root, ...among.split("/").map(() => "..")))}`;
	return [
		`the catalog signs the paths ${signed}${more} of one directory, and none of them is in ${quote(path)}: ` +
			`name that directory${directory} with --root`,
	];
}

const MAX_NAMED_PATHS = 3;

type Excludes = (path: string, kind: "file" | "directory") => boolean;

/**
 * Returns a function that excludes every entry except those below `within`, `within` itself, and the directories above
 * `within`. It also excludes the entries that `excludes` excludes.
 */
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

/**
 * Returns the catalog if the whole signed list can be compared at once (`isSignedList`). This needs a single catalog
 * that sigtool made. The catalog must carry no extended attributes: they are not read from the files here, so the list
 * could not be encoded again. Its attributes must also be small (MAX_LISTED_UNITS).
 */
function listToCompare(catalogs: readonly UsedCatalog[], { match }: VerifyOptions): UsedCatalog | undefined {
	const [catalog, ...others] = catalogs;
	const isOwn = others.length === 0 && isSigtoolCatalog(catalog.catalog.attributes);
	if (!isOwn || catalog.facts.carried !== undefined || match === "digest") return undefined;
	const units = catalog.catalog.attributes.reduce((sum, { value }) => sum + value.length, 0);
	return units <= MAX_LISTED_UNITS ? catalog : undefined;
}

/**
 * The largest total length of a catalog's attributes, in UTF-16 code units, for which the list is encoded again.
 * Encoding needs several times this size in memory. A catalog with longer attributes, such as one with many long links,
 * is compared entry by entry.
 */
const MAX_LISTED_UNITS = 2 ** 23;

/**
 * Encodes a list from the files that were found, and returns true if its bytes are exactly those of the signed list.
 * Then nothing has changed, and no member needs to be decoded. If the result is false, the entries must be compared one
 * by one to find a difference.
 */
function isSignedList(manifest: Manifest, { catalog, facts }: UsedCatalog): boolean {
	if (manifest.problems.length > 0 || manifest.kinds.includes(ENTRY_KIND.unread)) return false;
	const { thisUpdate, listId, bytes } = catalog;
	const list = encodeCatalog(manifest, { ...facts, ...entryFacts(manifest) }, { thisUpdate, listId });
	return Buffer.compare(list, bytes) === 0;
}

function pathsOf(set: SignedSet): string[] {
	return [...set.files.keys(), ...set.links.keys()];
}

/**
 * Returns the rules that select the files to hash. If `added` is `fail` or `warn`, the whole tree is selected, except
 * for what the ignore rules of `covered` exclude. Otherwise these are the rules of `covered`.
 */
function asAskedFor(covered: SelectionRules, { added = "ignore" }: VerifyOptions): SelectionRules {
	return added === "ignore" ? covered : { ignore: covered.ignore, include: [], scope: "root" };
}

interface Beside {
	readonly members: () => Iterable<string>;
	readonly within: string | undefined;
	readonly skip: ReadonlySet<string>;
}

/**
 * Returns the number of files that the rules of `covered` do not select. Does not count files that match its ignore
 * rules.
 */
async function othersBeside(root: string, covered: SelectionRules, { members, within, skip }: Beside): Promise<number> {
	if (coverageOf(covered).covers === "tree") return 0;
	const selection = createSelection({ ...covered, ignore: [] }, members);
	const { excludes } = createSelection({ ignore: covered.ignore, include: [], scope: "root" }, members);
	return countOthers(root, selection, restrictedTo(within, excludes), skip);
}

/**
 * Returns the rules by which the catalogs select files. A list of ignore rules or include globs counts only if all
 * catalogs have the same one. The scope is the largest that a catalog has. With `ignoreRules: "report"` there are no
 * rules, and the scope is the whole tree.
 */
function selectionRules(catalogs: readonly UsedCatalog[], { ignoreRules }: VerifyOptions): SelectionRules {
	if (ignoreRules === "report") return { ignore: [], include: [], scope: "root" };
	const [first, ...others] = catalogs.map((catalog) => catalog.facts);
	const common = (list: (facts: CatalogFacts) => readonly string[]) => {
		const isEverywhere = others.every((facts) => JSON.stringify(list(facts)) === JSON.stringify(list(first)));
		return isEverywhere ? list(first) : [];
	};
	const scopes = [first, ...others].map(({ scope }) => scope);
	const everyListed = scopes.every((scope) => scope === "listed");
	const paths = scopes.flatMap((scope) => (typeof scope === "string" ? [] : scope));
	return {
		ignore: common(({ ignore }) => ignore),
		include: common(({ include }) => include),
		scope: scopes.includes("root") ? "root" : everyListed ? "listed" : paths,
	};
}

/**
 * Returns the entry paths of those catalogs that are in the tree. These files are not compared, because a catalog
 * cannot sign itself.
 */
export function catalogEntryPaths(root: string, catalogs: readonly Pick<UsedCatalog, "file">[]): Set<string> {
	const files = catalogs.flatMap(({ file }) => [join(realPath(dirname(file)), basename(file)), realPath(file)]);
	return new Set(files.filter((file) => isBelow(root, file)).map((file) => entryPathOf(root, file)));
}

/**
 * Returns a function that adds an explanation to a finding, if the finding is about the temporary file that an
 * interrupted run of `sign` left. It returns any other finding unchanged.
 */
function hintAtLeftovers(root: string, catalogs: readonly UsedCatalog[]): (finding: Finding) => Finding {
	const names = new Set(
		catalogs.map(({ file }) => entryPathOf(root, temporaryNameFor(join(realPath(dirname(file)), basename(file))))),
	);
	return (finding) => {
		if (finding.code !== "ERR_FILE_ADDED" || !names.has(finding.path)) return finding;
		return { ...finding, message: `${finding.message}; an interrupted run leaves it, signing again removes it` };
	};
}
