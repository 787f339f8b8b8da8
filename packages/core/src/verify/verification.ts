/** Defines the result of the verification of catalogs and files, and decides its verdict by the differences. */

import { ERROR_CODES, type ExitStatus } from "../errors.js";
import type { Finding } from "../fileset/compare/compare.js";
import type { HashProgress } from "../fileset/hash/hash-files.js";
import type { RevocationOptions } from "./revocation-sources.js";
import type { SourceOptions, Sources } from "./sources.js";
import type { UsedCatalog } from "./used-catalog.js";

/** The options of `verifyPath`. */
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
	/**
	 * The size in bytes above which a file is not read. Instead it is a finding with the code ERR_LIMIT. Without a value,
	 * each file that has to be compared is read to its end, whatever somebody has put in its place.
	 */
	readonly maxFileBytes?: number | undefined;
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

/** The members that the result of `verifyPath` has for every verdict. */
export interface VerificationFacts {
	readonly path: string;
	/** The real path of the catalog, if `path` is a link to the catalog. */
	readonly leadsTo: string | undefined;
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
	readonly covers: "tree" | "list" | "include" | "paths" | "file" | "none";
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
	/** The unsigned entries that do not decide the verdict, because of `added: "warn"`. */
	readonly notices: readonly Finding[];
	/** Texts for the user about facts that do not affect the verdict. */
	readonly warnings: readonly string[];
}

/** Files were compared with what a trusted signer signed, and there are no differences. */
export interface TrustedVerification extends VerificationFacts {
	readonly verdict: "trusted";
	readonly match: "path" | "digest";
	readonly findings: readonly [];
}

/** The signature of a catalog is valid and its signer is trusted, but no file was compared. */
export interface SignedVerification extends VerificationFacts {
	readonly verdict: "signed";
	readonly match: "none";
	readonly findings: readonly [];
}

/** There are differences, and the code of at least one of them has another exit status than 3. */
export interface FailedVerification extends VerificationFacts {
	readonly verdict: "failed";
	/** The differences that decide the verdict. */
	readonly findings: readonly [Finding, ...Finding[]];
}

/** The code of every finding has exit status 3, for example because files could not be read. */
export interface UndecidedVerification extends VerificationFacts {
	readonly verdict: "undecided";
	/** The reasons why there is no other verdict. */
	readonly findings: readonly [Finding, ...Finding[]];
}

/**
 * The result of `verifyPath`. `verdict` tells which kind it is. A verdict that is neither `trusted` nor `signed` comes
 * with at least one finding, which is an error as a value: a code, the path and a message.
 */
export type Verification = TrustedVerification | SignedVerification | FailedVerification | UndecidedVerification;

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
	extends Pick<VerificationFacts, "path" | "root" | "catalogs" | "match" | "covers" | "checkedCount"> {
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
	const { match, leadsTo, outsideLinkCount } = compared;
	const isAddition = ({ code }: Finding) => code === "ERR_FILE_ADDED" || code === "ERR_NOT_A_MEMBER";
	const others = added === "fail" ? findings : findings.filter((finding) => !isAddition(finding));
	const facts: VerificationFacts = {
		...compared,
		leadsTo,
		coveredPaths,
		otherCount,
		outsideLinkCount,
		ignoredCount,
		notices: added === "warn" ? findings.filter(isAddition) : [],
		warnings: [...catalogs.flatMap((catalog) => catalog.warnings), ...warnings],
	};
	const [first, ...more] = [...onTheWay, ...others];
	if (first === undefined) {
		if (match === "none") return { ...facts, verdict: "signed", match, findings: [] };
		return { ...facts, verdict: "trusted", match, findings: [] };
	}
	const decisive = [first, ...more] as const;
	return { ...facts, verdict: worstExitStatus(decisive) === 3 ? "undecided" : "failed", findings: decisive };
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
