/**
 * Reads and writes extended attributes of open files by the optional native package fs-xattr. The caller names the file
 * by a descriptor, so that the attribute belongs to the file that was hashed, even if the path names another file
 * meanwhile.
 *
 * Values are untrusted, because everyone with write permission for a file can write its `user.*` attributes. A failed
 * call throws an Error whose `code` is an errno such as EPERM. `attributeError` turns this Error into a message with
 * the path of the file, which this module does not know.
 */

import { existsSync, fstatSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { type ErrorCode, errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";

/**
 * The calls on attributes. A descriptor that was opened for reading is enough for each of them, also for `write`, but
 * the system may demand further permissions. @throws ERR_USAGE for an invalid name, or an Error whose `code` is an
 * errno
 */
export interface AttributeAccess {
	/** Returns the value, or undefined if the file does not have the attribute. */
	read(descriptor: number, name: string): Uint8Array | undefined;
	/** Creates or replaces an attribute. */
	write(descriptor: number, name: string, value: Uint8Array): void;
	/** Removes an attribute. Returns false if the file does not have the attribute. */
	remove(descriptor: number, name: string): boolean;
}

/**
 * Loads the native package. @throws ERR_ATTRIBUTES_UNAVAILABLE; if the package is missing, the message says what to
 * install
 */
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
	 * The value `sign` adds the advice to sign in another namespace or format. For `remove` this advice is never added.
	 * The default is `sign`.
	 */
	readonly instead?: "sign" | "none";
}

/**
 * Makes the error for a failed call of `AttributeAccess` on the file at `path`; its message says what the user can do.
 * Returns a SigtoolError unchanged. The code is ERR_ATTRIBUTE_DENIED, ERR_ATTRIBUTE_UNSUPPORTED, ERR_ATTRIBUTE_SPACE,
 * ERR_ATTRIBUTE_FORMAT for a value over 64 KiB, ERR_FILE_CHANGED if reading fails with ERANGE because the value keeps
 * growing, or else ERR_IO.
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
 * Returns the text of the reason for EPERM or EACCES. For an immutable or append-only file, the kernel returns EPERM to
 * every process. For `security.*` it returns EPERM to every process without CAP_SYS_ADMIN, and in a container even root
 * may lack this capability.
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
 * The numbers are the largest values of `security.ima` that ext4 accepted in a measurement, for a file without other
 * attributes. All attributes of a file share this room on ext4, so other attributes leave less of it.
 */
const ROOM =
	"the file system is full, or has less room for a file's attributes (ext4 about 4000 bytes, 960 with 1 KiB blocks)";

/** The limit of Linux for one value in bytes (XATTR_SIZE_MAX, linux/limits.h). macOS allows larger values. */
const MAX_VALUE_BYTES = 65_536;
/** The limit of Linux for a name in bytes (XATTR_NAME_MAX, linux/limits.h). */
const MAX_NAME_BYTES = 255;

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
 * Returns a valid name unchanged. Refuses a name with a NUL, at which fs-xattr would cut the name. @throws ERR_USAGE
 */
function checked(name: string): string {
	if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot use attribute name ${quote(name)}: it is empty, too long or contains NUL`,
	);
}

/**
 * Returns a function that turns a descriptor into a path by which fs-xattr finds the same inode.
 * @throws ERR_ATTRIBUTES_UNAVAILABLE
 */
function pathByDescriptor(): (descriptor: number) => string {
	switch (process.platform) {
		case "linux":
			if (existsSync("/proc/self/fd")) return (descriptor) => `/proc/self/fd/${descriptor}`;
			throw unavailable("/proc is not mounted");
		case "darwin":
			// fs-xattr accepts only paths. Under /.vol, macOS finds an inode by its number. No other file can get this
			// number while the file is open.
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
