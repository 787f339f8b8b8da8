/**
 * Loads native addons. The system's loader takes a path, not bytes. So the bytes are written to a file that never has a
 * name in any directory: nobody can exchange it, and nothing is left behind, however the process ends.
 */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { threadId } from "node:worker_threads";
import { partBytes } from "./assets.js";

/**
 * With this flag, open() makes a file that has no name. With O_EXCL, it can never get one. The value is `__O_TMPFILE` of
 * asm-generic/fcntl.h, which is the same on every architecture that Node.js supports.
 */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** @throws the error of the last directory: none holds a file that the loader accepts, for example because of noexec */
export function loadAddon(name: string, module: { exports: unknown }): void {
	let failure: unknown;
	// TMPDIR comes last: it can name a file system whose owner decides what a file without a name contains.
	for (const directory of ["/tmp", "/var/tmp", "/dev/shm", tmpdir()]) {
		try {
			const descriptor = nameless(directory, partBytes(name));
			try {
				process.dlopen(module, uniquePath(descriptor));
			} finally {
				closeSync(descriptor);
			}
			return;
		} catch (error) {
			failure = error;
		}
	}
	throw failure;
}

/** Returns a read-only descriptor of a new file that holds these bytes. */
function nameless(directory: string, bytes: Uint8Array): number {
	const descriptor = openSync(directory, constants.O_RDWR | constants.O_EXCL | O_TMPFILE, 0o500);
	try {
		for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
		return openSync(`/proc/self/fd/${descriptor}`, constants.O_RDONLY);
	} finally {
		closeSync(descriptor);
	}
}

/**
 * The number of paths so far. The kernel reuses the numbers of closed descriptors, and the loader takes an equal path for
 * the same file.
 */
let paths = 0;

function uniquePath(descriptor: number): string {
	return `/proc/self/fd${"/.".repeat(threadId)}${"/".repeat(++paths)}${descriptor}`;
}
