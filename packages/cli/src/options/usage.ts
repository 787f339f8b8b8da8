import { COMMAND, SigtoolError, shell } from "@sigtool/core/internal/errors";

/** Makes an ERR_USAGE error. The message says what to do instead. */
export function usageError(message: string): SigtoolError {
	return new SigtoolError("ERR_USAGE", message);
}

/**
 * Refuses an empty name and `-` for an output file. A result is not written to standard output, because only a file can
 * be replaced completely or not at all.
 * @throws ERR_USAGE
 */
export function requireOutputName(output: string | undefined, option = "-o"): void {
	if (output === "") throw usageError(`Name a file with ${option}`);
	if (output === "-") throw usageError(`Name a file with ${option}: the result is not written to standard output`);
}

/** Makes the error for a command that needs operands, or a configuration in their place. */
export function nothingNamed(command: string): SigtoolError {
	const init = `make a configuration with \`${COMMAND} init\``;
	return usageError(`Name what to ${command}, e.g. \`${shell`${COMMAND} ${command} ./lib`}\`, or ${init}`);
}
