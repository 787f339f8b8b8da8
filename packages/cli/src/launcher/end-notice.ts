/** Words the notice of what ends soon: in the last 30 days, the last 7, and the last. */

import type { HostEnd } from "@sigtool/verifier/internal";

const DAY_MS = 86_400_000;
const NOTICE_DAYS = 30;

/** Returns undefined if there are more than 30 days left. */
export function endNotice({ what, notAfter }: HostEnd, now: number): string | undefined {
	const left = notAfter - now;
	if (left > NOTICE_DAYS * DAY_MS) return undefined;
	const at = `at ${new Date(notAfter).toISOString()}`;
	if (left < 0) return `${what} ended ${at}`;
	const days = Math.ceil(left / DAY_MS);
	const urgency = left <= DAY_MS ? "at once: " : left <= 7 * DAY_MS ? "this week: " : "";
	return `${urgency}${what} ends in ${days === 1 ? "less than a day" : `${days} days`}, ${at}; from then on no start succeeds`;
}
