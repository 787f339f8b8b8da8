import { readInput } from "@sigtool/core";

/**
 * Reads what an option names: a file, a pipe, a process substitution, or `-` for standard input.
 * @throws as core's readInput
 */
export function readInputFile(file: string, maxBytes: number): Buffer {
	return readInput(file === "-" ? "/dev/stdin" : file, maxBytes);
}
