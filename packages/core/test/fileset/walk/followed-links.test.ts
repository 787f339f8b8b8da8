import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { signPaths } from "../../../dist/sign/sign.js";
import { verifyPath } from "../../../dist/verify/verify.js";
import { expectRejection } from "../../signer/material.js";
import { signer, trust } from "../hostile-catalog.js";
import { pathsOf, tempTree } from "../temp-tree.js";

/**
 * Adds directories with two links each, which lead to the next directory. The number of paths is 2 to the power of
 * `count`.
 */
function addMultiplyingLinks(root: string, count: number): void {
	for (let each = 0; each <= count; each++) {
		mkdirSync(join(root, `z${each}`));
		if (each === count) continue;
		for (const name of ["a", "b"]) symlinkSync(`../z${each + 1}`, join(root, `z${each}`, name));
	}
}

describe("trees that followed links multiply", () => {
	it("verify ends, and names links that it did not follow", async () => {
		const root = tempTree({ "a.js": "1", "lib/b.js": "2", l: { link: "lib" } });
		await signPaths([root], { signer, links: "follow" });
		expect((await verifyPath(root, { trust })).verdict).toBe("trusted");
		addMultiplyingLinks(root, 26);
		writeFileSync(join(root, "lib/b.js"), "3");
		const { verdict, findings } = await verifyPath(root, { trust });
		expect(verdict).toBe("failed");
		const others = findings.filter(({ code }) => code !== "ERR_LIMIT");
		expect(others.map(({ code, path, message }) => (code === "ERR_FILE_MODIFIED" ? path : message))).toEqual([
			"l/b.js",
			"lib/b.js",
		]);
		const limits = findings.filter(({ code }) => code === "ERR_LIMIT");
		expect(limits.length).toBeGreaterThan(0);
		for (const { path } of limits) expect(path).toMatch(/^z\d+(\/[ab])+$/);
	});

	it("sign refuses such a tree", async () => {
		const root = tempTree({ "a.js": "1" });
		addMultiplyingLinks(root, 26);
		await expectRejection("ERR_LIMIT", signPaths([root], { signer, links: "follow" }));
		await signPaths([root], { signer });
		expect((await verifyPath(root, { trust })).verdict).toBe("trusted");
	});

	it("follows a thousand links to one directory, and links in what it follows", async () => {
		const root = tempTree({ "real/deep/f": "1", "real/l": { link: "deep" } });
		for (let each = 0; each < 500; each++) symlinkSync("real", join(root, `l${each}`));
		const manifest = await hashFileSet(root, { links: "follow" });
		expect(manifest.problems).toEqual([]);
		expect(pathsOf(manifest)).toHaveLength(2 * 501);
	});

	it("lists the directory to which a link led when it was followed, though the link was changed since", async () => {
		const outside = tempTree({ evil: "1" });
		const root = tempTree({ "a/x": "1", "in/f": "1", l: { link: "in" } });
		// The directory `a` is listed after the link was followed, and before the directory to which it led.
		const exclude = (path: string) => {
			if (path === "a/x") {
				rmSync(join(root, "l"));
				symlinkSync(outside, join(root, "l"));
			}
			return false;
		};
		const manifest = await hashFileSet(root, { links: "follow", exclude, onProblem: "collect" });
		expect(pathsOf(manifest)).toEqual(["a/x", "in/f"]);
		expect(manifest.problems.map(({ code, path }) => [code, path])).toEqual([["ERR_FILE_CHANGED", "l/f"]]);
	});

	it("bounds all directories together", async () => {
		const root = tempTree({ last: "1" });
		// Each of 600 links to `many` leads to 500 directories, which makes 300,000.
		execFileSync(
			"sh",
			["-c", "mkdir many; cd many; seq 500 | xargs mkdir; cd ..; for i in $(seq 600); do ln -s many l$i; done"],
			{
				cwd: root,
			},
		);
		const { problems, count } = await hashFileSet(root, { links: "follow", onProblem: "collect" });
		expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(["ERR_LIMIT"]));
		expect(problems[0]?.message).toContain("more than 262144 times");
		expect(count).toBe(1);
	});
});
