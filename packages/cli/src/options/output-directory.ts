import { mkdirSync } from "node:fs";
import { ioError } from "@sigtool/core/internal/errors";

/** Makes a directory to write to, and the missing ones above it. The umask applies to `mode`. @throws ERR_IO */
export function makeOutputDirectory(directory: string, mode = 0o777): void {
	try {
		mkdirSync(directory, { recursive: true, mode });
	} catch (cause) {
		throw ioError("make", directory, cause);
	}
}
