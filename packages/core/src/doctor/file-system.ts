/**
 * Examines the file system of a path. To find out which attributes the file system can store, this module writes
 * attributes to an unnamed file.
 */

import { closeSync, constants, openSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ioError, isErrnoException, quote, reasonOf, SigtoolError } from "../errors.js";
import { type AttributeAccess, loadAttributes } from "../system/attributes.js";
import { type Check, type Finding, NOT_HERE } from "./check.js";
import type { Mount } from "./mount.js";

/**
 * Returns the real path of `path` if it is a directory, or else of the directory that contains the file.
 * @throws ERR_ROOT_MISSING, ERR_IO
 */
export function directoryOf(path: string): string {
	try {
		const real = realpathSync(path);
		return statSync(real).isDirectory() ? real : dirname(real);
	} catch (cause) {
		if (!isErrnoException(cause) || (cause.code !== "ENOENT" && cause.code !== "ENOTDIR"))
			throw ioError("look up", path, cause);
		const message = `Cannot examine ${quote(path)}: no such file or directory`;
		throw new SigtoolError("ERR_ROOT_MISSING", message, { cause, path });
	}
}

export function mountChecks(mount: Mount | undefined): Check[] {
	const noexec = mount?.options.includes("noexec");
	return [
		{
			id: "file-system",
			title: "file system",
			meaning: "decides which attributes files can carry",
			...(mount === undefined
				? NOT_HERE
				: { status: "yes", value: `${mount.type} on ${mount.mountPoint}, ${mount.options.join(",")}` }),
		},
		{
			id: "executable",
			title: "files may run",
			meaning: "noexec stops programs, and runtimes that ask the kernel",
			...(noexec === undefined
				? NOT_HERE
				: { status: noexec ? "no" : "yes", value: noexec ? "mounted noexec" : "not mounted noexec" }),
		},
	];
}

/** Tries each attribute on an unnamed file (O_TMPFILE), which the kernel deletes when its descriptor is closed. */
export async function attributeChecks(directory: string): Promise<Check[]> {
	let attributes: AttributeAccess;
	try {
		attributes = await loadAttributes();
	} catch (error) {
		if (!(error instanceof SigtoolError)) throw error;
		return checksOf({ status: "no", value: reasonOf(error) }, () => ({ status: "unknown", value: "not tried" }));
	}
	const loaded: Finding = { status: "yes", value: "loaded" };
	if (process.platform !== "linux") return checksOf(loaded, () => NOT_HERE);
	let descriptor: number | undefined;
	try {
		descriptor = openSync(directory, constants.O_RDWR | constants.O_DIRECTORY | O_TMPFILE, 0o600);
		const file = descriptor;
		return checksOf(loaded, (trial) => trial(attributes, file));
	} catch (error) {
		if (!isErrnoException(error)) throw error;
		return checksOf(loaded, () => ({
			status: "unknown",
			value: `not tried: no file can be made here (${error.code})`,
		}));
	} finally {
		if (descriptor !== undefined) closeSync(descriptor);
	}
}

/** This flag is `__O_TMPFILE` of asm-generic/fcntl.h. It has this value on every architecture that Node.js supports. */
const O_TMPFILE = 0o20000000;

type Trial = (attributes: AttributeAccess, descriptor: number) => Finding;

function checksOf(access: Finding, finding: (trial: Trial) => Finding): Check[] {
	const meaning = "@sigtool/native or fs-xattr reaches extended attributes";
	return [
		{ id: "attributes", title: "attributes", meaning, ...access },
		...TRIALS.map(({ trial, ...check }) => ({ ...check, ...finding(trial) })),
	];
}

const TRIALS: readonly (Omit<Check, keyof Finding> & { readonly trial: Trial })[] = [
	{
		id: "attribute-room",
		title: "attribute room",
		meaning: "an IMA signature takes up to 521 bytes, a spython hash 64",
		trial: room,
	},
	{
		id: "user-attributes",
		title: "user.*",
		meaning: "spython hashes; IMA signatures with --namespace user",
		trial: (attributes, file) => writable(attributes, file, "user.ima", IMA_HASH),
	},
	{
		id: "security-ima",
		title: "security.ima",
		meaning: "IMA signatures that the kernel can verify",
		trial: (attributes, file) => writable(attributes, file, "security.ima", IMA_HASH),
	},
	{
		id: "security-evm",
		title: "security.evm",
		meaning: "signatures over owner, mode and attributes",
		trial: (attributes, file) => writable(attributes, file, "security.evm", EVM_SIGNATURE),
	},
	{
		id: "trusted-attributes",
		title: "trusted.*",
		meaning: "not used by sigtool; unprivileged programs cannot read or write them",
		trial: (attributes, file) => writable(attributes, file, "trusted.sigtool", IMA_HASH),
	},
];

/** Values that a kernel with IMA and EVM accepts: a digest-ng with SHA-256, and a portable signature. */
const IMA_HASH = Uint8Array.of(0x04, 0x04, ...new Uint8Array(32));
const EVM_SIGNATURE = Uint8Array.of(0x05, 0x02, 0x04, ...new Uint8Array(16));

function writable(attributes: AttributeAccess, descriptor: number, name: string, value: Uint8Array): Finding {
	const errno = write(attributes, descriptor, name, value);
	if (errno === undefined) {
		attributes.remove(descriptor, name);
		return { status: "yes", value: "writable" };
	}
	if (errno === "EPERM" || errno === "EACCES") return { status: "no", value: `needs root (${errno})` };
	if (errno === "ENOTSUP") return { status: "no", value: `not on this file system (${errno})` };
	return { status: "unknown", value: `refused (${errno})` };
}

/** Finds by bisection how many bytes the longest value can have, in the first namespace that accepts a value. */
function room(attributes: AttributeAccess, descriptor: number): Finding {
	const name = ["user.ima", "security.ima"].find((candidate) => {
		return write(attributes, descriptor, candidate, IMA_HASH) === undefined;
	});
	if (name === undefined) return { status: "no", value: "none can be written" };
	let fits = IMA_HASH.length;
	let tooLong = MAX_VALUE_BYTES + 1;
	while (tooLong - fits > 1) {
		const length = Math.ceil((fits + tooLong) / 2);
		const value = new Uint8Array(length);
		value.set(IMA_HASH);
		if (write(attributes, descriptor, name, value) === undefined) fits = length;
		else tooLong = length;
	}
	attributes.remove(descriptor, name);
	const status = fits >= LARGEST_SIGNATURE_BYTES ? "yes" : "partly";
	return { status, value: `${fits} bytes` };
}

/** The limit of Linux for a value (XATTR_SIZE_MAX, linux/limits.h). */
const MAX_VALUE_BYTES = 65_536;
/** The largest size in bytes of an IMA signature: its header, and an RSA-4096 signature. */
const LARGEST_SIGNATURE_BYTES = 9 + 512;

/** Returns undefined after success, or the errno of a failed write. */
function write(attributes: AttributeAccess, descriptor: number, name: string, value: Uint8Array): string | undefined {
	try {
		attributes.write(descriptor, name, value);
		return undefined;
	} catch (error) {
		if (!isErrnoException(error)) throw error;
		return error.code;
	}
}
