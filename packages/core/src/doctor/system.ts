/** Reads facts about the system under /proc and /sys. Files may be missing, long, or in an unexpected form. */

import { closeSync, constants, existsSync, openSync, readSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";

export interface SystemFacts {
	/** The kernel's release from uname(2), such as `6.12.9-amd64`. */
	readonly release: string;
	/** Returns the content of a file, cut at 1 MiB, or undefined if it cannot be read. */
	text(path: string): string | undefined;
	exists(path: string): boolean;
	/** Returns a build option, named without `CONFIG_`, or undefined if the kernel's configuration cannot be read. */
	option(name: string): "y" | "m" | "n" | undefined;
}

export function systemFacts(): SystemFacts {
	let options: ReadonlyMap<string, string> | undefined;
	return {
		release: release(),
		text: (path) => readSome(path)?.toString("utf8"),
		exists: existsSync,
		option(name) {
			options ??= parseKernelConfig(readKernelConfig() ?? "");
			if (options.size === 0) return undefined;
			const value = options.get(name);
			// An option whose dependencies are off has no line, so a missing line means `n`.
			return value === "y" || value === "m" ? value : "n";
		},
	};
}

/** Returns the values of the `CONFIG_NAME=value` lines by NAME. */
export function parseKernelConfig(text: string): Map<string, string> {
	const lines = text.matchAll(/^CONFIG_(\w{1,100})=(.{0,1000})$/gm);
	return new Map([...lines].map(([, name = "", value = ""]) => [name, value]));
}

function readKernelConfig(): string | undefined {
	const packed = readSome("/proc/config.gz");
	if (packed === undefined) return readSome(`/boot/config-${release()}`)?.toString("utf8");
	try {
		return gunzipSync(packed, { maxOutputLength: 8 * MAX_BYTES }).toString("utf8");
	} catch {
		return undefined; // The file is damaged, or longer than any kernel's configuration.
	}
}

/** Reads up to MAX_BYTES, because files of /proc do not tell their size. */
function readSome(path: string): Buffer | undefined {
	let descriptor: number | undefined;
	try {
		descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
		const bytes = Buffer.alloc(MAX_BYTES);
		let length = 0;
		for (let count = -1; count !== 0 && length < MAX_BYTES; length += count) {
			count = readSync(descriptor, bytes, length, MAX_BYTES - length, null);
		}
		return bytes.subarray(0, length);
	} catch {
		return undefined; // The reason does not matter: the content is unknown.
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

const MAX_BYTES = 1 << 20;
