/**
 * The ends until which an index counts: its own, and that of its signer's certificate. They are judged when a process
 * starts. A process that runs goes on afterwards, unless the host says otherwise, and says so once a day.
 */

import type { Audit } from "../audit/audit.js";
import type { EventDetail, EventVerdict } from "../audit/events.js";
import type { HostConfiguration } from "../host/config.js";
import { isoTime, monotonic, now } from "../safe/primordials.js";

export interface End {
	readonly what: "index" | "certificate";
	/** The last moment in milliseconds since the epoch. */
	readonly notAfter: number;
}

export interface Term {
	/** Says in events what ends soon or has ended. Returns the error code if nothing may be loaded any more. */
	refusal(): Expired | undefined;
}

export type Expired = "ERR_INDEX_EXPIRED" | "ERR_CERTIFICATE_EXPIRED";

/** The ends that a process has seen and told. It can be cloned, so that a new thread knows them too. */
export type SeenEnds = Readonly<Record<End["what"], SeenEnd>>;

interface SeenEnd {
	/** It is past, and stays so even if the clock is set back. */
	isPast: boolean;
	/** The number of days that was said last. */
	days: number;
	/** When `verifier.expired` is raised next, by the clock that nobody can set. */
	next: bigint;
}

export function noSeenEnds(): SeenEnds {
	return {
		index: { isPast: false, days: NO_NOTICE, next: 0n },
		certificate: { isPast: false, days: NO_NOTICE, next: 0n },
	};
}

/** Makes a term of these ends. If there are several of the index, or several of certificates, the earliest counts. */
export function createTerm(
	ends: readonly End[],
	onExpiry: HostConfiguration["onExpiry"],
	seen: SeenEnds,
	audit: Audit | undefined,
): Term {
	const earliest = (what: End["what"]): number | undefined => {
		const times = ends.filter((end) => end.what === what).map(({ notAfter }) => notAfter);
		return times.length === 0 ? undefined : Math.min(...times);
	};
	const endOfIndex = earliest("index");
	const endOfCertificate = earliest("certificate");

	/** Raises the event that is due about this end, if there is one, and tells whether the end is past. */
	function isPast(what: End["what"], notAfter: number | undefined): boolean {
		if (notAfter === undefined) return false;
		const own = seen[what];
		const left = notAfter - now();
		if (left < 0) own.isPast = true;
		if (own.isPast) {
			if (monotonic() < own.next) return true;
			own.next = monotonic() + DAY_NS;
			raise("verifier.expired", "record", { what, notAfter: isoTime(notAfter) });
			return true;
		}
		const days = noticeFor(left);
		if (days >= own.days) return false;
		own.days = days;
		raise("verifier.expiring", "allow", { what, notAfter: isoTime(notAfter), days });
		return false;
	}

	function raise<Name extends "verifier.expired" | "verifier.expiring">(
		event: Name,
		verdict: EventVerdict,
		detail: EventDetail<Name>,
	): void {
		try {
			audit?.raise(event, verdict, detail);
		} catch {
			// No sink and no hook decides about the time.
		}
	}

	return {
		refusal() {
			const isIndexPast = isPast("index", endOfIndex);
			const isCertificatePast = isPast("certificate", endOfCertificate);
			if (onExpiry !== "refuse") return undefined;
			if (isIndexPast) return "ERR_INDEX_EXPIRED";
			return isCertificatePast ? "ERR_CERTIFICATE_EXPIRED" : undefined;
		},
	};
}

/** Returns the smallest number of days with a notice that is not less than the time left, else NO_NOTICE. */
function noticeFor(left: number): number {
	if (left <= DAY_MS) return 1;
	if (left <= 7 * DAY_MS) return 7;
	return left <= 30 * DAY_MS ? 30 : NO_NOTICE;
}

const NO_NOTICE = 1e9;
const DAY_MS = 86_400_000;
const DAY_NS = 86_400_000_000_000n;
