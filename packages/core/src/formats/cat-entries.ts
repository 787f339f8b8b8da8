/**
 * Returns the members of a catalog by entry path or by digest. Verification matches files with a catalog in one of
 * these two ways.
 */

import { quote, SigtoolError } from "../errors.js";
import type { SignedDigest, SignedFile, SignedSet } from "../fileset/compare/compare.js";
import { ENTRY_KIND } from "../fileset/manifest.js";
import { checkCollisions, checkEntryPath } from "../fileset/paths/entry-path.js";
import { createPathTable } from "../fileset/paths/path-table.js";
import { parseCarried } from "./cat-carried.js";
import { type CatalogFacts, DEFAULT_MODE } from "./cat-facts.js";
import { memberAttributes, memberCarriedTexts, memberDigest, memberFilePath, memberWholeDigest } from "./cat-member.js";
import type { Catalog, MemberTable } from "./cat-model.js";

/**
 * Returns the size in bytes of the digests that are evidence: 32 if a catalog has any SHA-256 member or no member at
 * all, else 20. Members with a digest of another size are skipped. SHA-1 twins beside SHA-256 members prove nothing
 * more.
 * @throws ERR_WEAK_DIGEST for a SHA-1 catalog under the default profile
 */
export function evidenceSize(catalog: Catalog, profile: "default" | "windows-legacy"): 20 | 32 {
	const { count, digestSizes } = catalog.members;
	if (count === 0 || digestSizes.includes(32)) return 32;
	if (profile === "windows-legacy") return 20;
	const message =
		"Cannot trust the catalog: its members are SHA-1, which is no evidence; --profile windows-legacy accepts it";
	throw new SigtoolError("ERR_WEAK_DIGEST", message);
}

/** Returns `path` if every member with a digest of `size` bytes has a FilePath, else `digest`. */
export function naturalMatch(catalog: Catalog, size: 20 | 32): "path" | "digest" {
	const { count, digestSizes, pathStarts, pathEnds } = catalog.members;
	for (let row = 0; row < count; row++) {
		if (digestSizes[row] === size && pathStarts[row] === pathEnds[row]) return "digest";
	}
	return "path";
}

/**
 * Returns every signed entry by path.
 * @throws ERR_PATH_* for a name that is illegal or collides with another name; ERR_CATALOG_FORMAT for a member without
 * a FilePath, or malformed carried attributes
 */
export function entriesByPath(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): SignedSet {
	const files = new Map<string, SignedFile>();
	for (const [path, row] of rowsByPath(catalog, facts, size)) {
		files.set(path, row === NO_MEMBER ? emptyFile(facts, path) : signedFile(catalog, facts, row, path));
	}
	return { files, links: facts.symbolicLinks };
}

/**
 * Returns the entry of one path as `entriesByPath` would. All other paths are checked too, because a path is legal
 * only if it collides with none of them. Only the one entry is decoded.
 * @throws the errors of `entriesByPath`
 */
export function entryByPath(catalog: Catalog, facts: CatalogFacts, size: 20 | 32, path: string): SignedSet {
	const rows = checkedRows(catalog, facts, size);
	const target = facts.symbolicLinks.get(path);
	if (target !== undefined) return { files: new Map(), links: new Map([[path, target]]) };
	const row = rows.get(path);
	if (row === undefined) return { files: new Map(), links: new Map() };
	const file = row === NO_MEMBER ? emptyFile(facts, path) : signedFile(catalog, facts, row, path);
	return { files: new Map([[path, file]]), links: new Map() };
}

/**
 * Returns true if `entriesByPath` has a file at the path, and false for a link. All paths are checked, and none is
 * decoded. @throws the errors of `entriesByPath`
 */
export function signsFile(catalog: Catalog, facts: CatalogFacts, size: 20 | 32, path: string): boolean {
	return checkedRows(catalog, facts, size).get(path) !== undefined && !facts.symbolicLinks.has(path);
}

/** Takes the place of a row for a zero-length file or a link, because neither is a member. */
const NO_MEMBER = -1;

/** A way to look up the row of a file. */
type Rows = Pick<ReadonlyMap<string, number>, "get">;

/**
 * Checks all entry paths of a catalog for looking up single files. The result is kept, so that the paths of a catalog
 * are checked only once.
 * @throws the errors of `rowsByPath`
 */
function checkedRows(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): Rows {
	const known = CHECKED.get(catalog);
	if (known?.facts === facts && known.size === size) return known.rows;
	const rows = tableOfRows(catalog, facts, size) ?? rowsByPath(catalog, facts, size);
	CHECKED.set(catalog, { facts, size, rows });
	return rows;
}

const CHECKED = new WeakMap<Catalog, { readonly facts: CatalogFacts; readonly size: 20 | 32; readonly rows: Rows }>();

/**
 * Checks what `rowsByPath` checks, without decoding the paths, and returns the row of each file and NO_MEMBER for each
 * link. Returns undefined if a path may be illegal or collide. The caller then calls `rowsByPath`, which decides this
 * and makes the error.
 */
function tableOfRows(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): Rows | undefined {
	const { bytes, members } = catalog;
	const { count, digestSizes, pathStarts, pathEnds } = members;
	const others = [...facts.emptyFiles.keys(), ...facts.symbolicLinks.keys()];
	let length = 0;
	for (let row = 0; row < count; row++) length += (pathEnds[row] - pathStarts[row]) / 2;
	for (const path of others) length += path.length;
	const table = createPathTable(count + others.length, length, facts);
	for (let row = 0; row < count; row++) {
		if (digestSizes[row] === size && !table.addUtf16(bytes, pathStarts[row], pathEnds[row], row)) return undefined;
	}
	for (const path of others) if (!table.add(path, NO_MEMBER)) return undefined;
	return table;
}

/**
 * Checks all entry paths of a catalog. Returns the row of each member with a digest of `size` bytes, and NO_MEMBER for
 * each zero-length file.
 * @throws ERR_PATH_*, ERR_CATALOG_FORMAT
 */
function rowsByPath(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): ReadonlyMap<string, number> {
	const rows = new Map<string, number>();
	const paths: string[] = [];
	const { count, digestSizes } = catalog.members;
	for (let row = 0; row < count; row++) {
		if (digestSizes[row] !== size) continue;
		const path = entryPath(catalog, row);
		paths.push(path);
		rows.set(path, row);
	}
	for (const path of facts.emptyFiles.keys()) {
		paths.push(path);
		rows.set(path, NO_MEMBER);
	}
	for (const path of facts.symbolicLinks.keys()) paths.push(path);
	for (const path of paths) checkEntryPath(path);
	checkCollisions(paths, { caseCollisions: facts.caseCollisions });
	return rows;
}

/**
 * Returns every digest of `size` bytes. Its name is the name in the catalog or, if there is none, the digest in
 * hexadecimal. The digest of a zero-length file is empty.
 */
export function entriesByDigest(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): SignedDigest[] {
	const entries: SignedDigest[] = Array.from(facts.emptyFiles.keys(), (name) => {
		return { kind: ENTRY_KIND.file, digest: EMPTY, name };
	});
	for (let row = 0; row < catalog.members.count; row++) {
		if (catalog.members.digestSizes[row] !== size) continue;
		const digest = memberDigest(catalog.members, row);
		const name = memberName(catalog, row) ?? Buffer.from(digest).toString("hex");
		const wholeSha256 = memberWholeDigest(catalog, row);
		entries.push({ kind: entryKind(catalog.members, row), digest, name, ...(wholeSha256 && { wholeSha256 }) });
	}
	return entries;
}

/** Returns the member's FilePath or, if it has none, the value of the `File` attribute that inf2cat writes. */
export function memberName(catalog: Catalog, row: number): string | undefined {
	const path = memberFilePath(catalog, row);
	return path ?? memberAttributes(catalog, row).find(({ name }) => name === "File")?.value;
}

/** Returns the ENTRY_KIND of a member, or -1 if the catalog does not tell it. */
function entryKind(members: MemberTable, row: number): number {
	return [-1, ENTRY_KIND.file, ENTRY_KIND.pe, ENTRY_KIND.cab][members.subjectKinds[row]];
}

/** Decodes the entry of one member. @throws ERR_CATALOG_FORMAT for malformed carried attributes */
export function signedFile(catalog: Catalog, facts: CatalogFacts, row: number, path: string): SignedFile {
	const { members } = catalog;
	const recorded = members.modes[row];
	const mode = recorded !== -1 || facts.modes === "none" ? recorded : DEFAULT_MODE;
	const wholeSha256 = memberWholeDigest(catalog, row);
	const plain = { kind: entryKind(members, row), digest: memberDigest(members, row), mode };
	const file = wholeSha256 === undefined ? plain : { ...plain, wholeSha256 };
	if (members.carriedCounts[row] === 0) return file;
	if (facts.carried === undefined) {
		const message = `Cannot read catalog: ${quote(path)} carries attributes, but the list has no SigtoolCarries`;
		throw new SigtoolError("ERR_CATALOG_FORMAT", message);
	}
	return { ...file, carried: parseCarried(memberCarriedTexts(catalog, row), path) };
}

/** Returns the entry of a zero-length file, which is no member. */
export function emptyFile(facts: CatalogFacts, path: string): SignedFile {
	const mode = facts.emptyFiles.get(path) ?? -1;
	const carried = facts.carried?.get(path);
	return { kind: ENTRY_KIND.file, digest: EMPTY, mode, ...(carried === undefined ? {} : { carried }) };
}

function entryPath(catalog: Catalog, row: number): string {
	const path = memberFilePath(catalog, row);
	if (path === undefined) {
		const message = "Cannot match by path: a member carries no FilePath; use --match digest";
		throw new SigtoolError("ERR_CATALOG_FORMAT", message);
	}
	return path.replaceAll("\\", "/");
}

const EMPTY = new Uint8Array(0);
