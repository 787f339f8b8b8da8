/**
 * The ends by which an index counts: its own, and that of its signer's certificate. They are judged when a process
 * starts. A process that runs goes on afterwards, unless the host says otherwise, and says so once a day.
 */

import type { Audit } from "../audit/audit.js";
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

/** What the process has seen to be over. It stays over even if the clock is set back. Threads get a copy. */
export interface Passed {
	index: boolean;
	certificate: boolean;
}

export function createTerm(
	ends: readonly End[],
	onExpiry: HostConfiguration["onExpiry"],
	passed: Passed,
	audit: Audit | undefined,
): Term {
	/** The number of days that was said last for the end of the same index, and when `verifier.expired` is said next. */
	const said: number[] = ends.map(() => NO_NOTICE);
	const next: bigint[] = ends.map(() => 0n);

	function say(number: number, { what, notAfter }: End): void {
		const left = notAfter - now();
		if (left < 0 || passed[what]) {
			passed[what] = true;
			// A clock that nobody can set counts the day.
			if (monotonic() < (next[number] ?? 0n)) return;
			next[number] = monotonic() + DAY_NS;
			raise("verifier.expired", "audit", { what, notAfter: isoTime(notAfter) });
			return;
		}
		const days = noticeFor(left);
		if (days >= (said[number] ?? 0)) return;
		said[number] = days;
		raise("verifier.expiring", "allow", { what, notAfter: isoTime(notAfter), days });
	}

	function raise(
		event: "verifier.expired" | "verifier.expiring",
		verdict: "audit" | "allow",
		detail: { what: string; notAfter: string; days?: number },
	): void {
		try {
			audit?.raise(event, verdict, detail);
		} catch {
			// No sink and no hook decides about the time.
		}
	}

	return {
		refusal() {
			let refused: Expired | undefined;
			for (let i = 0; i < ends.length; i++) {
				// The type assertion is safe: `i` is below the length.
				const end = ends[i] as End;
				say(i, end);
				if (passed[end.what]) refused ??= end.what === "index" ? "ERR_INDEX_EXPIRED" : "ERR_CERTIFICATE_EXPIRED";
			}
			return onExpiry === "refuse" ? refused : undefined;
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
