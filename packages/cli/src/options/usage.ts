import { SigtoolError } from "@sigtool/core/errors";

/** ERR_USAGE with a line that says what to do instead. */
export function usageError(message: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", message);
}

/** What is signed goes to a file, so that it is there whole or not at all. @throws ERR_USAGE */
export function requireOutputName(output: string | undefined, option = "-o"): void {
	if (output === "") throw usageError(`Name a file with ${option}`);
	if (output === "-") throw usageError(`Name a file with ${option}: the result is not written to standard output`);
}
