/**
 * Native addons: the dynamic loader takes a path, not bytes. So the verified bytes are written to a file without a name,
 * which nobody can open, and that is loaded.
 *
 * An addon that finds libraries beside itself (`$ORIGIN`) finds none there.
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

/** `writable`: further directories that can take a copy. */
export function guardAddons(gate: Gate, writable: readonly string[]): void {
	const directories = [...DIRECTORIES, ...writable];
	const ruling = gate.policy.runtime.addons;
	replace(
		process,
		"dlopen",
		(original) =>
			function dlopen(this: unknown, target: unknown, filename: unknown, flags?: unknown): unknown {
				const file = toText(filename); // Once: an object could answer differently the second time.
				if (ruling === "refuse") gate.rule("module.dlopen", { path: file }, "refuse");
				const { bytes, realPath, verdict } = gate.openCodeSync(file, "addon");
				gate.rule("module.dlopen", { path: realPath, sha256: verdict.sha256 }, "allow");
				return throughCopy(file, bytes, directories, (copy) =>
					apply(original, this, [target, copy, flags ?? RTLD_LAZY]),
				);
			},
	);
}

const { O_RDWR, O_RDONLY, O_EXCL, O_DIRECTORY = 0 } = fs.constants;
/** Linux: an inode in a directory's file system, under no name; with O_EXCL it gets none later either. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY;
const { RTLD_LAZY = 1 } = os.constants.dlopen;
const { dirname } = path;
/** Asked for in this order, and the addon's own last. */
const DIRECTORIES = ["/tmp", "/var/tmp", "/dev/shm"];

/** Gives `load` the path of a file that holds exactly these bytes and that nobody else can reach. */
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
		`Cannot load ${quote(addon)}: no directory takes its verified copy; ` +
		"let the program write to /tmp, /var/tmp or /dev/shm, where that is not noexec (launcher: --write /var/tmp)";
	throw new SigtoolError("ERR_IO", message, { cause, path: addon });
}

/** What the dynamic loader says of a file on a mount that is noexec. */
function isNoexec(error: unknown): boolean {
	return indexOf(toText((error as Error).message), "failed to map segment") !== -1;
}

/** A descriptor for reading only. */
function copyIn(directory: string, bytes: Uint8Array): number {
	const descriptor = openSync(directory, O_RDWR | O_EXCL | O_TMPFILE, 0o500);
	try {
		for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
		return openSync(`/proc/self/fd/${descriptor}`, O_RDONLY);
	} finally {
		closeSync(descriptor);
	}
}

/** The loader takes two equal names for one library, and descriptors come again. */
let copies = 0;
function uniquePath(descriptor: number): string {
	return `/proc/self/fd${repeat("/.", threadId)}${repeat("/", ++copies)}${descriptor}`;
}
