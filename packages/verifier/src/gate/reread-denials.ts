/**
 * Reads the deny list of the host configuration again while a program runs. The program may have replaced functions and
 * prototypes, so this file uses only captured functions and own members. It reads no other member of the configuration.
 */

import { type Denial, MAX_HOST_BYTES, pathOfDescriptor, quote } from "@sigtool/core/read";
import type { Development } from "../host/config.js";
import {
	allocate,
	charCodeAt,
	closeSync,
	fstatSync,
	hasOwn,
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

/**
 * Returns the deny list, or throws an Error that says why the file cannot be used: others could have written it, or it
 * is not a whole JSON document with a valid deny list.
 */
export function rereadDenials(file: string, development: Development): DenialNode | undefined {
	const descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
	try {
		requireOwned(file, descriptor, development);
		return denialsIn(parseJson(textOf(descriptor)));
	} finally {
		closeSync(descriptor);
	}
}

/** Requires what `readOwnedFile` requires. */
function requireOwned(file: string, descriptor: number, development: Development): void {
	const own = development === "allow" ? userId : undefined;
	const realPath = pathOfDescriptor(descriptor, file);
	if (realPath === undefined) throw new Error("it was replaced while it was opened");
	if (platform === "linux" && development === "refuse" && realPath !== file) throw new Error("a link leads to it");
	const stats = ownMembers(fstatSync(descriptor));
	if ((stats.mode & S_IFMT) !== S_IFREG) throw new Error("it is not a regular file");
	if (stats.size > MAX_HOST_BYTES) throw new Error(`it is larger than ${MAX_HOST_BYTES} bytes`);
	if (hasOtherWriter(stats, own)) throw new Error("others could have written it");
	for (let path = realPath; path !== "/"; ) {
		path = slice(path, 0, lastIndexOf(path, "/")) || "/";
		if (hasOtherWriter(ownMembers(lstatSync(path)), own)) throw new Error(`others can write to ${quote(path)}`);
	}
}

/** Does what core's `otherWriterOf` does for directories with the sticky bit that may be written to. */
function hasOtherWriter({ mode, uid }: { readonly mode: number; readonly uid: number }, own: number | undefined) {
	const isSticky = (mode & S_IFMT) === S_IFDIR && (mode & S_ISVTX) !== 0;
	return (!isSticky && (mode & WRITABLE_BY_OTHERS) !== 0) || (uid !== 0 && uid !== own);
}

const S_ISVTX = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

function ownMembers<Stats extends { readonly mode: number; readonly uid: number; readonly size: number }>(
	stats: Stats,
) {
	if (!hasOwn(stats, "mode") || !hasOwn(stats, "uid") || !hasOwn(stats, "size"))
		throw new Error("the program has changed Object.prototype");
	return stats;
}

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
	if (memberOf(document, "version") !== 1) throw new Error('its "version" is not 1');
	const list = memberOf(document, "deny");
	if (list === undefined) return undefined;
	if (!isArray(list)) throw new Error('its "deny" is not a list');
	let first: DenialNode | undefined;
	for (let i = 0; i < list.length; i++) {
		const item = list[i];
		const reason = memberOf(item, "reason");
		const kind = onlyKindOf(item);
		const sha256 = kind && memberOf(item, kind);
		if (kind === undefined || typeof reason !== "string" || typeof sha256 !== "string" || !isDigest(sha256))
			throw new Error(`its "deny[${i}]" is not a denial`);
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
