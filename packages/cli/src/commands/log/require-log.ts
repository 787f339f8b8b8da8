import { statSync } from "node:fs";
import { ioError, quote, SigtoolError } from "@sigtool/core/internal/errors";
import { STANDARD_INPUT } from "../../events/log-pieces.js";
import { usageError } from "../../options/usage.js";

/**
 * Refuses what cannot be read as a log. With `wait`, a log to follow may be missing.
 * @throws ERR_USAGE for something that is no log, or cannot be followed; ERR_ROOT_MISSING; ERR_IO
 */
export function requireLog(log: string, to: "read" | "follow" | "wait"): void {
	const follow = to !== "read";
	if (follow && (log === STANDARD_INPUT || log.endsWith(".gz")))
		throw usageError(`Cannot follow ${quote(log)}: only a file that is being written can be followed`);
	if (log === STANDARD_INPUT) return;
	try {
		const stats = statSync(log, { throwIfNoEntry: false });
		if (stats === undefined && to === "wait") return;
		if (stats === undefined)
			throw new SigtoolError(
				"ERR_ROOT_MISSING",
				`Cannot read ${quote(log)}: no such file; a host has its log from the first start of a program on`,
				{ path: log },
			);
		if (follow && !stats.isFile() && !stats.isDirectory())
			throw usageError(`Cannot follow ${quote(log)}: it is not a regular file`);
		if (stats.isDirectory()) throw usageError(`Cannot read ${quote(log)}: it is a directory; name the files in it`);
	} catch (cause) {
		throw cause instanceof SigtoolError ? cause : ioError("read", log, cause);
	}
}
