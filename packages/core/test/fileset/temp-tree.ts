import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { entryPathAt, type Manifest } from "../../dist/fileset/manifest.js";

/** Content of a file, or a link's target, or a function that makes something else at the path. */
export type TreeEntry =
	| string
	| Uint8Array
	| { link: string }
	| { content: string; mode: number }
	| ((path: string) => void);

/** Makes a tree under the system's temporary directory, removed when the test ends; returns its real path. */
export function tempTree(entries: Readonly<Record<string, TreeEntry>> = {}): string {
	const root = realpathSync(mkdtempSync(join(tmpdir(), "sigtool-fileset-")));
	onTestFinished(() => rmSync(root, { recursive: true, force: true }));
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

/** Everything a manifest says, as plain values that compare by content. */
export function plain(manifest: Manifest): unknown {
	return {
		paths: pathsOf(manifest),
		kinds: [...manifest.kinds],
		modes: [...manifest.modes],
		sizes: [...manifest.sizes],
		digests: Buffer.from(manifest.digests).toString("hex"),
		sha1Digests: manifest.sha1Digests && Buffer.from(manifest.sha1Digests).toString("hex"),
		linkTargets: [...manifest.linkTargets],
		ignoredCount: manifest.ignoredCount,
		problems: manifest.problems.map(({ code, path }) => ({ code, path })),
	};
}
