/**
 * Decides for which time a signer is judged: for the time of a valid timestamp, else for the given time, else for now.
 * A timestamp does not count if the certificate has the usage LIFETIME_SIGNING.
 */

import { SigtoolError } from "../errors.js";
import type { Certificate } from "./certificate.js";
import type { Timestamp } from "./timestamp.js";

/** The time for which certificates were judged. */
export interface JudgedTime {
	/** The time in milliseconds since the epoch for which the signer's chain was judged. */
	readonly at: number;
	readonly source: "now" | "given" | "rfc3161" | "countersignature";
	/** The subject of the timestamping authority, if the time comes from a timestamp. */
	readonly authority?: string;
	/** The reason why the time does not come from a timestamp. Undefined if it does. */
	readonly without?: "no-timestamp" | "unusable-timestamp" | "lifetime-signing";
}

/**
 * If the signer's certificate has this usage, a timestamp does not keep the signature valid after the certificate
 * expires. Microsoft, szOID_LIFETIME_SIGNING.
 */
const LIFETIME_SIGNING = "1.3.6.1.4.1.311.10.3.13";

/**
 * Returns the time for which to judge the chain. With a valid timestamp this is the time of the timestamp, because the
 * timestamp proves that the signature existed then. Otherwise, and for a leaf with LIFETIME_SIGNING, it is `at`, or now
 * if `at` is undefined. `hasUnusable` says that the signature has a timestamp that does not verify.
 */
export function judgementTime(
	leaf: Certificate,
	[timestamp]: readonly Timestamp[],
	hasUnusable: boolean,
	at: number | undefined,
): JudgedTime {
	const lifetime = leaf.extensions.extendedKeyUsage?.oids.includes(LIFETIME_SIGNING) === true;
	if (timestamp !== undefined && !lifetime) {
		const { time, kind, certificate } = timestamp;
		return { at: time, source: kind, authority: certificate.subject.text };
	}
	const without = timestamp !== undefined ? "lifetime-signing" : hasUnusable ? "unusable-timestamp" : "no-timestamp";
	return at === undefined ? { at: Date.now(), source: "now", without } : { at, source: "given", without };
}

/**
 * Runs `judge`. If `judge` throws because a certificate has expired, the error gets the reason why the first timestamp
 * was not used, because a valid timestamp would often have prevented the error.
 */
export function withTimestampFailures<T>(failures: readonly SigtoolError[], judge: () => T): T {
	try {
		return judge();
	} catch (error) {
		const [failure] = failures;
		if (!(error instanceof SigtoolError) || error.code !== "ERR_CERTIFICATE_EXPIRED" || failure === undefined)
			throw error;
		const message = `${error.message}; its timestamp was not used: ${failure.message}`;
		throw new SigtoolError(error.code, message, { cause: error.cause });
	}
}
