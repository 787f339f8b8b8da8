import { usageError } from "./usage.js";

/** Parses the value of --sequence. @throws ERR_USAGE */
export function parseSequence(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const sequence = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(sequence)) {
		throw usageError(`Give --sequence a whole number below 2^53, not "${text}"`);
	}
	return sequence;
}
