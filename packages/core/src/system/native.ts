/**
 * Loads the optional package `@sigtool/native`: hashing threads, attributes by descriptor, and PKCS#11. Without it,
 * files are hashed in worker threads, attributes need fs-xattr, and tokens cannot be used.
 */

import { createRequire } from "node:module";

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
}

/** Returns the module, or undefined if it is missing or was not built for this system. */
export function loadNative(): Native | undefined {
	if (loaded === undefined) {
		try {
			loaded = createRequire(import.meta.url)("@sigtool/native") as Native; // The C code of the module declares no types.
		} catch {
			loaded = "missing";
		}
	}
	return loaded === "missing" ? undefined : loaded;
}

let loaded: Native | "missing" | undefined;
