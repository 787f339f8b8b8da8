import { chmodSync, closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { ioError } from "@sigtool/core/internal/errors";

/** Makes a directory to write to, and the missing ones above it. The umask applies. @throws ERR_IO */
export function makeOutputDirectory(directory: string): void {
	try {
		mkdirSync(directory, { recursive: true });
	} catch (cause) {
		throw ioError("make", directory, cause);
	}
}

/**
 * Makes a directory, and the missing ones above it, so that every user can reach it, whatever the umask is, and only this
 * user can write to it.
 * @throws ERR_IO
 */
export function makePublicDirectory(directory: string): void {
	if (existsSync(directory)) return;
	makePublicDirectory(dirname(directory));
	try {
		mkdirSync(directory, { recursive: true }); // Another process may have made it meanwhile.
		chmodSync(directory, 0o755);
		syncDirectory(dirname(directory));
	} catch (cause) {
		throw ioError("make", directory, cause);
	}
}

function syncDirectory(path: string): void {
	const descriptor = openSync(path, "r");
	try {
		fsyncSync(descriptor);
	} finally {
		closeSync(descriptor);
	}
}
