/** Verifies a catalog or a signed directory, and collects the state of each of its files. */

import { lstatSync } from "node:fs";
import { dirname, join } from "node:path";
import {
	type CatalogFileInspection,
	type Finding,
	inspectCatalogFile,
	type Verification,
	type VerifyOptions,
	verifyPath,
} from "@sigtool/core";
import { catalogsCovering, operandKind } from "@sigtool/core/internal";
import { ERROR_CODES, SigtoolError } from "@sigtool/core/internal/errors";
import { escaped } from "../../output/output.js";
import type { FindingData, StateLetter } from "../../page/data.js";
import type { CollectedFile } from "./collect-files.js";

export interface CollectedCatalogs {
	readonly path: string;
	/** The result of `verify`, or the reason why there is none: then nothing of the catalogs is evidence. */
	readonly verification: Verification | SigtoolError;
	/** True if no signed file lies beside the catalog, so that only its signature was verified. */
	readonly isAlone: boolean;
	readonly catalogs: readonly { readonly file: string; readonly inspection: CatalogFileInspection }[];
	readonly files: readonly CollectedFile[];
}

export interface CatalogOptions extends VerifyOptions {
	readonly signatureOnly: boolean;
}

/**
 * A catalog that does not verify is collected too, with the reason.
 * @throws the errors of `inspectCatalogFile` for a file that is no catalog; ERR_CATALOG_NOT_FOUND for a directory
 * without one
 */
export async function collectCatalogs(path: string, options: CatalogOptions): Promise<CollectedCatalogs> {
	const isCatalog = operandKind(path) === "catalog";
	const own = isCatalog ? [inspected(path)] : [];
	const isAlone = isCatalog && options.root === undefined && !options.signatureOnly && !hasFileBeside(path, own[0]);
	const verification = await verifyPath(path, {
		...options,
		extent: options.signatureOnly || isAlone ? "signature" : "files",
	}).catch((error: unknown) => {
		if (error instanceof SigtoolError && error.code !== "ERR_USAGE") return error;
		throw error;
	});
	const isUndecided = verification instanceof SigtoolError;
	if (isUndecided && !isCatalog && verification.code === "ERR_CATALOG_NOT_FOUND") throw verification;
	const found = () => (isUndecided ? catalogsCovering(path).slice(0, 1) : verification.catalogs);
	const catalogs = isCatalog ? own : found().map(({ file }) => inspected(file));
	const members = catalogs.flatMap(({ inspection }) => signedFiles(inspection));
	return { path, verification, isAlone, catalogs, files: filesOf(members, isUndecided ? undefined : verification) };
}

function inspected(file: string): { readonly file: string; readonly inspection: CatalogFileInspection } {
	return { file, inspection: inspectCatalogFile(file) };
}

type Signed = Pick<CollectedFile, "path" | "digest">;

/** Returns what the catalog lists: members, zero-length files, and links. Members without a name have their digest. */
function signedFiles({ members, facts, attributes }: CatalogFileInspection): Signed[] {
	const empty = attributes.flatMap(({ name, value }) => (name === "FilePath" ? [value] : []));
	return [
		...Array.from(members, ({ name, digest }) => ({ path: entryPath(name ?? digest), digest })),
		...empty.map((path) => ({ path: entryPath(path), digest: "" })),
		...Array.from(facts?.symbolicLinks.keys() ?? [], (path) => ({ path, digest: "" })),
	];
}

function entryPath(name: string): string {
	return name.replaceAll("\\", "/");
}

function hasFileBeside(catalog: string, { inspection }: { readonly inspection: CatalogFileInspection }): boolean {
	const files = signedFiles(inspection);
	// Members of a driver's catalog are matched by their content alone, so their names say nothing about the tree.
	const hasPaths = inspection.facts !== undefined;
	return !hasPaths || files.length === 0 || files.some(({ path }) => sizeOf(dirname(catalog), path) !== undefined);
}

/** Returns the size of what is there, without following a link, or undefined if nothing is there. */
function sizeOf(root: string, path: string): number | undefined {
	try {
		return lstatSync(join(root, path), { throwIfNoEntry: false })?.size;
	} catch {
		return undefined;
	}
}

function filesOf(members: readonly Signed[], verification: Verification | undefined): CollectedFile[] {
	const isCompared = verification !== undefined && verification.match !== "none";
	const findings = new Map<string, Finding[]>();
	const digests = new Map<string, string>();
	for (const { path, digest } of members) digests.set(path, digest);
	for (const finding of [...(verification?.findings ?? []), ...(verification?.notices ?? [])]) {
		// A finding about the tree as a whole belongs to no file. The page has it in its table of findings.
		if (finding.path === "") continue;
		const known = findings.get(finding.path);
		if (known === undefined) findings.set(finding.path, [finding]);
		else known.push(finding);
	}
	const unseen = unseenPaths([...findings.values()].flat());
	const isRootUnseen = verification?.findings.some(({ path, code }) => path === "" && isUnseen(code)) === true;
	const root = isCompared ? verification.root : undefined;
	return [...new Set([...digests.keys(), ...findings.keys()])].map((path): CollectedFile => {
		const own = findings.get(path) ?? [];
		const isHidden = isRootUnseen || isBelowAny(path, unseen);
		const sound: StateLetter = !isCompared ? "u" : isHidden ? "n" : "o";
		return {
			path,
			state: own.length === 0 ? sound : worstState(own.map(({ code }) => code)),
			sizeBytes: (root === undefined ? undefined : sizeOf(root, path)) ?? -1,
			digest: digests.get(path) ?? "",
			findings: own.map(findingData),
		};
	});
}

/** Returns the entries that could not be looked at. Files below one that is a directory were not compared. */
function unseenPaths(findings: readonly Finding[]): ReadonlySet<string> {
	return new Set(findings.filter(({ code }) => isUnseen(code)).map(({ path }) => path));
}

function isBelowAny(path: string, directories: ReadonlySet<string>): boolean {
	if (directories.size === 0) return false;
	for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
		if (directories.has(path.slice(0, end))) return true;
	}
	return false;
}

/** Tells whether a finding is about an entry that was not compared, such as a directory that cannot be read. */
function isUnseen(code: Finding["code"]): boolean {
	return STATE_OF_CODE[code] === undefined;
}

const STATE_OF_CODE: Readonly<Partial<Record<Finding["code"], StateLetter>>> = {
	ERR_DENIED: "d",
	ERR_FILE_MODIFIED: "m",
	ERR_LINK_CHANGED: "m",
	ERR_MODE_CHANGED: "m",
	ERR_UNSIGNED_BYTES: "m",
	ERR_FILE_MISSING: "x",
	ERR_FILE_ADDED: "a",
	ERR_NOT_A_MEMBER: "a",
	ERR_PATH_CASE_COLLISION: "r",
	ERR_PATH_NFC_COLLISION: "r",
};

const WORST_FIRST = "dmxarn";

/** Returns the worst of the states of which these codes tell. There is at least one. */
export function worstState(codes: readonly Finding["code"][]): StateLetter {
	const states = codes.map((code): StateLetter => STATE_OF_CODE[code] ?? (ERROR_CODES[code][0] === 3 ? "n" : "r"));
	return states.reduce((worst, each) => (WORST_FIRST.indexOf(each) < WORST_FIRST.indexOf(worst) ? each : worst));
}

function findingData({ code, message, expected, actual }: Finding): FindingData {
	return {
		code,
		message: escaped(message),
		...(expected === undefined ? {} : { expected: escaped(expected) }),
		...(actual === undefined ? {} : { actual: escaped(actual) }),
	};
}
