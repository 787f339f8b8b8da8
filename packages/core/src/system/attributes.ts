/**
 * Extended attributes of open files, through the optional native package fs-xattr. The descriptor names the file, so what
 * was hashed and what carries the attribute are one, whatever happens to the path meanwhile.
 *
 * A value read is untrusted: whoever may write the file may write it. A failed call throws an Error whose `code` is the
 * errno; `attributeError` words it for the file's name, which only the caller knows.
 */

import { existsSync, fstatSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { type ErrorCode, errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";

/** The three calls need no more than a descriptor opened for reading, and the rights the system asks for. */
export interface AttributeAccess {
	/** Value, or undefined when the file has no such attribute. */
	read(descriptor: number, name: string): Uint8Array | undefined;
	/** Creates or replaces. */
	write(descriptor: number, name: string, value: Uint8Array): void;
	/** False when there was none. */
	remove(descriptor: number, name: string): boolean;
}

/** Loads the native package, once a thread. @throws ERR_ATTRIBUTES_UNAVAILABLE with what to install */
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
	/** Length of the value that was to be written. */
	readonly sizeBytes?: number;
	/** What to advise: `sign` has other namespaces and formats to offer. Default `sign`; nothing where it removes. */
	readonly instead?: "sign" | "none";
}

/**
 * What a failed call of `AttributeAccess` means for the file at `path`, with the way out; a SigtoolError stays as it is.
 * Codes: ERR_ATTRIBUTE_DENIED, ERR_ATTRIBUTE_UNSUPPORTED, ERR_ATTRIBUTE_SPACE, ERR_ATTRIBUTE_FORMAT (a value over 64 KiB),
 * ERR_FILE_CHANGED (a value that keeps growing), else ERR_IO.
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
 * EPERM is what the kernel says of an immutable or append-only file to everybody, and of `security.*` to those without
 * the capability, which root may lack in a container.
 */
function denial(errno: string, action: string, name: string): string {
	if (action === "read") return "permission denied";
	const immutable = "the file may be immutable (lsattr shows it)";
	if (!/^(?:security|trusted)\./.test(name)) return errno === "EPERM" ? immutable : "permission denied";
	if (process.geteuid?.() !== 0) return "it needs root (CAP_SYS_ADMIN)";
	return `${errno === "EPERM" ? `${immutable}, or ` : ""}it needs a root that has CAP_SYS_ADMIN`;
}

const CATALOG = "sign into a catalog instead, with `--format cat`";
/** Measured with `security.ima` as the only one: ext4 keeps all of a file in one block, names included. */
const ROOM =
	"the file system is full, or has less room for a file's attributes (ext4 about 4000 bytes, 960 with 1 KiB blocks)";

/** Linux allows no more in one attribute (XATTR_SIZE_MAX, linux/limits.h); macOS does. */
const MAX_VALUE_BYTES = 65_536;
/** XATTR_NAME_MAX, linux/limits.h. */
const MAX_NAME_BYTES = 255;

/**
 * fs-xattr asks for the size, then for the value. When the value grows in between the second call fails; when it shrinks
 * the end of what is returned is left over memory, which no format accepts as part of a value.
 */
function readValue(xattr: FsXattr, path: string, name: string): Uint8Array | undefined {
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

/** That there is no attribute is an exception too, and collecting its stack takes as long as the call. */
function withoutStack<T>(call: () => T): T {
	const limit = Error.stackTraceLimit;
	Reflect.set(Error, "stackTraceLimit", 0); // Does nothing where intrinsics are frozen.
	try {
		return call();
	} finally {
		Reflect.set(Error, "stackTraceLimit", limit);
	}
}

/** What `call` returns, or undefined when there is no such attribute. Gives a failure the code that fs-xattr leaves out. */
function attempt<T>(call: () => T): T | undefined {
	try {
		return call();
	} catch (error) {
		if (!(error instanceof Error && "code" in error && "errno" in error)) throw error;
		if (error.code === "ENODATA" || error.code === "ENOATTR") return undefined; // Linux, macOS
		if (error.code === "" && typeof error.errno === "number") error.code = getSystemErrorName(-error.errno);
		throw error;
	}
}

/** fs-xattr would cut a name at its NUL. @throws ERR_USAGE */
function checked(name: string): string {
	if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot use attribute name ${quote(name)}: it is empty, too long or contains NUL`,
	);
}

/** Path that leads to the inode of a descriptor. @throws ERR_ATTRIBUTES_UNAVAILABLE */
function pathByDescriptor(): (descriptor: number) => string {
	switch (process.platform) {
		case "linux":
			if (existsSync("/proc/self/fd")) return (descriptor) => `/proc/self/fd/${descriptor}`;
			throw unavailable("/proc is not mounted");
		case "darwin":
			// No descriptor leads to attributes here; volfs looks an inode up by number, which stays taken while it is open.
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
