import { createHash } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { digestAt } from "../../../dist/fileset/manifest.js";
import { pathsOf, tempTree } from "../temp-tree.js";

it("hashFileSet() holds a directory of 70,000 files", async () => {
	const root = tempTree();
	for (let n = 0; n < 70_000; n++) closeSync(openSync(join(root, `f${n}`), "w"));
	const manifest = await hashFileSet(root);
	const paths = pathsOf(manifest);
	expect(paths).toHaveLength(70_000);
	expect(paths).toEqual(paths.toSorted());
	expect(Buffer.from(digestAt(manifest, 69_999))).toEqual(createHash("sha256").update("").digest());
});
