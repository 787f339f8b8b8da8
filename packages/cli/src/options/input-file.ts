import { readInput } from "@sigtool/core/internal";

/**
 * Reads the input that an option names: a file, a pipe, a process substitution, or `-` for standard input.
 * @throws the errors of core's `readInput`
 */
export function readInputFile(file: string, maxBytes: number): Buffer {
	return readInput(file === "-" ? "/dev/stdin" : file, maxBytes);
}
