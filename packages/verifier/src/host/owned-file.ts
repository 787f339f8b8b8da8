/** Files that decide what may run: read only where nobody but their owner could have written them. */

import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { errnoReason, quote, SigtoolError } from "@sigtool/core/read";

export interface OwnedFileOptions {
	/** `allow` accepts this user beside root as the owner. */
	readonly development: "refuse" | "allow";
	readonly maxBytes: number;
}

/**
 * The content of a regular file that belongs to root and that group and others cannot write to, nor to any directory above
 * it. In a directory with the sticky bit nobody replaces what is another's, so that one may be open to all. No link leads
 * there, but in development. Undefined when there is no such file.
 * @throws ERR_HOST_CONFIG
 */
export function readOwnedFile(path: string, options: OwnedFileOptions): Uint8Array | undefined {
	const refuse = (reason: string, cause?: unknown) => {
		return new SigtoolError("ERR_HOST_CONFIG", `Cannot use ${quote(path)}: ${reason}`, { cause, path });
	};
	let descriptor: number;
	try {
		descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException; // openSync throws nothing else.
		if (code === "ENOENT" || code === "ENOTDIR") return undefined;
		throw refuse(errnoReason(cause), cause);
	}
	try {
		const stats = fstatSync(descriptor);
		if (!stats.isFile()) throw refuse("it is not a regular file");
		if (stats.size > options.maxBytes) throw refuse(`it is larger than ${options.maxBytes} bytes`);
		const realPath = realPathOf(descriptor, path);
		if (options.development === "refuse" && realPath !== resolve(path)) {
			throw refuse(`a link leads to it; name ${quote(realPath)} instead`);
		}
		const fault = faultOf(stats, realPath, options) ?? faultAbove(realPath, options);
		if (fault !== undefined) throw refuse(fault);
		const bytes = new Uint8Array(stats.size);
		return bytes.subarray(0, readSync(descriptor, bytes, 0, stats.size, 0));
	} finally {
		closeSync(descriptor);
	}
}

/** The JSON document that such a file holds. @throws ERR_HOST_CONFIG */
export function jsonOf(bytes: Uint8Array, path: string): unknown {
	try {
		if (!isUtf8(bytes)) throw new TypeError("it is not UTF-8");
		return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8"));
	} catch (cause) {
		const message = `Cannot use ${quote(path)}: it is not JSON: ${String(cause)}`;
		throw new SigtoolError("ERR_HOST_CONFIG", message, { cause, path });
	}
}

function realPathOf(descriptor: number, path: string): string {
	return process.platform === "linux" ? readlinkSync(`/proc/self/fd/${descriptor}`) : resolve(path);
}

function faultAbove(path: string, options: OwnedFileOptions): string | undefined {
	const above = dirname(path);
	if (above === path) return undefined;
	return faultOf(lstatSync(above), above, options) ?? faultAbove(above, options);
}

function faultOf(stats: Stats, path: string, { development }: OwnedFileOptions): string | undefined {
	const own = development === "allow" ? process.getuid?.() : undefined;
	if (stats.uid !== 0 && stats.uid !== own) {
		return `${quote(path)} belongs to user ${stats.uid}, not to root${own === undefined ? "" : " or you"}`;
	}
	const isSticky = stats.isDirectory() && (stats.mode & S_ISVTX) !== 0;
	if ((stats.mode & 0o022) === 0 || isSticky) return undefined;
	const who = (stats.mode & 0o002) !== 0 ? "everybody" : "its group";
	return `${quote(path)} can be written to by ${who}; run \`chmod go-w\` on it`;
}

const S_ISVTX = 0o1000;
