/**
 * Loads native addons. The dynamic loader takes a path, not bytes. Where a native gate is in front of the loader, it
 * judges the same file again, and loads a copy in sealed memory. Otherwise the verified bytes are written to a file that
 * has no name in any directory, and the loader gets that file. Then an addon does not find libraries that it looks for
 * beside itself (`$ORIGIN`).
 */

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { quote, SigtoolError } from "@sigtool/core/read";
import type { Gate } from "../../gate/gate.js";
import { apply, repeat, toText } from "../../safe/captured.js";
import { closeSync, indexOf, openSync, threadId, writeSync } from "../../safe/primordials.js";
import { replace } from "../../safe/replace.js";

/**
 * Judges every addon that `process.dlopen` loads. The verified copy can also be made in one of the `writable`
 * directories. Without such a list, the file itself is passed on: a native gate makes the copy, and mode audit needs none.
 */
export function guardAddons(gate: Gate, writable: readonly string[] | undefined): void {
	const directories = writable && [...DIRECTORIES, ...writable];
	const ruling = gate.policy.runtime.addons;
	replace(
		process,
		"dlopen",
		(original) =>
			function dlopen(this: unknown, target: unknown, filename: unknown, flags?: unknown): unknown {
				// The argument is converted only once, because an object could give another text at a second
				// conversion.
				const file = toText(filename);
				if (ruling === "refuse") gate.rule("module.dlopen", { path: file }, "refuse");
				const { bytes, realPath, verdict } = gate.openCodeSync(file, "addon");
				gate.rule("module.dlopen", { path: realPath, sha256: verdict.sha256 }, "allow");
				if (directories === undefined) return apply(original, this, [target, realPath, flags ?? RTLD_LAZY]);
				return throughCopy(file, bytes, directories, (copy) =>
					apply(original, this, [target, copy, flags ?? RTLD_LAZY]),
				);
			},
	);
}

const { O_RDWR, O_RDONLY, O_EXCL, O_DIRECTORY = 0 } = fs.constants;
/** With this flag, open() on Linux makes a file that has no name. With O_EXCL, the file can never get a name. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const { RTLD_LAZY = 1 } = os.constants.dlopen;
const { dirname } = path;
/**
 * A copy is tried in these directories, in this order. After them, the `writable` directories and the addon's own
 * directory are tried.
 */
const DIRECTORIES = ["/tmp", "/var/tmp", "/dev/shm"];

/**
 * Calls `load` with the path of a file that contains exactly these bytes and has no name in any directory.
 * @throws ERR_IO if the file can be made in no directory
 */
function throughCopy(
	addon: string,
	bytes: Uint8Array,
	directories: readonly string[],
	load: (path: string) => unknown,
): unknown {
	let cause: unknown;
	for (let i = 0; i <= directories.length; i++) {
		let descriptor: number;
		try {
			descriptor = copyIn(directories[i] ?? dirname(addon), bytes);
		} catch (error) {
			cause = error;
			continue;
		}
		try {
			return load(uniquePath(descriptor));
		} catch (error) {
			if (!isNoexec(error)) throw error;
			cause = error;
		} finally {
			closeSync(descriptor);
		}
	}
	const message =
		`Cannot load ${quote(addon)}: no directory can hold its verified copy; ` +
		"let the program write to /tmp, /var/tmp or /dev/shm, on a mount without noexec (under the launcher: --write /var/tmp)";
	throw new SigtoolError("ERR_IO", message, { cause, path: addon });
}

/** Recognises the dynamic loader's message for a file on a noexec mount. */
function isNoexec(error: unknown): boolean {
	return indexOf(toText((error as Error).message), "failed to map segment") !== -1;
}

/** Writes the bytes to a file without a name. Returns a read-only descriptor of it. */
function copyIn(directory: string, bytes: Uint8Array): number {
	const descriptor = openSync(directory, O_RDWR | O_EXCL | O_TMPFILE, 0o500);
	try {
		for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
		return openSync(`/proc/self/fd/${descriptor}`, O_RDONLY);
	} finally {
		closeSync(descriptor);
	}
}

/**
 * The number of copies so far, which makes the path of each copy unique. The kernel reuses the numbers of closed
 * descriptors, and the dynamic loader does not load the same path twice.
 */
let copies = 0;
function uniquePath(descriptor: number): string {
	return `/proc/self/fd${repeat("/.", threadId)}${repeat("/", ++copies)}${descriptor}`;
}
