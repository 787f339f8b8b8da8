/** Warns of a certificate that expires soon, so that its owner can renew it in time. */

import { quote } from "../errors.js";

/**
 * A certificate that may expire soon. `notAfter` is the end of its validity in milliseconds since the epoch, and
 * `subject` is the name that a warning shows.
 */
export interface Expiry {
	readonly subject: { readonly text: string };
	/** Milliseconds since the epoch. */
	readonly notAfter: number;
	/**
	 * True if the certificate came with a signature and only its key is pinned. The subject is then the label of the
	 * pin.
	 */
	readonly ofBarePin?: boolean;
}

/**
 * Returns a warning if the first of these certificates to expire has fewer than 30 days left at the time `at`, or has
 * expired. Otherwise returns undefined. `certificates` has at least one member, and `at` is in milliseconds since the
 * epoch.
 */
export function expiryNotice(certificates: readonly Expiry[], at: number): string | undefined {
	const { subject, notAfter, ofBarePin } = certificates.reduce((first, each) =>
		each.notAfter < first.notAfter ? each : first,
	);
	const daysLeft = Math.floor((notAfter - at) / DAY_MS);
	if (daysLeft >= NOTICE_DAYS) return undefined;
	const end = new Date(notAfter).toISOString().replace(".000Z", "Z");
	const certificate = ofBarePin
		? `the certificate that came with the signature (pin ${quote(subject.text)} has no dates)`
		: `the certificate of ${quote(subject.text)}`;
	if (daysLeft < 0) return `${certificate} expired at ${end}`;
	const left = daysLeft === 0 ? "less than a day" : daysLeft === 1 ? "1 day" : `${daysLeft} days`;
	return `${certificate} expires in ${left}, at ${end}`;
}

const NOTICE_DAYS = 30;
const DAY_MS = 86_400_000;
