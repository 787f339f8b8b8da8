/** Makes the errors of the files in this folder that use the disk. */

import { ioError, quote, SigtoolError } from "../errors.js";

/** Returns an error for what the file system would allow and sigtool does not. */
export function refusal(action: string, path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_IO", `Cannot ${action} ${quote(path)}: ${reason}`, { path });
}

/** Returns the cause itself if it is an error of sigtool, else an ERR_IO with its reason. */
export function asIoError(action: string, path: string, cause: unknown): SigtoolError {
	return cause instanceof SigtoolError ? cause : ioError(action, path, cause);
}
