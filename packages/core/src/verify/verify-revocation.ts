/**
 * Checks the certificates of verified catalogs for revocation: those of the signers, and those of the authorities that
 * made the timestamps.
 */

import { signerStatuses, warningsOf } from "./chain-revocation.js";
import { type RevocationOptions, type RevocationSources, revocationSources } from "./revocation-sources.js";
import { withSoundTimestamp } from "./sound-timestamp.js";
import { type Sources, withoutProduct } from "./sources.js";
import { type UsedCatalog, verifyNamed } from "./used-catalog.js";
import type { CatalogVerifyOptions } from "./verify-catalog.js";

interface CheckOptions extends CatalogVerifyOptions {
	readonly revocation?: RevocationOptions;
	readonly signal?: AbortSignal;
}

/**
 * Checks the catalogs of `given` and its outer catalogs for revocation. The first catalog of the result also gets the
 * statuses and the warnings of the outer catalogs, because it is trusted only together with them.
 * @throws the errors of `checkRevocation`
 */
export async function checkSources(given: Sources, options: CheckOptions): Promise<Sources> {
	const sources = sourcesOf(options);
	const [first, ...others] = await checkRevocation(given.catalogs, options, sources);
	const outer = await checkRevocation(given.outer, withoutProduct(options), sources);
	return { ...given, catalogs: [withReportsOf(outer, first), ...others], outer };
}

function withReportsOf(outer: readonly UsedCatalog[], catalog: UsedCatalog): UsedCatalog {
	const all = [catalog, ...outer];
	return {
		...catalog,
		revocation: all.flatMap(({ revocation = [] }) => revocation),
		warnings: all.flatMap(({ warnings }) => warnings),
	};
}

/**
 * Returns the catalogs with the revocation status of each certificate that an authority issued. If a certificate of a
 * timestamping authority is revoked, its timestamp is dropped and the signer is judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `verifyCatalog`
 */
export async function checkRevocation(
	catalogs: readonly UsedCatalog[],
	options: CheckOptions,
	sources = sourcesOf(options),
): Promise<UsedCatalog[]> {
	const checked: UsedCatalog[] = [];
	for (const each of catalogs) {
		const { file, bytes } = each;
		const { judged: catalog, statuses } = await withSoundTimestamp(
			each,
			(refusedAuthorities) => ({ file, bytes, ...verifyNamed(file, bytes, { ...options, refusedAuthorities }) }),
			sources,
		);
		const { signer, judgedAt } = catalog;
		const time = judgedAt.source === "now" ? "assumed" : "proven";
		const report = await signerStatuses(signer, { at: judgedAt.at, time, purpose: "codeSigning" }, sources);
		checked.push({
			...catalog,
			revocation: [...report.statuses, ...statuses],
			warnings: [...catalog.warnings, ...report.warnings, ...statuses.flatMap(warningsOf)],
		});
	}
	return checked;
}

function sourcesOf({ revocation = {}, profile = "default", signal }: CheckOptions): RevocationSources {
	return revocationSources(revocation, profile, signal);
}
