/**
 * Limits the time of several calls of a PKCS#11 module together. A limit for each call alone does not end the search in a
 * module that answers each of a thousand calls just in time.
 */

import { ModuleGone } from "./pkcs11-channel.js";

export interface Deadline {
	/** Makes a call with the time in milliseconds that is left for it. @throws ModuleGone if no time is left */
	readonly limit: <T>(call: (timeoutMs: number) => T) => T;
}

/**
 * Makes a deadline for the calls before a signature. Only the time in calls counts, so a person may take any time to type
 * the PIN. `now` returns the time in milliseconds.
 */
export function startDeadline(callMs: number, now: () => number = () => performance.now()): Deadline {
	const totalMs = CALLS * callMs;
	let leftMs = totalMs;
	return {
		limit(call) {
			if (leftMs <= 0) throw tooSlow(totalMs);
			const timeoutMs = Math.ceil(Math.min(callMs, leftMs));
			const startedAt = now();
			try {
				return call(timeoutMs);
			} catch (error) {
				// The call was ended because the total time was over, which says more than the limit of the call.
				if (error instanceof ModuleGone && timeoutMs < callMs && now() - startedAt >= timeoutMs) throw tooSlow(totalMs);
				throw error;
			} finally {
				leftMs -= now() - startedAt;
			}
		},
	};
}

function tooSlow(totalMs: number): ModuleGone {
	const seconds = totalMs / 1000;
	return new ModuleGone(`the module took more than ${seconds} s before it signed; --signer-timeout allows more`);
}

/** The time until key and certificates are found, as a multiple of the time limit of one call. */
const CALLS = 5;
