/** The outcome of a verification: the differences, and the verdict that they lead to. */

import { ERROR_CODES, type ExitStatus } from "../errors.js";
import type { Finding } from "../fileset/compare.js";
import type { HashProgress } from "../fileset/hash-files.js";
import type { Coverage } from "./coverage.js";
import type { SourceOptions, Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";
import type { RevocationOptions } from "./verify-revocation.js";

export interface VerifyOptions extends SourceOptions {
	/**
	 * The verdict for an unsigned entry of a directory. Default `fail` for what the catalogs cover; a given value is about
	 * every file of the tree. A file that is verified by itself always fails.
	 */
	readonly added?: "fail" | "warn" | "ignore";
	/**
	 * The value `signature` verifies a catalog's signature and compares no files, so that the verdict is `signed` and never
	 * `trusted`. Default `files`.
	 */
	readonly extent?: "files" | "signature";
	/** `report` reports entries as added although signed ignore rules cover them. Default `apply`. */
	readonly ignoreRules?: "apply" | "report";
	/** Absent: revocation is not checked. */
	readonly revocation?: RevocationOptions;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface Verification {
	readonly path: string;
	/**
	 * `trusted`: files were compared, and none differs. `signed`: a signature holds, and no file was compared.
	 * `undecided`: no difference was proven, but some files could not be read.
	 */
	readonly verdict: "trusted" | "signed" | "failed" | "undecided";
	/** The real path of the directory that entry paths are relative to. Undefined when no files were compared by path. */
	readonly root: string | undefined;
	readonly catalogs: readonly UsedCatalog[];
	/** How files were compared with the catalogs. `none`: only the signature of a catalog was verified. */
	readonly match: "path" | "digest" | "none";
	/** The part of the tree that the catalogs are about. `none`: no files were compared. */
	readonly covers: Coverage["covers"] | "file" | "none";
	/** The paths that were signed, when the catalogs cover `paths`. */
	readonly coveredPaths: readonly string[];
	/** The number of files beside those that the catalogs cover. Undefined when they were not counted. */
	readonly otherCount: number | undefined;
	/** The number of entries that were compared with a catalog. */
	readonly checkedCount: number;
	/** The number of entries that signed ignore rules keep from being reported as added. A directory counts once. */
	readonly ignoredCount: number;
	/** The differences that decide the verdict. */
	readonly findings: readonly Finding[];
	/** Differences that do not decide the verdict, by `added: "warn"`. */
	readonly notices: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Returns the sources with the revocation status of their certificates, or unchanged when revocation is not checked.
 * @throws ERR_CERTIFICATE_REVOKED, ERR_REVOCATION_UNKNOWN
 */
export async function unlessRevoked(sources: Sources, options: VerifyOptions): Promise<Sources> {
	if (options.revocation === undefined) return sources;
	const { checkRevocation } = await import("./verify-revocation.js");
	return { ...sources, catalogs: await checkRevocation(sources.catalogs, options) };
}

/** The entries that were compared, and how they differ. */
export interface Comparison
	extends Pick<Verification, "path" | "root" | "catalogs" | "match" | "covers" | "checkedCount"> {
	readonly coveredPaths?: readonly string[];
	readonly otherCount?: number | undefined;
	readonly ignoredCount?: number;
	readonly findings: readonly Finding[];
	readonly warnings?: readonly string[];
}

/**
 * Decides the verdict by `added`, and collects the warnings of the catalogs. Only here does a verification become
 * `trusted`, and never one that compared no files.
 */
export function conclude(comparison: Comparison, added: "fail" | "warn" | "ignore" = "fail"): Verification {
	const { coveredPaths = [], otherCount, ignoredCount = 0, findings, catalogs, warnings = [] } = comparison;
	const isAddition = ({ code }: Finding) => code === "ERR_FILE_ADDED" || code === "ERR_NOT_A_MEMBER";
	const decisive = added === "fail" ? findings : findings.filter((finding) => !isAddition(finding));
	const passed = comparison.match === "none" ? "signed" : "trusted";
	return {
		...comparison,
		verdict: decisive.length === 0 ? passed : worstExitStatus(decisive) === 3 ? "undecided" : "failed",
		coveredPaths,
		otherCount,
		ignoredCount,
		findings: decisive,
		notices: added === "warn" ? findings.filter(isAddition) : [],
		warnings: [...catalogs.flatMap((catalog) => catalog.warnings), ...warnings],
	};
}

/**
 * Returns exit status 1 when any difference is proven, 3 when all are files that could not be read, and 2 when all are
 * refusals of a development identity.
 */
export function worstExitStatus(findings: readonly Finding[]): ExitStatus {
	if (findings.every(({ code }) => ERROR_CODES[code][0] === 3)) return 3;
	return findings.every(({ code }) => code === "ERR_DEVELOPMENT_REFUSED") ? 2 : 1;
}
