/** Tests that `verify PATH` judges the file that the kernel opens for the path, and not a file with a similar path. */

import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canMount, spawn, spawnSync } from "../../../../../test/outside.js";
import { makeSelfSigned, makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";

const TREE: Record<string, TreeEntry> = {
	"a.js": "good a",
	"b.js": "good b",
	cfg: "good cfg",
	"rel/1/x": "x",
	"sub/x.js": "sub x",
	"other/x.js": "other x",
	current: { link: "rel/1" },
};

function signed(args: readonly string[] = []) {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = makeTree(join(home, "lib"), TREE);
	expect(sigtool(["sign", root, ...args])).toMatchObject({ status: 0 });
	/** Runs `verify` and returns the codes of the differences or of the error, and `trusted` if there is none. */
	const verdict = (args: readonly string[], cwd = home): string[] => {
		const [result] = sigtool(["verify", ...args, "--json"], { cwd }).json().results;
		const codes = result.error === undefined ? result.findings.map(({ code }: { code: string }) => code) : [];
		return result.error === undefined ? (codes.length > 0 ? codes : [result.verdict]) : [result.error.code];
	};
	return { home, sigtool, root, verdict };
}

describe.skipIf(process.platform === "win32")("a path with `..` leads where the kernel goes", () => {
	const forms: [string, (root: string) => { args: string[]; cwd: string }][] = [
		["relative", (root) => ({ args: ["lib/current/../cfg"], cwd: join(root, "..") })],
		["absolute", (root) => ({ args: [`${root}/current/../cfg`], cwd: root })],
		["below the working directory", (root) => ({ args: ["current/../cfg"], cwd: root })],
		["from a working directory reached through a link", (root) => ({ args: ["../cfg"], cwd: join(root, "current") })],
		[
			"below --root",
			(root) => ({ args: ["lib/current/../cfg", "--root", "lib", "--catalog", "lib/lib.cat"], cwd: join(root, "..") }),
		],
		[
			"below a --root with `..`",
			(root) => ({ args: ["current/../cfg", "--root", "current/../..", "--catalog", "lib.cat"], cwd: root }),
		],
		["with --catalog", (root) => ({ args: ["current/../cfg", "--catalog", "lib.cat"], cwd: root })],
		["by digest", (root) => ({ args: ["current/../cfg", "--match", "digest"], cwd: root })],
		["below a link to the root", (root) => ({ args: ["alias/current/../cfg"], cwd: join(root, "..") })],
	];
	it.each(forms)("behind a link, %s: an unsigned file is not trusted", (_, form) => {
		const { root, verdict } = signed();
		symlinkSync("lib", join(root, "../alias"));
		writeFileSync(join(root, "rel/cfg"), "evil");
		const { args, cwd } = form(root);
		const { stdout } = spawnSync("cat", args.slice(0, 1), { cwd, encoding: "utf8" });
		expect(stdout).toBe("evil");
		expect(verdict(args, cwd)).toEqual(["ERR_NOT_A_MEMBER"]);
	});

	it.each(forms)("behind a link, %s: a signed file is trusted", (_, form) => {
		const { home, root, sigtool, verdict } = signed();
		symlinkSync("lib", join(root, "../alias"));
		writeFileSync(join(root, "rel/cfg"), "also good");
		expect(sigtool(["sign", join(home, "lib")])).toMatchObject({ status: 0 });
		const { args, cwd } = form(root);
		expect(verdict(args, cwd)).toEqual(["trusted"]);
	});

	it("judges a link that a `..` follows", () => {
		const { root, verdict } = signed();
		expect(verdict(["lib/current/../../a.js"])).toEqual(["trusted"]);
		rmSync(join(root, "current"));
		symlinkSync("sub", join(root, "current"));
		expect(verdict(["lib/current/../a.js"])).toEqual(["ERR_LINK_CHANGED"]);
		expect(verdict(["lib/current/../sub"])).toEqual(["ERR_LINK_CHANGED"]);
	});

	it.each(["lib/nonexist/../a.js", "lib/a.js/../b.js", "lib/a.js/", "lib/a.js/.", "lib/a.js/./", "lib/current/y/../x"])(
		"%s does not exist",
		(path) => {
			const { home, verdict } = signed();
			expect(spawnSync("cat", [path], { cwd: home }).status).toBe(1);
			for (const more of [
				[],
				["--root", "lib", "--catalog", "lib/lib.cat"],
				["--catalog", "lib/lib.cat"],
				["--match", "digest"],
			]) {
				expect(verdict([path, ...more])).toEqual(["ERR_ROOT_MISSING"]);
			}
		},
	);

	it("finds the catalog from the directory in which the kernel ends", () => {
		const { home, root, verdict } = signed();
		makeTree(join(home, "elsewhere"), { "a.js": "good a", "deep/x": "x" });
		symlinkSync("../elsewhere/deep", join(root, "out"));
		expect(verdict(["lib/out/../a.js"])).toEqual(["ERR_CATALOG_NOT_FOUND"]);
		expect(verdict(["lib/out/.."])).toEqual(["ERR_CATALOG_NOT_FOUND"]);
	});

	it("trusts every spelling of a path that the kernel follows to a signed file", () => {
		const { home, root, verdict } = signed();
		symlinkSync("lib", join(home, "alias"));
		const spellings = [
			"lib/sub/../a.js",
			"lib/./a.js",
			"lib//a.js",
			"lib/../lib/a.js",
			"alias/a.js",
			"alias/../lib/a.js",
		];
		for (const path of [
			...spellings,
			"lib/rel/1/../../a.js",
			`${root}/current/../../a.js`,
			"lib/sub/",
			"lib/.",
			"lib/sub/..",
		])
			expect([path, verdict([path])]).toEqual([path, ["trusted"]]);
		for (const path of ["../lib/a.js", "./a.js", "sub/../a.js", "sub/..", "."])
			expect([path, verdict([path], root)]).toEqual([path, ["trusted"]]);
		for (const given of ["alias", "alias/.", "alias/", "lib/sub/..", "alias/current/../.."])
			expect([given, verdict(["alias/sub/x.js", "--root", given, "--catalog", "lib/lib.cat"])]).toEqual([
				given,
				["trusted"],
			]);
	});

	it("follows an absolute link into the tree, and judges the link and the file", () => {
		const { root, sigtool, verdict } = signed();
		symlinkSync(join(root, "sub"), join(root, "absolute"));
		expect(verdict(["lib/absolute/x.js"])).toEqual(["ERR_NOT_A_MEMBER"]);
		expect(sigtool(["sign", root, "--links-outside", "record"])).toMatchObject({ status: 0 });
		expect(verdict(["lib/absolute/x.js"])).toEqual(["trusted"]);
		writeFileSync(join(root, "sub/x.js"), "evil");
		expect(verdict(["lib/absolute/x.js"])).toEqual(["ERR_FILE_MODIFIED"]);
	});

	it("with --links follow, a path behind a followed link is an entry, and `..` goes up from its target", () => {
		const { root, verdict } = signed(["--links", "follow"]);
		expect(verdict(["lib/current/x"])).toEqual(["trusted"]);
		writeFileSync(join(root, "rel/cfg"), "evil");
		expect(verdict(["lib/current/../cfg"])).toEqual(["ERR_NOT_A_MEMBER"]);
	});

	it.skipIf(!canMount())("refuses a link of /proc to another file than its text names (needs unshare -m)", async () => {
		const { home, root, verdict } = signed();
		mkdirSync(join(home, "evil"));
		writeFileSync(join(home, "evil/a.js"), "evil");
		copyFileSync(join(root, "lib.cat"), join(home, "evil/lib.cat"));
		const script = `mount --bind "${home}/evil" "${root}" && echo ready && exec sleep 60`;
		const child = spawn("unshare", ["-m", "sh", "-c", script], { stdio: ["ignore", "pipe", "ignore"] });
		try {
			await new Promise((resolve) => child.stdout.once("data", resolve));
			const path = `/proc/${child.pid}/root${root}/a.js`;
			expect(readFileSync(path, "utf8")).toBe("evil");
			expect(verdict([path])).toEqual(["ERR_USAGE"]);
		} finally {
			child.kill("SIGKILL");
		}
	});
});

describe("one file against catalogs of several directories", () => {
	it("needs --root, because no directory says which entry the file is", () => {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		const root = makeTree(join(home, "lib"), { "index.js": "good", "sub/index.js": "good sub" });
		const trust: string[] = [];
		const catalogs: string[] = [];
		for (const name of ["one", "two"]) {
			const { keyFile, certFile } = makeSelfSigned(join(home, name));
			const catalog = join(makeTree(join(home, `c-${name}`), {}), "lib.cat");
			expect(sigtool(["sign", root, "--key", keyFile, "--cert", certFile, "-o", catalog])).toMatchObject({
				status: 0,
			});
			trust.push("--trust", certFile);
			catalogs.push("--catalog", catalog);
		}
		copyFileSync(join(root, "index.js"), join(root, "sub/index.js"));
		copyFileSync(join(root, "index.js"), join(home, "index.js"));
		const verify = (path: string, ...more: string[]) =>
			sigtool(["verify", "-q", join(home, path), ...catalogs, ...trust, "--require", "2", ...more]);
		for (const path of ["lib/sub/index.js", "lib/index.js", "index.js"]) {
			const run = verify(path);
			expect(run.stderr).toMatch(/several directories; name the signed directory with --root \[ERR_USAGE\]/);
			expect(run.status).toBe(2);
		}
		expect(verify("lib/index.js", "--root", root).status).toBe(0);
		expect(verify("lib/sub/index.js", "--root", root).status).toBe(1);
		expect(verify("index.js", "--root", root).status).toBe(2);
	});
});

describe("--added does not accept a replaced directory", () => {
	it.each(["warn", "ignore"])("a link in its place decides, with --added %s", (added) => {
		const { root, verdict } = signed();
		rmSync(join(root, "sub"), { recursive: true });
		symlinkSync("other", join(root, "sub"));
		expect(verdict(["lib/sub", "--added", added])).toEqual(["ERR_NOT_A_MEMBER"]);
		expect(verdict(["lib/sub/../other", "--added", added])).toEqual(["ERR_NOT_A_MEMBER"]);
		expect(verdict(["lib/other", "--added", added])).toEqual(["trusted"]);
	});

	it("an added file stays a warning", () => {
		const { root, sigtool } = signed();
		writeFileSync(join(root, "sub/new"), "new");
		expect(sigtool(["verify", join(root, "sub"), "--added", "warn"])).toMatchObject({
			status: 0,
			stderr: expect.stringContaining("was added"),
		});
	});
});
