/**
 * Keeps fetched revocation lists for a user. The name of each file is the SHA-256 of the list's URL.
 *
 * Other programs of the user can write these files, so a list from the cache is as unverified as one from the network.
 * It is no error if the cache cannot be read or written, because lists can be fetched again.
 */

import { hash } from "node:crypto";
import { join } from "node:path";
import { SigtoolError } from "../errors.js";
import { isOwnDirectory } from "../system/look-up.js";
import { readBounded } from "../system/read-file.js";
import { makePrivateDirectory, removeOldest, writeAtomically } from "../system/store.js";
import { cacheDirectory } from "../system/user-files.js";

/** The size limit of one list in bytes: 64 MiB, which is room for a million entries. */
export const MAX_LIST_BYTES = 2 ** 26;
/** The size limit of all lists together in bytes: 256 MiB. */
const MAX_CACHE_BYTES = 2 ** 28;

/** Returns the bytes that `cacheList` kept for a URL, or undefined if there are none or they cannot be read. */
export function readCachedList(url: string): Uint8Array | undefined {
	return unlessImpossible(() => readBounded(fileOf(url), MAX_LIST_BYTES));
}

/**
 * Keeps the bytes for a URL. First removes the oldest lists if all lists together would have more than MAX_CACHE_BYTES.
 * Does nothing if the cache is a link or belongs to another user, because sigtool must not remove that user's files,
 * and does nothing if the cache cannot be written.
 */
export function cacheList(url: string, bytes: Uint8Array): void {
	unlessImpossible(() => {
		const file = fileOf(url);
		makePrivateDirectory(listDirectory());
		if (!isOwnDirectory(listDirectory())) return;
		removeOldest(listDirectory(), MAX_CACHE_BYTES - bytes.length, LIST_NAME);
		writeAtomically(file, bytes, { mode: 0o600 });
	});
}

function fileOf(url: string): string {
	return join(listDirectory(), `${hash("sha256", url, "hex")}.crl`);
}

/** Matches the names of files that `fileOf` makes. Only such files are removed from the cache. */
const LIST_NAME = /^[0-9a-f]{64}\.crl$/;

function listDirectory(): string {
	return join(cacheDirectory(), "crl");
}

function unlessImpossible<T>(action: () => T): T | undefined {
	try {
		return action();
	} catch (error) {
		if (error instanceof SigtoolError) return undefined;
		throw error;
	}
}
