/**
 * Tests that `verify` recognises a catalog and a trust index by their content. `verify` compares a catalog like any
 * other file of a tree only if the user also names the catalog of that tree.
 */

import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";

function workspace(tree: Record<string, TreeEntry> = { a: "1", "sub/b": "2" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), tree);
	const sigtool = runner(home);
	const at = (path: string) => join(home, path);
	/** Runs `verify` in the home directory, which contains the tree `d`. */
	const verify = (...args: string[]) => sigtool(["verify", ...args], { cwd: home });
	const sign = (...args: string[]) => expect(sigtool(["sign", ...args], { cwd: home })).toMatchObject({ status: 0 });
	return { home, root, sigtool, at, verify, sign };
}

it("names an operand that does not exist as it was typed", () => {
	const { verify, sign } = workspace();
	sign("d");
	expect(verify("d/sub/nope")).toMatchObject({
		status: 2,
		stderr: 'error: Cannot open "d/sub/nope": it does not exist [ERR_ROOT_MISSING]\n',
	});
});

describe("a catalog that another catalog signs as a file", () => {
	/**
	 * Each function makes a signed tree `t` and returns the path of a catalog in it. This catalog is not the catalog of
	 * `t`, but one of the files that the catalog of `t` signs.
	 */
	const trees: [name: string, make: (place: ReturnType<typeof workspace>) => string][] = [
		[
			"of a directory that was renamed and signed again",
			({ sign, at }) => {
				sign("d");
				renameSync(at("d"), at("t"));
				sign("t");
				return "t/d.cat";
			},
		],
		[
			"with a name of its own",
			({ sign, at }) => {
				renameSync(at("d"), at("t"));
				sign("t", "-o", "t/other.cat");
				sign("t");
				return "t/other.cat";
			},
		],
		[
			"in a directory of the tree",
			({ sign, at }) => {
				renameSync(at("d"), at("t"));
				sign("t/sub", "-o", "t/sub/zzz.cat");
				sign("t");
				return "t/sub/zzz.cat";
			},
		],
		[
			"with a name in upper case",
			({ sign, at }) => {
				renameSync(at("d"), at("t"));
				sign("t", "-o", "t/DRV.CAT");
				sign("t");
				return "t/DRV.CAT";
			},
		],
		[
			"without the ending .cat",
			({ sign, at }) => {
				renameSync(at("d"), at("t"));
				sign("t", "-o", "t/signature");
				sign("t");
				return "t/signature";
			},
		],
	];
	it.each(trees)("%s is never trusted as one entry", (_, make) => {
		const place = workspace();
		const catalog = make(place);
		const { verify, at } = place;
		for (const change of [() => {}, () => writeFileSync(at("t/sub/b"), "changed")]) {
			change();
			for (const args of [[catalog], ["-q", catalog], [`./${catalog}`], [at(catalog)]]) {
				const run = verify(...args);
				expect([args, run.status, run.stdout]).toEqual([args, 2, ""]);
				expect(run.stderr).toMatch(
					/Cannot tell which files ".*" signs: "\/.*t\.cat" applies to .*--root.*--signature-only.*`--catalog .*t\.cat` \[ERR_USAGE\]/,
				);
			}
		}
		expect(verify(catalog, "--catalog", "t/t.cat")).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("1 entry by path"),
		});
		expect(verify(catalog, "--signature-only")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^signed /) });
		expect(verify(catalog, "--root", catalog.includes("sub") ? "t/sub" : "t")).toMatchObject({ status: 1 });
	});

	it("an error says what it is in JSON, and other operands are still verified", () => {
		const { sign, verify } = workspace();
		sign("d", "-o", "d/other.cat");
		sign("d");
		const { exit, results } = verify("d/other.cat", "d", "--json").json();
		expect(exit).toBe(2);
		expect(results).toMatchObject([
			{ path: "d/other.cat", verdict: "undecided", error: { code: "ERR_USAGE" } },
			{ path: "d", verdict: "trusted" },
		]);
	});
});

describe("a catalog is recognised by its content", () => {
	it.each(["d/drv.CAT", "d/Drv.Cat"])("%s, which the directory finds too", (catalog) => {
		const { sign, verify, at } = workspace();
		sign("d", "-o", catalog);
		const forms = [[catalog], [catalog, "--root", "d"], ["d"], ["d/a"]];
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 0]);
		expect(verify(catalog).stdout).toMatch(/ checked +2 entries/);
		writeFileSync(at("d/a"), "changed");
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 1]);
	});

	it.each(["lone.sig", "d/lone", "signature.p7"])("%s, of which sign says that no directory finds it", (catalog) => {
		const { root, sigtool, home, verify, at } = workspace();
		const signed = sigtool(["sign", root, "-o", catalog], { cwd: home });
		expect(signed.stderr).toMatch(/warning: ".*" does not end in \.cat: .*--root/);
		expect(verify(catalog)).toMatchObject({ status: 2, stderr: expect.stringMatching(/--root.*\[ERR_USAGE\]/) });
		expect(verify(catalog, "--root", "d")).toMatchObject({ status: 0, stdout: expect.stringContaining("2 entries") });
		writeFileSync(at("d/a"), "changed");
		expect(verify(catalog, "--root", "d")).toMatchObject({ status: 1 });
	});

	it("with --root, a file that is no catalog is a mistake, and so is a missing one", () => {
		const { sign, verify } = workspace();
		sign("d");
		for (const path of ["d/a", "d/sub/b"])
			expect(verify(path, "--root", "d")).toMatchObject({
				status: 2,
				stderr: expect.stringMatching(/with --root: it is not a catalog.*\[ERR_USAGE\]/),
			});
		expect(verify("d/none", "--root", "d").stderr).toContain("does not exist [ERR_ROOT_MISSING]");
		expect(verify("d/a", "--root", "d", "--catalog", "d/d.cat")).toMatchObject({ status: 0 });
		expect(verify("d/sub", "--root", "d")).toMatchObject({ status: 0 });
	});

	it("a file that is cut off, empty or no catalog is named as that, also beside another catalog", () => {
		const { sign, verify, at } = workspace();
		sign("d", "-o", "d/x.cat");
		const whole = readFileSync(at("d/x.cat"));
		const cases: [string, Uint8Array, RegExp][] = [
			["y.cat", whole.subarray(0, 500), /"y\.cat": it is cut off, only 500 of/],
			["y.CAT", whole.subarray(0, 500), /"y\.CAT": it is cut off/],
			["y.sig", whole.subarray(0, 500), /"y\.sig": it is cut off/],
			["y.cat", new Uint8Array(), /"y\.cat": it is empty \[ERR_DER\]/],
			["d/y.cat", whole.subarray(0, 500), /"d\/y\.cat": it is cut off/],
			["d/y.cat", new Uint8Array(), /"d\/y\.cat": it is empty \[ERR_DER\]/],
			["d/x.cat", whole.subarray(0, 500), /"d\/x\.cat": it is cut off/],
			["y.cat", Buffer.from("hello\n"), /"y\.cat": it is a text file, not a catalog/],
		];
		for (const [file, content, message] of cases) {
			writeFileSync(at(file), content);
			const run = verify(file);
			expect(run.stderr).toMatch(message);
			expect([file, run.status]).toEqual([file, 1]);
			rmSync(at(file));
		}
	});
});

describe("a symbolic link to a catalog", () => {
	function linked() {
		const place = workspace();
		place.sign("d");
		symlinkSync("d/d.cat", place.at("link.cat"));
		return place;
	}

	it("stands for the catalog to which it leads, with a line about it", () => {
		const { verify, at } = linked();
		const forms = [["link.cat"], ["link.cat", "--root", "d"], ["-q", "link.cat"]];
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 0]);
		expect(verify("link.cat").stdout).toMatch(/^trusted link\.cat\n {2}link to +d\/d\.cat\n(.*\n)* {2}tree +d\n/);
		expect(verify("link.cat", "--json").json().results[0]).toMatchObject({
			...{ path: "link.cat", leadsTo: at("d/d.cat"), root: at("d"), checked: 2 },
		});
		writeFileSync(at("d/a"), "changed");
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 1]);
	});

	it("with the directory's own name, stands for that directory", () => {
		const { verify, at } = linked();
		makeTree(at("k"), { a: "1", "sub/b": "2" });
		symlinkSync("../d/d.cat", at("k/k.cat"));
		for (const path of ["k/k.cat", "k"]) expect([path, verify(path).status]).toEqual([path, 0]);
		writeFileSync(at("k/a"), "changed");
		for (const path of ["k/k.cat", "k"]) expect([path, verify(path).status]).toEqual([path, 1]);
	});

	it("to a mere member, or to nothing, is an error", () => {
		const { verify, sign, at } = linked();
		sign("d/sub", "-o", "d/sub/zzz.cat");
		sign("d");
		symlinkSync("d/sub/zzz.cat", at("member.cat"));
		symlinkSync("gone.cat", at("dangling.cat"));
		expect(verify("member.cat")).toMatchObject({ status: 2, stdout: "" });
		expect(verify("dangling.cat")).toMatchObject({ status: 2, stderr: expect.stringContaining("does not exist") });
	});
});

describe("a trust index compares no files", () => {
	it("needs --signature-only, and its error names the trees", () => {
		const { root, sigtool, verify, at } = workspace();
		sigtool(["sign", root]);
		expect(sigtool(["compile", root, "-o", at("d.sigx"), "--allow-development"])).toMatchObject({ status: 0 });
		copyFileSync(at("d.sigx"), at("index"));
		for (const change of [() => {}, () => writeFileSync(at("d/a"), "changed")]) {
			change();
			for (const args of [["d.sigx"], ["-q", "d.sigx"], ["index"]]) {
				const run = verify(...args);
				expect([args, run.status, run.stdout]).toEqual([args, 2, ""]);
				expect(run.stderr).toMatch(/compare files.*--signature-only.*`sigtool verify \S+\/d`.*\[ERR_USAGE\]/);
			}
			const alone = verify("d.sigx", "--signature-only");
			expect(alone).toMatchObject({ status: 0, stdout: expect.stringMatching(/^signed d\.sigx: its signature alone/) });
		}
		for (const option of [["--root", "d"], ["--match", "path"], ["--added", "fail"], ["--no-ignore"]])
			expect(verify("d.sigx", ...option)).toMatchObject({ status: 2, stderr: expect.stringContaining("Leave --") });
	});

	it("a signature that does not hold is named first", () => {
		const { root, sigtool, verify, at } = workspace();
		sigtool(["sign", root]);
		sigtool(["compile", root, "-o", at("d.sigx"), "--allow-development"]);
		const bytes = readFileSync(at("d.sigx"));
		bytes[bytes.length - 1] ^= 1;
		writeFileSync(at("d.sigx"), bytes);
		expect(verify("d.sigx")).toMatchObject({ status: 1, stderr: expect.stringContaining("[ERR_SIGNATURE]") });
	});
});

describe("paths that do not mean what they seem to", () => {
	it("a missing file is missing, however many catalogs are near", () => {
		const { sign, verify } = workspace();
		sign("d", "-o", "d/x.cat");
		sign("d", "-o", "d/y.cat");
		sign("d", "-o", "x.cat");
		sign("d", "-o", "y.cat");
		for (const path of ["d/*.js", "d/sub/none", "-", "none"])
			expect(verify(path)).toMatchObject({
				status: 2,
				stderr: expect.stringMatching(/(?:does not exist|no file matches this pattern) \[ERR_ROOT_MISSING\]/),
			});
	});

	it("a slash or .. behind a file is an error, and .. behind a link goes up from its target", () => {
		const { sign, verify, at } = workspace();
		sign("d");
		makeTree(at("far/away"), { a: "1" });
		symlinkSync("../far/away", at("d/far"));
		sign("d", "--links-outside", "record");
		expect(verify("d/a/").stderr).toMatch(/"d\/a\/": it is not a directory \[ERR_ROOT_MISSING\]/);
		expect(verify("d/a/../sub/b").stderr).toMatch(/a part of it is not a directory \[ERR_ROOT_MISSING\]/);
		makeTree(at("far"), { a: "evil" });
		for (const path of ["d/a/", "d/a/.", "d/a/../sub/b"]) expect([path, verify(path).status]).toEqual([path, 2]);
		for (const path of ["d/far/../a", "d/far/.."]) {
			expect([path, verify(path).status !== 0, verify(path).stdout.includes("trusted")]).toEqual([path, true, false]);
		}
		for (const path of ["d/", "d/sub/", "d/sub/..", "d/./a", "d/sub/../a"])
			expect([path, verify(path).status]).toEqual([path, 0]);
	});

	it("a directory with a catalog's name is named as one", () => {
		const { verify, at } = workspace();
		mkdirSync(at("d/d.cat"));
		expect(verify("d").stderr).toMatch(/Cannot find the catalog "d\.cat" in "d": that is a directory; sign it/);
	});

	it("in a list, a catalog that cannot be trusted or read has a line on stdout too", () => {
		const { sign, verify, at } = workspace();
		sign("d");
		writeFileSync(at("bad.cat"), "hello");
		const run = verify("bad.cat", "d", "none");
		expect(run.stdout).toMatch(/^failed bad\.cat\ntrusted d\n(.*\n)*undecided none\n$/);
		expect(run.status).toBe(1);
		expect(verify("-q", "bad.cat", "d").stdout).toBe("failed bad.cat\n");
		expect(verify("bad.cat").stdout).toBe("");
	});
});

describe("a catalog of several paths", () => {
	it("names the root when it is compared with one of them", () => {
		const { sign, verify, at } = workspace({ "bin/x": "1", "lib/y": "2" });
		renameSync(at("d/bin"), at("bin"));
		renameSync(at("d/lib"), at("lib"));
		rmSync(at("d"), { recursive: true });
		sign("bin", "lib", "-o", "app.cat");
		const bare = verify("bin", "lib", "--catalog", "app.cat");
		expect(bare.status).toBe(1);
		expect(bare.stderr).toMatch(
			/warning: .*paths "bin", "lib" of one directory.*name that directory "\/.*" with --root/,
		);
		const forms = [["bin", "lib", "--catalog", "app.cat", "--root", "."], ["app.cat"], ["app.cat", "--root", "."]];
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 0]);
		writeFileSync(at("lib/y"), "changed");
		for (const args of forms) expect([args, verify(...args).status]).toEqual([args, 1]);
	});
});
