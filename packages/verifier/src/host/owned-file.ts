/** Reads files that decide what may run, and refuses those that another user could have written. */

import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoReason, otherWriterOf, pathOfDescriptor, quote, shell } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";

const { S_IFDIR, S_IFMT } = constants;

/** The owner and the mode of a file. The Stats of node:fs would make every user of this package need Node.js' types. */
interface OwnerAndMode {
	readonly uid: number;
	readonly mode: number;
}

/** The owners that are accepted. */
export interface Trusted {
	/** `allow` accepts root and this user as owners. `refuse` accepts only root. */
	readonly development: "refuse" | "allow";
	/** `accept` allows directories that everyone may write to, if their sticky bit keeps others from replacing files. */
	readonly sticky: "refuse" | "accept";
}

export interface OwnedFileOptions {
	/** `allow` accepts root and this user as owners. `refuse` accepts only root. */
	readonly development: "refuse" | "allow";
	readonly maxBytes: number;
}

/**
 * Returns the content of a regular file, or undefined if it does not exist. The file and every directory above it must
 * belong to root and be writable for root alone. A directory with the sticky bit may be writable for everyone, because
 * nobody can replace the files of others in it. Links on the path are refused, except in development.
 * @throws ERR_HOST_CONFIG
 */
export function readOwnedFile(path: string, options: OwnedFileOptions): Uint8Array | undefined {
	const refuse = (reason: string, cause?: unknown, passing = false) => {
		return new SigtoolError("ERR_HOST_CONFIG", `Cannot use ${quote(path)}: ${reason}`, { cause, path, passing });
	};
	let descriptor: number;
	try {
		descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
	} catch (cause) {
		// The type assertion is safe: openSync throws only errors of the system.
		const { code } = cause as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR") return undefined;
		throw refuse(errnoReason(cause), cause);
	}
	try {
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) throw refuse("it is not a regular file");
		if (stats.size > options.maxBytes) throw refuse(`it is larger than ${options.maxBytes} bytes`);
		const realPath = pathOfDescriptor(descriptor, path);
		if (realPath === undefined) throw refuse("it was replaced while it was opened", undefined, true);
		// Other systems are not checked, because on macOS /etc and /tmp themselves are links.
		if (process.platform === "linux" && options.development === "refuse" && realPath !== resolve(path)) {
			throw refuse(`a link leads to it; name ${quote(realPath)} instead`);
		}
		const fault = faultOfFile(realPath, { ...options, sticky: "accept" }, stats);
		if (fault !== undefined) throw refuse(fault);
		const bytes = new Uint8Array(stats.size);
		return bytes.subarray(0, readSync(descriptor, bytes, 0, stats.size, 0));
	} finally {
		closeSync(descriptor);
	}
}

/**
 * Returns why another user could have written the file or replaced it, or undefined if none could. Root does not count
 * as another user. In development this user does not either. The owner and mode of every directory above the real path
 * count too.
 */
export function faultOfFile(
	realPath: string,
	{ development, sticky }: Trusted,
	statsOfFile: OwnerAndMode = lstatSync(realPath),
): string | undefined {
	const own = development === "allow" ? process.getuid?.() : undefined;
	for (let path = realPath; ; path = dirname(path)) {
		const stats = path === realPath ? statsOfFile : lstatSync(path);
		switch (otherWriterOf(stats, own, sticky)) {
			case "owner":
				return `${quote(path)} belongs to user ${stats.uid}, not to root${own === undefined ? "" : " or you"}`;
			case "group":
				return `${quote(path)} can be written to by its group; run \`${shell`chmod go-w ${path}`}\``;
			case "everyone":
				return `${quote(path)} can be written to by everyone; ${mendOf(path, stats)}`;
		}
		if (path === dirname(path)) return undefined;
	}
}

/** A directory with the sticky bit, such as `/tmp`, is meant for everyone, so its mode is left as it is. */
function mendOf(path: string, { mode }: OwnerAndMode): string {
	const isShared = (mode & S_IFMT) === S_IFDIR && (mode & 0o1000) !== 0;
	return isShared ? "use a file below another directory" : `run \`${shell`chmod go-w ${path}`}\``;
}
