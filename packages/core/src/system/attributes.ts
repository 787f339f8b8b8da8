/**
 * Reads and writes extended attributes of open files. The caller names the file by a descriptor, so that the attribute
 * belongs to the file that was hashed, even if the path names another file meanwhile.
 *
 * Values are untrusted, because everyone with write permission for a file can write its `user.*` attributes. A failed
 * call throws an Error whose `code` is an errno such as EPERM. `attributeError` turns this Error into a message with
 * the path of the file, which this module does not know.
 */

import { type ErrorCode, errnoReason, isErrnoException, quote, SigtoolError } from "../errors.js";
import { type AttributeAccess, MAX_VALUE_BYTES } from "./attribute-access.js";
import { attributesByDescriptor } from "./attributes-by-descriptor.js";
import { attributesByPath } from "./attributes-by-path.js";

export type { AttributeAccess } from "./attribute-access.js";

/**
 * Loads the calls: those of `@sigtool/native`, or else of fs-xattr. @throws ERR_ATTRIBUTES_UNAVAILABLE; if both packages
 * are missing, the message says what to install
 */
export async function loadAttributes(): Promise<AttributeAccess> {
	return attributesByDescriptor() ?? (await attributesByPath());
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
			const hasUserName = action === "write" && maySign && /^security\.(?:ima|evm)$/.test(name);
			const advice = hasUserName ? "; `--namespace user` works without" : "";
			return ["ERR_ATTRIBUTE_DENIED", `${denial(errno, action, name)}${advice} (${errno})`];
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
