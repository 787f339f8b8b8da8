/** Describes the calls on extended attributes, and the limits of the system for them. */

import { quote, SigtoolError } from "../errors.js";

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

/** The limit of Linux for one value in bytes (XATTR_SIZE_MAX, linux/limits.h). macOS allows larger values. */
export const MAX_VALUE_BYTES = 65_536;
/** The limit of Linux for a name in bytes (XATTR_NAME_MAX, linux/limits.h). */
const MAX_NAME_BYTES = 255;

/**
 * Returns a valid name unchanged. Refuses a name with a NUL, at which a system call would cut the name.
 * @throws ERR_USAGE
 */
export function checkedName(name: string): string {
	if (name !== "" && !name.includes("\0") && Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
	throw new SigtoolError(
		"ERR_USAGE",
		`Cannot use attribute name ${quote(name)}: it is empty, too long or contains NUL`,
	);
}

/** Makes the error for a system on which no attribute can be reached. */
export function attributesUnavailable(reason: string, cause?: unknown): SigtoolError {
	return new SigtoolError("ERR_ATTRIBUTES_UNAVAILABLE", `Cannot use extended attributes: ${reason}`, { cause });
}
