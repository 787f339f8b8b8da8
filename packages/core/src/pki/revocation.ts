/**
 * Whether a certificate counts as revoked at a time, from what authenticated sources say about it: see crl.ts and ocsp.ts.
 *
 * A revocation is for ever, so that it counts however old its source is; a hold alone can be lifted by a fresher source.
 * That a certificate is not revoked has to be said freshly, or, once it has expired, after the time it is judged at.
 */

import type { Certificate } from "./certificate.js";
import { refusal } from "./certificate-checks.js";

/** What a source says about one certificate. Times are milliseconds since the epoch. */
export interface RevocationStatement {
	/** For people: which list or responder. */
	readonly source: string;
	readonly status: "good" | "revoked";
	readonly thisUpdate: number;
	readonly nextUpdate: number | undefined;
	/** The source still knows certificates that expired after this time; undefined: those alone that have not. */
	readonly expiredSince: number | undefined;
	/** When revoked. */
	readonly revokedAt?: number;
	readonly invalidSince?: number;
	/** CRLReason, RFC 5280 §5.3.1. */
	readonly reason?: number;
}

/** What sources say of a certificate, and why others say nothing, one sentence each. */
export interface RevocationAnswers {
	readonly statements: readonly RevocationStatement[];
	readonly reasons: readonly string[];
}

export interface RevocationJudgement {
	/** Time the certificate is judged at, and the current one. */
	readonly at: number;
	readonly now: number;
	readonly purpose: "codeSigning" | "timeStamping";
}

export interface CertificateStatus {
	readonly certificate: Certificate;
	/** `revoked-later`: after the time it is judged at, which takes nothing from what was signed before. */
	readonly status: "good" | "revoked-later" | "unknown";
	/** What decided; absent when unknown. */
	readonly statement?: RevocationStatement;
	/** Why nothing decided, one sentence a source. */
	readonly reasons: readonly string[];
}

/** @throws ERR_CERTIFICATE_REVOKED */
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

/** The key may have been in other hands for some time before the revocation: §5.3.2. */
function effectiveFrom({ revokedAt = 0, invalidSince = revokedAt }: RevocationStatement): number {
	return Math.min(revokedAt, invalidSince);
}

/** Whoever has a timestamping authority's key makes tokens of any time, so that none counts: RFC 3161 §4. */
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

/** Why a source that does not name the certificate proves nothing; undefined when it does. */
function stalenessOf(
	{ thisUpdate, nextUpdate = thisUpdate + UNTIL_NEXT_MS, expiredSince = Number.POSITIVE_INFINITY }: RevocationStatement,
	{ notAfter }: Certificate,
	{ at, now }: RevocationJudgement,
): string | undefined {
	if (thisUpdate > now + SKEW_MS) return `is of ${utc(thisUpdate)}, which is still to come`;
	if (thisUpdate > notAfter) {
		if (expiredSince > notAfter) return `is of ${utc(thisUpdate)}, after the certificate expired`;
	} else if (now > notAfter && thisUpdate >= at) return undefined; // Nothing fresher can be had.
	return now > nextUpdate + SKEW_MS ? `was good until ${utc(nextUpdate)}` : undefined;
}

function utc(milliseconds: number): string {
	return new Date(milliseconds).toISOString().replace(".000", "");
}

/** Clocks of hosts and of authorities differ. */
const SKEW_MS = 300_000;
/** For a source that does not say when the next is due. */
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
