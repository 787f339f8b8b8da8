/** Defines the outcome of a verification: the differences, and the verdict that follows from them. */

import { ERROR_CODES, type ExitStatus } from "../errors.js";
import type { Finding } from "../fileset/compare.js";
import type { HashProgress } from "../fileset/hash-files.js";
import type { Coverage } from "./coverage.js";
import type { RevocationOptions } from "./revocation-sources.js";
import type { SourceOptions, Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";

export interface VerifyOptions extends SourceOptions {
	/**
	 * The verdict for an unsigned entry of a directory. The default is `fail`, only for the part of the tree that the
	 * catalogs cover. A given value applies to every file of the tree. If a single file is verified and is unsigned,
	 * the verdict is always `failed`.
	 */
	readonly added?: "fail" | "warn" | "ignore";
	/**
	 * The value `signature` verifies a catalog's signature and compares no files, so that the verdict is `signed` and
	 * never `trusted`. Default `files`.
	 */
	readonly extent?: "files" | "signature";
	/** `report` reports entries as added although signed ignore rules cover them. Default `apply`. */
	readonly ignoreRules?: "apply" | "report";
	/** If undefined, revocation is not checked. */
	readonly revocation?: RevocationOptions;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface Verification {
	readonly path: string;
	/** The real path of the catalog that was used, if `path` is a link to it. */
	readonly leadsTo: string | undefined;
	/**
	 * `trusted` means that files were compared and none differs. `signed` means that a signature is valid and no file
	 * was compared. `undecided` means that no difference was proven, but some files could not be read.
	 */
	readonly verdict: "trusted" | "signed" | "failed" | "undecided";
	/**
	 * The real path of the directory that entry paths are relative to. It is undefined if no files were compared by
	 * path.
	 */
	readonly root: string | undefined;
	readonly catalogs: readonly UsedCatalog[];
	/**
	 * The way in which files were compared with the catalogs. `none` means that no file was compared: only the signature
	 * of a catalog was verified, or the path leads out of the signed tree.
	 */
	readonly match: "path" | "digest" | "none";
	/** The part of the tree that the catalogs cover. `none` means that no files were compared. */
	readonly covers: Coverage["covers"] | "file" | "none";
	/** The paths that were signed, if `covers` is `paths`. */
	readonly coveredPaths: readonly string[];
	/** The number of files that the catalogs do not cover. Undefined if these files were not counted. */
	readonly otherCount: number | undefined;
	/**
	 * The number of compared links that lead out of the tree. The links are signed, and the files to which they lead are
	 * not. Undefined if links were not counted.
	 */
	readonly outsideLinkCount: number | undefined;
	/** The number of entries that were compared with a catalog. */
	readonly checkedCount: number;
	/** The number of entries that are not reported as added because of signed ignore rules. A directory counts once. */
	readonly ignoredCount: number;
	/** The differences that decide the verdict. */
	readonly findings: readonly Finding[];
	/** Differences that do not decide the verdict because of `added: "warn"`. */
	readonly notices: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Returns the sources with the revocation status of their certificates. If revocation is not checked, returns the
 * sources unchanged.
 * @throws ERR_CERTIFICATE_REVOKED, ERR_REVOCATION_UNKNOWN
 */
export async function unlessRevoked(sources: Sources, options: VerifyOptions): Promise<Sources> {
	if (options.revocation === undefined) return sources;
	const { checkSources } = await import("./verify-revocation.js");
	return checkSources(sources, options);
}

/** The entries that were compared, and their differences. */
export interface Comparison
	extends Pick<Verification, "path" | "root" | "catalogs" | "match" | "covers" | "checkedCount"> {
	readonly leadsTo?: string | undefined;
	readonly coveredPaths?: readonly string[];
	readonly otherCount?: number | undefined;
	readonly outsideLinkCount?: number | undefined;
	readonly ignoredCount?: number;
	/**
	 * The findings about links in the path to a directory. They decide whatever `added` says, because such a link
	 * replaces a directory, and other files are compared than the path names.
	 */
	readonly onTheWay?: readonly Finding[];
	readonly findings: readonly Finding[];
	readonly warnings?: readonly string[];
}

/**
 * Decides the verdict by `added`, and collects the warnings of the catalogs. No other function makes the verdict
 * `trusted`, and this one makes it only if files were compared.
 */
export function conclude(comparison: Comparison, added: "fail" | "warn" | "ignore" = "fail"): Verification {
	const { onTheWay = [], ...compared } = comparison;
	const { coveredPaths = [], otherCount, ignoredCount = 0, findings, catalogs, warnings = [] } = compared;
	const { leadsTo, outsideLinkCount } = compared;
	const isAddition = ({ code }: Finding) => code === "ERR_FILE_ADDED" || code === "ERR_NOT_A_MEMBER";
	const others = added === "fail" ? findings : findings.filter((finding) => !isAddition(finding));
	const decisive = [...onTheWay, ...others];
	const passed = comparison.match === "none" ? "signed" : "trusted";
	return {
		...compared,
		verdict: decisive.length === 0 ? passed : worstExitStatus(decisive) === 3 ? "undecided" : "failed",
		leadsTo,
		coveredPaths,
		otherCount,
		outsideLinkCount,
		ignoredCount,
		findings: decisive,
		notices: added === "warn" ? findings.filter(isAddition) : [],
		warnings: [...catalogs.flatMap((catalog) => catalog.warnings), ...warnings],
	};
}

/**
 * Returns exit status 3 if the code of every finding has this status, such as a file that could not be read. Returns 2
 * if every finding is the refusal of a development identity, and 1 for anything else.
 */
export function worstExitStatus(findings: readonly Finding[]): ExitStatus {
	if (findings.every(({ code }) => ERROR_CODES[code][0] === 3)) return 3;
	return findings.every(({ code }) => code === "ERR_DEVELOPMENT_REFUSED") ? 2 : 1;
}
