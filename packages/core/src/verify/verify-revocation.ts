/** Checks the certificates of verified catalogs for revocation: those of signers and of timestamping authorities. */

import { SigtoolError } from "../errors.js";
import { spkiSha256 } from "../pki/certificate.js";
import type { CertificateStatus } from "../pki/revocation.js";
import { chainStatuses, signerStatuses, warningsOf } from "./chain-revocation.js";
import { type RevocationOptions, type RevocationSources, revocationSources } from "./revocation-sources.js";
import { type UsedCatalog, verifyNamed } from "./used-catalog.js";
import type { CatalogVerifyOptions } from "./verify-catalog.js";

interface CheckOptions extends CatalogVerifyOptions {
	readonly revocation?: RevocationOptions;
}

/**
 * Returns the catalogs with the revocation status of every certificate that an authority issued. If a certificate of a
 * timestamp's authority is revoked, the timestamp is dropped and the signer is judged without it.
 * @throws ERR_CERTIFICATE_REVOKED; ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `verifyCatalog`
 */
export async function checkRevocation(catalogs: readonly UsedCatalog[], options: CheckOptions): Promise<UsedCatalog[]> {
	const sources = revocationSources(options.revocation ?? {}, options.profile ?? "default");
	const checked: UsedCatalog[] = [];
	for (const each of catalogs) {
		const { catalog, statuses } = await withSoundTimestamp(each, sources, options);
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

async function withSoundTimestamp(
	catalog: UsedCatalog,
	sources: RevocationSources,
	options: CheckOptions,
): Promise<{ catalog: UsedCatalog; statuses: CertificateStatus[] }> {
	const refusedAuthorities = new Map<string, SigtoolError>();
	for (let judged = catalog; ; ) {
		const { timestamp, judgedAt, file, bytes } = judged;
		if (timestamp === undefined) return { catalog: judged, statuses: [] };
		try {
			const judgement = { at: judgedAt.at, time: "proven", purpose: "timeStamping" } as const;
			return { catalog: judged, statuses: await chainStatuses(timestamp.chain.certificates, judgement, sources) };
		} catch (error) {
			if (!(error instanceof SigtoolError) || error.code !== "ERR_CERTIFICATE_REVOKED") throw error;
			refusedAuthorities.set(spkiSha256(timestamp.certificate), error);
			judged = { file, bytes, ...verifyNamed(file, bytes, { ...options, refusedAuthorities }) };
		}
	}
}
