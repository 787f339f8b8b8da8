/**
 * Reads where the system's loader looks for the libraries of a program or library: DT_RPATH and DT_RUNPATH of a 64-bit
 * little-endian ELF file.
 */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";

const [PT_LOAD, PT_DYNAMIC] = [1, 2];
const [DT_NULL, DT_STRTAB, DT_RPATH, DT_RUNPATH] = [0, 5, 15, 29];

interface Segment {
	readonly type: number;
	readonly offset: number;
	readonly address: number;
	readonly size: number;
}

/**
 * Returns the directories in their order, with `$ORIGIN` replaced. Returns none for a file of another format. A
 * directory with another `$` is left out, because only the loader knows how that is replaced.
 * @throws RangeError if the file is damaged, and the errors of reading it
 */
export function searchPathsOf(file: string): string[] {
	const bytes = readFileSync(file);
	if (bytes.toString("latin1", 0, 6) !== "\x7fELF\x02\x01") return [];
	const segments = segmentsOf(bytes);
	const entries = dynamicEntries(bytes, segments);
	const strings = entries.find(([tag]) => tag === DT_STRTAB)?.[1];
	if (strings === undefined) return [];
	const paths = entries
		.filter(([tag]) => tag === DT_RPATH || tag === DT_RUNPATH)
		.flatMap(([, value]) => stringAt(bytes, segments, strings + value).split(":"))
		.map((path) => path.replace(/^\$(ORIGIN|\{ORIGIN\})/, dirname(file)));
	return [...new Set(paths.filter((path) => !path.includes("$")).map((path) => resolve(path)))];
}

function segmentsOf(bytes: Buffer): Segment[] {
	const [start, size, count] = [number(bytes, 32), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
	return Array.from({ length: count }, (_, index) => {
		const at = start + index * size;
		return {
			type: bytes.readUInt32LE(at),
			offset: number(bytes, at + 8),
			address: number(bytes, at + 16),
			size: number(bytes, at + 32),
		};
	});
}

function dynamicEntries(bytes: Buffer, segments: readonly Segment[]): [tag: number, value: number][] {
	const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
	const entries: [number, number][] = [];
	if (dynamic === undefined) return entries;
	for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16) {
		const tag = number(bytes, at);
		if (tag === DT_NULL) break;
		entries.push([tag, number(bytes, at + 8)]);
	}
	return entries;
}

function stringAt(bytes: Buffer, segments: readonly Segment[], address: number): string {
	const segment = segments.find(
		({ type, address: start, size }) => type === PT_LOAD && start <= address && address < start + size,
	);
	if (segment === undefined) return "";
	const at = segment.offset + address - segment.address;
	return bytes.toString("utf8", at, bytes.indexOf(0, at));
}

function number(bytes: Buffer, at: number): number {
	return Number(bytes.readBigUInt64LE(at));
}
