/**
 * Holds the entries of a catalog or a tree as sorted rows. A row is decoded only when it is asked for, because a catalog
 * may have two million members, and objects for all of them would take gigabytes.
 */

import { quote, SigtoolError } from "../errors.js";
import type { SignedFile } from "../fileset/compare/compare.js";
import { digestAt, ENTRY_KIND, entryPathAt, type Manifest } from "../fileset/manifest.js";
import { entryPathProblem } from "../fileset/paths/entry-path.js";
import { emptyFile, memberName, signedFile } from "../formats/cat-entries.js";
import type { CatalogFacts } from "../formats/cat-facts.js";
import { memberDigest, memberFilePath } from "../formats/cat-member.js";
import type { Catalog } from "../formats/cat-model.js";

/** A file, or the target of a symbolic link. */
export type Entry = { readonly file: SignedFile } | { readonly target: string };

export interface EntryRows {
	readonly count: number;
	/** Compares the keys of a row here and of a row there as bytes. Both sides must have keys of one kind. */
	readonly compare: (row: number, other: EntryRows, otherRow: number) => number;
	/** The keys of all rows, one after the other: paths in UTF-8, or digests. */
	readonly keys: Buffer;
	/** Returns the offsets of a row's key in `keys`. */
	readonly keyOf: (row: number) => readonly [start: number, end: number];
	/** Returns the path, or the name by which a digest without a path is reported. */
	readonly nameAt: (row: number) => string;
	readonly entryAt: (row: number) => Entry;
}

/**
 * Returns the entries of a catalog by path. `size` is the size of the digests that count, in bytes.
 * @throws ERR_PATH_* for a name that is illegal or repeated, ERR_CATALOG_FORMAT
 */
export function rowsByPath(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): EntryRows {
	const { count, digestSizes, pathStarts, pathEnds } = catalog.members;
	const extra = [...facts.emptyFiles.keys(), ...facts.symbolicLinks.keys()];
	const members: number[] | Uint32Array = membersOfSize(digestSizes, count, size);
	let room = extra.reduce((sum, path) => sum + Buffer.byteLength(path), 0);
	// A UTF-16 unit takes two bytes in the catalog, and at most three in UTF-8.
	for (const row of members) room += ((pathEnds[row] - pathStarts[row]) / 2) * 3;
	const keys = new KeyWriter(members.length + extra.length, room);
	for (const row of members) keys.add(legalPath(memberFilePath(catalog, row)?.replaceAll("\\", "/") ?? ""));
	for (const path of extra) keys.add(legalPath(path));
	return keys.sorted("refuse-repeated", {
		nameAt: (index) => keys.text(index),
		entryAt(index) {
			const path = keys.text(index);
			if (index < members.length) return { file: signedFile(catalog, facts, members[index], path) };
			const target = facts.symbolicLinks.get(path);
			return target === undefined ? { file: emptyFile(facts, path) } : { target };
		},
	});
}

/** Returns the signed digests of a catalog. Repeated digests are one row. */
export function rowsByDigest(catalog: Catalog, facts: CatalogFacts, size: 20 | 32): EntryRows {
	const { members } = catalog;
	const rows = membersOfSize(members.digestSizes, members.count, size);
	const keys = new KeyWriter(rows.length, rows.length * size);
	for (const row of rows) keys.add(memberDigest(members, row));
	return keys.sorted("join-repeated", {
		nameAt: (index) => {
			return memberName(catalog, rows[index]) ?? Buffer.from(memberDigest(members, rows[index])).toString("hex");
		},
		entryAt: (index) => ({ file: signedFile(catalog, facts, rows[index], "") }),
	});
}

/** Returns the entries of a tree by path. A manifest is already in the order of its paths. */
export function treeRowsByPath(manifest: Manifest): EntryRows {
	const { pathBytes, pathOffsets, count } = manifest;
	return {
		count,
		compare: compareKeys,
		keys: Buffer.from(pathBytes.buffer, pathBytes.byteOffset, pathBytes.byteLength),
		keyOf: (row) => [pathOffsets[row], pathOffsets[row + 1]],
		nameAt: (row) => entryPathAt(manifest, row),
		entryAt: (row) => treeEntry(manifest, row),
	};
}

/** Returns the digests of the files of a tree. Links have none, and are left out. Repeated digests are one row. */
export function treeRowsByDigest(manifest: Manifest): EntryRows {
	const files = Array.from({ length: manifest.count }, (_, row) => row).filter(
		(row) => manifest.kinds[row] !== ENTRY_KIND.link,
	);
	const keys = new KeyWriter(files.length, files.length * manifest.digestBytes);
	for (const row of files) keys.add(manifest.sizes[row] === 0 ? new Uint8Array() : digestAt(manifest, row));
	return keys.sorted("join-repeated", {
		nameAt: (index) => entryPathAt(manifest, files[index]),
		entryAt: (index) => treeEntry(manifest, files[index]),
	});
}

function treeEntry(manifest: Manifest, row: number): Entry {
	const target = manifest.linkTargets.get(row);
	if (target !== undefined) return { target };
	const whole = manifest.wholeFiles?.get(row);
	return {
		file: {
			kind: manifest.kinds[row],
			digest: manifest.sizes[row] === 0 ? new Uint8Array() : digestAt(manifest, row),
			mode: manifest.modes[row],
			...(whole && { wholeSha256: whole.sha256 }),
		},
	};
}

function membersOfSize(sizes: Uint8Array, count: number, size: number): Uint32Array {
	const rows = new Uint32Array(count);
	let length = 0;
	for (let row = 0; row < count; row++) if (sizes[row] === size) rows[length++] = row;
	return rows.subarray(0, length);
}

function legalPath(path: string): string {
	const problem = entryPathProblem(path);
	if (problem !== undefined) throw problem;
	return path;
}

function compareKeys(this: EntryRows, row: number, other: EntryRows, otherRow: number): number {
	const [start, end] = this.keyOf(row);
	const [otherStart, otherEnd] = other.keyOf(otherRow);
	return this.keys.compare(other.keys, otherStart, otherEnd, start, end);
}

/** Collects keys in one buffer, and then sorts them. */
class KeyWriter {
	readonly #keys: Buffer;
	readonly #offsets: Float64Array;
	#count = 0;

	constructor(count: number, roomBytes: number) {
		this.#keys = Buffer.allocUnsafe(roomBytes);
		this.#offsets = new Float64Array(count + 1);
	}

	add(key: string | Uint8Array): void {
		const start = this.#offsets[this.#count++];
		if (typeof key === "string") this.#offsets[this.#count] = start + this.#keys.write(key, start, "utf8");
		else {
			this.#keys.set(key, start);
			this.#offsets[this.#count] = start + key.length;
		}
	}

	text(index: number): string {
		return this.#keys.toString("utf8", this.#offsets[index], this.#offsets[index + 1]);
	}

	/** Returns the rows in the order of their keys. @throws ERR_PATH_DUPLICATE */
	sorted(
		repeated: "refuse-repeated" | "join-repeated",
		at: { readonly nameAt: (index: number) => string; readonly entryAt: (index: number) => Entry },
	): EntryRows {
		const [keys, offsets] = [this.#keys, this.#offsets];
		const compare = (a: number, b: number) =>
			keys.compare(keys, offsets[b], offsets[b + 1], offsets[a], offsets[a + 1]);
		const order = Uint32Array.from({ length: this.#count }, (_, index) => index).sort(compare);
		let count = 0;
		for (const index of order) {
			if (count === 0 || compare(order[count - 1], index) !== 0) order[count++] = index;
			else if (repeated === "refuse-repeated") {
				const path = this.text(index);
				throw new SigtoolError("ERR_PATH_DUPLICATE", `Cannot read catalog: it names ${quote(path)} twice`, { path });
			}
		}
		return {
			count,
			compare: compareKeys,
			keys,
			keyOf: (row) => [offsets[order[row]], offsets[order[row] + 1]],
			nameAt: (row) => at.nameAt(order[row]),
			entryAt: (row) => at.entryAt(order[row]),
		};
	}
}
