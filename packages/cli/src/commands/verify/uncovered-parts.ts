import type { Finding, Verification } from "@sigtool/core";
import { quote } from "@sigtool/core/internal/errors";

/**
 * Adds a finding for each part of a tree that the configuration signs and no catalog covers. A pattern such as `lib/*`
 * finds a directory that somebody added after the signing, and the comparison looks at nothing beside the signed paths.
 */
export function withUncoveredParts(verification: Verification, parts: readonly string[]): Verification {
	const scopes = verification.catalogs.map(({ facts }) => facts.scope);
	if (verification.verdict === "signed" || scopes.some((scope) => typeof scope === "string")) return verification;
	const covered = scopes.flat();
	const isCovered = (path: string) => covered.some((each) => path === each || path.startsWith(`${each}/`));
	const uncovered = parts.filter((path) => !isCovered(path));
	const added = uncovered.map((path): Finding => {
		return {
			code: "ERR_FILE_ADDED",
			path,
			message: `${quote(path)} is named by the configuration, and no signature covers it`,
		};
	});
	const [first, ...others] = [...verification.findings, ...added];
	if (added.length === 0 || first === undefined) return verification;
	return { ...verification, verdict: "failed", findings: [first, ...others] };
}
