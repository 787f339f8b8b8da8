/** Tests that a link which leaves the tree through another link is treated like one whose own target leaves the tree. */

import { mkdirSync, readFileSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HashFileSetOptions, hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { countOutsideLinks } from "../../../dist/verify/outside.js";
import { pathsOf, type TreeEntry, tempTree } from "../temp-tree.js";

const RUNS = process.env.SIGTOOL_FULL === undefined ? 100 : 5000;

/** Returns the tree `t` beside a file `secret`. */
function treeBesideSecret(entries: Readonly<Record<string, TreeEntry>>): string {
	const inTree = Object.entries(entries).map(([path, entry]) => [`t/${path}`, entry] as const);
	return join(tempTree({ secret: "", "out/x": "", ...Object.fromEntries(inTree) }), "t");
}

/** Returns the entry paths that are refused as links to outside. No other problem may occur. */
async function refused(root: string, options: HashFileSetOptions = {}) {
	const { problems } = await hashFileSet(root, { ...options, onProblem: "collect" });
	for (const { code } of problems) expect(code).toBe("ERR_LINK_OUTSIDE");
	return problems.map(({ path }) => path);
}

describe.skipIf(process.platform === "win32")("hashFileSet() refuses a link that leaves the tree", () => {
	it("through a link of the tree that stays inside", async () => {
		const root = treeBesideSecret({
			"a/b/here": { link: "../.." },
			"a/go": { link: "b/here/../secret" },
			"a/stays": { link: "b/here/a" },
			"a/x": "",
		});
		expect(await refused(root)).toEqual(["a/go"]);
		await expect(hashFileSet(root)).rejects.toMatchObject({
			code: "ERR_LINK_OUTSIDE",
			path: "a/go",
			message: expect.stringMatching(/out of the tree through another link; --links-outside record accepts it/),
		});
		const recorded = await hashFileSet(root, { linksOutside: "record" });
		expect([pathsOf(recorded), countOutsideLinks(recorded)]).toEqual([["a/b/here", "a/go", "a/stays", "a/x"], 1]);
	});

	it("through a link that leaves it, which may be excluded or not listed", async () => {
		const root = treeBesideSecret({ gate: { link: "../out" }, near: { link: "gate/x" }, far: { link: "near" } });
		expect(await refused(root)).toEqual(["far", "gate", "near"]);
		expect(await refused(root, { exclude: (path) => path === "gate" })).toEqual(["far", "near"]);
		expect(await refused(root, { only: ["far"] })).toEqual(["far"]);
		expect(await refused(root, { linksOutside: "record" })).toEqual([]);
	});

	it("through an excluded link that this program cannot follow, but the kernel can", async () => {
		const root = treeBesideSecret({ odd: { link: "ex/odd" }, long: { link: "ex/0" }, "ex/x": "" });
		const bytes = Buffer.from([0xff]);
		symlinkSync(bytes, join(root, "ex/odd"));
		symlinkSync("/etc/passwd", Buffer.concat([Buffer.from(`${root}/ex/`), bytes]));
		// Each link goes down some hundred bytes. So the path without links becomes longer than the limit for a path.
		const step = ["d".repeat(200), "d".repeat(200), "d".repeat(200), "d".repeat(200)].join("/");
		const before = process.cwd();
		process.chdir(join(root, "ex"));
		try {
			for (let depth = 0; depth < 6; depth++) {
				symlinkSync(depth === 5 ? "/etc/passwd" : `${step}/${depth + 1}`, `${depth}`);
				if (depth === 5) break;
				mkdirSync(step, { recursive: true });
				process.chdir(step);
			}
		} finally {
			process.chdir(before);
		}
		expect(readFileSync(join(root, "odd"))).toEqual(readFileSync("/etc/passwd"));
		expect(readFileSync(join(root, "long"))).toEqual(readFileSync("/etc/passwd"));
		const exclude = (path: string) => path === "ex" || path.startsWith("ex/");
		expect(await refused(root, { exclude })).toEqual(["long", "odd"]);
	});

	it("and comes back, or leads nowhere, as it is refused if its own target does that", async () => {
		const root = treeBesideSecret({
			here: { link: "a/.." },
			"a/back": { link: "../here/../t/a/x" },
			"a/gone": { link: "../here/../gone/../secret" },
			"a/later": { link: "../here/gone/../../secret" },
			"a/through-file": { link: "../here/a/x/../../../secret" },
			"a/x": "",
		});
		expect(await refused(root)).toEqual(["a/back", "a/gone", "a/later", "a/through-file"]);
	});

	it("and only such links, so that dangling links and cycles are recorded as before", async () => {
		const chain = Array.from({ length: 60 }, (_, index) => [`n${index}`, { link: `n${index + 1}` }]);
		const root = treeBesideSecret({
			self: { link: "self" },
			"a/round": { link: "../b/round" },
			"b/round": { link: "../a/round" },
			dangling: { link: "gone/deeper" },
			"dangling-back": { link: "gone/../gone" },
			"through-file": { link: "file/x" },
			file: "",
			...Object.fromEntries(chain),
		});
		expect(await refused(root)).toEqual([]);
		expect((await hashFileSet(root)).count).toBe(67);
	});

	it("for random links: those that remain lead nowhere or into the tree", async () => {
		const names = ["a", "b", "l0", "l1", "l2", "gone", "x", "t", "..", "..", ".."];
		const target = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 6 }).map((steps) => steps.join("/"));
		const link = fc.record({ directory: fc.constantFrom("", "a", "a/b"), target });
		const counts = { accepted: 0, refusedThroughLinks: 0 };
		const property = fc.asyncProperty(fc.array(link, { minLength: 2, maxLength: 3 }), async (links) => {
			const root = treeBesideSecret({ "a/b/x": "", "a/x": "", x: "" });
			const paths = links.map(({ directory }, index) => join(directory, `l${index}`));
			for (const [index, { target }] of links.entries()) symlinkSync(target, join(root, paths[index] ?? ""));
			const problems = await refused(root);
			const kept = await hashFileSet(root, { exclude: (path) => problems.includes(path), linksOutside: "record" });
			expect(countOutsideLinks(kept)).toBe(0);
			for (const path of paths.filter((path) => !problems.includes(path))) {
				counts.accepted++;
				const end = realPathOf(join(root, path));
				expect(end === undefined || `${end}/`.startsWith(`${root}/`), path).toBe(true);
			}
			const { problems: messages } = await hashFileSet(root, { onProblem: "collect" });
			if (messages.some(({ message }) => message.includes("through another link"))) counts.refusedThroughLinks++;
		});
		// Random links rarely lead out through another link. So the first run uses links that do.
		const throughLink = [
			{ directory: "a", target: "../.." },
			{ directory: "a", target: "l0/x" },
		];
		await fc.assert(property, { examples: [[throughLink]], numRuns: RUNS, endOnFailure: true });
		for (const [name, count] of Object.entries(counts)) expect([name, count > 0]).toEqual([name, true]);
	});
});

function realPathOf(path: string): string | undefined {
	try {
		return realpathSync.native(path);
	} catch {
		return undefined;
	}
}
