/** Finds the code or event that a user probably meant. */

import { ERROR_CODES, isErrorCode, quote, type SigtoolError } from "@sigtool/core/internal/errors";
import { EVENTS } from "@sigtool/verifier";
import { usageError } from "../options/usage.js";
import { closeNames } from "../output/close-names.js";

/** Makes the error for a name that is no code and no event, with names that are spelled similarly. */
export function unknownName(subject: string): SigtoolError {
	const close = closestNames(subject);
	const hint = close.length === 0 ? "docs/reference/errors.md lists them" : `did you mean ${close.join(" or ")}?`;
	return usageError(`Unknown error code or event ${quote(subject)}; ${hint}`);
}

/** Returns the codes and events whose names are spelled similarly, also if the prefix `ERR_` is missing. */
export function closestNames(subject: string): string[] {
	const code = subject.toUpperCase().replace(/-/g, "_");
	const named = code.startsWith("ERR_") ? code : `ERR_${code}`;
	if (isErrorCode(named)) return [named];
	return [
		...closeNames(named, Object.keys(ERROR_CODES)),
		...closeNames(subject.toLowerCase(), Object.keys(EVENTS)),
	].slice(0, MAX_SUGGESTIONS);
}

/**
 * Returns a sentence about each name that no event of this release has. Such a name is no error, because a newer release
 * may have written the log.
 */
export function unknownEvents(names: readonly string[]): string[] {
	const unknown = names.filter((name) => !/\*$|^python\./.test(name) && !Object.hasOwn(EVENTS, name));
	return unknown.map((name) => {
		const [close] = closeNames(name.toLowerCase(), Object.keys(EVENTS));
		return `this release has no event ${quote(name)}${close === undefined ? "" : `; did you mean ${close}?`}`;
	});
}

const MAX_SUGGESTIONS = 3;
