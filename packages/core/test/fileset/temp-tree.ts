import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { temporaryDirectory } from "../../../../test/temporary.js";
import { entryPathAt, type Manifest } from "../../dist/fileset/manifest.js";

/** The content of a file, the target of a link, or a function that creates another type of file at the path. */
export type TreeEntry =
	| string
	| Uint8Array
	| { link: string }
	| { content: string; mode: number }
	| ((path: string) => void);

/**
 * Creates a tree in the system's temporary directory and returns its real path. The tree is removed when the test
 * ends.
 */
export function tempTree(entries: Readonly<Record<string, TreeEntry>> = {}): string {
	const root = temporaryDirectory();
	for (const [name, entry] of Object.entries(entries)) {
		const path = join(root, name);
		mkdirSync(dirname(path), { recursive: true });
		if (typeof entry === "function") entry(path);
		else if (typeof entry === "string" || entry instanceof Uint8Array) writeFileSync(path, entry);
		else if ("link" in entry) symlinkSync(entry.link, path);
		else {
			writeFileSync(path, entry.content);
			chmodSync(path, entry.mode);
		}
	}
	return root;
}

export function pathsOf(manifest: Manifest): string[] {
	return Array.from({ length: manifest.count }, (_, index) => entryPathAt(manifest, index));
}

/** Returns the content of a manifest as values that can be compared with toEqual(). */
export function plain(manifest: Manifest): unknown {
	return {
		paths: pathsOf(manifest),
		kinds: [...manifest.kinds],
		modes: [...manifest.modes],
		sizes: [...manifest.sizes],
		digests: Buffer.from(manifest.digests).toString("hex"),
		sha1Digests: manifest.sha1Digests && Buffer.from(manifest.sha1Digests).toString("hex"),
		wholeFiles: [...(manifest.wholeFiles ?? [])],
		linkTargets: [...manifest.linkTargets],
		ignoredCount: manifest.ignoredCount,
		problems: manifest.problems.map(({ code, path }) => ({ code, path })),
	};
}
