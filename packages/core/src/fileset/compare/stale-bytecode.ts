/**
 * Finds unchecked hash-based .pyc files (PEP 552) whose source has changed since they were compiled. Python loads
 * unchecked files without reading the source.
 */

import { closeSync, openSync, readSync } from "node:fs";
import { type SipRounds, sipHash } from "../../digest/siphash.js";
import { quote, SigtoolError } from "../../errors.js";
import { readBounded } from "../../system/read-file.js";
import { ENTRY_KIND, entryPathAt, type Manifest } from "../manifest.js";

/**
 * Refuses to sign a file set in which Python would run bytecode that was compiled from another version of its source.
 * Bytecode without a source, and bytecode that Python itself compares with the source, is accepted.
 * @throws ERR_STALE_BYTECODE
 */
export function refuseStaleBytecode(manifest: Manifest): void {
	const stale = describeStaleBytecode(manifest);
	if (stale === undefined) return;
	const message = `Cannot sign ${stale.text}; compile it again with --compile-python, or remove it`;
	throw new SigtoolError("ERR_STALE_BYTECODE", message, { path: stale.path, root: manifest.root });
}

/** Returns the path of the first stale file, and a text about all stale files, or undefined if there are none. */
export function describeStaleBytecode(
	manifest: Manifest,
): { readonly path: string; readonly text: string } | undefined {
	const [path, ...others] = staleBytecode(manifest);
	if (path === undefined) return undefined;
	const files = others.length === 1 ? "1 more file" : `${others.length} more files`;
	const more = others.length === 0 ? "" : `; the same is true of ${files}`;
	const source = quote(sourceOf(path) ?? "");
	const text = `${quote(path)}: Python would run it without reading ${source}, which changed after it was compiled${more}`;
	return { path, text };
}

function* staleBytecode(manifest: Manifest): Generator<string> {
	for (let row = 0; row < manifest.count; row++) {
		if (!isBytecode(manifest, row)) continue;
		const path = entryPathAt(manifest, row);
		const source = sourceOf(path);
		if (source !== undefined && isStale(`${manifest.root}/${path}`, `${manifest.root}/${source}`)) yield path;
	}
}

/**
 * Returns true if the path ends in `.pyc`. Only the last bytes of the path are compared, because a manifest may have a
 * million paths to decode.
 */
function isBytecode({ kinds, pathBytes, pathOffsets }: Manifest, row: number): boolean {
	const end = pathOffsets[row + 1];
	if (end - pathOffsets[row] < SUFFIX.length || kinds[row] === ENTRY_KIND.link) return false;
	return SUFFIX.every((byte, index) => pathBytes[end - SUFFIX.length + index] === byte);
}

const SUFFIX = Buffer.from(".pyc");

/**
 * Returns the path of the source according to CPython's names for bytecode (PEP 3147, PEP 488), or undefined for other
 * names.
 */
function sourceOf(path: string): string | undefined {
	const [, directory, name] = /^((?:.*\/)?)__pycache__\/([^/]+)\.cpython-\w+(?:\.opt-\w+)?\.pyc$/s.exec(path) ?? [];
	return name === undefined ? undefined : `${directory}${name}.py`;
}

function isStale(bytecode: string, source: string): boolean {
	let head: Buffer;
	let text: Buffer;
	try {
		head = readHead(bytecode);
		if (head.readUInt32LE(4) !== UNCHECKED) return false;
		text = readBounded(source, MAX_SOURCE_BYTES);
	} catch {
		return false; // There is no source, or Python cannot read it either.
	}
	const noted = head.subarray(8);
	const magic = head.readUInt32LE(0);
	return !ROUNDS.some((rounds) => sipHash(text, magic, rounds).equals(noted));
}

const UNCHECKED = 0b01;
/** CPython uses SipHash-1-3 from 3.11 on, and SipHash-2-4 before. */
const ROUNDS: readonly SipRounds[] = ["1-3", "2-4"];
const MAX_SOURCE_BYTES = 2 ** 28;

/**
 * Returns the first 16 bytes of the file: magic number, flags and the source's hash. If the file is shorter, zeros
 * follow.
 */
function readHead(path: string): Buffer {
	const bytes = Buffer.alloc(16);
	const descriptor = openSync(path, "r");
	try {
		readSync(descriptor, bytes);
		return bytes;
	} finally {
		closeSync(descriptor);
	}
}
