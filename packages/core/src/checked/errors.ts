/**
 * Programs load this module as `@sigtool/core/errors`. It has the errors without the functions that throw them, so it
 * loads at once.
 * @module @sigtool/core/errors
 */

export {
	ERROR_CODES,
	type ErrorCode,
	type ExitStatus,
	type FoundProblem,
	SigtoolError,
	type SigtoolErrorOptions,
} from "../errors.js";
export { AbortError } from "../system/abort.js";
