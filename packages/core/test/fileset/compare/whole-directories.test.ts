import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareByPath, type SignedFile, type SignedSet } from "../../../dist/fileset/compare/compare.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { entryPathAt } from "../../../dist/fileset/manifest.js";
import { tempTree } from "../temp-tree.js";

/** Returns the signed set of a tree as it is. */
async function signedSetOf(root: string): Promise<SignedSet> {
	const manifest = await hashFileSet(root);
	const files = new Map<string, SignedFile>();
	for (let row = 0; row < manifest.count; row++) {
		const digest = manifest.digests.slice(row * 32, (row + 1) * 32);
		files.set(entryPathAt(manifest, row), { kind: manifest.kinds[row], digest, mode: manifest.modes[row] });
	}
	return { files, links: new Map() };
}

describe("compareByPath()", () => {
	it("says which directory is missing or was added as a whole", async () => {
		const before = tempTree({ "a/b/c": "1", "a/b/d": "2", "a/e": "3", "f/g": "4", "fg/h": "5" });
		const signed = await signedSetOf(before);
		rmSync(join(before, "a/b"), { recursive: true });
		rmSync(join(before, "f"), { recursive: true });
		const missing = compareByPath(await hashFileSet(before), signed, { modes: "ignore" });
		expect(missing.map(({ path, directory }) => [path, directory])).toEqual([
			["a/b/c", "a/b"],
			["a/b/d", "a/b"],
			["f/g", "f"],
		]);

		const after = tempTree({ "a/b/c": "1", "a/b/d": "2", "a/e": "3", "f/g": "4", "fg/h": "5" });
		const more = tempTree({
			...{ "a/b/c": "1", "a/b/d": "2", "a/e": "3", "f/g": "4", "fg/h": "5" },
			...{ "a/b/new": "6", "f/x/y/z": "7", "n/m": "8" },
		});
		const added = compareByPath(await hashFileSet(more), await signedSetOf(after), { modes: "ignore" });
		expect(added.map(({ path, directory }) => [path, directory])).toEqual([
			["a/b/new", undefined],
			["f/x/y/z", "f/x"],
			["n/m", "n"],
		]);
	});

	it("does not call a directory missing that something else was put into", async () => {
		const root = tempTree({ "a/b": "1", "a/c": "2" });
		const signed = await signedSetOf(root);
		const other = tempTree({ "a/new": "1" });
		const findings = compareByPath(await hashFileSet(other), signed, { modes: "ignore" });
		expect(findings.map(({ code, directory }) => [code, directory])).toEqual([
			["ERR_FILE_MISSING", undefined],
			["ERR_FILE_MISSING", undefined],
			["ERR_FILE_ADDED", undefined],
		]);
	});
});
