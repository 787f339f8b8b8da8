/** Says what the codes of findings mean: those of errors, and the kinds of differences that `sigtool diff` finds. */

import { ERROR_HELP } from "@sigtool/core/internal";
import { ERROR_CODES, type ErrorCode, isErrorCode } from "@sigtool/core/internal/errors";
import { DIFFERENCES, isDifference } from "./differences.js";

export interface Rule {
	/** The meaning of the code, in one or two sentences. */
	readonly meaning: string;
	/** Why it happens, and what to do about it. Undefined for differences, which are no faults. */
	readonly help: { readonly why: string; readonly remedy: string } | undefined;
	/** The page of the documentation that describes it. */
	readonly page: string;
}

export function ruleOf(code: string): Rule {
	if (isDifference(code)) return { meaning: DIFFERENCES[code], help: undefined, page: "docs/reference/reporters.md" };
	if (!isErrorCode(code)) return { meaning: code, help: undefined, page: ERRORS_PAGE };
	return { meaning: ERROR_CODES[code][1], help: ERROR_HELP[code], page: pageOf(code) };
}

const ERRORS_PAGE = "docs/reference/errors.md";

/** Returns the place in the documentation that describes an error code. */
export function pageOf(code: ErrorCode): string {
	return `${ERRORS_PAGE}#${code.toLowerCase()}`;
}
