/** A hashed file set as columns: one typed array a fact, one row an entry, no object an entry. */

import type { SigtoolError } from "../errors.js";

/** How an entry's digest was made: over the whole file, by Authenticode's rules, or (a link) not at all. */
export const ENTRY_KIND = { file: 0, pe: 1, cab: 2, link: 3 } as const;
export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND];

/** An extended attribute of a file that travels in its catalog. */
export interface CarriedAttribute {
	/** With its namespace: `security.ima`. */
	readonly name: string;
	readonly value: Uint8Array;
}

/** Columns may be views of shared memory; nothing writes to them once the manifest exists. */
export interface Manifest {
	/** Absolute real path of the directory the entries' paths start from. */
	readonly root: string;
	/** Entries, in byte order of their UTF-8 paths. */
	readonly count: number;
	/** UTF-8, "/"-separated, one behind the other without a terminator. */
	readonly pathBytes: Uint8Array;
	/** Where each path starts; `count + 1` offsets. */
	readonly pathOffsets: Uint32Array;
	/** ENTRY_KIND. */
	readonly kinds: Uint8Array;
	/** st_mode & 0o7777; 0o644 on Windows. */
	readonly modes: Uint16Array;
	/** Bytes; 0 for a link. */
	readonly sizes: Float64Array;
	/** Bytes a row of `digests`: 32 for SHA-256, 20 for SHA-1. */
	readonly digestBytes: number;
	/** Zeros for a link. */
	readonly digests: Uint8Array;
	/** 20 bytes a row, when asked for. */
	readonly sha1Digests?: Uint8Array;
	/** Target of each link, by row, as it stands in the file system. */
	readonly linkTargets: ReadonlyMap<number, string>;
	/** Attributes a catalog is to carry, by row; absent when none were asked for. */
	readonly carried?: ReadonlyMap<number, readonly CarriedAttribute[]>;
	/** Entries that `exclude` left out; a directory counts once. */
	readonly ignoredCount: number;
	/** What could not be hashed, in path order; those entries have no row. Empty unless problems are collected. */
	readonly problems: readonly SigtoolError[];
}

export function entryPathAt(manifest: Manifest, index: number): string {
	const { pathBytes, pathOffsets } = manifest;
	const bytes = Buffer.from(pathBytes.buffer, pathBytes.byteOffset, pathBytes.byteLength);
	return bytes.toString("utf8", pathOffsets[index], pathOffsets[index + 1]);
}

/** Digest of an entry, without a copy. */
export function digestAt(manifest: Manifest, index: number): Uint8Array {
	return manifest.digests.subarray(index * manifest.digestBytes, (index + 1) * manifest.digestBytes);
}

/** SHA-1 twin of an entry, without a copy; undefined when none were asked for. */
export function sha1DigestAt(manifest: Manifest, index: number): Uint8Array | undefined {
	return manifest.sha1Digests?.subarray(index * 20, (index + 1) * 20);
}
