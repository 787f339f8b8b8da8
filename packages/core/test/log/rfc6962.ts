/** Computes Merkle trees as RFC 6962 §2.1 defines them, by recursion over all leaves: a check of the code that does not. */

import { createHash } from "node:crypto";

const sha256 = (...parts: (Buffer | string)[]) => {
	const hash = createHash("sha256");
	for (const part of parts) hash.update(part);
	return hash.digest();
};

export const leafOf = (entry: Buffer | string) => sha256(Buffer.of(0), entry);
export const nodeOf = (left: Buffer, right: Buffer) => sha256(Buffer.of(1), left, right);

/** The largest power of two that is smaller than `count`. */
const split = (count: number) => 2 ** (Math.ceil(Math.log2(count)) - 1);

/** MTH over the hashes of leaves. */
export function rootOf(leaves: readonly Buffer[]): Buffer {
	if (leaves.length === 0) return sha256("");
	if (leaves.length === 1) return leaves[0];
	const at = split(leaves.length);
	return nodeOf(rootOf(leaves.slice(0, at)), rootOf(leaves.slice(at)));
}

/** PROOF(m, D[n]): that the tree over the first `size` leaves is a part of the whole. §2.1.2. */
export function consistencyProof(size: number, leaves: readonly Buffer[], isComplete = true): Buffer[] {
	if (size === leaves.length) return isComplete ? [] : [rootOf(leaves)];
	const at = split(leaves.length);
	if (size <= at) return [...consistencyProof(size, leaves.slice(0, at), isComplete), rootOf(leaves.slice(at))];
	return [...consistencyProof(size - at, leaves.slice(at), false), rootOf(leaves.slice(0, at))];
}
