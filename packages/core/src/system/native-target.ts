/** Tells for which target this Node.js needs native parts: its operating system, processor and C library. */

import { closeSync, openSync, readSync } from "node:fs";
import { basename } from "node:path";

/** The targets for which sigtool has prebuilt native parts. Each is the end of the name of a package. */
export const NATIVE_TARGETS = ["linux-arm64", "linux-arm64-musl", "linux-x64", "linux-x64-musl"] as const;
export type NativeTarget = (typeof NATIVE_TARGETS)[number];

/** Returns the target of this process, or undefined if there are no prebuilt parts for it. */
export function nativeTarget(): NativeTarget | undefined {
	const { platform, arch, execPath } = process;
	if (platform !== "linux") return undefined;
	const name = `${platform}-${arch}${libcOf(execPath) === "musl" ? "-musl" : ""}`;
	return NATIVE_TARGETS.find((target) => target === name);
}

/**
 * Returns the C library of a program, by the name of the loader that it asks the kernel for. This takes two reads of a
 * few bytes, where `process.report` takes milliseconds. A program that cannot be read counts as one for glibc, as the
 * official builds of Node.js are.
 */
export function libcOf(program: string): "glibc" | "musl" {
	try {
		const file = openSync(program, "r");
		try {
			return basename(loaderOf(file)).startsWith("ld-musl-") ? "musl" : "glibc";
		} finally {
			closeSync(file);
		}
	} catch {
		return "glibc";
	}
}

/** The layout of 64-bit ELF files (elf.h): sizes and places in bytes. Both processors are little-endian. */
const HEADER = { bytes: 64, tableAt: 32, entryBytesAt: 54, entriesAt: 56 };
const ENTRY = { bytes: 56, offsetAt: 8, lengthAt: 32 };
const PT_INTERP = 3;
/** The limits keep a malformed file from costing memory. */
const MAX_ENTRIES = 64;
const MAX_PATH_BYTES = 4096;

/** Returns the loader's path, or "" for a static program. @throws RangeError for a file that is no ELF file */
function loaderOf(file: number): string {
	const header = read(file, 0, HEADER.bytes);
	const start = Number(header.readBigUInt64LE(HEADER.tableAt));
	const size = header.readUInt16LE(HEADER.entryBytesAt);
	const count = Math.min(header.readUInt16LE(HEADER.entriesAt), MAX_ENTRIES);
	if (size < ENTRY.bytes) return "";
	const table = read(file, start, size * count);
	for (let at = 0; at + ENTRY.bytes <= table.length; at += size) {
		if (table.readUInt32LE(at) !== PT_INTERP) continue;
		const length = Math.min(Number(table.readBigUInt64LE(at + ENTRY.lengthAt)), MAX_PATH_BYTES);
		return read(file, Number(table.readBigUInt64LE(at + ENTRY.offsetAt)), length)
			.toString("latin1")
			.replace(/\0.*$/s, "");
	}
	return "";
}

function read(file: number, position: number, length: number): Buffer {
	const bytes = Buffer.alloc(length);
	return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}
