/** Finds a place for a launcher that is made for one run. */

import { usageError } from "../options/usage.js";
import { privateTemporaryDirectory, SharedDirectory } from "../temporary-directory.js";

/** Returns the real path of the directory for temporary files. @throws ERR_USAGE if another user could exchange files there */
export function temporaryPlace(): string {
	try {
		return privateTemporaryDirectory();
	} catch (error) {
		if (!(error instanceof SharedDirectory)) throw error;
		throw usageError(`Cannot place a launcher: ${error.message}`);
	}
}
