/**
 * Computes fs-verity digests from content alone. For a file on which fs-verity was enabled with the same options, the
 * kernel reports the same digest (FS_IOC_MEASURE_VERITY). `fsverity digest` prints it too.
 *
 * A digest covers a descriptor: the parameters, the file's size, and the root of a tree of hashes over the file's
 * blocks. The sources are Documentation/filesystems/fsverity.rst ("Merkle tree", "fs-verity descriptor") and
 * include/uapi/linux/fsverity.h of Linux.
 */

import { hash } from "node:crypto";

export interface FsverityOptions {
	readonly algorithm: "sha256" | "sha512";
	/**
	 * The size of a block in bytes: a power of two from 1024 to 65536. A kernel accepts blocks up to its page size.
	 * The default is 4096.
	 */
	readonly blockSize?: number;
	/** The salt, at most 32 bytes. By default there is no salt. */
	readonly salt?: Uint8Array;
}

/** Receives a file's content in pieces of any size. */
export interface FsverityHasher {
	update(content: Uint8Array): FsverityHasher;
	/** Returns the digest, 32 or 64 bytes. The caller calls `digest` once, after the last `update`. */
	digest(): Buffer;
}

/**
 * Makes a hasher that keeps one block in memory for each level of the tree, whatever the size of the file.
 * @throws RangeError for options outside their range
 */
export function createFsverityHasher(options: FsverityOptions): FsverityHasher {
	const tree = emptyTree(options);
	let sizeBytes = 0;
	let finished = false;
	const hasher: FsverityHasher = {
		update(content) {
			if (finished) throw new TypeError("update() was called after digest()");
			sizeBytes += content.length;
			addContent(tree, content);
			return hasher;
		},
		digest() {
			if (finished) throw new TypeError("digest() was called twice");
			finished = true;
			return hash(tree.algorithm, describe(tree, sizeBytes), "buffer");
		},
	};
	return hasher;
}

interface Tree {
	readonly algorithm: "sha256" | "sha512";
	readonly blockSize: number;
	readonly saltSize: number;
	/**
	 * The salt, followed by zeros up to the block size of the hash function. This prefix is hashed before every block.
	 * It is empty if there is no salt.
	 */
	readonly prefix: Buffer;
	/**
	 * The block that is being filled at each height. Blocks at height 0 have content. All other blocks have the
	 * digests of the blocks that are one height below.
	 */
	readonly levels: Level[];
}

interface Level {
	/** A buffer with the prefix, followed by the block. */
	readonly buffer: Buffer;
	/** The offset in `buffer` for the next bytes. */
	end: number;
}

/** The ids are from include/uapi/linux/fsverity.h, and the block sizes of the hash functions are from FIPS 180-4 §1. */
const ALGORITHMS = {
	sha256: { id: 1, digestBytes: 32, inputBlockBytes: 64 },
	sha512: { id: 2, digestBytes: 64, inputBlockBytes: 128 },
} as const;

const MIN_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 65_536;
const MAX_SALT_BYTES = 32;

function emptyTree({ algorithm, blockSize = 4096, salt = new Uint8Array(0) }: FsverityOptions): Tree {
	if (!(blockSize >= MIN_BLOCK_BYTES && blockSize <= MAX_BLOCK_BYTES && Number.isInteger(Math.log2(blockSize)))) {
		throw new RangeError(`blockSize is a power of two from ${MIN_BLOCK_BYTES} to ${MAX_BLOCK_BYTES}, not ${blockSize}`);
	}
	if (salt.length > MAX_SALT_BYTES) throw new RangeError(`salt has up to ${MAX_SALT_BYTES} bytes, not ${salt.length}`);
	const prefix = Buffer.alloc(salt.length === 0 ? 0 : ALGORITHMS[algorithm].inputBlockBytes);
	prefix.set(salt);
	return { algorithm, blockSize, saltSize: salt.length, prefix, levels: [] };
}

function addContent(tree: Tree, content: Uint8Array): void {
	const { algorithm, blockSize, prefix } = tree;
	const level = levelAt(tree, 0);
	for (let position = 0; position < content.length; ) {
		if (prefix.length === 0 && level.end === 0 && content.length - position >= blockSize) {
			// If there is no salt, a whole block is hashed in place, without a copy.
			addDigest(tree, hash(algorithm, content.subarray(position, position + blockSize), "binary"), 1);
			position += blockSize;
			continue;
		}
		const piece = content.subarray(position, position + level.buffer.length - level.end);
		level.buffer.set(piece, level.end);
		level.end += piece.length;
		position += piece.length;
		if (level.end === level.buffer.length) addDigest(tree, closeBlock(tree, level), 1);
	}
}

/**
 * Appends a digest at a height. If the digest fills a block, the block is hashed, and its digest is appended one
 * height above. The digests are binary strings, because `hash` is fastest in this form.
 */
function addDigest(tree: Tree, digest: string, height: number): void {
	for (let value = digest, at = height; ; at++) {
		const level = levelAt(tree, at);
		level.end += level.buffer.write(value, level.end, "latin1");
		if (level.end < level.buffer.length) return;
		value = closeBlock(tree, level);
	}
}

/** Fills the rest of the block with zeros, empties the block, and returns the digest that the filled block had. */
function closeBlock({ algorithm, prefix }: Tree, level: Level): string {
	level.buffer.fill(0, level.end);
	level.end = prefix.length;
	return hash(algorithm, level.buffer, "binary");
}

function levelAt({ blockSize, prefix, levels }: Tree, height: number): Level {
	if (height === levels.length) {
		const buffer = Buffer.alloc(prefix.length + blockSize);
		buffer.set(prefix);
		levels.push({ buffer, end: prefix.length });
	}
	return levels[height];
}

/**
 * Hashes the blocks that are not full and returns the root of the tree: the only digest on the topmost level, or zeros
 * for an empty file.
 */
function rootOf(tree: Tree, sizeBytes: number): Buffer {
	const { prefix, levels } = tree;
	const { digestBytes } = ALGORITHMS[tree.algorithm];
	if (sizeBytes === 0) return Buffer.alloc(digestBytes);
	for (let height = 0; ; height++) {
		const level = levels[height];
		const isTop = height > 0 && height === levels.length - 1;
		if (isTop && level.end === prefix.length + digestBytes) return level.buffer.subarray(prefix.length, level.end);
		if (level.end > prefix.length) addDigest(tree, closeBlock(tree, level), height + 1);
	}
}

/** Encodes struct fsverity_descriptor, version 1, 256 bytes. */
function describe(tree: Tree, sizeBytes: number): Buffer {
	const descriptor = Buffer.alloc(256);
	descriptor[0] = 1;
	descriptor[1] = ALGORITHMS[tree.algorithm].id;
	descriptor[2] = Math.log2(tree.blockSize);
	descriptor[3] = tree.saltSize;
	descriptor.writeBigUInt64LE(BigInt(sizeBytes), 8);
	descriptor.set(rootOf(tree, sizeBytes), 16);
	descriptor.set(tree.prefix.subarray(0, MAX_SALT_BYTES), 80);
	return descriptor;
}
