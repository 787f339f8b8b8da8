/**
 * Reads and writes extended attributes of open files with the optional native package fs-xattr. A descriptor
 * identifies the file, so that the attribute belongs to the hashed file, whatever happens to the path meanwhile.
 *
 * Values are untrusted, because everyone who can write to the file can write them. A failed call throws an Error whose
 * `code` is the errno. `attributeError` turns this Error into a message with the file's name, which only the caller
 * knows.
 */

import { existsSync, fstatSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { type ErrorCode, errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";

/** The three calls need a descriptor opened for reading, and the permissions that the system requires. */
export interface AttributeAccess {
	/** Returns the value, or undefined if the file has no such attribute. */
	read(descriptor: number, name: string): Uint8Array | undefined;
	/** Creates or replaces an attribute. */
	write(descriptor: number, name: string, value: Uint8Array): void;
	/** Returns false if the file has no such attribute. */
	remove(descriptor: number, name: string): boolean;
}

/** Loads the native package. @throws ERR_ATTRIBUTES_UNAVAILABLE with a message that names what to install */
export async function loadAttributes(): Promise<AttributeAccess> {
	const pathOf = pathByDescriptor();
	const xattr = await loadPackage();
	return {
		read: (descriptor, name) => readValue(xattr, pathOf(descriptor), checked(name)),
		write(descriptor, name, value) {
			const { buffer, byteOffset, length } = value;
			attempt(() => xattr.setAttributeSync(pathOf(descriptor), checked(name), Buffer.from(buffer, byteOffset, length)));
		},
		remove(descriptor, name) {
			const removed = attempt(() => {
				xattr.removeAttributeSync(pathOf(descriptor), checked(name));
				return true;
			});
			return removed === true;
		},
	};
}

export interface AttributeErrorOptions {
	/** The size of the value in bytes, for a failed write. */
	readonly sizeBytes?: number;
	/**
	 * The value `sign` adds advice to use another namespace or format, but never for `remove`. The default is `sign`.
	 */
	readonly instead?: "sign" | "none";
}

/**
 * Returns the error for a failed call of `AttributeAccess` on the file at `path`, with advice. A SigtoolError is
 * returned unchanged. The code is ERR_ATTRIBUTE_DENIED, ERR_ATTRIBUTE_UNSUPPORTED, ERR_ATTRIBUTE_SPACE,
 * ERR_ATTRIBUTE_FORMAT (a value over 64 KiB), ERR_FILE_CHANGED (a value that keeps growing), or else ERR_IO.
 */
export function attributeError(
	action: "read" | "write" | "remove",
	path: string,
	name: string,
	cause: unknown,
	options: AttributeErrorOptions = {},
): SigtoolError {
	if (cause instanceof SigtoolError) return cause;
	const errno = isErrnoException(cause) ? cause.code : "";
	const [code, reason] = explain(errno, action, name, options) ?? ["ERR_IO", errnoReason(cause)];
	return new SigtoolError(code, `Cannot ${action} attribute ${quote(name)} of ${quote(path)}: ${reason}`, {
		cause,
		path,
	});
}

function explain(
	errno: string,
	action: string,
	name: string,
	{ sizeBytes, instead = "sign" }: AttributeErrorOptions,
): [ErrorCode, string] | undefined {
	const maySign = action !== "remove" && instead === "sign";
	const catalog = maySign ? `; ${CATALOG}` : "";
	switch (errno) {
		case "EPERM":
		case "EACCES": {
			const hasTwin = action === "write" && maySign && /^security\.(?:ima|evm)$/.test(name);
			const twin = hasTwin ? "; `--namespace user` works without" : "";
			return ["ERR_ATTRIBUTE_DENIED", `${denial(errno, action, name)}${twin} (${errno})`];
		}
		case "ENOTSUP":
			return ["ERR_ATTRIBUTE_UNSUPPORTED", `the file system has no such attributes (${errno})${catalog}`];
		case "ENOSPC":
		case "EDQUOT":
		case "E2BIG":
		case "ERANGE":
			if (action === "write") {
				const value = sizeBytes === undefined ? "the value does" : `its ${sizeBytes} bytes do`;
				return ["ERR_ATTRIBUTE_SPACE", `${value} not fit (${errno}): ${ROOM}${catalog}`];
			}
			if (errno === "E2BIG") return ["ERR_ATTRIBUTE_FORMAT", `its value is longer than ${MAX_VALUE_BYTES} bytes`];
			return errno === "ERANGE" ? ["ERR_FILE_CHANGED", "its value kept changing while it was read"] : undefined;
		default:
			return undefined;
	}
}

/**
 * Returns the reason for EPERM or EACCES. The kernel returns EPERM to everybody for an immutable or append-only file,
 * and for `security.*` to processes without CAP_SYS_ADMIN, which root may lack in a container.
 */
function denial(errno: string, action: string, name: string): string {
	if (action === "read") return "permission denied";
	const immutable = "the file may be immutable (lsattr shows it)";
	if (!/^(?:security|trusted)\./.test(name)) return errno === "EPERM" ? immutable : "permission denied";
	if (process.geteuid?.() !== 0) return "it needs root (CAP_SYS_ADMIN)";
	return `${errno === "EPERM" ? `${immutable}, or ` : ""}it needs a root that has CAP_SYS_ADMIN`;
}

const CATALOG = "sign into a catalog instead, with `--format cat`";
/**
 * The numbers are the measured room for `security.ima` alone. ext4 stores all attributes of a file in one block, with
 * their names.
 */
const ROOM =
	"the file system is full, or has less room for a file's attributes (ext4 about 4000 bytes, 960 with 1 KiB blocks)";

/** The limit of Linux for one attribute (XATTR_SIZE_MAX, linux/limits.h). macOS allows more. */
const MAX_VALUE_BYTES = 65_536;
/** The limit of Linux for a name (XATTR_NAME_MAX, linux/limits.h). */
const MAX_NAME_BYTES = 255;

/**
 * Reads a value. fs-xattr first asks for the size, then for the value. If the value grows in between, the second call
 * fails and is repeated. If the value shrinks, the result ends in uninitialised memory. Callers write values back to
 * files, so a value is accepted only if two reads in a row returned it.
 */
function readValue(xattr: FsXattr, path: string, name: string): Uint8Array | undefined {
	return readTwice(() => readOnce(xattr, path, name));
}

/** Returns the value that two reads in a row returned. @throws an error with the code EBUSY if no two are equal */
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
 * Makes a call without stack traces. A missing attribute is an exception too, and its stack trace takes as long as the
 * call.
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

/** Returns the result of `call`, or undefined if there is no such attribute. Adds error codes that fs-xattr omits. */
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

/** Returns a valid name unchanged. fs-xattr would cut a name at a NUL. @throws ERR_USAGE */
function checked(name: string): string {
	if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot use attribute name ${quote(name)}: it is empty, too long or contains NUL`,
	);
}

/** Returns a function that turns a descriptor into a path to its inode. @throws ERR_ATTRIBUTES_UNAVAILABLE */
function pathByDescriptor(): (descriptor: number) => string {
	switch (process.platform) {
		case "linux":
			if (existsSync("/proc/self/fd")) return (descriptor) => `/proc/self/fd/${descriptor}`;
			throw unavailable("/proc is not mounted");
		case "darwin":
			// fs-xattr accepts only paths. volfs finds an inode by its number, which cannot be reused while the file
			// is open.
			return (descriptor) => {
				const { dev, ino } = fstatSync(descriptor, { bigint: true });
				return `/.vol/${dev}/${ino}`;
			};
		default:
			throw unavailable(`not supported on this system (${process.platform}); ${CATALOG}`);
	}
}

type FsXattr = typeof import("fs-xattr");

async function loadPackage(): Promise<FsXattr> {
	try {
		return await import("fs-xattr");
	} catch (cause) {
		const missing = "the optional package fs-xattr is not installed, or not compiled for this system";
		const remedy = "with a C compiler, make and Python 3 in place, install sigtool again; catalogs need none of it";
		throw unavailable(`${missing}; ${remedy}`, cause);
	}
}

function unavailable(reason: string, cause?: unknown): SigtoolError {
	return new SigtoolError("ERR_ATTRIBUTES_UNAVAILABLE", `Cannot use extended attributes: ${reason}`, { cause });
}
