import { readInput } from "@sigtool/core";

/** What an option names: a file, a pipe, a process substitution, `-` for standard input. @throws as core's readInput */
export function readInputFile(file: string, maxBytes: number): Buffer {
	return readInput(file === "-" ? "/dev/stdin" : file, maxBytes);
}
