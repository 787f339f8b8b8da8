import { lstatSync } from "node:fs";
import { ioError, quote, SigtoolError } from "@sigtool/core/internal/errors";

/** Tells whether something has the name of an output, also a link that leads nowhere. @throws ERR_IO */
export function outputExists(output: string): boolean {
	try {
		return lstatSync(output, { throwIfNoEntry: false }) !== undefined;
	} catch (cause) {
		throw ioError("write", output, cause);
	}
}

/** Makes the error about an output that is not replaced. `reason` tells the way out too. */
export function existingOutput(output: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_OUTPUT_EXISTS", `Cannot write ${quote(output)}: ${reason}`, { path: output });
}
