/**
 * Reads the deny list of the host configuration again while a program runs. The program may have replaced functions and
 * prototypes, so this file uses only captured functions and own members. It reads no other member of the configuration.
 */

import { MAX_HOST_BYTES, pathOfDescriptor, quote } from "@sigtool/core/internal/read";
import type { Denial } from "@sigtool/core/read";
import type { Development } from "../host/config.js";
import {
	allocate,
	charCodeAt,
	closeSync,
	effectiveUser,
	fstatSync,
	hasOwn,
	indexOf,
	isArray,
	lastIndexOf,
	lstatSync,
	O_NONBLOCK,
	O_RDONLY,
	openSync,
	parseJson,
	platform,
	readSync,
	S_IFDIR,
	S_IFMT,
	S_IFREG,
	slice,
	userId,
	utf8Slice,
} from "../safe/primordials.js";

/** A linked list, because arrays depend on Array.prototype, which a program can change. */
export interface DenialNode extends Denial {
	readonly next: DenialNode | undefined;
}

/** Says why the file cannot be used. The field brands the object, so that a program cannot make one that passes for it. */
class FileFault extends Error {
	readonly #isFault = true;

	static is(value: object): boolean {
		return #isFault in value && value.#isFault;
	}
}

/**
 * Returns the deny list.
 * @throws Error that `isFaultOfFile` accepts, if others could have written the file, or if it is not a whole JSON document
 * with a valid deny list; the system's own error
 */
export function rereadDenials(file: string, development: Development): DenialNode | undefined {
	const descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
	try {
		requireOwned(file, descriptor, development);
		return denialsIn(parsed(textOf(descriptor)));
	} finally {
		closeSync(descriptor);
	}
}

/**
 * Tells whether an error is about the file, so that whoever administers the host caused it. The program may have caused
 * any other error, such as a lack of descriptors. The code is read from the message, which a program cannot replace.
 */
export function isFaultOfFile(error: Error): boolean {
	if (FileFault.is(error)) return true;
	const { message } = error;
	if (!hasOwn(error, "message") || typeof message !== "string") return false;
	const code = slice(message, 0, indexOf(message, ":"));
	// If the process gave up rights since its start, it may have lost the right to read the file by that.
	return FAULTS[code] === true && (code !== "EACCES" || effectiveUser() === USER_AT_START);
}

const USER_AT_START = effectiveUser();

// Without a prototype, because a program can add members to Object.prototype.
const FAULTS = {
	__proto__: null,
	ENOENT: true,
	ENOTDIR: true,
	EACCES: true,
	ELOOP: true,
	EISDIR: true,
	ENXIO: true,
} as unknown as Readonly<Record<string, true | undefined>>;

function parsed(text: string): unknown {
	try {
		return parseJson(text);
	} catch (error) {
		throw new FileFault((error as Error).message);
	}
}

/** Requires what `readOwnedFile` requires. */
function requireOwned(file: string, descriptor: number, development: Development): void {
	const own = development === "allow" ? userId : undefined;
	const realPath = pathOfDescriptor(descriptor, file);
	if (realPath === undefined) throw new FileFault("it was replaced while it was opened");
	if (platform === "linux" && development === "refuse" && realPath !== file) throw new FileFault("a link leads to it");
	const stats = fstatSync(descriptor);
	if ((stats.mode & S_IFMT) !== S_IFREG) throw new FileFault("it is not a regular file");
	if (stats.size > MAX_HOST_BYTES) throw new FileFault(`it is larger than ${MAX_HOST_BYTES} bytes`);
	if (hasOtherWriter(stats, own)) throw new FileFault("others could have written it");
	for (let path = realPath; path !== "/"; ) {
		path = slice(path, 0, lastIndexOf(path, "/")) || "/";
		if (hasOtherWriter(lstatSync(path), own)) throw new FileFault(`others can write to ${quote(path)}`);
	}
}

/** Does what core's `otherWriterOf` does for directories with the sticky bit that may be written to. */
function hasOtherWriter({ mode, uid }: { readonly mode: number; readonly uid: number }, own: number | undefined) {
	const isSticky = (mode & S_IFMT) === S_IFDIR && (mode & S_ISVTX) !== 0;
	return (!isSticky && (mode & WRITABLE_BY_OTHERS) !== 0) || (uid !== 0 && uid !== own);
}

const S_ISVTX = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** Reads up to the end of the file, or up to the limit, above which the text is not whole and so no JSON. */
function textOf(descriptor: number): string {
	const bytes = allocate(MAX_HOST_BYTES);
	let filled = 0;
	while (filled < MAX_HOST_BYTES) {
		const count = readSync(descriptor, bytes, filled, MAX_HOST_BYTES - filled, filled);
		if (count === 0) break;
		filled += count;
	}
	return utf8Slice(bytes, 0, filled);
}

function denialsIn(document: unknown): DenialNode | undefined {
	if (memberOf(document, "version") !== 1) throw new FileFault('its "version" is not 1');
	const list = memberOf(document, "deny");
	if (list === undefined) return undefined;
	if (!isArray(list)) throw new FileFault('its "deny" is not a list');
	let first: DenialNode | undefined;
	for (let i = 0; i < list.length; i++) {
		const item = list[i];
		const reason = memberOf(item, "reason");
		const kind = onlyKindOf(item);
		const sha256 = kind && memberOf(item, kind);
		if (kind === undefined || typeof reason !== "string" || typeof sha256 !== "string" || !isDigest(sha256))
			throw new FileFault(`its "deny[${i}]" is not a denial`);
		first = { kind, sha256, reason, next: first };
	}
	return first;
}

function memberOf(value: unknown, name: string): unknown {
	if (typeof value !== "object" || value === null || !hasOwn(value, name)) return undefined;
	// The type assertion is safe: the object has the member.
	return (value as Readonly<Record<string, unknown>>)[name];
}

const KINDS: readonly Denial["kind"][] = ["file", "key", "certificate", "catalog"];

/** Returns the kind of a denial, or undefined if it has none or several. */
function onlyKindOf(item: unknown): Denial["kind"] | undefined {
	let found: Denial["kind"] | undefined;
	for (let i = 0; i < KINDS.length; i++) {
		if (memberOf(item, KINDS[i] ?? "") === undefined) continue;
		if (found !== undefined) return undefined;
		found = KINDS[i];
	}
	return found;
}

/** Tells whether a text is a SHA-256 in lower-case hexadecimal. */
function isDigest(text: string): boolean {
	for (let i = 0; i < text.length; i++) {
		const unit = charCodeAt(text, i);
		if (!((unit >= 0x30 && unit <= 0x39) || (unit >= 0x61 && unit <= 0x66))) return false;
	}
	return text.length === 64;
}
