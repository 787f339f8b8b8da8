import { expect } from "vitest";
import { type ErrorCode, SigtoolError } from "../../dist/errors.js";

/** Runs `action`, which must throw a SigtoolError with that code, and returns the error. */
export function expectError(code: ErrorCode, action: () => unknown): SigtoolError {
	const error = caught(action);
	expect(error, `expected ${code}`).toBeInstanceOf(SigtoolError);
	expect((error as SigtoolError).code, (error as SigtoolError).message).toBe(code); // The line above checks the type.
	return error as SigtoolError;
}

/** Returns "ok", or the code of the SigtoolError that `action` throws. Any other error is passed on. */
export function verdictOf(action: () => unknown): "ok" | ErrorCode {
	const error = caught(action);
	if (error === undefined) return "ok";
	if (error instanceof SigtoolError) return error.code;
	throw error;
}

function caught(action: () => unknown): unknown {
	try {
		action();
	} catch (error) {
		return error;
	}
	return undefined;
}
