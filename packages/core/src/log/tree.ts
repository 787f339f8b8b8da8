/**
 * Computes the root of a Merkle tree (RFC 6962 §2.1) while its leaves come. It keeps one hash for each level, so a
 * million leaves need no more memory than a thousand.
 */

import { hash } from "node:crypto";

export interface MerkleTree {
	/** The number of leaves. */
	readonly size: number;
	add(leaf: Buffer): void;
	/** Returns the root over the leaves so far. The root of the empty tree is the SHA-256 of nothing. */
	root(): Buffer;
}

export function createMerkleTree(): MerkleTree {
	let size = 0;
	/** The roots of the complete subtrees, the largest first. Their sizes are the powers of two that make up `size`. */
	const roots: Buffer[] = [];
	return {
		get size() {
			return size;
		},
		add(leaf) {
			let node = leaf;
			// Each trailing 1 of the size is a complete subtree, which the new leaf completes to one of twice its size.
			for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeHash(roots.pop() ?? node, node);
			roots.push(node);
			size++;
		},
		root() {
			const last = roots.at(-1);
			if (last === undefined) return hash("sha256", Buffer.alloc(0), "buffer");
			return roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
		},
	};
}

const scratch = Buffer.alloc(65, 0x01);

/** Returns SHA-256(0x01 ‖ left ‖ right). */
function nodeHash(left: Buffer, right: Buffer): Buffer {
	left.copy(scratch, 1);
	right.copy(scratch, 33);
	return hash("sha256", scratch, "buffer");
}
