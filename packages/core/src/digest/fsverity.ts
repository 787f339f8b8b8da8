/**
 * fs-verity digests from content alone: what FS_IOC_MEASURE_VERITY reports of a file that the kernel has sealed, and what
 * `fsverity digest` prints.
 *
 * A digest covers a descriptor: the parameters, the file's size, and the root of a tree of hashes over its blocks. Sources:
 * Linux, Documentation/filesystems/fsverity.rst ("Merkle tree", "fs-verity descriptor") and include/uapi/linux/fsverity.h.
 */

import { hash } from "node:crypto";

export interface FsverityOptions {
	readonly algorithm: "sha256" | "sha512";
	/** Bytes: a power of two from 1024 to 65536; a kernel takes them up to its page size. Default 4096. */
	readonly blockSize?: number;
	/** Up to 32 bytes. Default none. */
	readonly salt?: Uint8Array;
}

/** Takes a file's content in pieces of any size. */
export interface FsverityHasher {
	update(content: Uint8Array): FsverityHasher;
	/** 32 or 64 bytes. Once, and last. */
	digest(): Buffer;
}

/** Keeps one block a level of the tree, whatever the file's size. @throws RangeError for options outside their range */
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
	/** The salt and zeros up to the hash function's own block, hashed before every block; empty without a salt. */
	readonly prefix: Buffer;
	/** The block being filled at each height: content at 0, above it digests of the blocks below. */
	readonly levels: Level[];
}

interface Level {
	/** The prefix, then the block. */
	readonly buffer: Buffer;
	/** Where the next bytes go. */
	end: number;
}

/** Numbers of include/uapi/linux/fsverity.h; FIPS 180-4 §1 has the block sizes. */
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
			// Without a salt a whole block is hashed where it lies, uncopied.
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

/** Appends a digest (binary string, as `hash` returns it fastest) at a height; a block that it fills is hashed in turn. */
function addDigest(tree: Tree, digest: string, height: number): void {
	for (let value = digest, at = height; ; at++) {
		const level = levelAt(tree, at);
		level.end += level.buffer.write(value, level.end, "latin1");
		if (level.end < level.buffer.length) return;
		value = closeBlock(tree, level);
	}
}

/** Digest of the block, zeros where it was not filled; the next one starts empty. */
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

/** The digest of the only block of the topmost level; zeros for an empty file. */
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

/** struct fsverity_descriptor, 256 bytes. */
function describe(tree: Tree, sizeBytes: number): Buffer {
	const descriptor = Buffer.alloc(256);
	descriptor[0] = 1; // Version.
	descriptor[1] = ALGORITHMS[tree.algorithm].id;
	descriptor[2] = Math.log2(tree.blockSize);
	descriptor[3] = tree.saltSize;
	descriptor.writeBigUInt64LE(BigInt(sizeBytes), 8);
	descriptor.set(rootOf(tree, sizeBytes), 16);
	descriptor.set(tree.prefix.subarray(0, MAX_SALT_BYTES), 80);
	return descriptor;
}
