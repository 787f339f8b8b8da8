/** Drops timestamps whose authority was revoked, and judges the signer again without them. */

import { SigtoolError } from "../errors.js";
import { spkiSha256 } from "../pki/certificate.js";
import type { JudgedTime } from "../pki/judged-time.js";
import type { CertificateStatus } from "../pki/revocation.js";
import type { Timestamp } from "../pki/timestamp.js";
import { chainStatuses } from "./chain-revocation.js";
import type { RevocationSources } from "./revocation-sources.js";

/** A verified object whose signer was judged for the time of `timestamp`, if it is given. */
export interface Judged {
	readonly timestamp: Timestamp | undefined;
	readonly judgedAt: JudgedTime;
}

/** The reason to refuse an authority's timestamps, by the SHA-256 of its SubjectPublicKeyInfo. */
export type RefusedAuthorities = ReadonlyMap<string, SigtoolError>;

/**
 * Returns the first judgement that does not rest on a revoked authority, and the status of the certificates of its
 * timestamp. `judgeWithout` judges again without the timestamps of the authorities that it is given.
 * @throws ERR_REVOCATION_UNKNOWN with `ocsp: "require"`; the errors of `judgeWithout`
 */
export async function withSoundTimestamp<T extends Judged>(
	first: T,
	judgeWithout: (refused: RefusedAuthorities) => T,
	sources: RevocationSources,
): Promise<{ readonly judged: T; readonly statuses: CertificateStatus[] }> {
	const refused = new Map<string, SigtoolError>();
	for (let judged = first; ; ) {
		const { timestamp, judgedAt } = judged;
		if (timestamp === undefined) return { judged, statuses: [] };
		try {
			const judgement = { at: judgedAt.at, time: "proven", purpose: "timeStamping" } as const;
			return { judged, statuses: await chainStatuses(timestamp.chain.certificates, judgement, sources) };
		} catch (error) {
			if (!(error instanceof SigtoolError) || error.code !== "ERR_CERTIFICATE_REVOKED") throw error;
			refused.set(spkiSha256(timestamp.certificate), error);
			judged = judgeWithout(refused);
		}
	}
}
