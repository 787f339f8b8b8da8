/**
 * Compares any two catalogs or trees. The content of a catalog is shown even if nobody vouches for it, and the result
 * says so. Only the signatures of catalogs are verified: `verify` judges a tree.
 */

import { quote, SigtoolError } from "../errors.js";
import { naturalMatch } from "../formats/cat-entries.js";
import { diffEntries, type EntryComparison, type EntryDifference } from "./diff-entries.js";
import { diffFacts, type FactDifference } from "./diff-facts.js";
import {
	type CatalogSide,
	type DiffOptions,
	kindOfSide,
	openCatalogSide,
	openTreeSide,
	TREE_MODE_BITS,
	type TreeSide,
} from "./diff-side.js";
import { type EntryRows, rowsByDigest, rowsByPath, treeRowsByDigest, treeRowsByPath } from "./entry-rows.js";

export type DiffSide = (CatalogSide | TreeSide) & { readonly entryCount: number };

export interface Diff {
	readonly a: DiffSide;
	readonly b: DiffSide;
	/** The way in which entries were paired: by path, or by digest if a catalog has members without paths. */
	readonly match: "path" | "digest";
	/** The differences of product, sequence, signer and rules. Two catalogs have them, trees have not. */
	readonly facts: readonly FactDifference[];
	/** The differences of entries, in the order of their paths. Each iteration compares anew, and keeps nothing. */
	readonly entries: Iterable<EntryDifference>;
	/** The errors about entries of trees that could not be read. */
	readonly problems: readonly SigtoolError[];
	readonly warnings: readonly string[];
}

/**
 * Compares `before` with `after`, each a catalog or a directory.
 * @throws ERR_USAGE for other files, and for catalogs whose digests cannot be compared; ERR_ROOT_MISSING, ERR_DER,
 * ERR_CMS_FORMAT, ERR_CATALOG_FORMAT, ERR_PATH_*, ERR_WEAK_DIGEST, ERR_LIMIT, ERR_IO
 */
export async function diffSigned(before: string, after: string, options: DiffOptions): Promise<Diff> {
	const paths = [before, after] as const;
	const kinds = paths.map(kindOfSide);
	const catalogs = paths.map((path, index) =>
		kinds[index] === "catalog" ? openCatalogSide(path, options) : undefined,
	);
	requireSameDigests(catalogs);
	const open = async (index: 0 | 1) =>
		catalogs[index] ?? (await openTreeSide(paths[index], catalogs[1 - index], options));
	const [a, b] = [await open(0), await open(1)];
	const match = [a, b].every(hasPaths) ? "path" : "digest";
	const [rowsA, rowsB] = [rowsOf(a, match, b), rowsOf(b, match, a)];
	const how: EntryComparison = {
		match,
		modeBits: a.kind === "tree" || b.kind === "tree" ? TREE_MODE_BITS : 0o7777,
		carried: a.kind === "catalog" && b.kind === "catalog" ? "compare" : "ignore",
	};
	const trees = [a, b].filter((side) => side.kind === "tree");
	return {
		a: { ...a, entryCount: rowsA.count },
		b: { ...b, entryCount: rowsB.count },
		match,
		facts: a.kind === "catalog" && b.kind === "catalog" ? diffFacts(a, b) : [],
		entries: { [Symbol.iterator]: () => diffEntries(rowsA, rowsB, how) },
		problems: trees.flatMap(({ manifest }) => {
			return manifest.problems.map(({ code, message, path, cause }) => {
				return new SigtoolError(code, message, { path, root: manifest.root, cause });
			});
		}),
		warnings: [a, b].flatMap((side) => (side.kind === "catalog" ? side.warnings : [])),
	};
}

/** @throws ERR_USAGE if one catalog has SHA-1 and the other SHA-256 */
function requireSameDigests([a, b]: readonly (CatalogSide | undefined)[]): void {
	const sizes = [a?.digestSize, b?.digestSize];
	if (sizes.includes(undefined) || sizes[0] === sizes[1]) return;
	const message = `Cannot compare ${quote(a?.path ?? "")} with ${quote(b?.path ?? "")}: one has SHA-1 digests, the other SHA-256`;
	throw new SigtoolError("ERR_USAGE", message);
}

function hasPaths(side: CatalogSide | TreeSide): boolean {
	return side.kind === "tree" || naturalMatch(side.catalog, side.digestSize ?? 32) === "path";
}

function rowsOf(side: CatalogSide | TreeSide, match: "path" | "digest", other: CatalogSide | TreeSide): EntryRows {
	if (side.kind === "tree") return match === "path" ? treeRowsByPath(side.manifest) : treeRowsByDigest(side.manifest);
	const size = side.digestSize ?? (other.kind === "catalog" ? (other.digestSize ?? 32) : 32);
	return match === "path" ? rowsByPath(side.catalog, side.facts, size) : rowsByDigest(side.catalog, side.facts, size);
}
