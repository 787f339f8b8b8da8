import { usageError } from "./usage.js";

/**
 * Returns the time of SOURCE_DATE_EPOCH in milliseconds since the epoch, or the current time if the variable is unset
 * or empty. https://reproducible-builds.org/specs/source-date-epoch/
 * @throws ERR_USAGE
 */
export function sourceDate(): number {
	const text = process.env.SOURCE_DATE_EPOCH;
	if (text === undefined || text === "") return Date.now();
	const seconds = Number(text);
	if (!/^\d+$/.test(text) || seconds > MAX_SECONDS) {
		throw usageError(`Set SOURCE_DATE_EPOCH to whole seconds before the year 2050, not "${text}"`);
	}
	return seconds * 1000;
}

/** The last time that UTCTime can express, 2049-12-31T23:59:59Z, in seconds since the epoch. */
const MAX_SECONDS = 2_524_607_999;
