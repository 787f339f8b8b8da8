import { lstatSync } from "node:fs";
import { ioError } from "@sigtool/core/internal/errors";

/** Tells whether something has the name of an output, also a link that leads nowhere. @throws ERR_IO */
export function outputExists(output: string): boolean {
	try {
		return lstatSync(output, { throwIfNoEntry: false }) !== undefined;
	} catch (cause) {
		throw ioError("write", output, cause);
	}
}
