/** Drops timestamps of authorities whose certificates were revoked, and judges the signer again without them. */

import { SigtoolError } from "../errors.js";
import { spkiSha256 } from "../pki/certificate.js";
import type { JudgedTime } from "../pki/judged-time.js";
import type { CertificateStatus } from "../pki/revocation.js";
import type { Timestamp } from "../pki/timestamp.js";
import { chainStatuses } from "./chain-revocation.js";
import type { RevocationSources } from "./revocation-sources.js";

/**
 * A verified catalog or trust index. Its signer was judged for the time of `timestamp`, or for another time if
 * `timestamp` is undefined.
 */
export interface Judged {
	readonly timestamp: Timestamp | undefined;
	readonly judgedAt: JudgedTime;
}

/**
 * The timestamping authorities whose timestamps are refused. The key is the SHA-256 of the authority's
 * SubjectPublicKeyInfo in hexadecimal, and the value is the error to report.
 */
export type RefusedAuthorities = ReadonlyMap<string, SigtoolError>;

/**
 * Returns the first judgement whose timestamp is not from a revoked authority, and the status of each certificate of
 * that authority. There is no status if the judgement uses no timestamp. `judgeWithout` verifies again, without the
 * timestamps of the authorities that it is given.
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
