import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkEntryPath } from "../../../dist/fileset/paths/entry-path.js";
import { createPathTree, directoriesAbove } from "../../../dist/fileset/paths/path-tree.js";
import { signPaths } from "../../../dist/sign/sign.js";
import { verifyPath } from "../../../dist/verify/verify.js";
import { expectError } from "../../pki/expect-error.js";
import { processorMs } from "../../processor-time.js";
import { expectRejection } from "../../signer/material.js";
import { signer, trust, writeHostileCatalog } from "../hostile-catalog.js";
import { tempTree } from "../temp-tree.js";

describe("the length of paths", () => {
	it.each([
		["one-byte characters", "a/".repeat(2047), "ab"],
		["two-byte characters", "é/".repeat(1365), "a"],
		["three-byte characters", "日".repeat(1365), "a"],
		["four-byte characters", "\u{1f600}".repeat(1023), "abcd"],
	])("accepts 4,096 bytes of %s and refuses one more", (_, beginning, end) => {
		const path = beginning + end;
		expect(Buffer.byteLength(path)).toBe(4096);
		checkEntryPath(path);
		expectError("ERR_LIMIT", () => checkEntryPath(`${path}b`));
	});

	it("verify refuses a catalog with a longer path, whatever rules it has", async () => {
		const root = tempTree({ x: "1" });
		for (const ignore of [[], ["z"]]) {
			await writeHostileCatalog(root, ["x", `${"a/".repeat(8000)}z`], { ignore });
			await expectRejection("ERR_LIMIT", verifyPath(root, { trust }));
			await expectRejection("ERR_LIMIT", verifyPath(join(root, "x"), { trust }));
		}
	});

	it.each([[[]], [["z"]]])(
		"takes time linear in the length of deep paths, with the ignore patterns %j",
		async (ignore) => {
			const root = tempTree({ x: "1" });
			const deep = Array.from({ length: 200 }, (_, index) => `p${index}/${"a/".repeat(2000)}z`);
			await writeHostileCatalog(root, ["x", ...deep], { ignore });
			const start = processorMs();
			const { findings } = await verifyPath(root, { trust });
			expect(processorMs() - start).toBeLessThan(10_000);
			expect(findings.map(({ code, directory }) => [code, directory])).toEqual(
				deep.map((_, index) => ["ERR_FILE_MISSING", `p${index}`]).sort(),
			);
		},
	);
});

describe("the paths of a signed scope", () => {
	it.each([
		["a long path", ["x", `${"a/".repeat(8000)}z`]],
		["a path out of the tree", ["x", "../../etc"]],
		["an absolute path", ["/etc"]],
		["a control character", ["x", "a\0b"]],
		["more than 65,536 paths", Array.from({ length: 65_537 }, (_, index) => `p${index}`)],
	])("verify refuses %s", async (_, scope) => {
		const root = tempTree({ x: "1" });
		await writeHostileCatalog(root, ["x"], { scope });
		await expectRejection("ERR_CATALOG_FORMAT", verifyPath(root, { trust }));
	});

	it("sign refuses a path that verify would refuse", async () => {
		const root = tempTree({ "x/a": "1", "y./a": "1" });
		const signing = signPaths([join(root, "x"), join(root, "y.")], { signer, output: join(root, "o.cat") });
		await expectRejection("ERR_USAGE", signing);
	});
});

describe("createPathTree()", () => {
	const tree = createPathTree(["a/b", "c", "d/e/f"]);
	it("tells what leads to a path, and what a path covers", () => {
		const paths = ["a", "a/b", "a/b/x", "a/bc", "c", "c/d", "d", "d/e", "d/e/f", "d/e/g", "", "x"];
		expect(paths.filter(tree.leadsTo)).toEqual(["a", "a/b", "c", "d", "d/e", "d/e/f"]);
		expect(paths.filter(tree.covers)).toEqual(["a/b", "a/b/x", "c", "c/d", "d/e/f"]);
	});

	it("finds the topmost directory that leads to nothing", () => {
		expect(["a/x", "a/x/y", "x/y/z", "a/b", "d/e/g/h", "x"].map(tree.topmostOutside)).toEqual([
			undefined,
			"a/x",
			"x",
			undefined,
			"d/e/g",
			undefined,
		]);
	});

	it("keeps the directories above paths in any order", () => {
		const directories = directoriesAbove(["x", "a/b", "a/c", "ab/c", "a/d/e", "a/f"]);
		expect(["a", "ab", "a/d", "x", "a/b", "a/d/e"].filter(directories.leadsTo)).toEqual(["a", "ab", "a/d"]);
	});
});
