/**
 * Tests catalogs that cover a part of their tree: the files of a list, of globs, or of paths. `verify` must say which
 * part a catalog covers, and must report the files outside of that part.
 */

import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const TREE = { "a.js": "1", "lib/b.js": "2", "notes.txt": "3", "other/x.txt": "4", "other/deep/y.txt": "5" };

function signedPart(how: "list" | "include" | "paths") {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), TREE);
	const sigtool = runner(home);
	const sign = {
		list: () => sigtool(["sign", root, "--files-from", "-"], { input: "a.js\0lib/b.js" }),
		include: () => sigtool(["sign", root, "--include", "**/*.js"]),
		paths: () => sigtool(["sign", join(root, "a.js"), join(root, "lib"), "-o", join(root, "d.cat")]),
	};
	expect(sign[how]()).toMatchObject({ status: 0 });
	const verify = (...args: string[]) => sigtool(["verify", root, ...args]);
	const result = (...args: string[]) => verify("--json", ...args).json().results[0];
	return { root, sigtool, verify, result, at: (path: string) => join(root, path) };
}

describe.each([
	["list", /covers +the files of a list \(--files-from\); 3 other files lie there: --added fail reports them/],
	["include", /covers +files that match its include globs; 3 other files lie there: --added fail reports them/],
] as const)("a catalog of %s", (how, line) => {
	it("says so, and how many other files lie there, in text and JSON", () => {
		const { verify, result, at } = signedPart(how);
		expect(verify()).toMatchObject({ status: 0, stdout: expect.stringMatching(line) });
		expect(result()).toMatchObject({ verdict: "trusted", covers: how, others: 3 });
		expect(result("--added", "ignore")).toMatchObject({ verdict: "trusted", covers: how, others: 3 });
		writeFileSync(at("other/z"), "");
		expect(result()).toMatchObject({ others: 4 });
		unlinkSync(at("lib/b.js"));
		expect(verify()).toMatchObject({ status: 1, stdout: expect.stringContaining("4 other files lie there") });
	});

	it("honours --added fail and warn", () => {
		const { verify, result } = signedPart(how);
		const added = ["notes.txt", "other/deep/y.txt", "other/x.txt"];
		const failed = result("--added", "fail");
		expect(failed.findings.map(({ code, path }: { code: string; path: string }) => [code, path])).toEqual(
			added.map((path) => ["ERR_FILE_ADDED", path]),
		);
		expect(verify("--added", "fail").status).toBe(1);
		const warned = result("--added", "warn");
		expect(warned.notices.map(({ path }: { path: string }) => path)).toEqual(added);
		expect(warned).toMatchObject({ verdict: "trusted", findings: [], others: 3 });
	});

	it("counts within the directory that is verified", () => {
		const { sigtool, at } = signedPart(how);
		writeFileSync(at("lib/new.txt"), "");
		expect(sigtool(["verify", at("lib"), "--json"]).json().results[0]).toMatchObject({ verdict: "trusted", others: 1 });
	});
});

describe("what a catalog covers", () => {
	it("is the tree of an ordinary catalog, a file, or nothing for a signature alone", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "d"), TREE);
		const sigtool = runner(home);
		sigtool(["sign", root]);
		const result = (...args: string[]) => sigtool(["verify", "--json", ...args]).json().results[0];
		expect(result(root)).toMatchObject({ covers: "tree", others: 0 });
		expect(result(join(root, "a.js"))).toMatchObject({ covers: "file", others: null });
		expect(result(join(root, "d.cat"), "--signature-only")).toMatchObject({ covers: "none", others: null });
	});

	it("is named for several paths, and --added fail reports what lies beside them", () => {
		const { verify, result } = signedPart("paths");
		expect(verify()).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/covers +the signed paths a\.js, lib; nothing beside them was looked at/),
		});
		expect(result()).toMatchObject({ covers: "paths", others: null });
		expect(result("--added", "fail").findings).toHaveLength(3);
	});

	it("of more than 20 signed paths, 20 are shown unless --all is given", () => {
		const home = temporaryDirectory();
		const names = Array.from({ length: 23 }, (_, n) => `f${String(n).padStart(2, "0")}`);
		const root = makeTree(join(home, "d"), Object.fromEntries(names.map((name) => [name, name])));
		const sigtool = runner(home);
		sigtool(["sign", ...names.map((name) => join(root, name)), "-o", join(root, "d.cat")]);
		const few = sigtool(["verify", root]);
		expect(few).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("f19 and 3 more (--all lists them); nothing"),
		});
		expect(few.stdout).not.toContain("f20");
		expect(sigtool(["verify", root, "--all"]).stdout).toContain("f20, f21, f22; nothing beside them");
	});

	it("files that a signed rule hides are counted as hidden, not as others", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "d"), TREE);
		const sigtool = runner(home);
		sigtool(["sign", root, "--include", "**/*.js", "--exclude", "other/"]);
		expect(sigtool(["verify", root, "--json"]).json().results[0]).toMatchObject({ covers: "include", others: 1 });
	});
});
