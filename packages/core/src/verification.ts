/** What a verification comes to: differences, and which of them decide. */

import { ERROR_CODES, type ExitStatus } from "./errors.js";
import type { Finding } from "./fileset/compare.js";
import type { HashProgress } from "./fileset/hash-files.js";
import type { RevocationList } from "./pki/crl.js";
import type { SourceOptions, Sources, UsedCatalog } from "./verify-sources.js";

export interface VerifyOptions extends SourceOptions {
	/** What an entry without a signature means in a directory. Default `fail`; a file named by itself always fails. */
	readonly added?: "fail" | "warn" | "ignore";
	/** `report` treats what the signed ignore rules hide as added. Default `apply`. */
	readonly ignoreRules?: "apply" | "report";
	/** Absent: nobody is asked whether a certificate was revoked. */
	readonly revocation?: RevocationOptions;
	readonly onProgress?: (done: HashProgress) => void;
}

export interface RevocationOptions {
	readonly lists?: readonly RevocationList[];
	/**
	 * Whether the responders that certificates name are asked. `prefer`: a status that stays unknown is a warning; `require`:
	 * it is ERR_REVOCATION_UNKNOWN, whoever was asked. Default `off`.
	 */
	readonly ocsp?: "require" | "prefer" | "off";
	/** For each request; see `HttpRequest`. */
	readonly timeoutMs?: number;
}

export interface Verification {
	readonly path: string;
	/** `undecided`: all that keeps it from `trusted` are files that could not be read. */
	readonly verdict: "trusted" | "failed" | "undecided";
	readonly catalogs: readonly UsedCatalog[];
	/** How files were held against the catalogs; `none` when only a catalog's own signature was verified. */
	readonly match: "path" | "digest" | "none";
	/** Entries that were held against a catalog. */
	readonly checkedCount: number;
	/** Entries whose appearance the signed rules keep silent about; a directory counts once. */
	readonly ignoredCount: number;
	/** Why the verdict is `failed`. */
	readonly findings: readonly Finding[];
	/** Differences that were asked not to decide. */
	readonly notices: readonly Finding[];
	readonly warnings: readonly string[];
}

/** The sources, when no certificate behind them was revoked; where that is not to be asked as they are. */
export async function unlessRevoked(sources: Sources, options: VerifyOptions): Promise<Sources> {
	if (options.revocation === undefined) return sources;
	const { checkRevocation } = await import("./verify-revocation.js");
	return { ...sources, catalogs: await checkRevocation(sources.catalogs, options) };
}

/** What was looked at and what differs. */
export interface Comparison extends Pick<Verification, "path" | "catalogs" | "match" | "checkedCount"> {
	readonly ignoredCount?: number;
	readonly findings: readonly Finding[];
	readonly warnings?: readonly string[];
}

/** Applies what additions mean, and gathers warnings. */
export function conclude(comparison: Comparison, added: "fail" | "warn" | "ignore" = "fail"): Verification {
	const { ignoredCount = 0, findings, catalogs, warnings = [] } = comparison;
	const isAddition = ({ code }: Finding) => code === "ERR_FILE_ADDED" || code === "ERR_NOT_A_MEMBER";
	const decisive = added === "fail" ? findings : findings.filter((finding) => !isAddition(finding));
	return {
		...comparison,
		verdict: decisive.length === 0 ? "trusted" : worstExitStatus(decisive) === 3 ? "undecided" : "failed",
		ignoredCount,
		findings: decisive,
		notices: added === "warn" ? findings.filter(isAddition) : [],
		warnings: [...catalogs.flatMap((catalog) => catalog.warnings), ...warnings],
	};
}

/** Exit status for differences: 1 when any is a proven one, 3 when all are files that could not be read. */
export function worstExitStatus(findings: readonly Finding[]): ExitStatus {
	return findings.every(({ code }) => ERROR_CODES[code][0] === 3) ? 3 : 1;
}
