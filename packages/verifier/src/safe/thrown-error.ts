/**
 * Makes refusals whose report names no line of the hook. For an uncaught error, Node.js prints the line of code that made
 * or threw it. A line of the bundled hook is a hundred characters of minified code, which tells a user nothing.
 */

import { type ErrorCode, SigtoolError, type SigtoolErrorOptions } from "@sigtool/core/read";

/**
 * Returns the error. The call must be in the statement that makes or throws the error, with `_mark` as a literal: Node.js
 * prints no line that has this text. The bundler keeps such a statement in one line.
 */
export function unshown<E>(error: E, _mark: "node-do-not-add-exception-line"): E {
	return error;
}

/** Makes a SigtoolError that is thrown into a program. */
export function refusalError(code: ErrorCode, message: string, options?: SigtoolErrorOptions): SigtoolError {
	return unshown(new SigtoolError(code, message, options), "node-do-not-add-exception-line");
}

const { captureStackTrace } = Error;
/** Makes the stack of a SigtoolError begin at the caller of `called`, so that it names the line of the program. */
export function calledFrom(error: unknown, called: (...args: never[]) => unknown): unknown {
	if (error instanceof SigtoolError) captureStackTrace(error, called);
	return error;
}

/** Takes the stack away from the cause of another error, which has the same stack. */
export function withoutStack(error: SigtoolError): SigtoolError {
	captureStackTrace(error, nobody);
	return error;
}

/** Nobody calls this function, so a stack that begins at its caller is empty. */
function nobody(): void {}
