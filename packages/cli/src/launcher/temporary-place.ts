/** Finds and makes places for a launcher that is made for one run. */

import { mkdtempSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ioError, type SigtoolError } from "@sigtool/core/internal/errors";
import { usageError } from "../options/usage.js";
import { privateTemporaryDirectory, SharedDirectory } from "../temporary-directory.js";

/**
 * Returns the real path of the directory for temporary files. @throws ERR_USAGE if another user could exchange files
 * there; ERR_IO if there is no such directory
 */
export function temporaryPlace(): string {
	try {
		return privateTemporaryDirectory();
	} catch (error) {
		if (!(error instanceof SharedDirectory)) throw noDirectory(tmpdir(), error);
		throw usageError(`Cannot place a launcher: ${error.message}`);
	}
}

/**
 * Makes a directory of mode 0700 in `place`, and returns its real path. @throws ERR_IO, e.g. if TMPDIR names a file, or a
 * directory on a file system that is full or mounted read-only
 */
export function newDirectoryIn(place: string, prefix: string): string {
	try {
		return realpathSync(mkdtempSync(join(place, prefix)));
	} catch (cause) {
		throw noDirectory(place, cause);
	}
}

/** @throws ERR_IO, e.g. if TMPDIR names a directory that does not exist */
export function realTemporaryDirectory(): string {
	try {
		return realpathSync(tmpdir());
	} catch (cause) {
		throw noDirectory(tmpdir(), cause);
	}
}

function noDirectory(directory: string, cause: unknown): SigtoolError {
	return ioError("use the directory for temporary files", directory, cause);
}
