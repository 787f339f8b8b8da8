/**
 * Decides whether a certificate counts as revoked at a given time. The decision is based on authenticated statements,
 * which crl.ts and ocsp.ts make.
 *
 * A revocation is permanent and counts even if its source is old. Only a hold can end: a fresher source can lift it. A
 * statement that a certificate is not revoked must be fresh. After the certificate has expired, it is enough that the
 * statement is not older than the time for which the certificate is judged.
 */

import type { Certificate } from "./certificate.js";
import { refusal } from "./certificate-checks.js";

/** The statement of a source about one certificate. Times are in milliseconds since the epoch. */
export interface RevocationStatement {
	/** The name of the list or responder, for messages. */
	readonly source: string;
	readonly status: "good" | "revoked";
	readonly thisUpdate: number;
	readonly nextUpdate: number | undefined;
	/**
	 * The source still knows certificates that expire at this time or later. If undefined, it knows only certificates
	 * that have not expired.
	 */
	readonly expiredSince: number | undefined;
	/** The time of the revocation. */
	readonly revokedAt?: number;
	readonly invalidSince?: number;
	/** CRLReason, RFC 5280 §5.3.1. */
	readonly reason?: number;
}

/** The statements of sources about a certificate. `reasons` has one sentence for each source that made no statement. */
export interface RevocationAnswers {
	readonly statements: readonly RevocationStatement[];
	readonly reasons: readonly string[];
}

export interface RevocationJudgement {
	/** `at` is the time for which the certificate is judged, `now` the current time. */
	readonly at: number;
	readonly now: number;
	readonly purpose: "codeSigning" | "timeStamping";
}

export interface CertificateStatus {
	readonly certificate: Certificate;
	/**
	 * `revoked-later` means that the revocation is later than the time for which the certificate is judged, so earlier
	 * signatures stay valid.
	 */
	readonly status: "good" | "revoked-later" | "unknown";
	/** The statement that decided. It is absent for `unknown`. */
	readonly statement?: RevocationStatement;
	/** One sentence for each source that decided nothing. */
	readonly reasons: readonly string[];
}

/** Judges a certificate by the statements of sources. @throws ERR_CERTIFICATE_REVOKED */
export function judgeRevocation(
	certificate: Certificate,
	{ statements, reasons }: RevocationAnswers,
	judgement: RevocationJudgement,
): CertificateStatus {
	const freshest = [...statements].sort((a, b) => b.thisUpdate - a.thisUpdate);
	const revocations = freshest.filter((statement, index) => {
		return statement.status === "revoked" && (index === 0 || statement.reason !== REASON.certificateHold);
	});
	const [revocation] = revocations.sort((a, b) => effectiveFrom(a) - effectiveFrom(b));
	if (revocation !== undefined) {
		if (effectiveFrom(revocation) > judgement.at && !voidsTimestamps(revocation, judgement)) {
			return { certificate, status: "revoked-later", statement: revocation, reasons };
		}
		throw refusal("ERR_CERTIFICATE_REVOKED", certificate, describeRevocation(revocation, judgement));
	}
	const stale: string[] = [];
	for (const statement of freshest) {
		const problem = stalenessOf(statement, certificate, judgement);
		if (problem === undefined) return { certificate, status: "good", statement, reasons };
		stale.push(`${statement.source} ${problem}`);
	}
	return { certificate, status: "unknown", reasons: [...stale, ...reasons] };
}

/** CRLReason, RFC 5280 §5.3.1. */
const REASON = {
	unspecified: 0,
	affiliationChanged: 3,
	superseded: 4,
	cessationOfOperation: 5,
	certificateHold: 6,
} as const;

/**
 * Returns the time from which the revocation applies. The invalidity date may be earlier than the revocation, because
 * an attacker may have had the key before. RFC 5280 §5.3.2.
 */
function effectiveFrom({ revokedAt = 0, invalidSince = revokedAt }: RevocationStatement): number {
	return Math.min(revokedAt, invalidSince);
}

/**
 * Returns true if the revocation of a timestamping authority voids all its tokens. If the reason is not harmless, an
 * attacker may have the authority's key and can make tokens for any time. RFC 3161 §4.
 */
function voidsTimestamps({ reason }: RevocationStatement, { purpose }: RevocationJudgement): boolean {
	return purpose === "timeStamping" && !HARMLESS.has(reason);
}

const HARMLESS: ReadonlySet<number | undefined> = new Set([
	REASON.unspecified,
	REASON.affiliationChanged,
	REASON.superseded,
	REASON.cessationOfOperation,
]);

function describeRevocation(statement: RevocationStatement, judgement: RevocationJudgement): string {
	const { source, reason = REASON.unspecified, revokedAt = 0, invalidSince } = statement;
	const invalid = invalidSince === undefined || invalidSince >= revokedAt ? "" : `, invalid since ${utc(invalidSince)}`;
	const known = REASON_NAMES[reason] ?? `reason ${reason}`;
	return `it was revoked on ${utc(revokedAt)}${invalid} (${known}; ${source}), judged at ${utc(judgement.at)}`;
}

/**
 * Returns the reason why a statement of no revocation proves nothing, or undefined if it proves that the certificate is
 * not revoked.
 */
function stalenessOf(
	{ thisUpdate, nextUpdate = thisUpdate + UNTIL_NEXT_MS, expiredSince = Number.POSITIVE_INFINITY }: RevocationStatement,
	{ notAfter }: Certificate,
	{ at, now }: RevocationJudgement,
): string | undefined {
	if (thisUpdate > now + SKEW_MS) return `is dated ${utc(thisUpdate)}, which is in the future`;
	if (thisUpdate > notAfter) {
		if (expiredSince > notAfter) return `is dated ${utc(thisUpdate)}, after the certificate expired`;
	} else if (now > notAfter && thisUpdate >= at) return undefined; // After expiry no fresher source can be expected.
	return now > nextUpdate + SKEW_MS ? `was valid until ${utc(nextUpdate)}` : undefined;
}

function utc(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(".000", "");
}

/** Tolerance for a difference between the clocks of hosts and authorities. */
const SKEW_MS = 300_000;
/** Lifetime of a statement whose source gives no nextUpdate. */
const UNTIL_NEXT_MS = 86_400_000;

const REASON_NAMES: Readonly<Record<number, string>> = {
	0: "no reason given",
	1: "key compromise",
	2: "compromise of the authority",
	3: "affiliation changed",
	4: "superseded",
	5: "cessation of operation",
	6: "on hold",
	9: "privilege withdrawn",
	10: "compromise of the attribute authority",
};
