/**
 * Reaches extended attributes by the optional native package fs-xattr, where `@sigtool/native` cannot. fs-xattr takes
 * only paths. So each call gets a path that leads to the open file, whatever file has its name meanwhile.
 */

import { existsSync, fstatSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { isErrnoException } from "../errors.js";
import { type AttributeAccess, attributesUnavailable, checkedName, MAX_VALUE_BYTES } from "./attribute-access.js";
import { isPackageAbove, whyNoNative } from "./native.js";

/** @throws ERR_ATTRIBUTES_UNAVAILABLE; if the package is missing, the message says what to install */
export async function attributesByPath(): Promise<AttributeAccess> {
	const pathOf = pathByDescriptor();
	const xattr = await loadPackage();
	return {
		read: (descriptor, name) => readValue(xattr, pathOf(descriptor), checkedName(name)),
		write(descriptor, name, value) {
			const { buffer, byteOffset, length } = value;
			attempt(() =>
				xattr.setAttributeSync(pathOf(descriptor), checkedName(name), Buffer.from(buffer, byteOffset, length)),
			);
		},
		remove(descriptor, name) {
			const removed = attempt(() => {
				xattr.removeAttributeSync(pathOf(descriptor), checkedName(name));
				return true;
			});
			return removed === true;
		},
	};
}

/**
 * Reads a value. fs-xattr first asks for its size and then for the value itself. If the value grows in between, the
 * second call fails with ERANGE, and `readOnce` tries again. If the value shrinks in between, the result ends with
 * uninitialised memory. Callers may write the result back to a file, so a value is accepted only if two reads in a row
 * return it.
 */
function readValue(xattr: FsXattr, path: string, name: string): Uint8Array | undefined {
	return readTwice(() => readOnce(xattr, path, name));
}

/**
 * Returns the value as soon as two reads in a row return the same one. Compares up to five times.
 * @throws an Error with the code EBUSY if the value differs each time
 */
export function readTwice(read: () => Uint8Array | undefined): Uint8Array | undefined {
	let before = read();
	for (let attempts = 1; attempts <= READ_ATTEMPTS; attempts++) {
		const value = read();
		if (value === undefined || before === undefined ? value === before : Buffer.compare(value, before) === 0) {
			return value;
		}
		before = value;
	}
	throw Object.assign(new Error("attribute keeps changing"), { code: "EBUSY" });
}

function readOnce(xattr: FsXattr, path: string, name: string): Uint8Array | undefined {
	for (let attempts = 1; ; attempts++) {
		try {
			const value = attempt(() => withoutStack(() => xattr.getAttributeSync(path, name)));
			if (value === undefined || value.length <= MAX_VALUE_BYTES) return value;
			throw Object.assign(new Error("attribute value too long"), { code: "E2BIG" });
		} catch (error) {
			const grew = isErrnoException(error) && error.code === "ERANGE";
			if (!grew || attempts === READ_ATTEMPTS) throw error;
		}
	}
}

const READ_ATTEMPTS = 5;

/**
 * Runs `call` without recording stack traces. fs-xattr throws an exception for each missing attribute, and recording
 * its stack trace would take as long as the call itself.
 */
function withoutStack<T>(call: () => T): T {
	const limit = Error.stackTraceLimit;
	Reflect.set(Error, "stackTraceLimit", 0); // Reflect.set() does not throw if intrinsics are frozen.
	try {
		return call();
	} finally {
		Reflect.set(Error, "stackTraceLimit", limit);
	}
}

/**
 * Returns the result of `call`, or undefined if the file does not have the attribute. Adds the `code` that fs-xattr
 * leaves empty.
 */
function attempt<T>(call: () => T): T | undefined {
	try {
		return call();
	} catch (error) {
		if (!(error instanceof Error && "code" in error && "errno" in error)) throw error;
		if (error.code === "ENODATA" || error.code === "ENOATTR") return undefined; // macOS uses ENOATTR.
		if (error.code === "" && typeof error.errno === "number") error.code = getSystemErrorName(-error.errno);
		throw error;
	}
}

/**
 * Returns a function that turns a descriptor into a path by which fs-xattr finds the same inode.
 * @throws ERR_ATTRIBUTES_UNAVAILABLE
 */
function pathByDescriptor(): (descriptor: number) => string {
	switch (process.platform) {
		case "linux":
			if (existsSync("/proc/self/fd")) return (descriptor) => `/proc/self/fd/${descriptor}`;
			throw attributesUnavailable(withoutNative("/proc is not mounted"));
		case "darwin":
			// fs-xattr accepts only paths. Under /.vol, macOS finds an inode by its number. No other file can get this
			// number while the file is open.
			return (descriptor) => {
				const { dev, ino } = fstatSync(descriptor, { bigint: true });
				return `/.vol/${dev}/${ino}`;
			};
		default:
			throw attributesUnavailable(
				`not supported on this system (${process.platform}); sign into a catalog instead, with \`--format cat\``,
			);
	}
}

type FsXattr = typeof import("fs-xattr");

async function loadPackage(): Promise<FsXattr> {
	try {
		// Without this question, NODE_PATH and the home directory could name other native code.
		if (!isPackageAbove("fs-xattr")) throw new Error("no such package");
		return await import("fs-xattr");
	} catch (cause) {
		const missing = "fs-xattr is not installed";
		// macOS has no calls by descriptor, so only fs-xattr helps there.
		const reason = process.platform === "darwin" ? `${missing}; install it beside sigtool` : withoutNative(missing);
		throw attributesUnavailable(`${reason}; catalogs need none of it`, cause);
	}
}

function withoutNative(missing: string): string {
	const { reason, remedy } = whyNoNative();
	return `${missing}, and ${reason}; ${remedy}`;
}
