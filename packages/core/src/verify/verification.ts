/** Defines the result of the verification of catalogs and files, and decides its verdict by the differences. */

import { ERROR_CODES, type ExitStatus } from "../errors.js";
import type { Finding } from "../fileset/compare.js";
import type { HashProgress } from "../fileset/hash-files.js";
import type { Coverage } from "./coverage.js";
import type { RevocationOptions } from "./revocation-sources.js";
import type { SourceOptions, Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";

export interface VerifyOptions extends SourceOptions {
	/**
	 * The effect of an unsigned entry in a directory: the verdict `failed` (`fail`), a notice (`warn`), or none.
	 * Without a value, an unsigned entry is a failure if it is in the part of the tree that the catalogs cover. With
	 * `fail` or `warn` this holds for the whole tree. If a single file is verified and is unsigned, the verdict is
	 * `failed` in any case.
	 */
	readonly added?: "fail" | "warn" | "ignore";
	/**
	 * With `signature`, only the signature of a catalog is verified and no files are compared, so the verdict is
	 * `signed` and never `trusted`. The default is `files`.
	 */
	readonly extent?: "files" | "signature";
	/**
	 * With `report`, the signed rules do not apply: every unsigned entry of the tree is reported as added, even if the
	 * rules exclude it. The default is `apply`.
	 */
	readonly ignoreRules?: "apply" | "report";
	/** The sources about revocation. If undefined, revocation is not checked. */
	readonly revocation?: RevocationOptions;
	/**
	 * Is called while the files of a directory are hashed: at most every 50 ms, and once more at the end. It is not
	 * called for a single file.
	 */
	readonly onProgress?: (done: HashProgress) => void;
	/** Ends the verification early, also while a server is asked about revocation. The promise rejects with AbortError. */
	readonly signal?: AbortSignal;
}

export interface Verification {
	readonly path: string;
	/** The real path of the catalog, if `path` is a link to the catalog. */
	readonly leadsTo: string | undefined;
	/**
	 * `trusted` means that files were compared and there are no findings. `signed` means that a signature is valid and
	 * no file was compared. `undecided` means that the code of every finding has exit status 3, for example because
	 * files could not be read.
	 */
	readonly verdict: "trusted" | "signed" | "failed" | "undecided";
	/**
	 * The real path of the directory to which entry paths are relative. Undefined if no file was compared by its path.
	 */
	readonly root: string | undefined;
	readonly catalogs: readonly UsedCatalog[];
	/**
	 * The way in which files were compared with the catalogs. `none` means that no file was compared: only the
	 * signature of a catalog was verified, or `path` leads out of the signed tree.
	 */
	readonly match: "path" | "digest" | "none";
	/** The part of the tree that the catalogs cover. `none` means that no files were compared. */
	readonly covers: Coverage["covers"] | "file" | "none";
	/** The paths that were signed, if `covers` is `paths`. */
	readonly coveredPaths: readonly string[];
	/** The number of files that the catalogs do not cover. Undefined if these files were not counted. */
	readonly otherCount: number | undefined;
	/**
	 * The number of compared links that lead out of the tree. The links themselves are signed, but not the files to
	 * which they lead. Undefined if these links were not counted.
	 */
	readonly outsideLinkCount: number | undefined;
	/** The number of entries that were compared with a catalog. */
	readonly checkedCount: number;
	/**
	 * The number of unsigned entries that signed ignore rules keep from being reported as added. A directory counts
	 * once.
	 */
	readonly ignoredCount: number;
	/** The differences that decide the verdict. There are none if the verdict is `trusted` or `signed`. */
	readonly findings: readonly Finding[];
	/** The unsigned entries that do not decide the verdict, because of `added: "warn"`. */
	readonly notices: readonly Finding[];
	readonly warnings: readonly string[];
}

/**
 * Checks the certificates of the catalogs for revocation, and returns the sources with the status of each certificate.
 * If revocation is not checked, returns the sources unchanged.
 * @throws ERR_CERTIFICATE_REVOKED, ERR_REVOCATION_UNKNOWN
 */
export async function unlessRevoked(sources: Sources, options: VerifyOptions): Promise<Sources> {
	if (options.revocation === undefined) return sources;
	const { checkSources } = await import("./verify-revocation.js");
	return checkSources(sources, options);
}

/** The result of a comparison, before the verdict is decided. */
export interface Comparison
	extends Pick<Verification, "path" | "root" | "catalogs" | "match" | "covers" | "checkedCount"> {
	readonly leadsTo?: string | undefined;
	readonly coveredPaths?: readonly string[];
	readonly otherCount?: number | undefined;
	readonly outsideLinkCount?: number | undefined;
	readonly ignoredCount?: number;
	/**
	 * The findings about symbolic links in the path to the verified directory. They decide the verdict even if `added`
	 * is `ignore`: a replaced link would lead to another directory than the signed one.
	 */
	readonly onTheWay?: readonly Finding[];
	readonly findings: readonly Finding[];
	readonly warnings?: readonly string[];
}

/**
 * Decides the verdict, and collects the warnings of the catalogs. No other function gives a `Verification` the verdict
 * `trusted`, and this one does so only if `match` is not `none`, which means that files were compared.
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
 * Returns the exit status for findings, of which there must be at least one. It is 3 if the code of every finding has
 * exit status 3, as for a file that could not be read. It is 2 if every finding refuses a development identity, and 1
 * otherwise.
 */
export function worstExitStatus(findings: readonly Finding[]): ExitStatus {
	if (findings.every(({ code }) => ERROR_CODES[code][0] === 3)) return 3;
	return findings.every(({ code }) => code === "ERR_DEVELOPMENT_REFUSED") ? 2 : 1;
}
