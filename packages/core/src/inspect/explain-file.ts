/**
 * Tells which catalogs cover a file, what they say of it, and which check decides if it is trusted. The checks are those
 * of `verifyPath`, in their order. What a catalog says is shown even if the catalog is not trusted.
 */

import { dirname } from "node:path";
import { COMMAND, type ErrorCode, quote, reasonOf, SigtoolError } from "../errors.js";
import { absolutePath } from "../fileset/paths/absolute-path.js";
import { catalogFilesAt } from "../fileset/paths/locate-catalogs.js";
import { createSelection } from "../fileset/select/selection.js";
import { parseCatalog } from "../formats/cat.js";
import { entryByPath, evidenceSize, naturalMatch } from "../formats/cat-entries.js";
import { type CatalogFacts, parseFacts } from "../formats/cat-facts.js";
import { parseSignedData } from "../pki/cms.js";
import { readCatalogFile } from "../verify/catalog-file.js";
import { findCatalogs, unlessUnreadable } from "../verify/find-catalogs.js";
import { type OperandKind, operandKind } from "../verify/operand.js";
import { operandEntry } from "../verify/operand-entry.js";
import { loadCatalogs } from "../verify/sources.js";
import type { Verification, VerifyOptions } from "../verify/verification.js";
import { verifyPath } from "../verify/verify.js";

/** One check, in the order in which they are made. */
export interface ExplainedCheck {
	readonly check: "catalog" | "signature" | "entry" | "content";
	/** `skipped` means that an earlier check decided, or that there is nothing to check. */
	readonly outcome: "passed" | "failed" | "skipped";
	/** The code of the error or of the first finding, if the check failed. */
	readonly code: ErrorCode | undefined;
	/** A line that tells what was checked, or why the check failed. */
	readonly says: string;
}

/** A catalog that covers the file, with the facts that it claims. Nothing of it is verified. */
export interface CoveringCatalog {
	readonly file: string;
	readonly product: string | undefined;
	readonly sequence: number | undefined;
}

/** The words of the nearest catalog about the file. */
export type SaidOfEntry =
	| { readonly kind: "file"; readonly digest: string; readonly mode: number | undefined }
	| { readonly kind: "link"; readonly target: string }
	/** A signed rule leaves the path out, or the catalog covers another part of the tree. */
	| { readonly kind: "hidden" | "outside" }
	| { readonly kind: "nothing" };

export interface ExplainedFile {
	readonly path: string;
	readonly kind: OperandKind;
	/** The catalogs that cover the file, the nearest first. */
	readonly catalogs: readonly CoveringCatalog[];
	/** The path of the file in the signed tree. Undefined if it is not known, or if the file stands for a tree. */
	readonly entry: string | undefined;
	/** Undefined if the nearest catalog cannot be read, or names no paths. */
	readonly says: SaidOfEntry | undefined;
	readonly checks: readonly ExplainedCheck[];
	/** True if every check passed, and files were compared. */
	readonly trusted: boolean;
	/** True if a development identity signed one of the catalogs, as far as they were verified. */
	readonly development: boolean;
}

/**
 * Explains a file, a directory or a catalog. A directory is not compared, only its catalogs are verified.
 * @throws errors that are neither about the catalogs nor about the file: ERR_USAGE, ERR_IO
 */
export async function explainFile(path: string, options: VerifyOptions): Promise<ExplainedFile> {
	const kind = operandKind(path);
	const directory = kind === "directory" ? path : dirname(absolutePath(path));
	const files = covering(path, kind, directory, options);
	const entry = kind === "directory" || kind === "catalog" ? undefined : entryOf(path, files[0], options);
	const verdict = await verdictOn(path, kind, options);
	const checks = checksOf(verdict, files, kind);
	return {
		path,
		kind,
		catalogs: files.map((file) => ({ file, ...claimsOf(file) })),
		entry,
		says: entry === undefined || files[0] === undefined ? undefined : saidOf(files[0], entry),
		checks,
		trusted: checks.every(({ outcome }) => outcome === "passed"),
		development: !(verdict instanceof SigtoolError) && verdict.catalogs.some(({ signer }) => signer.development),
	};
}

/** Returns the catalogs that are used for the file, the nearest first. */
function covering(path: string, kind: OperandKind, directory: string, options: VerifyOptions): string[] {
	if (options.catalogs !== undefined)
		return unlessUnreadable([], () => options.catalogs?.flatMap(catalogFilesAt) ?? []);
	if (kind === "catalog") return [path];
	return findCatalogs(directory).catalogs.map(({ file }) => file);
}

function entryOf(path: string, catalog: string | undefined, { root }: VerifyOptions): string | undefined {
	if (catalog === undefined) return undefined;
	const links = factsIn(catalog)?.links === "record" ? "record" : "follow";
	return unlessUnreadable(undefined, () => operandEntry(root ?? dirname(catalog), path, links).entry);
}

/** Runs the checks. A directory and a catalog stand for many files, which are not compared here. */
async function verdictOn(
	path: string,
	kind: OperandKind,
	options: VerifyOptions,
): Promise<Pick<Verification, "catalogs" | "findings"> | SigtoolError> {
	try {
		if (kind === "directory") {
			const { catalogs, outer } = loadCatalogs(path, options);
			return { catalogs: [...catalogs, ...outer], findings: [] };
		}
		if (kind === "catalog" && options.catalogs === undefined) {
			return await verifyPath(path, { ...options, root: undefined, extent: "signature" });
		}
		return await verifyPath(path, options);
	} catch (error) {
		if (error instanceof SigtoolError && error.code !== "ERR_USAGE" && error.code !== "ERR_IO") return error;
		throw error;
	}
}

function checksOf(
	verdict: Pick<Verification, "findings"> | SigtoolError,
	files: readonly string[],
	kind: OperandKind,
): ExplainedCheck[] {
	const failed = verdict instanceof SigtoolError ? verdict : undefined;
	const found = verdict instanceof SigtoolError ? [] : verdict.findings;
	const isCatalogRead = kind === "catalog" || files.some((file) => contentIn(file) !== undefined);
	const at = failedCheck(failed, found[0]?.code, files.length > 0 && !isCatalogRead);
	const decided = at === undefined ? CHECKS.length : CHECKS.indexOf(at);
	// An error about the path is thrown before a signature is verified.
	const isUnreached = (check: Check) =>
		failed !== undefined && at === "entry" && (check === "signature" || (check === "catalog" && !isCatalogRead));
	const reason = failed === undefined ? (found[0]?.message ?? "") : reasonOf(failed);
	const isTree = kind === "directory" || kind === "catalog";
	return CHECKS.map((check, index) => {
		if (check === at) return { check, outcome: "failed", code: failed?.code ?? found[0]?.code, says: reason };
		const isPassed = index < decided && !(isTree && index > 1) && !isUnreached(check);
		const says =
			index > decided || isUnreached(check) ? "not reached" : isPassed ? PASSED[check](files, kind) : NOT_COMPARED;
		return { check, outcome: isPassed ? "passed" : "skipped", code: undefined, says };
	});
}

const CHECKS = ["catalog", "signature", "entry", "content"] as const;
type Check = (typeof CHECKS)[number];

const PASSED: Readonly<Record<Check, (files: readonly string[], kind: OperandKind) => string>> = {
	catalog: (files, kind) => {
		if (kind === "catalog") return "it is a catalog itself";
		return `${files.length === 0 ? "a catalog" : files.map(quote).join(", in the tree of ")} covers it`;
	},
	signature: () => "the signature is valid, and its signer is trusted here",
	entry: () => "the catalog signs this path, also each link on the way",
	content: () => "the content, the mode and the links are as they were signed",
};

const NOT_COMPARED = `not looked at: \`${COMMAND} verify\` compares the files of the tree`;

/**
 * Returns the check that an error or a finding belongs to, or undefined if all passed. `isUnreadable` says that no file
 * which was named as a catalog is one.
 */
function failedCheck(
	error: SigtoolError | undefined,
	finding: ErrorCode | undefined,
	isUnreadable: boolean,
): Check | undefined {
	if (error === undefined)
		return finding === undefined ? undefined : finding === "ERR_NOT_A_MEMBER" ? "entry" : "content";
	if (isUnreadable) return "catalog";
	if (ABOUT_CATALOG.has(error.code)) return "catalog";
	if (ABOUT_ENTRY.has(error.code) || error.code.startsWith("ERR_PATH_")) return "entry";
	return "signature";
}

const ABOUT_CATALOG: ReadonlySet<ErrorCode> = new Set([
	"ERR_CATALOG_NOT_FOUND",
	"ERR_CATALOG_AMBIGUOUS",
	"ERR_NESTED_CATALOG",
]);
const ABOUT_ENTRY: ReadonlySet<ErrorCode> = new Set(["ERR_ROOT_MISSING", "ERR_LINK_CYCLE"]);

function claimsOf(file: string): Pick<CoveringCatalog, "product" | "sequence"> {
	const { product, sequence } = factsIn(file) ?? {};
	return { product, sequence };
}

function factsIn(file: string): CatalogFacts | undefined {
	return contentIn(file)?.facts;
}

function contentIn(file: string) {
	return unlessUnreadable(undefined, () => {
		const { content } = parseSignedData(readCatalogFile(file), "catalog");
		if (content === undefined) return undefined;
		const catalog = parseCatalog(content);
		return { catalog, facts: parseFacts(catalog.attributes) };
	});
}

function saidOf(file: string, entry: string): SaidOfEntry | undefined {
	const said = contentIn(file);
	if (said === undefined) return undefined;
	const { catalog, facts } = said;
	return unlessUnreadable(undefined, (): SaidOfEntry | undefined => {
		const size = evidenceSize(catalog, "windows-legacy");
		if (naturalMatch(catalog, size) === "digest") return undefined;
		const { files, links } = entryByPath(catalog, facts, size, entry);
		const target = links.get(entry);
		if (target !== undefined) return { kind: "link", target };
		const signed = files.get(entry);
		if (signed !== undefined) {
			const digest = Buffer.from(signed.digest).toString("hex");
			return { kind: "file", digest, mode: signed.mode === -1 ? undefined : signed.mode };
		}
		return { kind: leftOutBy(facts, entry) };
	});
}

function leftOutBy({ ignore, include, scope }: CatalogFacts, entry: string): "hidden" | "outside" | "nothing" {
	const names = entry.split("/");
	const above = names.slice(1).map((_, index) => names.slice(0, index + 1).join("/"));
	const { excludes } = createSelection({ ignore, include: [], scope: "root" });
	const isHidden = above.some((path) => excludes?.(path, "directory")) || excludes?.(entry, "file") === true;
	if (isHidden) return "hidden";
	return createSelection({ ignore: [], include, scope }).isOutside(entry) ? "outside" : "nothing";
}
