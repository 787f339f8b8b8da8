/**
 * Restores the extended attributes of one signed file. By one descriptor, the content is compared with the signed
 * digest, the attributes are written, and the content is compared once more.
 */

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { AUTHENTICODE_FIRST_BYTE, authenticodeParts } from "../../digest/authenticode.js";
import { ioError, isErrnoException, quote, SigtoolError } from "../../errors.js";
import { type AttributeAccess, attributeError } from "../../system/attributes.js";
import { hashRange, readAt } from "../hash/read-range.js";
import { type CarriedAttribute, ENTRY_KIND } from "../manifest.js";
import { pathOfDescriptor } from "../paths/descriptor-path.js";
import { isBelow } from "../paths/locate-catalogs.js";
import { compareMode, type Finding, type SignedFile } from "./compare.js";

export interface RestoreFileOptions {
	/**
	 * The value `follow` accepts a path with links if it ends inside the tree. Trees that were signed with followed
	 * links need this value. The value `refuse` accepts no links.
	 */
	readonly links: "refuse" | "follow";
}

export interface RestoredFile {
	/** The number of attributes that were missing or had another value. */
	readonly writtenCount: number;
	readonly unchangedCount: number;
	readonly sizeBytes: number;
}

/**
 * Writes the attributes that the catalog carries for the entry `path` to the file of this entry, in the order of
 * `signed.carried`. `root` is the real path of the tree. A file that differs from what was signed is not touched. A
 * file that changes meanwhile gets its old attributes back.
 * @throws ERR_FILE_MISSING, ERR_FILE_TYPE, ERR_FILE_MODIFIED, ERR_MODE_CHANGED, ERR_FILE_CHANGED, ERR_LINK_CHANGED,
 * ERR_LINK_OUTSIDE, ERR_ATTRIBUTE_*, ERR_IO
 */
export function restoreFile(
	root: string,
	path: string,
	signed: SignedFile,
	access: AttributeAccess,
	options: RestoreFileOptions,
): RestoredFile {
	const file: OpenFile = { descriptor: openEntry(root, path, options), path, access };
	try {
		if (!isSigned(file, signed)) {
			const message = `${quote(path)} was modified: its attributes are not restored`;
			throw new SigtoolError("ERR_FILE_MODIFIED", message, { path });
		}
		const modeChange = modeChangeOf(file, signed);
		if (modeChange !== undefined) {
			const message = `${modeChange.message}: its attributes are not restored`;
			throw new SigtoolError(modeChange.code, message, { path });
		}
		const carried = signed.carried ?? [];
		const replaced = writeAttributes(file, carried);
		if (replaced.length > 0 && (!isSigned(file, signed) || modeChangeOf(file, signed) !== undefined)) {
			for (const { name, value } of replaced) put(file, name, value);
			throw changed(path, "it was modified while its attributes were written; they have their old values again");
		}
		for (const { name, value } of carried) {
			if (!isEqual(get(file, name), value)) throw changed(path, `another process changed its attribute ${quote(name)}`);
		}
		const { size } = fstatSync(file.descriptor);
		return { writtenCount: replaced.length, unchangedCount: carried.length - replaced.length, sizeBytes: size };
	} finally {
		closeSync(file.descriptor);
	}
}

interface OpenFile {
	readonly descriptor: number;
	/** The entry path, for messages. */
	readonly path: string;
	readonly access: AttributeAccess;
}

/**
 * O_NONBLOCK keeps open(2) from waiting if a FIFO has replaced the file. Windows has neither O_NONBLOCK nor
 * O_NOFOLLOW.
 */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;

/**
 * Opens the entry and returns its descriptor. Refuses a file outside the tree, even if a directory is renamed or
 * replaced by a link meanwhile.
 */
function openEntry(root: string, path: string, { links }: RestoreFileOptions): number {
	const file = root.endsWith("/") ? root + path : `${root}/${path}`;
	let descriptor = -1;
	try {
		descriptor = openSync(file, OPEN_FLAGS | (links === "refuse" ? NOFOLLOW : 0));
		if (!fstatSync(descriptor).isFile()) throw notAFile(path);
		const real = pathOfDescriptor(descriptor, file);
		if (real === file) return descriptor;
		if (links === "refuse") throw linked(path);
		if (real !== undefined && isBelow(root, real)) return descriptor;
		throw new SigtoolError("ERR_LINK_OUTSIDE", `Cannot restore ${quote(path)}: it lies outside of the tree`, { path });
	} catch (cause) {
		if (descriptor !== -1) closeSync(descriptor);
		throw cause instanceof SigtoolError ? cause : openFailure(path, cause);
	}
}

function openFailure(path: string, cause: unknown): SigtoolError {
	switch (isErrnoException(cause) ? cause.code : "") {
		case "ENOENT":
		case "ENOTDIR":
			return new SigtoolError("ERR_FILE_MISSING", `${quote(path)} is missing`, { cause, path });
		case "ELOOP":
			return linked(path);
		case "ENXIO":
			return notAFile(path);
		default:
			return ioError("restore", path, cause);
	}
}

function linked(path: string): SigtoolError {
	const message = `Cannot restore ${quote(path)}: it is reached through a symbolic link, and was signed as a file`;
	return new SigtoolError("ERR_LINK_CHANGED", message, { path });
}

function notAFile(path: string): SigtoolError {
	return new SigtoolError("ERR_FILE_TYPE", `Cannot restore ${quote(path)}: it is not a regular file`, { path });
}

function changed(path: string, reason: string): SigtoolError {
	return new SigtoolError("ERR_FILE_CHANGED", `Cannot restore ${quote(path)}: ${reason}`, { path });
}

/** Returns true if the content has the signed digests. */
function isSigned({ descriptor, path }: OpenFile, { digest, wholeSha256, kind }: SignedFile): boolean {
	try {
		const { size } = fstatSync(descriptor);
		if (digest.length === 0) return size === 0 && readAt(descriptor, 0, 1).length === 0;
		const found = contentOf(descriptor, size, digest.length === 20 ? "sha1" : "sha256");
		if (found === undefined || (kind !== -1 && kind !== found.kind) || !isEqual(found.digest, digest)) return false;
		return wholeSha256 === undefined || isEqual(wholeDigestOf(descriptor, size), wholeSha256);
	} catch (cause) {
		throw ioError("hash", path, cause);
	}
}

/** Compares the file's mode with the signed mode as `verify` does, and returns the difference or undefined. */
function modeChangeOf({ descriptor, path }: OpenFile, signed: SignedFile): Finding | undefined {
	return compareMode(path, signed.mode, fstatSync(descriptor).mode & 0o7777);
}

/**
 * Returns the digest that a catalog would have for the file, and its kind, or undefined if the file's size changed
 * meanwhile.
 */
function contentOf(
	descriptor: number,
	sizeBytes: number,
	algorithm: "sha1" | "sha256",
): { readonly digest: Uint8Array; readonly kind: number } | undefined {
	const hash = createHash(algorithm);
	const isCandidate = readAt(descriptor, 0, 1)[0] === AUTHENTICODE_FIRST_BYTE;
	const parts = isCandidate
		? authenticodeParts(sizeBytes, (offset, length) => readAt(descriptor, offset, length))
		: undefined;
	for (const [start, end] of parts?.ranges ?? [[0, sizeBytes]]) {
		if (!hashRange(descriptor, start, end, hash)) return undefined;
	}
	if (readAt(descriptor, sizeBytes, 1).length > 0) return undefined;
	return { digest: hash.update(Buffer.alloc(parts?.padding ?? 0)).digest(), kind: ENTRY_KIND[parts?.kind ?? "file"] };
}

/** Returns the SHA-256 of every byte, or undefined if the file became shorter meanwhile. */
function wholeDigestOf(descriptor: number, sizeBytes: number): Uint8Array | undefined {
	const hash = createHash("sha256");
	return hashRange(descriptor, 0, sizeBytes, hash) ? hash.digest() : undefined;
}

/** The old value of an attribute that was overwritten, or undefined if there was none. */
interface Replaced {
	readonly name: string;
	readonly value: Uint8Array | undefined;
}

function writeAttributes(file: OpenFile, carried: readonly CarriedAttribute[]): Replaced[] {
	const replaced: Replaced[] = [];
	for (const { name, value } of carried) {
		const before = get(file, name);
		if (isEqual(before, value)) continue;
		put(file, name, value);
		replaced.push({ name, value: before });
	}
	return replaced;
}

function get({ descriptor, path, access }: OpenFile, name: string): Uint8Array | undefined {
	try {
		return access.read(descriptor, name);
	} catch (cause) {
		throw attributeError("read", path, name, cause, { instead: "none" });
	}
}

/** Writes a value, or removes the attribute if `value` is undefined. */
function put({ descriptor, path, access }: OpenFile, name: string, value: Uint8Array | undefined): void {
	try {
		if (value === undefined) access.remove(descriptor, name);
		else access.write(descriptor, name, value);
	} catch (cause) {
		const action = value === undefined ? "remove" : "write";
		throw attributeError(action, path, name, cause, { sizeBytes: value?.length, instead: "none" });
	}
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array): boolean {
	return a !== undefined && Buffer.compare(a, b) === 0;
}
