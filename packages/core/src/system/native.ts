/**
 * Loads the native addon of the command and the library: hashing threads, attributes by descriptor, PKCS#11, and
 * datagrams. Without it, files are hashed in worker threads, attributes need fs-xattr, and tokens and journals cannot be
 * used.
 */

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type NativeAbsence, nativeAbsence } from "./native-absence.js";
import { nativePart, packageAbove } from "./native-package.js";
import { singleFile } from "./parts.js";

/** The functions that packages/native/module.c registers. */
export interface Native {
	/** hash-threads.c. JavaScript only passes a job back to these functions. */
	start(rows: object, root: string, threads: number, attributes: object | undefined): object | undefined;
	work(job: object, most: number): number;
	stop(job: object): void;
	/**
	 * descriptor-attributes.c, which exists only on Linux. The result undefined says that the file has no such
	 * attribute, and a number is the errno of a failed call.
	 */
	readAttribute?(descriptor: number, name: string): Buffer | undefined | number;
	writeAttribute?(descriptor: number, name: string, value: Uint8Array): true | undefined | number;
	removeAttribute?(descriptor: number, name: string): true | undefined | number;
	/** pkcs11-module.c. Returns the functions of the module. @throws an Error with the reason */
	loadPkcs11(path: string): object;
	/** datagrams.c, which exists only on Linux. A number is the errno of a failed call. Never waits. */
	sendDatagram?(path: string, message: Uint8Array): true | number;
}

/** Returns the addon, or undefined if it is absent or cannot be loaded. `whyNoNative` then tells the reason. */
export function loadNative(): Native | undefined {
	if (loaded === undefined) {
		try {
			loaded = (loadAddon() as Native | undefined) ?? "missing"; // The C code declares no types.
		} catch {
			loaded = "missing";
		}
	}
	return loaded === "missing" ? undefined : loaded;
}

let loaded: Native | "missing" | undefined;

/** Loads the addon from inside of a single file, or from where it is installed. @throws an Error if it cannot be loaded */
function loadAddon(): unknown {
	const single = singleFile();
	if (single !== undefined) return single.load("sigtool.node");
	const file = nativeFile();
	return file === undefined ? undefined : createRequire(import.meta.url)(file);
}

/** Returns the path of the addon: compiled here from the sources in @sigtool/native, or prebuilt. */
export function nativeFile(): string | undefined {
	const here = fileURLToPath(import.meta.url);
	return nativePart("sigtool.node", here, packageAbove("@sigtool/native", here));
}

/** Tells whether a package of native code is where this module searches for such packages, and nowhere else. */
export function isPackageAbove(name: string): boolean {
	return packageAbove(name, fileURLToPath(import.meta.url)) !== undefined;
}

/** Says why the addon is absent or cannot be loaded, and what the user can do. */
export function whyNoNative(): NativeAbsence {
	if (singleFile() !== undefined) {
		const reason = "no directory for temporary files can hold native code, so the addon cannot be loaded";
		return { reason, remedy: "let TMPDIR name a directory that is not mounted noexec, on a system with /proc" };
	}
	return nativeAbsence(fileURLToPath(import.meta.url));
}
