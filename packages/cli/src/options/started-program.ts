/** Tells a program that cannot be used from a system that has no room for another process. */

import { ioError, isErrnoException } from "@sigtool/core/internal/errors";

/** @throws ERR_IO if `error`, which spawnSync() returned, says nothing about the program that was to be started */
export function requireStarted(program: string, error: Error | undefined): void {
	if (error !== undefined && isErrnoException(error) && OF_THE_SYSTEM.has(error.code))
		throw ioError("start", program, error);
}

const OF_THE_SYSTEM: ReadonlySet<string> = new Set(["EAGAIN", "EIO", "EMFILE", "ENFILE", "ENOMEM"]);
