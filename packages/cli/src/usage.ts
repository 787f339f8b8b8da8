import { SigtoolError } from "@sigtool/core/errors";

/** ERR_USAGE with a line that says what to do instead. */
export function usageError(message: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", message);
}
