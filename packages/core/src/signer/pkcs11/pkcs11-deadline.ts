/**
 * Limits the total time of several calls of a PKCS#11 module. Without it a search might not end, although each call has
 * a limit: a module may answer each of a thousand calls just in time.
 */

import { ModuleGone } from "./pkcs11-channel.js";

export interface Deadline {
	/** Makes a call. Passes the time in milliseconds that the call may take. @throws ModuleGone if no time is left */
	readonly limit: <T>(call: (timeoutMs: number) => T) => T;
}

/**
 * Makes a deadline for the calls that come before a signature: CALLS times `callMs` milliseconds in all, and `callMs`
 * for each call. Only the time in calls counts, so a person may take any time to type the PIN. `now` returns the time
 * in milliseconds.
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
				// The call ended because the total time was over. The user is told this, and not the smaller limit of
				// the call.
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

/** All calls before a signature may take this many times the time limit of one call. */
const CALLS = 5;
