/**
 * The decision table of revocation. Each row has lists and responses about one certificate, and the verdict. Times are
 * in hours from now. Unless a row says otherwise, "Root" issued the certificate, and the certificate is judged for now.
 *
 * `openssl` is the verdict of OpenSSL 3.5 on the same bytes, for now. The numbers are those that `openssl verify
 * -crl_check` gives (x509_vfy.h): 3 no list, 8 list not signed by its issuer, 10 certificate expired, 11 list not yet
 * valid, 12 list expired, 23 revoked, 35 issuer may not sign lists, 36 critical extension, 44 list does not cover the
 * certificate. If OpenSSL cannot read the list, it is `unreadable`. For a response it is the status that `openssl ocsp
 * -respin` gives. If OpenSSL decides otherwise than sigtool, `because` has the reason.
 */

export type Hours = number;

export interface ListRow {
	readonly from?: Hours;
	/** The value `null` means that the list names no next update. */
	readonly next?: Hours | null;
	readonly revoked?: readonly EntryRow[];
	/** The extensions of the list. Each text is a name in `EXTENSIONS`. */
	readonly extensions?: readonly string[];
	readonly by?: "other key" | "other issuer" | "without cRLSign" | "SHA-1";
	/** The list spells the issuer's name otherwise than the issuer's certificate, which has `Root` in a UTF8String. */
	readonly spelling?: Spelling;
}

export type Spelling = "PrintableString" | "upper case" | "spaces around it" | "another name";

export interface EntryRow {
	readonly serial?: "another" | "not minimal" | "empty";
	readonly at: Hours | "with an offset" | "without seconds";
	/** The CRLReason of RFC 5280 §5.3.1. */
	readonly why?: number;
	readonly invalid?: Hours;
	readonly extensions?: readonly string[];
	/** The number of unknown extensions that the entry has in addition. */
	readonly more?: number;
}

export interface AnswerRow {
	readonly status: "good" | "unknown" | { readonly at: Hours; readonly why?: number };
	readonly from?: Hours;
	readonly next?: Hours | null;
	readonly serial?: "another";
	readonly extensions?: readonly string[];
}

export interface ResponseRow {
	readonly answers?: readonly AnswerRow[];
	readonly by?: "delegate" | "delegate without usage" | "expired delegate" | "delegate of another" | "other key";
	/** The OCSPResponseStatus of RFC 6960 §4.2.1. */
	readonly failure?: number;
	readonly extensions?: readonly string[];
}

export interface Case {
	readonly name: string;
	/** The section of the RFC that the verdict follows. */
	readonly rfc: string;
	/**
	 * With `expired`, the certificate expired a hundred hours ago. With `points`, it names the distribution point
	 * http://crl.example/1. With `some reasons`, it names this point for some reasons, and http://crl.example/2 for all
	 * reasons.
	 */
	readonly certificate?: "expired" | "points" | "some reasons";
	readonly lists?: readonly ListRow[];
	readonly response?: ResponseRow;
	/** The time of the signature, if a timestamp or the user proves it. */
	readonly proven?: Hours;
	/**
	 * The value true means that the certificate is that of a timestamping authority. It is judged for the time
	 * `proven`.
	 */
	readonly isAuthorityOfTime?: true;
	/** The value `refused` means that the list is not accepted at all. */
	readonly verdict: "good" | "revoked" | "revoked-later" | "unknown" | "refused";
	/** A part of the message, or of the name of the source that decided. */
	readonly reason: string;
	/** A part of the only warning about a certificate that is good. If it is absent, there must be no warning. */
	readonly warning?: string;
	readonly openssl: string;
	/** The reason why sigtool decides otherwise than OpenSSL. */
	readonly because?: string;
}

const KEY_COMPROMISE = 1;
const SUPERSEDED = 4;
const HOLD = 6;
const REMOVE_FROM_CRL = 8;

const NO_TIMES = "OpenSSL compares no revocation with the time of a signature";
const NO_HOLD =
	"OpenSSL takes the list that it finds best, here the one with the later thisUpdate, and looks at no other source";
const NEVER_LIFTED = "a list that proves nothing lifts no hold; OpenSSL takes one list and ignores the other";
const ONE_SOURCE = "OpenSSL has a command for each source; sigtool joins what both say";
const NO_NEXT = "RFC 5280 §5.1.2.5 demands a next update; sigtool takes a list without one for a day, OpenSSL for ever";
const INDIRECT = "an entry of another issuer belongs into an indirect list, which sigtool refuses; OpenSSL applies it";
const NO_DATE =
	"OpenSSL cannot read the file; sigtool reads the details of an entry only if it looks for its serial number";
const CLOCKS = "clocks may differ by five minutes";

const REASONS: readonly (readonly [number, string])[] = [
	[0, "no reason given"],
	[1, "key compromise"],
	[2, "compromise of the authority"],
	[3, "affiliation changed"],
	[4, "superseded"],
	[5, "cessation of operation"],
	[6, "on hold"],
	[9, "privilege withdrawn"],
	[10, "compromise of the attribute authority"],
	[42, "reason 42"],
];

/** One source reports no revocation. The rows differ in its dates. */
const FRESHNESS: readonly Case[] = [
	{
		name: "fresh list, nothing revoked",
		rfc: "5280 §6.3.3",
		lists: [{}],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	{
		name: "fresh list, another certificate revoked",
		rfc: "5280 §6.3.3",
		lists: [{ revoked: [{ serial: "another", at: -5 }] }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	{
		name: "list past its next update",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -9, next: -1 }],
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12",
	},
	{
		name: "list past its next update by three minutes",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -9, next: -0.05 }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl 12",
		because: CLOCKS,
	},
	{
		name: "list past its next update by six minutes",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -9, next: -0.1 }],
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12",
	},
	{
		name: "list whose next update is before its own",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -1, next: -2 }],
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12",
	},
	{
		name: "list of an hour ago without next update",
		rfc: "5280 §5.1.2.5",
		lists: [{ next: null }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	{
		name: "list of 30 hours ago without next update",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -30, next: null }],
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl good",
		because: NO_NEXT,
	},
	{
		name: "list dated three minutes ahead",
		rfc: "5280 §5.1.2.4",
		lists: [{ from: 0.05 }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl 11",
		because: CLOCKS,
	},
	{
		name: "list dated an hour ahead",
		rfc: "5280 §5.1.2.4",
		lists: [{ from: 1 }],
		verdict: "unknown",
		reason: "is in the future",
		openssl: "crl 11",
	},
	{
		name: "stale list and fresh list",
		rfc: "5280 §6.3.3",
		lists: [{ from: -9, next: -1 }, { from: -2 }],
		verdict: "good",
		reason: "list 2",
		openssl: "crl good",
	},
	{
		name: "stale list and list of the future",
		rfc: "5280 §6.3.3",
		lists: [{ from: -9, next: -1 }, { from: 1 }],
		verdict: "unknown",
		reason: "is in the future",
		openssl: "crl 11",
	},
	{
		name: "fresh answer",
		rfc: "6960 §3.2",
		response: { answers: [{ status: "good" }] },
		verdict: "good",
		reason: "responder",
		openssl: "ocsp good",
	},
	{
		name: "answer past its next update",
		rfc: "6960 §4.2.2.1",
		response: { answers: [{ status: "good", from: -9, next: -1 }] },
		verdict: "unknown",
		reason: "was valid until",
		openssl: "ocsp no status, times invalid",
	},
	{
		name: "answer of an hour ago without next update",
		rfc: "6960 §4.2.2.1",
		response: { answers: [{ status: "good", next: null }] },
		verdict: "good",
		reason: "responder",
		openssl: "ocsp good",
	},
	{
		name: "answer of 30 hours ago without next update",
		rfc: "6960 §4.2.2.1",
		response: { answers: [{ status: "good", from: -30, next: null }] },
		verdict: "unknown",
		reason: "was valid until",
		openssl: "ocsp good",
		because:
			"without a next update newer information is always available (RFC 6960 §4.2.2.1); sigtool takes it for a day",
	},
	{
		name: "answer dated three minutes ahead",
		rfc: "6960 §3.2",
		response: { answers: [{ status: "good", from: 0.05 }] },
		verdict: "good",
		reason: "responder",
		openssl: "ocsp good",
	},
	{
		name: "answer dated an hour ahead",
		rfc: "6960 §3.2",
		response: { answers: [{ status: "good", from: 1 }] },
		verdict: "unknown",
		reason: "is in the future",
		openssl: "ocsp no status, times invalid",
	},
	{
		name: "stale list and fresh answer",
		rfc: "6960 §2.1",
		lists: [{ from: -9, next: -1 }],
		response: { answers: [{ status: "good" }] },
		verdict: "good",
		reason: "responder",
		openssl: "crl 12; ocsp good",
		because: ONE_SOURCE,
	},
	{
		name: "fresh list and stale answer",
		rfc: "6960 §2.1",
		lists: [{}],
		response: { answers: [{ status: "good", from: -9, next: -1 }] },
		verdict: "good",
		reason: "list 1",
		openssl: "crl good; ocsp no status, times invalid",
		because: ONE_SOURCE,
	},
	{
		name: "stale list and stale answer",
		rfc: "6960 §2.1",
		lists: [{ from: -9, next: -1 }],
		response: { answers: [{ status: "good", from: -9, next: -1 }] },
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12; ocsp no status, times invalid",
	},
];

/** A source reports a revocation, and nothing proves the time of the signature. */
const REVOKED: readonly Case[] = [
	...REASONS.map(([why, text]): Case => {
		return {
			name: `list, revoked with reason ${why}`,
			rfc: "5280 §5.3.1",
			lists: [{ revoked: [{ at: -5, why }] }],
			verdict: "revoked",
			reason: text,
			openssl: "crl 23",
		};
	}),
	...REASONS.map(([why, text]): Case => {
		return {
			name: `answer, revoked with reason ${why}`,
			rfc: "6960 §2.2",
			response: { answers: [{ status: { at: -5, why } }] },
			verdict: "revoked",
			reason: text,
			openssl: "ocsp revoked",
		};
	}),
	{
		name: "list, reason removeFromCRL, which only a delta may have",
		rfc: "5280 §5.3.1",
		lists: [{ revoked: [{ at: -5, why: REMOVE_FROM_CRL }] }],
		verdict: "revoked",
		reason: "reason 8",
		openssl: "crl good",
		because: "an entry that takes back another one has no place in a complete list; sigtool decides for the worse",
	},
	{
		name: "list, revoked without reason",
		rfc: "5280 §5.3.1",
		lists: [{ revoked: [{ at: -5 }] }],
		verdict: "revoked",
		reason: "no reason given",
		openssl: "crl 23",
	},
	{
		name: "answer, revoked without reason",
		rfc: "6960 §4.2.1",
		response: { answers: [{ status: { at: -5 } }] },
		verdict: "revoked",
		reason: "no reason given",
		openssl: "ocsp revoked",
	},
	{
		name: "stale list, revoked",
		rfc: "5280 §5.1.2.6",
		lists: [{ from: -9, next: -1, revoked: [{ at: -10 }] }],
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 12 23",
	},
	{
		name: "list of the future, revoked",
		rfc: "5280 §5.1.2.6",
		lists: [{ from: 1, revoked: [{ at: -5 }] }],
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 11 23",
	},
	{
		name: "stale answer, revoked",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: -10 }, from: -9, next: -1 }] },
		verdict: "revoked",
		reason: "responder",
		openssl: "ocsp no status, times invalid",
		because: "a revocation counts however old its source is; OpenSSL looks at the dates first",
	},
	{
		name: "revoked by a stale list, good by a fresh one",
		rfc: "5280 §5.3.1",
		lists: [{ from: -9, next: -1, revoked: [{ at: -10, why: KEY_COMPROMISE }] }, {}],
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl good",
		because: "a revocation is permanent; OpenSSL looks at the fresh list alone",
	},
	{
		name: "revoked by a list, good by a fresh answer",
		rfc: "5280 §5.3.1",
		lists: [{ from: -2, revoked: [{ at: -10, why: KEY_COMPROMISE }] }],
		response: { answers: [{ status: "good" }] },
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 23; ocsp good",
	},
	{
		name: "good by a fresh list, revoked by an answer",
		rfc: "6960 §2.2",
		lists: [{}],
		response: { answers: [{ status: { at: -10 } }] },
		verdict: "revoked",
		reason: "responder",
		openssl: "crl good; ocsp revoked",
	},
	{
		name: "revocation dated an hour ahead, no timestamp",
		rfc: "5280 §5.3.2",
		lists: [{ revoked: [{ at: 1 }] }],
		verdict: "revoked",
		reason: "no timestamp shows that the signature is older",
		openssl: "crl 23",
	},
	{
		name: "revocation dated a year ahead, no timestamp",
		rfc: "5280 §5.3.2",
		lists: [{ revoked: [{ at: 8760, why: SUPERSEDED }] }],
		verdict: "revoked",
		reason: "no timestamp shows that the signature is older",
		openssl: "crl 23",
	},
	{
		name: "answer, revocation dated an hour ahead, no timestamp",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: 1 } }] },
		verdict: "revoked",
		reason: "no timestamp shows that the signature is older",
		openssl: "ocsp revoked",
	},
	{
		name: "revocation and invalidity dated ahead, no timestamp",
		rfc: "5280 §5.3.2",
		lists: [{ revoked: [{ at: 2, invalid: 1 }] }],
		verdict: "revoked",
		reason: "no timestamp shows that the signature is older",
		openssl: "crl 23",
	},
	{
		name: "hold dated an hour ahead, no timestamp",
		rfc: "5280 §5.3.1",
		lists: [{ revoked: [{ at: 1, why: HOLD }] }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "never issued: revoked in 1970 and on hold",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: -400_000, why: HOLD } }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "ocsp revoked",
	},
];

/** A source reports a revocation, and the time of the signature is proven. It was ten hours ago. */
const PROVEN: readonly Case[] = [
	...(
		[
			["after it", { at: -5 }, "revoked-later", "list 1"],
			["after it, key compromise", { at: -5, why: KEY_COMPROMISE }, "revoked-later", "list 1"],
			["after it, on hold", { at: -5, why: HOLD }, "revoked-later", "list 1"],
			["ahead of now", { at: 5 }, "revoked-later", "list 1"],
			["before it", { at: -15 }, "revoked", "list 1"],
			["before it, on hold", { at: -15, why: HOLD }, "revoked", "on hold"],
			["at that second", { at: -10 }, "revoked", "list 1"],
			["after it, invalid since before it", { at: -5, invalid: -12 }, "revoked", "invalid since"],
			["after it, invalid since that second", { at: -5, invalid: -10 }, "revoked", "invalid since"],
			["after it, invalid since after it", { at: -5, invalid: -8 }, "revoked-later", "list 1"],
			["after it, invalid since even later", { at: -5, invalid: -3 }, "revoked-later", "list 1"],
			["before it, invalid since after it", { at: -15, invalid: -3 }, "revoked", "list 1"],
		] as const
	).map(([name, entry, verdict, reason]): Case => {
		const differs = verdict === "revoked-later" ? { because: NO_TIMES } : {};
		return {
			name: `timestamp, revoked ${name}`,
			rfc: "5280 §5.3.2",
			lists: [{ revoked: [entry] }],
			proven: -10,
			verdict,
			reason,
			openssl: "crl 23",
			...differs,
		};
	}),
	...(
		[
			["list that runs out before it", {}, "unknown", "before the time of judgement"],
			["list that runs out after it", { next: 200 }, "good", "list 1"],
			["list that runs out three minutes before it", { next: 99.95 }, "good", "list 1"],
			["list without next update", { next: null }, "unknown", "before the time of judgement"],
			["list with a revocation that is dated before it", { revoked: [{ at: 5 }] }, "revoked", "list 1"],
		] as const
	).map(([name, list, verdict, reason]): Case => {
		const openssl = "revoked" in list ? "crl 23" : "crl good";
		const differs = verdict === "unknown" ? { because: "OpenSSL judges for now" } : {};
		return {
			name: `a future time of the user, ${name}`,
			rfc: "5280 §5.1.2.5",
			lists: [list],
			proven: 100,
			verdict,
			reason,
			openssl,
			...differs,
		};
	}),
	{
		name: "a future time of the user, answer that runs out before it",
		rfc: "6960 §4.2.2.1",
		response: { answers: [{ status: "good" }] },
		proven: 100,
		verdict: "unknown",
		reason: "before the time of judgement",
		openssl: "ocsp good",
		because: "OpenSSL judges for now",
	},
	{
		name: "timestamp, fresh list",
		rfc: "5280 §6.3.3",
		lists: [{}],
		proven: -10,
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	{
		name: "timestamp, stale list that is younger than it",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -9, next: -1 }],
		proven: -10,
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12",
	},
	{
		name: "timestamp, stale list that is older than it",
		rfc: "5280 §5.1.2.5",
		lists: [{ from: -19, next: -11 }],
		proven: -10,
		verdict: "unknown",
		reason: "was valid until",
		openssl: "crl 12",
	},
	{
		name: "timestamp, two revocations, the earlier one before it",
		rfc: "5280 §5.3.2",
		lists: [{ revoked: [{ at: -5 }] }, { from: -2, revoked: [{ at: -15 }] }],
		proven: -10,
		verdict: "revoked",
		reason: "list 2",
		openssl: "crl 23",
	},
	{
		name: "timestamp, answer revoked after it",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: -5, why: KEY_COMPROMISE } }] },
		proven: -10,
		verdict: "revoked-later",
		reason: "responder",
		openssl: "ocsp revoked",
		because: NO_TIMES,
	},
	{
		name: "timestamp, answer revoked before it",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: -15 } }] },
		proven: -10,
		verdict: "revoked",
		reason: "responder",
		openssl: "ocsp revoked",
	},
	{
		name: "timestamp, answer revoked after it and invalid since before it",
		rfc: "6960 §4.4.5",
		response: { answers: [{ status: { at: -5 }, extensions: ["invalid since 12 hours ago"] }] },
		proven: -10,
		verdict: "revoked",
		reason: "invalid since",
		openssl: "ocsp revoked",
	},
	{
		name: "timestamp, answer unknown",
		rfc: "6960 §2.2",
		response: { answers: [{ status: "unknown" }] },
		proven: -10,
		verdict: "unknown",
		reason: "does not know the certificate",
		openssl: "ocsp unknown",
	},
];

const hold = (from: Hours, more: Partial<ListRow> = {}): ListRow => ({
	from,
	revoked: [{ at: -20, why: HOLD }],
	...more,
});

/** A certificate is on hold. The rows show which source can end the hold. */
const HOLDS: readonly Case[] = [
	{
		name: "hold, newer fresh list",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -1 }],
		verdict: "good",
		reason: "list 2",
		openssl: "crl good",
	},
	{
		name: "stale hold, newer fresh list",
		rfc: "5280 §5.3.1",
		lists: [hold(-9, { next: -5 }), { from: -1 }],
		verdict: "good",
		reason: "list 2",
		openssl: "crl good",
	},
	{
		name: "hold, newer list without next update",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -1, next: null }],
		verdict: "good",
		reason: "list 2",
		openssl: "crl good",
	},
	{
		name: "hold, newer stale list",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -8, next: -1 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "stale hold, newer stale list",
		rfc: "5280 §5.3.1",
		lists: [hold(-9, { next: -2 }), { from: -8, next: -1 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 12",
		because: NEVER_LIFTED,
	},
	{
		name: "hold, list dated an hour ahead",
		rfc: "5280 §5.1.2.4",
		lists: [hold(-9), { from: 1 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold, list dated three minutes ahead",
		rfc: "5280 §5.1.2.4",
		lists: [hold(-9), { from: 0.05 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold, newer list without next update of 30 hours ago",
		rfc: "5280 §5.1.2.5",
		lists: [hold(-40, { next: 24 }), { from: -30, next: null }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl good",
		because: NO_NEXT,
	},
	{
		name: "hold and good of the same moment",
		rfc: "5280 §5.3.1",
		lists: [hold(-2), { from: -2 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold newer than a fresh list",
		rfc: "5280 §5.3.1",
		lists: [hold(-1), { from: -2 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold newer than one fresh list and older than another",
		rfc: "5280 §5.3.1",
		lists: [hold(-3), { from: -5 }, { from: -1 }],
		verdict: "good",
		reason: "list 3",
		openssl: "crl good",
	},
	{
		name: "good between two holds",
		rfc: "5280 §5.3.1",
		lists: [hold(-5), { from: -3 }, hold(-1)],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold of a list dated ahead, fresh list of now",
		rfc: "5280 §5.3.1",
		lists: [hold(1), { from: 0 }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl good",
		because: "a hold counts whatever its date; OpenSSL ignores the list dated ahead",
	},
	{
		name: "hold, newer fresh list that reports a key compromise",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -1, revoked: [{ at: -5, why: KEY_COMPROMISE }] }],
		verdict: "revoked",
		reason: "list",
		openssl: "crl 23",
	},
	{
		name: "key compromise, then a hold, then good",
		rfc: "5280 §5.3.1",
		lists: [{ from: -9, revoked: [{ at: -12, why: KEY_COMPROMISE }] }, hold(-5), { from: -1 }],
		verdict: "revoked",
		reason: "key compromise",
		openssl: "crl good",
		because: NO_HOLD,
	},
	{
		name: "hold, newer fresh list by another key",
		rfc: "5280 §6.3.3 (g)",
		lists: [hold(-9), { from: -1, by: "other key" }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 8",
		because: "sigtool refuses the list whose signature is wrong, and counts the other one",
	},
	{
		name: "hold, newer fresh list of authorities only",
		rfc: "5280 §5.2.5",
		lists: [hold(-9), { from: -1, extensions: ["only authorities"] }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold, newer fresh list of another distribution point",
		rfc: "5280 §5.2.5",
		certificate: "points",
		lists: [hold(-9), { from: -1, extensions: ["point 2"] }],
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
	{
		name: "hold by a list, newer fresh answer",
		rfc: "5280 §5.3.1",
		lists: [hold(-9)],
		response: { answers: [{ status: "good", from: -1 }] },
		verdict: "good",
		reason: "responder",
		openssl: "crl 23; ocsp good",
		because: ONE_SOURCE,
	},
	{
		name: "hold by a list, newer answer that has run out",
		rfc: "6960 §4.2.2.1",
		lists: [hold(-9)],
		response: { answers: [{ status: "good", from: -8, next: -1 }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23; ocsp no status, times invalid",
	},
	{
		name: "hold by a list, answer dated an hour ahead",
		rfc: "6960 §3.2",
		lists: [hold(-9)],
		response: { answers: [{ status: "good", from: 1 }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23; ocsp no status, times invalid",
	},
	{
		name: "hold by a list, answer of the same moment",
		rfc: "5280 §5.3.1",
		lists: [hold(-1)],
		response: { answers: [{ status: "good", from: -1 }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23; ocsp good",
	},
	{
		name: "hold by a list, answer unknown",
		rfc: "6960 §2.2",
		lists: [hold(-9)],
		response: { answers: [{ status: "unknown" }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23; ocsp unknown",
	},
	{
		name: "hold by an answer, newer fresh list",
		rfc: "5280 §5.3.1",
		lists: [{ from: -1 }],
		response: { answers: [{ status: { at: -20, why: HOLD }, from: -9 }] },
		verdict: "good",
		reason: "list 1",
		openssl: "crl good; ocsp revoked",
		because: ONE_SOURCE,
	},
	{
		name: "hold by an answer, older fresh list",
		rfc: "5280 §5.3.1",
		lists: [{ from: -9 }],
		response: { answers: [{ status: { at: -20, why: HOLD }, from: -1 }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl good; ocsp revoked",
	},
	{
		name: "hold by an answer, newer stale list",
		rfc: "5280 §5.3.1",
		lists: [{ from: -8, next: -1 }],
		response: { answers: [{ status: { at: -20, why: HOLD }, from: -9 }] },
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 12; ocsp revoked",
	},
	{
		name: "timestamp, hold before it, lifted since",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -1 }],
		proven: -10,
		verdict: "good",
		reason: "list 2",
		openssl: "crl good",
	},
	{
		name: "timestamp, hold before it, newer stale list",
		rfc: "5280 §5.3.1",
		lists: [hold(-9), { from: -8, next: -1 }],
		proven: -10,
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl 23",
	},
];

/** One source says several things about the certificate. */
const TWICE: readonly Case[] = [
	...[HOLD, SUPERSEDED].map((other): Case => {
		return {
			name: `list, key compromise and reason ${other}, and a newer fresh list`,
			rfc: "5280 §5.3.1",
			lists: [
				{
					from: -9,
					revoked: [
						{ at: -12, why: other },
						{ at: -11, why: KEY_COMPROMISE },
					],
				},
				{ from: -1 },
			],
			verdict: "revoked",
			reason: "key compromise",
			openssl: "crl good",
			because: NO_HOLD,
		};
	}),
	{
		name: "list, the hold behind the key compromise, and a newer fresh list",
		rfc: "5280 §5.3.1",
		lists: [
			{
				from: -9,
				revoked: [
					{ at: -11, why: KEY_COMPROMISE },
					{ at: -12, why: HOLD },
				],
			},
			{ from: -1 },
		],
		verdict: "revoked",
		reason: "key compromise",
		openssl: "crl good",
		because: NO_HOLD,
	},
	{
		name: "timestamp, list with an entry after it and one before it",
		rfc: "5280 §5.3.2",
		lists: [{ revoked: [{ at: -5 }, { at: -15 }] }],
		proven: -10,
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 23",
	},
	{
		name: "answer good and revoked",
		rfc: "6960 §2.2",
		response: { answers: [{ status: "good" }, { status: { at: -5 } }] },
		verdict: "revoked",
		reason: "responder",
		openssl: "ocsp good",
		because: "of two answers about one certificate the worse counts; OpenSSL takes the first",
	},
	{
		name: "answer revoked and good",
		rfc: "6960 §2.2",
		response: { answers: [{ status: { at: -5 } }, { status: "good" }] },
		verdict: "revoked",
		reason: "responder",
		openssl: "ocsp revoked",
	},
	{
		name: "answer good and unknown",
		rfc: "6960 §2.2",
		response: { answers: [{ status: "good" }, { status: "unknown" }] },
		verdict: "unknown",
		reason: "does not know the certificate",
		openssl: "ocsp good",
		because: "of two answers about one certificate the worse counts; OpenSSL takes the first",
	},
	{
		name: "answer good and fresh, and good and stale",
		rfc: "6960 §4.2.2.1",
		response: { answers: [{ status: "good" }, { status: "good", from: -9, next: -1 }] },
		verdict: "unknown",
		reason: "was valid until",
		openssl: "ocsp good",
		because: "of two answers about one certificate the worse counts; OpenSSL takes the first",
	},
	{
		name: "answer on hold, a key compromise in its extensions, newer fresh list",
		rfc: "6960 §4.4.5",
		lists: [{ from: -1 }],
		response: { answers: [{ status: { at: -5, why: HOLD }, from: -4, extensions: ["key compromise"] }] },
		verdict: "revoked",
		reason: "key compromise",
		openssl: "crl good; ocsp revoked",
	},
	{
		name: "answer on hold twice, the list between the two",
		rfc: "5280 §5.3.1",
		lists: [{ from: -3 }],
		response: {
			answers: [
				{ status: { at: -20, why: HOLD }, from: -5 },
				{ status: { at: -20, why: HOLD }, from: -1 },
			],
		},
		verdict: "revoked",
		reason: "on hold",
		openssl: "crl good; ocsp revoked",
	},
];

/**
 * A source reports a revocation with details that cannot be read. An older source says that the certificate is good.
 */
const UNREADABLE: readonly Case[] = [
	...(
		[
			["reason as INTEGER", { at: -5, extensions: ["reason as INTEGER"] }, "crl 23"],
			["reason of five bytes", { at: -5, extensions: ["reason of five bytes"] }, "crl 23"],
			["empty reason", { at: -5, extensions: ["empty reason"] }, "crl 23"],
			["reason twice", { at: -5, why: HOLD, extensions: ["key compromise"] }, "crl 23"],
			["malformed invalidity date", { at: -5, extensions: ["malformed invalidity date"] }, "crl 23"],
			["65 extensions", { at: -5, more: 65 }, "crl 23"],
			["date with an offset", { at: "with an offset" }, "crl 23"],
			["date without seconds", { at: "without seconds" }, "crl unreadable"],
		] as const
	).flatMap(([name, entry, openssl]): Case[] => {
		const row = { rfc: "5280 §5.3", verdict: "revoked", reason: "cannot be read", openssl } as const;
		const differs = openssl === "crl 23" ? {} : { because: NO_DATE };
		return [
			{ ...row, ...differs, name: `entry: ${name}`, lists: [{ revoked: [entry] }, { from: -5 }] },
			{ ...row, ...differs, name: `timestamp, entry: ${name}`, lists: [{ revoked: [entry] }], proven: -10 },
			{
				...row,
				name: `entry of another: ${name}`,
				lists: [{ revoked: [{ ...entry, serial: "another" }] }],
				verdict: "good",
				reason: "list 1",
				openssl: openssl === "crl 23" ? "crl good" : openssl,
				...differs,
			},
		];
	}),
	{
		name: "entry on hold, another one with an empty reason, newer fresh list",
		rfc: "5280 §5.3.1",
		lists: [
			{
				from: -9,
				revoked: [
					{ at: -5, why: HOLD },
					{ at: -5, extensions: ["empty reason"] },
				],
			},
			{ from: -1 },
		],
		verdict: "revoked",
		reason: "cannot be read",
		openssl: "crl good",
		because: NO_HOLD,
	},
	...(["not minimal", "empty"] as const).map((serial): Case => {
		return {
			name: `entry: serial number that is ${serial}`,
			rfc: "5280 §4.1.2.2",
			lists: [{ revoked: [{ at: -5, serial }] }],
			verdict: "refused",
			reason: "INTEGER",
			openssl: "crl unreadable",
		};
	}),
	...(
		[
			["unknown critical extension", { status: { at: -5 }, extensions: ["unknown, critical"] }],
			["reason 200", { status: { at: -5, why: 200 } }],
			["reason as INTEGER", { status: { at: -5 }, extensions: ["reason as INTEGER"] }],
			["reason twice", { status: { at: -5 }, extensions: ["key compromise", "key compromise"] }],
			["malformed invalidity date", { status: { at: -5 }, extensions: ["malformed invalidity date"] }],
		] as const
	).flatMap(([name, answer]): Case[] => {
		const row = { rfc: "6960 §4.2.1", verdict: "revoked", reason: "cannot be read" } as const;
		return [
			{
				...row,
				name: `answer: ${name}, and a fresh list`,
				lists: [{ from: -5 }],
				response: { answers: [answer] },
				openssl: "crl good; ocsp revoked",
			},
			{
				...row,
				name: `timestamp, answer: ${name}`,
				response: { answers: [answer] },
				proven: -10,
				openssl: "ocsp revoked",
			},
		];
	}),
	{
		name: "answer good with an unknown critical extension, and revoked",
		rfc: "6960 §4.4",
		response: { answers: [{ status: "good", extensions: ["unknown, critical"] }, { status: { at: -5 } }] },
		verdict: "revoked",
		reason: "responder",
		openssl: "ocsp good",
		because: "of two answers about one certificate the worse counts; OpenSSL takes the first",
	},
];

/** The lists are not complete. */
const SCOPE: readonly Case[] = [
	...(
		[
			["delta", "it is a delta", "5280 §5.2.4", "crl 3"],
			["delta, critical", "it is a delta", "5280 §5.2.4", "crl 3"],
			["some reasons", "it covers only some reasons", "5280 §5.2.5", "crl 3"],
			["some reasons, critical", "it covers only some reasons", "5280 §5.2.5", "crl 3"],
			["indirect", "it is indirect", "5280 §5.2.5", "crl 3"],
			["indirect, critical", "it is indirect", "5280 §5.2.5", "crl 3"],
			["attribute certificates", "it covers only attribute certificates", "5280 §5.2.5", "crl 44"],
			["relative point", "relative to its issuer", "5280 §5.2.5", "crl 44"],
			["unknown, critical", "its critical extension 1.2.3.4 is not applied", "5280 §5.2", "crl 36"],
		] as const
	).map(([extension, reason, rfc, openssl]): Case => {
		return {
			name: `list: ${extension}`,
			rfc,
			lists: [{ extensions: [extension] }],
			verdict: "refused",
			reason,
			openssl,
		};
	}),
	{
		name: "list with an unknown extension that is not critical",
		rfc: "5280 §5.2",
		lists: [{ extensions: ["unknown"] }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	...(["only authorities", "only authorities, critical"] as const).map((extension): Case => {
		return {
			name: `list: ${extension}`,
			rfc: "5280 §6.3.3 (b) (2)",
			lists: [{ extensions: [extension] }],
			verdict: "unknown",
			reason: "it covers only authority certificates",
			openssl: "crl 44",
		};
	}),
	{
		name: "list of user certificates only",
		rfc: "5280 §6.3.3 (b) (2)",
		lists: [{ extensions: ["only users, critical"] }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	{
		name: "list of authorities only, with an entry for the certificate",
		rfc: "5280 §5.1.2.6",
		lists: [{ extensions: ["only authorities, critical"], revoked: [{ at: -5 }] }],
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 44",
		because: "an entry that the issuer signed counts, whatever else the list leaves out",
	},
	...(["point 1", "point 1, critical"] as const).map((extension): Case => {
		return {
			name: `list: ${extension}, which the certificate names`,
			rfc: "5280 §6.3.3 (b) (2)",
			certificate: "points",
			lists: [{ extensions: [extension] }],
			verdict: "good",
			reason: "list 1",
			openssl: "crl good",
		};
	}),
	...(["point 2", "point 2, critical"] as const).map((extension): Case => {
		return {
			name: `list: ${extension}, which the certificate does not name`,
			rfc: "5280 §6.3.3 (b) (2)",
			certificate: "points",
			lists: [{ extensions: [extension] }],
			verdict: "unknown",
			reason: "of a distribution point that the certificate does not name",
			openssl: "crl 44",
		};
	}),
	{
		name: "list of a point, for a certificate that names none",
		rfc: "5280 §6.3.3 (b) (2)",
		lists: [{ extensions: ["point 1, critical"] }],
		verdict: "unknown",
		reason: "of a distribution point that the certificate does not name",
		openssl: "crl 44",
	},
	{
		name: "list of another point, with an entry for the certificate",
		rfc: "5280 §5.1.2.6",
		certificate: "points",
		lists: [{ extensions: ["point 2, critical"], revoked: [{ at: -5 }] }],
		verdict: "revoked",
		reason: "list 1",
		openssl: "crl 44",
		because: "an entry that the issuer signed counts, whatever else the list leaves out",
	},
	...(["point 1", "point 1, critical"] as const).flatMap((extension): Case[] => {
		const row = { rfc: "5280 §6.3.3 (d)", certificate: "some reasons" } as const;
		return [
			{
				...row,
				name: `list: ${extension}, which serves only some reasons`,
				lists: [{ extensions: [extension] }],
				verdict: "unknown",
				reason: "of a distribution point that serves only some reasons",
				openssl: "crl 3",
			},
			{
				...row,
				name: `list: ${extension}, which serves only some reasons, with an entry for the certificate`,
				lists: [{ extensions: [extension], revoked: [{ at: -5 }] }, { from: -5 }],
				verdict: "revoked",
				reason: "list 1",
				openssl: "crl 23",
			},
			{
				...row,
				name: `list: ${extension}, which serves only some reasons, and the list of the point for all`,
				lists: [{ extensions: [extension] }, { extensions: ["point 2, critical"] }],
				verdict: "good",
				reason: "list 2",
				openssl: "crl good",
			},
		];
	}),
	{
		name: "list of all points, for a certificate that names one only for some reasons",
		rfc: "5280 §6.3.3 (d)",
		certificate: "some reasons",
		lists: [{}],
		verdict: "good",
		reason: "list 1",
		openssl: "crl 3",
		because:
			"a list of no distribution point has all reasons (the end of §6.3.3); OpenSSL gives it those of the first point",
	},
	{
		name: "list of all points, for a certificate that names one",
		rfc: "5280 §6.3.3 (b) (2)",
		certificate: "points",
		lists: [{}],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
	...(
		[
			["unknown, critical", "critical extension 1.2.3.4", { openssl: "crl 36" }],
			["issuer of the entry, critical", "critical extension 2.5.29.29", { openssl: "crl good", because: INDIRECT }],
		] as const
	).flatMap(([extension, reason, theirs]): Case[] => {
		const row = { rfc: "5280 §5.3", verdict: "refused", reason, ...theirs } as const;
		return [
			{ ...row, name: `entry: ${extension}`, lists: [{ revoked: [{ at: -5, extensions: [extension] }] }] },
			{
				...row,
				name: `entry of another: ${extension}`,
				lists: [{ revoked: [{ serial: "another", at: -5, extensions: [extension] }] }],
			},
		];
	}),
	{
		name: "entry with an unknown extension that is not critical",
		rfc: "5280 §5.3",
		lists: [{ revoked: [{ serial: "another", at: -5, extensions: ["unknown"] }] }],
		verdict: "good",
		reason: "list 1",
		openssl: "crl good",
	},
];

/** The rows differ in who signed a list or a response. */
const SIGNERS: readonly Case[] = [
	...(["PrintableString", "upper case", "spaces around it"] as const).flatMap((spelling): Case[] => {
		const row = { rfc: "5280 §7.1", reason: "list 1" } as const;
		return [
			{ ...row, name: `list, its issuer as ${spelling}`, lists: [{ spelling }], verdict: "good", openssl: "crl good" },
			{
				...row,
				name: `list, its issuer as ${spelling}, revoked, and an older list`,
				lists: [{ spelling, revoked: [{ at: -5 }] }, { from: -5 }],
				verdict: "revoked",
				openssl: "crl 23",
			},
			{
				...row,
				name: `list by another key, its issuer as ${spelling}`,
				lists: [{ spelling, by: "other key" }],
				verdict: "unknown",
				reason: "its issuer's key did not sign it",
				openssl: "crl 8",
			},
		];
	}),
	{
		name: "list by the issuer's key in another name",
		rfc: "5280 §6.3.3 (b)",
		lists: [{ spelling: "another name" }],
		verdict: "unknown",
		reason: "no list is of its issuer",
		openssl: "crl 3",
	},
	{
		name: "list by another key in the issuer's name",
		rfc: "5280 §6.3.3 (g)",
		lists: [{ by: "other key" }],
		verdict: "unknown",
		reason: "its issuer's key did not sign it",
		openssl: "crl 8",
	},
	{
		name: "list of another issuer",
		rfc: "5280 §6.3.3 (b)",
		lists: [{ by: "other issuer" }],
		verdict: "unknown",
		reason: "no list is of its issuer",
		openssl: "crl 3",
	},
	{
		name: "list of an issuer without cRLSign",
		rfc: "5280 §6.3.3 (f)",
		lists: [{ by: "without cRLSign" }],
		verdict: "unknown",
		reason: "key usage of its issuer does not allow it",
		openssl: "crl 35",
	},
	{
		name: "list with a SHA-1 signature",
		rfc: "5280 §5.1.1.2",
		lists: [{ by: "SHA-1" }],
		verdict: "unknown",
		reason: "is no evidence",
		openssl: "crl good",
		because: "SHA-1 is no evidence",
	},
	{
		name: "answer of a responder that the issuer appointed",
		rfc: "6960 §4.2.2.2",
		response: { answers: [{ status: "good" }], by: "delegate" },
		verdict: "good",
		reason: "responder",
		openssl: "ocsp good",
	},
	{
		name: "answer of a responder without the usage OCSPSigning",
		rfc: "6960 §4.2.2.2",
		response: { answers: [{ status: "good" }], by: "delegate without usage" },
		verdict: "unknown",
		reason: "its extended key usage does not name ocspSigning",
		openssl: "ocsp good, not verified",
	},
	{
		name: "answer of a responder that has expired",
		rfc: "6960 §4.2.2.2",
		response: { answers: [{ status: "good" }], by: "expired delegate" },
		verdict: "unknown",
		reason: "expired",
		openssl: "ocsp good, not verified",
	},
	{
		name: "answer of a responder that another authority appointed",
		rfc: "6960 §4.2.2.2",
		response: { answers: [{ status: "good" }], by: "delegate of another" },
		verdict: "unknown",
		reason: "issuer",
		openssl: "ocsp good, not verified",
	},
	{
		name: "answer by another key without a certificate",
		rfc: "6960 §3.2",
		response: { answers: [{ status: "good" }], by: "other key" },
		verdict: "unknown",
		reason: "neither the issuer nor a certificate in it",
		openssl: "ocsp good, not verified",
	},
	{
		name: "revoked, by another key without a certificate",
		rfc: "6960 §3.2",
		response: { answers: [{ status: { at: -5 } }], by: "other key" },
		verdict: "unknown",
		reason: "neither the issuer nor a certificate in it",
		openssl: "ocsp revoked, not verified",
		because: "the command prints what an answer says although it could not verify it",
	},
	{
		name: "answer about another certificate",
		rfc: "6960 §3.2",
		response: { answers: [{ status: "good", serial: "another" }] },
		verdict: "unknown",
		reason: "it is about another certificate",
		openssl: "ocsp no status",
	},
	{
		name: "answer unknown",
		rfc: "6960 §2.2",
		response: { answers: [{ status: "unknown" }] },
		verdict: "unknown",
		reason: "does not know the certificate",
		openssl: "ocsp unknown",
	},
	...(
		[
			[1, "malformedRequest"],
			[2, "internalError"],
			[3, "tryLater"],
			[5, "sigRequired"],
			[6, "unauthorized"],
		] as const
	).map(([failure, reason]): Case => {
		return {
			name: `answer: ${reason}`,
			rfc: "6960 §2.3",
			response: { failure },
			verdict: "unknown",
			reason,
			openssl: "ocsp no status",
		};
	}),
	{
		name: "answer with another nonce",
		rfc: "6960 §4.4.1",
		response: { answers: [{ status: "good" }], extensions: ["nonce"] },
		verdict: "unknown",
		reason: "its nonce is not the one that was sent",
		openssl: "ocsp good",
		because: "a file is judged without the question that it answers, so OpenSSL has no nonce to compare",
	},
	{
		name: "answer with an unknown critical extension",
		rfc: "6960 §4.4",
		response: { answers: [{ status: "good" }], extensions: ["unknown, critical"] },
		verdict: "unknown",
		reason: "critical extension 1.2.3.4",
		openssl: "ocsp good",
		because: "sigtool refuses a critical extension that it does not apply; OpenSSL does not look",
	},
	{
		name: "answer whose status has an unknown critical extension",
		rfc: "6960 §4.4",
		response: { answers: [{ status: "good", extensions: ["unknown, critical"] }] },
		verdict: "unknown",
		reason: "critical extension 1.2.3.4",
		openssl: "ocsp good",
		because: "sigtool refuses a critical extension that it does not apply; OpenSSL does not look",
	},
	...(
		[
			["answer unknown", { answers: [{ status: "unknown" }] }, "does not know the certificate", "ocsp unknown"],
			[
				"answer good with an unknown critical extension",
				{ answers: [{ status: "good", extensions: ["unknown, critical"] }] },
				"critical extension 1.2.3.4",
				"ocsp good",
			],
		] as const
	).map(([name, response, warning, openssl]): Case => {
		const row = { rfc: "6960 §2.2", verdict: "good", reason: "list 1", because: ONE_SOURCE } as const;
		return { ...row, name: `${name}, fresh list`, lists: [{}], response, warning, openssl: `crl good; ${openssl}` };
	}),
	{
		name: "list by another key, and a fresh list",
		rfc: "5280 §6.3.3 (g)",
		lists: [{ by: "other key" }, { from: -2 }],
		verdict: "good",
		reason: "list 2",
		warning: "its issuer's key did not sign it",
		openssl: "crl 8",
		because: "sigtool refuses the list whose signature is wrong, and counts the other one",
	},
	{
		name: "list of another issuer, list of authorities only, and a fresh list",
		rfc: "5280 §6.3.3 (b)",
		lists: [{ by: "other issuer" }, { extensions: ["only authorities"] }, { from: -2 }],
		verdict: "good",
		reason: "list 3",
		openssl: "crl good",
	},
	{
		name: "answer useless, fresh list",
		rfc: "6960 §2.3",
		lists: [{}],
		response: { failure: 3 },
		verdict: "good",
		warning: "tryLater",
		reason: "list 1",
		openssl: "crl good; ocsp no status",
		because: ONE_SOURCE,
	},
];

/** The certificate expired a hundred hours ago. It was used 102 hours ago, when it was valid. */
const EXPIRED: readonly Case[] = (
	[
		["list between the timestamp and the expiry", { from: -101, next: -90 }, "good", "list 1", "crl 12 10"],
		["list of the second of the timestamp", { from: -102, next: -90 }, "good", "list 1", "crl 12 10"],
		["list older than the timestamp", { from: -103, next: -90 }, "unknown", "was valid until", "crl 12 10"],
		["fresh list, which may drop expired certificates", {}, "unknown", "after the certificate expired", "crl 10"],
		["fresh list that keeps all expired certificates", { extensions: ["keeps expired"] }, "good", "list 1", "crl 10"],
		[
			"fresh list that keeps those which expired later",
			{ extensions: ["keeps later"] },
			"unknown",
			"after the certificate expired",
			"crl 10",
		],
		[
			"stale list that keeps expired certificates",
			{ from: -9, next: -1, extensions: ["keeps expired"] },
			"unknown",
			"was valid until",
			"crl 12 10",
		],
		[
			"list with a revocation before the timestamp",
			{ from: -101, revoked: [{ at: -110 }] },
			"revoked",
			"list 1",
			"crl 23",
		],
		[
			"list with a revocation after the timestamp",
			{ from: -101, revoked: [{ at: -101.5 }] },
			"revoked-later",
			"list 1",
			"crl 23",
		],
	] as const
).map(([name, list, verdict, reason, openssl]): Case => {
	return {
		name: `expired certificate, ${name}`,
		rfc: "5280 §3.3; X.509 §9.5.2.8",
		certificate: "expired",
		lists: [list],
		proven: -102,
		verdict,
		reason,
		openssl,
		because: "OpenSSL judges for now, and the certificate has expired",
	};
});

/** The certificate is that of a timestamping authority, whose key can make tokens for any time. */
const TIME: readonly Case[] = (
	[
		["superseded later", [{ at: -5, why: SUPERSEDED }], "revoked-later", "list 1"],
		["unspecified, later", [{ at: -5, why: 0 }], "revoked-later", "list 1"],
		["no reason, later", [{ at: -5 }], "revoked", "no reason given"],
		["cessation of operation, later", [{ at: -5, why: 5 }], "revoked-later", "list 1"],
		["affiliation changed, later", [{ at: -5, why: 3 }], "revoked-later", "list 1"],
		["key compromise, later", [{ at: -5, why: KEY_COMPROMISE }], "revoked", "key compromise"],
		["hold, later", [{ at: -5, why: HOLD }], "revoked", "on hold"],
		["privilege withdrawn, later", [{ at: -5, why: 9 }], "revoked", "privilege withdrawn"],
		["superseded before", [{ at: -15, why: SUPERSEDED }], "revoked", "superseded"],
		[
			"superseded later, and a key compromise even later",
			[
				{ at: -5, why: SUPERSEDED },
				{ at: -3, why: KEY_COMPROMISE },
			],
			"revoked",
			"key compromise",
		],
		["not revoked", [], "good", "list 1"],
	] as const
).map(([name, revoked, verdict, reason]): Case => {
	const differs = verdict === "revoked-later" ? { because: NO_TIMES } : {};
	return {
		name: `timestamping authority, ${name}`,
		rfc: "3161 §4",
		lists: [{ revoked }],
		proven: -10,
		isAuthorityOfTime: true,
		verdict,
		reason,
		openssl: revoked.length === 0 ? "crl good" : "crl 23",
		...differs,
	};
});

export const REVOCATION_CASES: readonly Case[] = [
	...FRESHNESS,
	...REVOKED,
	...PROVEN,
	...HOLDS,
	...TWICE,
	...UNREADABLE,
	...SCOPE,
	...SIGNERS,
	...EXPIRED,
	...TIME,
];
