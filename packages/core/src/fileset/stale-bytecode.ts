/** Bytecode of Python's that is loaded without a look at its source (PEP 552), and was made of another one. */

import { closeSync, openSync, readSync } from "node:fs";
import { type SipRounds, sipHash } from "../digest/siphash.js";
import { quote, SigtoolError } from "../errors.js";
import { readBounded } from "../system/store.js";
import { ENTRY_KIND, entryPathAt, type Manifest } from "./manifest.js";

/**
 * Refuses to sign a file set in which Python would run something else than the sources say. Bytecode without a source
 * beside it, and bytecode that Python itself holds against the source, is nobody's mistake.
 * @throws ERR_STALE_BYTECODE
 */
export function refuseStaleBytecode(manifest: Manifest): void {
	const stale = describeStaleBytecode(manifest);
	if (stale === undefined) return;
	const message = `Cannot sign ${stale.text}; make it anew with --compile-python, or remove it`;
	throw new SigtoolError("ERR_STALE_BYTECODE", message, { path: stale.path });
}

/** The first such file, and what is to be said of all. */
export function describeStaleBytecode(
	manifest: Manifest,
): { readonly path: string; readonly text: string } | undefined {
	const [path, ...others] = staleBytecode(manifest);
	if (path === undefined) return undefined;
	const more = others.length === 0 ? "" : `, and ${others.length} more likewise`;
	const source = quote(sourceOf(path) ?? "");
	const text = `${quote(path)}: Python would run it without a look at ${source}, which has changed since it was made${more}`;
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

/** By the end of its name, as there may be a million others. */
function isBytecode({ kinds, pathBytes, pathOffsets }: Manifest, row: number): boolean {
	const end = pathOffsets[row + 1];
	if (end - pathOffsets[row] < SUFFIX.length || kinds[row] === ENTRY_KIND.link) return false;
	return SUFFIX.every((octet, index) => pathBytes[end - SUFFIX.length + index] === octet);
}

const SUFFIX = Buffer.from(".pyc");

/** As CPython names bytecode (PEP 3147, PEP 488). */
function sourceOf(path: string): string | undefined {
	const [, directory, name] = /^((?:.*\/)?)__pycache__\/([^/]+)\.cpython-\w+(?:\.opt-\w+)?\.pyc$/s.exec(path) ?? [];
	return name === undefined ? undefined : `${directory}${name}.py`;
}

function isStale(bytecode: string, source: string): boolean {
	let head: Buffer;
	let text: Buffer;
	try {
		head = firstOctets(bytecode);
		if (head.readUInt32LE(4) !== UNCHECKED) return false;
		text = readBounded(source, MAX_SOURCE_BYTES);
	} catch {
		return false; // There is no source, or it can no more be read than Python could.
	}
	const noted = head.subarray(8);
	const magic = head.readUInt32LE(0);
	return !ROUNDS.some((rounds) => sipHash(text, magic, rounds).equals(noted));
}

const UNCHECKED = 0b01;
/** Of CPython 3.11 and later, and of those before. */
const ROUNDS: readonly SipRounds[] = ["1-3", "2-4"];
const MAX_SOURCE_BYTES = 2 ** 28;

/** Magic number, flags and the source's hash; zeros where the file is shorter. */
function firstOctets(path: string): Buffer {
	const octets = Buffer.alloc(16);
	const descriptor = openSync(path, "r");
	try {
		readSync(descriptor, octets);
		return octets;
	} finally {
		closeSync(descriptor);
	}
}
