/** Holds a hashed file set as columns: each fact is a typed array, and each entry is a row instead of an object. */

import type { SigtoolError } from "../errors.js";

/**
 * The kind of an entry's digest. The digest covers the whole file, or the parts that Authenticode covers in a PE image
 * or a cabinet. A link has no digest. Neither has a file that was not opened (`unread`).
 */
export const ENTRY_KIND = { file: 0, pe: 1, cab: 2, link: 3, unread: 4 } as const;
export type EntryKind = (typeof ENTRY_KIND)[keyof typeof ENTRY_KIND];

/** An extended attribute of a file that its catalog contains. */
export interface CarriedAttribute {
	/** The name with its namespace, such as `security.ima`. */
	readonly name: string;
	readonly value: Uint8Array;
}

/** The facts about the whole file of an image or a cabinet, whose digest covers only a part of the file. */
export interface WholeFile {
	/** The SHA-256 of every byte of the file. */
	readonly sha256: Uint8Array;
	/**
	 * The bytes behind the part that Authenticode covers must be signatures. The value `malformed` means that other
	 * bytes are among them.
	 */
	readonly signatures: "well-formed" | "malformed";
}

/** The rows are in the byte order of the UTF-8 paths. The columns are not written after the manifest was made. */
export interface Manifest {
	/** The absolute real path of the directory from which the entries' paths start. */
	readonly root: string;
	/** The number of entries. */
	readonly count: number;
	/** The paths in UTF-8, "/"-separated, one after the other without a terminator. */
	readonly pathBytes: Uint8Array;
	/** The offset of each path's first byte, followed by the offset behind the last path: `count + 1` offsets. */
	readonly pathOffsets: Uint32Array;
	/** The ENTRY_KIND of each entry. */
	readonly kinds: Uint8Array;
	/** The mode of each entry: `st_mode & 0o7777`, or 0o644 on Windows. It is 0 for a file that was not opened. */
	readonly modes: Uint16Array;
	/** The size of each entry in bytes, or 0 for a link and for a file that was not opened. */
	readonly sizes: Float64Array;
	/** The number of bytes in a row of `digests`: 32 for SHA-256, 20 for SHA-1. */
	readonly digestBytes: number;
	/** The digests. The row of a link, and of a file that was not opened, has zeros. */
	readonly digests: Uint8Array;
	/** The SHA-1 digests, 20 bytes each. They are absent if they were not requested beside SHA-256. */
	readonly sha1Digests?: Uint8Array;
	/**
	 * The facts about the whole file of each image and each cabinet, by row. They are absent if the files were not
	 * read.
	 */
	readonly wholeFiles?: ReadonlyMap<number, WholeFile>;
	/** The target of each link by row, "/"-separated and otherwise as the file system has it. */
	readonly linkTargets: ReadonlyMap<number, string>;
	/** The extended attributes that a catalog is to carry, by row. They are absent if nobody asked for them. */
	readonly carried?: ReadonlyMap<number, readonly CarriedAttribute[]>;
	/** The number of entries that `exclude` left out. A directory counts once. */
	readonly ignoredCount: number;
	/**
	 * The errors of entries that could not be hashed and have no row, in path order. There are none unless errors are
	 * collected.
	 */
	readonly problems: readonly SigtoolError[];
}

/** The columns in which hashing collects the facts about whole files, one row for each file. */
export interface WholeFileColumns {
	/** The SHA-256, 32 bytes for each row. Only images and cabinets have one. */
	readonly wholeDigests: Uint8Array;
	/** The value 1 means that the signatures of the file are malformed. */
	readonly malformed: Uint8Array;
}

/** Returns columns for one file. */
export function wholeFileColumns(): WholeFileColumns {
	return { wholeDigests: new Uint8Array(32), malformed: new Uint8Array(1) };
}

/** Returns the facts about the images and cabinets among the first `count` rows. */
export function wholeFilesIn(
	kinds: Uint8Array,
	{ wholeDigests, malformed }: WholeFileColumns,
	count: number,
): ReadonlyMap<number, WholeFile> {
	const wholeFiles = new Map<number, WholeFile>();
	for (let row = 0; row < count; row++) {
		if (kinds[row] !== ENTRY_KIND.pe && kinds[row] !== ENTRY_KIND.cab) continue;
		const sha256 = wholeDigests.slice(row * 32, row * 32 + 32);
		wholeFiles.set(row, { sha256, signatures: malformed[row] === 1 ? "malformed" : "well-formed" });
	}
	return wholeFiles;
}

export function entryPathAt(manifest: Manifest, index: number): string {
	const { pathBytes, pathOffsets } = manifest;
	const bytes = Buffer.from(pathBytes.buffer, pathBytes.byteOffset, pathBytes.byteLength);
	return bytes.toString("utf8", pathOffsets[index], pathOffsets[index + 1]);
}

/** Returns a view of an entry's digest. */
export function digestAt(manifest: Manifest, index: number): Uint8Array {
	return manifest.digests.subarray(index * manifest.digestBytes, (index + 1) * manifest.digestBytes);
}
