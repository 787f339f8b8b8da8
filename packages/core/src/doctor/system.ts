/** What the system says of itself under /proc and /sys. Nothing is believed to be there, short, or in the expected form. */

import { closeSync, constants, existsSync, openSync, readSync } from "node:fs";
import { release } from "node:os";
import { gunzipSync } from "node:zlib";

export interface SystemFacts {
	/** As uname(2) has it, e.g. `6.12.9-amd64`. */
	readonly release: string;
	/** Content of a file, cut at 1 MiB; undefined when it is not there or may not be read. */
	text(path: string): string | undefined;
	exists(path: string): boolean;
	/** Value of a build option without its `CONFIG_`; undefined when the kernel's configuration cannot be read. */
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
			return value === "y" || value === "m" ? value : "n"; // An option whose own conditions fail has no line.
		},
	};
}

/** `CONFIG_NAME=value` lines by name. */
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
		return undefined; // Longer than any kernel's, or damaged: as good as unreadable.
	}
}

/** Files of /proc have no size to go by. */
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
		return undefined; // Whatever the reason, it is not known.
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

const MAX_BYTES = 1 << 20;
