/** Tests that `verify` never trusts a file behind a link that leads out of the signed tree. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

function workspace() {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const at = (path: string) => join(home, path);
	makeTree(at("out"), { "o.js": "1", "sub/p.js": "2" });
	makeTree(at("f"), {
		...{ a: "1", outl: { link: "../out" }, "one.js": { link: "../out/o.js" }, "in.js": { link: "a" } },
		...{ "deep/two.js": { link: "../outl/o.js" }, abs: { link: "/dev/null" }, gone: { link: "../nowhere" } },
	});
	expect(sigtool(["sign", at("f"), "--links-outside", "record"])).toMatchObject({ status: 0 });
	const verify = (...args: string[]) => sigtool(["verify", ...args], { cwd: home });
	return { at, verify };
}

const OUTSIDE = [
	"f/one.js",
	"f/outl/o.js",
	"f/outl/new.js",
	"f/outl/sub",
	"f/outl",
	"f/deep/two.js",
	"f/abs",
	"f/gone",
];

describe("a path that leads out of the tree through a recorded link", () => {
	it.each(OUTSIDE)("%s fails, also with -q, and nothing was compared", (path) => {
		const { at, verify } = workspace();
		for (const change of [() => {}, () => writeFileSync(at("out/o.js"), "2"), () => rmSync(at("out/o.js"))]) {
			change();
			const run = verify("-q", path);
			expect(run.status).toBe(1);
			expect(run.stdout).toMatch(
				/^failed .*\n(.*\n)* {2}checked +nothing\n.*leads out of the signed tree.*\[ERR_LINK_OUTSIDE\]/,
			);
			expect(verify(path, "--json").json().results[0]).toMatchObject({
				...{ path, verdict: "failed", match: "none", covers: "none", checked: 0, root: null },
				findings: [{ code: "ERR_LINK_OUTSIDE" }],
			});
		}
	});

	it("fails among several operands, and with --catalog", () => {
		const { verify } = workspace();
		const run = verify("f", "f/one.js", "f/a", "f/in.js");
		expect(run.status).toBe(1);
		expect(run.stdout.match(/^(trusted|failed) .*/gm)).toEqual([
			"trusted f",
			"failed f/one.js: 1 difference: 1 outside the tree",
			"trusted f/a",
			"trusted f/in.js",
		]);
		for (const path of OUTSIDE)
			expect([path, verify(path, "--catalog", "f/f.cat", "--root", "f").status]).toEqual([path, 1]);
	});

	it("of the whole tree, says how many links lead out, also through other links", () => {
		const { at, verify } = workspace();
		const run = verify("f");
		expect(run).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/ links +5 links lead out of the tree; .*not signed/),
		});
		expect(verify("f", "--json").json().results[0]).toMatchObject({ verdict: "trusted", linksOutside: 5 });
		expect(verify("f/f.cat", "--json").json().results[0]).toMatchObject({ linksOutside: 5 });
		makeTree(at("g"), { a: "1", l: { link: "a" } });
		const sigtool = runner(at("."));
		sigtool(["sign", at("g")]);
		expect(verify("g").stdout).not.toContain(" links ");
		expect(verify("g", "--json").json().results[0]).toMatchObject({ linksOutside: 0 });
	});
});
