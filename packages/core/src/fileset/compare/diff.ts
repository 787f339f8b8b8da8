/** Compares two signed sets, path by path. */

import type { SignedFile, SignedSet } from "./compare.js";

export interface SignedSetDiff {
	readonly added: readonly string[];
	readonly removed: readonly string[];
	/**
	 * Paths with other content or another link target, and paths at which a file became a link or a link became a
	 * file.
	 */
	readonly changed: readonly string[];
	/** Paths with the same content and another mode. */
	readonly modeChanged: readonly string[];
}

export function diffSignedSets(before: SignedSet, after: SignedSet): SignedSetDiff {
	const added: string[] = [];
	const removed: string[] = [];
	const changed: string[] = [];
	const modeChanged: string[] = [];
	for (const [path, file] of after.files) {
		const old = before.files.get(path);
		if (old === undefined) (before.links.has(path) ? changed : added).push(path);
		else if (!isSameContent(old, file)) changed.push(path);
		else if (old.mode !== file.mode) modeChanged.push(path);
	}
	for (const [path, target] of after.links) {
		const old = before.links.get(path);
		if (old === undefined) (before.files.has(path) ? changed : added).push(path);
		else if (old !== target) changed.push(path);
	}
	for (const paths of [before.files, before.links]) {
		for (const path of paths.keys()) if (!after.files.has(path) && !after.links.has(path)) removed.push(path);
	}
	for (const list of [added, removed, changed, modeChanged]) list.sort();
	return { added, removed, changed, modeChanged };
}

/** Compares the digests of two files. If both sets have digests of the whole files, compares these too. */
export function isSameContent(a: SignedFile, b: SignedFile): boolean {
	if (Buffer.compare(a.digest, b.digest) !== 0) return false;
	if (a.wholeSha256 === undefined || b.wholeSha256 === undefined) return true;
	return Buffer.compare(a.wholeSha256, b.wholeSha256) === 0;
}
