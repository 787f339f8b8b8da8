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
import { quote } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import type { EventDetail } from "../../audit/events.js";
import type { Monitor } from "../../monitor/monitor.js";
import type { Verdict } from "../../monitor/verdict.js";
import { accessorFinder } from "../../safe/accessors.js";
import { apply, assign, define, repeat, toText } from "../../safe/captured.js";
import { closeSync, fstatSync, indexOf, openSync, threadId, writeSync } from "../../safe/primordials.js";
import { IN_BIG_INTEGERS } from "../../safe/record.js";
import { replace } from "../../safe/replace.js";
import { refusalError, unshown } from "../../safe/thrown-error.js";

/**
 * Judges every addon that `process.dlopen` loads. The verified copy can also be made in one of the `writable`
 * directories. Without such a list, the file itself is passed on: a native gate makes the copy, and mode audit needs none.
 */
export function guardAddons(monitor: Monitor, writable: readonly string[] | undefined): void {
	const directories = writable && [...DIRECTORIES, ...writable];
	const findAccessor = accessorFinder();
	const ruling = monitor.policy.runtime.addons;
	replace(
		process,
		"dlopen",
		(original) =>
			function dlopen(this: unknown, target: unknown, filename: unknown, flags?: unknown): unknown {
				// The argument is converted only once, because an object could give another text at a second
				// conversion.
				const file = toText(filename);
				if (ruling === "refuse") monitor.rule("module.dlopen", { path: file }, "refuse");
				const { bytes, realPath, verdict } = monitor.openCodeSync(file, "addon");
				monitor.rule("module.dlopen", { path: realPath, ...factsOf(verdict) }, "allow");
				if (directories === undefined) return apply(original, this, [target, realPath, flags ?? RTLD_LAZY]);
				// The program's getters and conversions run here. While the copy has a descriptor, they could put another file
				// in the place of the descriptor.
				const ownFlags = +((flags ?? RTLD_LAZY) as number);
				const own = ownModule(target);
				const { exports } = own;
				if (findAccessor()) {
					monitor.rule("module.dlopen", { path: realPath, reason: "ERR_RUNTIME_RULE" }, "refuse", accessorFound(file));
				}
				const result = throughCopy(file, bytes, directories, (copy) => apply(original, this, [own, copy, ownFlags]));
				if (own.exports !== exports) (target as { exports: unknown }).exports = own.exports;
				return result;
			},
	);
}

/** An untrusted addon, which mode audit admits, has a finding in the event before. */
function factsOf({ trusted, sha256, product, entry, rule }: Verdict): EventDetail<"module.dlopen"> {
	return trusted ? { sha256, product, entry, rule } : { sha256 };
}

function accessorFound(file: string): SigtoolError {
	const message = `Cannot load ${quote(file)}: the program has defined accessors on Object.prototype, String.prototype or Number.prototype, which could exchange it; load it before they are defined`;
	return new SigtoolError("ERR_RUNTIME_RULE", message, { path: file });
}

/**
 * Returns an object with the members of a module as they are now, because Node.js reads `exports` and `filename` right
 * before it loads the addon.
 */
function ownModule(target: unknown): { exports: unknown } {
	const { exports, filename } = target as { readonly exports: unknown; readonly filename?: unknown };
	const own = assign({ __proto__: null } as { exports?: unknown }, target) as { exports: unknown };
	define(own, "exports", exports, true);
	define(own, "filename", filename, true);
	return own;
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
	throw unshown(refusalError("ERR_IO", message, { cause, path: addon }), "node-do-not-add-exception-line");
}

/** Recognises the dynamic loader's message for a file on a noexec mount. */
function isNoexec(error: unknown): boolean {
	return indexOf(toText((error as Error).message), "failed to map segment") !== -1;
}

/** Writes the bytes to a file without a name. Returns a read-only descriptor of it. */
function copyIn(directory: string, bytes: Uint8Array): number {
	const descriptor = openSync(directory, O_RDWR | O_EXCL | O_TMPFILE, 0o500);
	try {
		const made = fstatSync(descriptor, IN_BIG_INTEGERS);
		for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
		const copy = openSync(`/proc/self/fd/${descriptor}`, O_RDONLY);
		// openSync() takes a text for a URL of another file if String.prototype has the members of one.
		const { dev, ino } = fstatSync(copy, IN_BIG_INTEGERS);
		if (dev === made.dev && ino === made.ino) return copy;
		closeSync(copy);
		throw new Error("another file was opened in the place of the copy");
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
