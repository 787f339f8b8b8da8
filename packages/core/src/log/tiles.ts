/**
 * Writes the Merkle tree of a log as tiles (c2sp.org/tlog-tiles), from which others compute proofs, and the lines as
 * bundles. It keeps at most one tile for each level and one bundle.
 */

import { createMerkleTree } from "./tree.js";

/** Gets a file of the tree: its path below the directory, with "/" between names, and its content. */
export type PutTile = (path: string, content: Buffer) => void;

export interface TileWriter {
	/** Adds a line. `bytes` is undefined for a line that is too long to be kept. */
	add(leaf: Buffer, bytes: Buffer | undefined): void;
	/** Writes the tiles and the bundle that are not full. */
	finish(): TileSummary;
}

export interface TileSummary {
	readonly size: number;
	readonly root: Buffer;
	/** The paths of bundles that are missing, because a line of theirs is longer than MAX_ENTRY_BYTES. */
	readonly missingBundles: readonly string[];
}

/** A bundle has two bytes for the length of a line. */
export const MAX_ENTRY_BYTES = 65_535;
const WIDTH = 256;

export function createTileWriter(put: PutTile): TileWriter {
	const tree = createMerkleTree();
	/** The hashes of the tile that is not full, for each level, and the number of full tiles before it. */
	const levels: { hashes: Buffer[]; full: number }[] = [];
	let bundle: Buffer[] = [];
	let isBundleWhole = true;
	const missingBundles: string[] = [];

	function addHash(level: number, node: Buffer): void {
		levels[level] ??= { hashes: [], full: 0 };
		const { hashes, full } = levels[level];
		hashes.push(node);
		if (hashes.length < WIDTH) return;
		put(tilePath(String(level), full), Buffer.concat(hashes));
		levels[level] = { hashes: [], full: full + 1 };
		addHash(level + 1, rootOf(hashes));
	}

	function addEntry(bytes: Buffer | undefined): void {
		if (bytes === undefined || bytes.length > MAX_ENTRY_BYTES) isBundleWhole = false;
		else if (isBundleWhole) bundle.push(Buffer.of(bytes.length >> 8, bytes.length & 0xff), Buffer.from(bytes));
	}

	function putBundle(width: number): void {
		const path = tilePath("entries", Math.floor((tree.size - 1) / WIDTH), width);
		if (isBundleWhole) put(path, Buffer.concat(bundle));
		else missingBundles.push(path);
		bundle = [];
		isBundleWhole = true;
	}

	return {
		add(leaf, bytes) {
			tree.add(leaf);
			addEntry(bytes);
			if (tree.size % WIDTH === 0) putBundle(WIDTH);
			addHash(0, leaf);
		},
		finish() {
			for (const [level, { hashes, full }] of levels.entries()) {
				if (hashes.length > 0) put(tilePath(String(level), full, hashes.length), Buffer.concat(hashes));
			}
			if (tree.size % WIDTH > 0) putBundle(tree.size % WIDTH);
			return { size: tree.size, root: tree.root(), missingBundles };
		},
	};
}

function rootOf(hashes: readonly Buffer[]): Buffer {
	const tree = createMerkleTree();
	for (const node of hashes) tree.add(node);
	return tree.root();
}

/** Returns the path of a tile or bundle, such as `tile/0/x001/x234/067.p/12` for the width 12. */
export function tilePath(level: string, index: number, width = WIDTH): string {
	const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, "0");
	const parts = digits.match(/\d{3}/g) ?? [];
	const name = parts.map((part, place) => (place === parts.length - 1 ? part : `x${part}`)).join("/");
	return `tile/${level}/${name}${width === WIDTH ? "" : `.p/${width}`}`;
}
