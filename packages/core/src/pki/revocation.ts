/**
 * Decides from the statements of authenticated sources if a certificate counts as revoked at a time. crl.ts and ocsp.ts
 * make the statements. RFC 5280 §5 and §6.3, RFC 6960 §2.2 and §3.2.
 *
 * A revocation counts however old its source is. Only a hold can be lifted, by a newer statement that proves that the
 * certificate is good. Such a proof must be fresh: neither the current time nor the time of judgement may be later than
 * its nextUpdate. For a certificate that has expired, a statement from before the expiry is enough if it is not older
 * than the time of judgement.
 */

import type { Certificate } from "./certificate.js";
import { refusal, utc } from "./certificate-checks.js";

/** A source makes such a statement about one certificate. Times are in milliseconds since the epoch. */
export type RevocationStatement = StatementSource &
	({ readonly status: "good" } | ({ readonly status: "revoked" } & RevocationDetails));

export interface StatementSource {
	/** The name of the list or responder, for messages. */
	readonly source: string;
	/** The time of the statement, in milliseconds since the epoch. */
	readonly thisUpdate: number;
	/** The time of the next statement, in milliseconds since the epoch. Undefined if the source names none. */
	readonly nextUpdate: number | undefined;
	/**
	 * The source still reports revoked certificates that expired at this time or later. If undefined, the source may
	 * leave out every certificate that has expired.
	 */
	readonly expiredSince: number | undefined;
}

export interface RevocationDetails {
	/** Milliseconds since the epoch. */
	readonly revokedAt: number;
	/** The invalidityDate, RFC 5280 §5.3.2: the certificate is known or suspected to be invalid since then. */
	readonly invalidSince?: number;
	/** The number of the CRLReason, RFC 5280 §5.3.1. */
	readonly reason?: number;
	/** The reason why the details could not be read. The other members are then those of `revokedSinceEver`. */
	readonly unreadable?: string;
}

/** The statements about a certificate. `reasons` has one sentence for each source that made no statement. */
export interface RevocationAnswers {
	readonly statements: readonly RevocationStatement[];
	readonly reasons: readonly string[];
	/** The members of `reasons` about a source that should have known the certificate, but failed or was not usable. */
	readonly failures?: readonly string[];
}

export interface RevocationJudgement {
	/** The time for which the certificate is judged, in milliseconds since the epoch. */
	readonly at: number;
	/** `proven`: a timestamp or the user says that the signature existed at `at`. `assumed`: `at` is the current time. */
	readonly time: "proven" | "assumed";
	/** The current time in milliseconds since the epoch. */
	readonly now: number;
	readonly purpose: "codeSigning" | "timeStamping";
}

/** Tells if one certificate was revoked, by all sources that were asked. */
export interface CertificateStatus {
	readonly certificate: Certificate;
	/**
	 * `revoked-later` means that the revocation is later than the time for which the certificate is judged, so a
	 * signature that existed at that time stays valid.
	 */
	readonly status: "good" | "revoked-later" | "unknown";
	/** The statement that decided the status. Absent if the status is `unknown`. */
	readonly statement?: RevocationStatement;
	/**
	 * One sentence for each source that made no statement and, if the status is `unknown`, for each whose statement
	 * proved nothing.
	 */
	readonly reasons: readonly string[];
	/** The `failures` of the answers. Such a source may know of a revocation, even if the status is `good`. */
	readonly failures: readonly string[];
}

/** Judges a certificate by the statements of sources. @throws ERR_CERTIFICATE_REVOKED if a revocation counts */
export function judgeRevocation(
	certificate: Certificate,
	{ statements, reasons, failures = [] }: RevocationAnswers,
	judgement: RevocationJudgement,
): CertificateStatus {
	const useless: string[] = [];
	const proofs: RevocationStatement[] = [];
	for (const statement of statements) {
		if (statement.status === "revoked") continue;
		const reason = uselessness(statement, certificate, judgement);
		if (reason === undefined) proofs.push(statement);
		else useless.push(`${statement.source} ${reason}`);
	}
	proofs.sort((a, b) => b.thisUpdate - a.thisUpdate);
	// The type assertion is safe: the filter keeps only statements with the status `revoked`.
	const revocations = statements.filter((statement) => {
		return statement.status === "revoked" && !proofs.some((proof) => isLifted(statement, proof, judgement));
	}) as Revocation[];
	revocations.sort((a, b) => effectiveFrom(a) - effectiveFrom(b));

	const applied = revocations.find((revocation) => applies(revocation, judgement));
	if (applied !== undefined) {
		const describe = applied.unreadable === undefined ? describeRevocation : describeUnreadable;
		throw refusal("ERR_CERTIFICATE_REVOKED", certificate, describe(applied, judgement));
	}
	const [later] = revocations;
	if (later !== undefined) return { certificate, status: "revoked-later", statement: later, reasons, failures };
	const [proof] = proofs;
	if (proof !== undefined) return { certificate, status: "good", statement: proof, reasons, failures };
	return { certificate, status: "unknown", reasons: [...useless, ...reasons], failures };
}

/**
 * Returns the reason why a statement without a revocation does not prove that the certificate is good, or undefined if
 * it does prove that.
 */
export function uselessness(
	{ thisUpdate, nextUpdate = thisUpdate + UNTIL_NEXT_MS, expiredSince = Number.POSITIVE_INFINITY }: StatementSource,
	{ notAfter }: Certificate,
	{ at, now }: Pick<RevocationJudgement, "at" | "now">,
): string | undefined {
	if (thisUpdate > now + SKEW_MS) return `is dated ${utc(thisUpdate)}, which is in the future`;
	if (thisUpdate > notAfter) {
		if (expiredSince > notAfter) return `is dated ${utc(thisUpdate)}, after the certificate expired`;
	} else if (now > notAfter && thisUpdate >= at) return undefined; // After expiry there may be no fresher statement.
	if (now > nextUpdate + SKEW_MS) return `was valid until ${utc(nextUpdate)}`;
	// `at` may be in the future. A statement does not cover a time after its nextUpdate, when the source will have made
	// a newer statement.
	return at > nextUpdate + SKEW_MS
		? `is valid until ${utc(nextUpdate)}, before the time of judgement, ${utc(at)}`
		: undefined;
}

/**
 * Joins two revocations of one certificate into one that is at least as bad as each of them. The result has the earlier
 * times and the worse reason.
 */
export function worse(a: RevocationDetails, b: RevocationDetails): RevocationDetails {
	const invalidSince = Math.min(a.invalidSince ?? Number.POSITIVE_INFINITY, b.invalidSince ?? Number.POSITIVE_INFINITY);
	const unreadable = a.unreadable ?? b.unreadable;
	return {
		revokedAt: Math.min(a.revokedAt, b.revokedAt),
		reason: severity(a.reason) < severity(b.reason) ? b.reason : a.reason,
		...(Number.isFinite(invalidSince) && { invalidSince }),
		...(unreadable !== undefined && { unreadable }),
	};
}

/**
 * Returns the worst details, for a revocation whose own details cannot be read: the certificate was never good.
 * `unreadable` is the reason why they cannot be read.
 */
export function revokedSinceEver(unreadable: string): RevocationDetails {
	return { revokedAt: EARLIEST_TIME, unreadable };
}

type Revocation = RevocationStatement & { readonly status: "revoked" };

/** Names the values of CRLReason that the code uses, RFC 5280 §5.3.1. */
const REASON = {
	unspecified: 0,
	affiliationChanged: 3,
	superseded: 4,
	cessationOfOperation: 5,
	certificateHold: 6,
} as const;

/**
 * With these reasons nobody else is assumed to have the key, so older timestamps of an authority stay valid. A
 * revocation without a reason is not one of them. RFC 3161 §4.
 */
const HARMLESS: ReadonlySet<number | undefined> = new Set([
	REASON.unspecified,
	REASON.affiliationChanged,
	REASON.superseded,
	REASON.cessationOfOperation,
]);

function severity(reason: number | undefined): number {
	return reason === REASON.certificateHold ? 0 : HARMLESS.has(reason) ? 1 : 2;
}

/**
 * Returns true if a proof lifts a revocation. The revocation must be a hold. The proof's thisUpdate must be later than
 * the hold's and not later than our clock. RFC 5280 §5.3.1.
 */
function isLifted(revocation: Revocation, proof: RevocationStatement, { now }: RevocationJudgement): boolean {
	const isHold = revocation.reason === REASON.certificateHold;
	return isHold && proof.thisUpdate > revocation.thisUpdate && proof.thisUpdate <= now;
}

/**
 * Returns true if the revocation counts for the signature that is judged. It always counts if nothing proves that the
 * signature existed at `at`, or if it begins at `at` or earlier. A later revocation counts only for a timestamping
 * authority, and only for some reasons.
 */
function applies(revocation: Revocation, { at, time, purpose }: RevocationJudgement): boolean {
	if (time === "assumed" || effectiveFrom(revocation) <= at) return true;
	// If others may have an authority's key, they can make tokens for any time, so the revocation counts for every
	// token. RFC 3161 §4.
	return purpose === "timeStamping" && !HARMLESS.has(revocation.reason);
}

/**
 * Returns the time from which the revocation applies. The invalidity date may be earlier than the revocation, because
 * the key may have been compromised before. RFC 5280 §5.3.2.
 */
function effectiveFrom({ revokedAt, invalidSince = revokedAt }: RevocationDetails): number {
	return Math.min(revokedAt, invalidSince);
}

function describeRevocation(revocation: Revocation, { at, time }: RevocationJudgement): string {
	const { source, reason = REASON.unspecified, revokedAt, invalidSince } = revocation;
	const invalid = invalidSince === undefined || invalidSince >= revokedAt ? "" : `, invalid since ${utc(invalidSince)}`;
	const known = REASON_NAMES[reason] ?? `reason ${reason}`;
	// A later revocation that counts for a proven time is that of a timestamping authority: see `applies`.
	const why =
		time === "assumed"
			? "and no timestamp shows that the signature is older"
			: "and a revocation for this reason voids all its timestamps, also earlier ones";
	const later = effectiveFrom(revocation) > at ? `, ${why}` : "";
	return `it was revoked on ${utc(revokedAt)}${invalid} (${known}; ${source}), judged at ${utc(at)}${later}`;
}

function describeUnreadable({ source, unreadable }: Revocation, { at }: RevocationJudgement): string {
	const details = `the details of its revocation cannot be read (${unreadable}), so it counts as revoked since ever`;
	return `it was revoked (${source}), judged at ${utc(at)}; ${details}`;
}

/** The start of the year 0000, before which DER encodes no time. */
const EARLIEST_TIME = -62_167_219_200_000;
/** The clocks of hosts and authorities may differ by this much. */
export const SKEW_MS = 300_000;
/** A statement without nextUpdate is fresh for this long. */
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
