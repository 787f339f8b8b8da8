/** Tests that a renamed directory keeps its catalog, and what `sign` leaves out by default, refuses or warns about. */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspectCatalog } from "@sigtool/core";
import { describe, expect, it } from "vitest";
import { execFileSync, hasProgram } from "../../../../../test/outside.js";
import { makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";

function workspace(tree: Record<string, TreeEntry> = { a: "1", "lib/b": "2" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), tree);
	const sigtool = runner(home);
	const at = (path: string) => join(home, path);
	const names = (file = "d/d.cat") =>
		inspectCatalog(readFileSync(at(file)))
			.members.map(({ name }) => name)
			.sort();
	return { home, root, sigtool, at, names };
}

describe("the one catalog of sigtool's at the root is taken, whatever its name", () => {
	function renamed() {
		const place = workspace();
		expect(place.sigtool(["sign", place.root])).toMatchObject({ status: 0 });
		renameSync(place.root, place.at("e"));
		return place;
	}

	it("of a renamed directory, for the directory, a part, a file and the catalog itself", () => {
		const { sigtool, at } = renamed();
		for (const path of ["e", "e/lib", "e/lib/b", "e/d.cat"])
			expect(sigtool(["verify", at(path)])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", "."], { cwd: at("e") })).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("d.cat"),
		});
		writeFileSync(at("e/lib/b"), "changed");
		for (const path of ["e", "e/lib", "e/lib/b", "e/d.cat"])
			expect(sigtool(["verify", at(path)])).toMatchObject({ status: 1 });
	});

	it("other producers' files named .cat do not count", () => {
		const { sigtool, at } = renamed();
		writeFileSync(at("e/driver.cat"), "not a catalog of ours");
		expect(sigtool(["verify", at("e"), "--json"]).json().results[0].findings).toMatchObject([
			{ code: "ERR_FILE_ADDED", path: "driver.cat" },
		]);
	});

	it("two are an error that names both, and so is compiling or adopting such a directory", () => {
		const { sigtool, at } = renamed();
		makeTree(at("other"), { x: "1" });
		sigtool(["sign", at("other"), "-o", at("e/second.cat")]);
		for (const args of [
			["verify", at("e")],
			["verify", at("e/lib/b")],
			["compile", at("e"), "-o", at("x.sigx"), "--allow-development"],
		]) {
			const run = sigtool(args);
			expect(run.stderr).toMatch(/"d\.cat" and "second\.cat".*--catalog.*\[ERR_CATALOG_AMBIGUOUS\]/);
			expect(run.status).toBe(1);
		}
		expect(sigtool(["compile", "--adopt", at("e"), "-o", at("x.sigx")]).stderr).toContain("it carries a catalog");
		expect(sigtool(["verify", at("e/d.cat"), "--root", at("e")])).toMatchObject({ status: 1 });
	});

	it("a catalog named after the directory wins, and sign warns of the other", () => {
		const { sigtool, at } = renamed();
		const signed = sigtool(["sign", at("e")]);
		expect(signed.stderr).toMatch(/warning: "d\.cat" is another catalog.*signed as a file/);
		expect(sigtool(["verify", at("e"), "--json"]).json().results[0]).toMatchObject({ verdict: "trusted", checked: 3 });
	});

	it.each([
		["named after its directory", "lib.cat"],
		["of another name", "foo.cat"],
	])("a catalog planted inside, %s, does not count, for verify, compile and run", (_, name) => {
		const { sigtool, at } = renamed();
		const attempts = () => [
			["verify", at("e/lib")],
			["verify", at("e/lib/b")],
			["compile", at("e/lib"), "-o", at("x.sigx"), "--allow-development"],
			["run", "--allow-development", at("e/lib/b")],
		];
		writeFileSync(at("e/lib/b"), "console.log('planted')");
		expect(sigtool(["sign", at("e/lib"), "-o", at(`e/lib/${name}`)])).toMatchObject({ status: 0 });
		for (const args of attempts()) {
			const run = sigtool(args);
			expect(run.stderr).toMatch(/(lib|foo)\.cat.*lies in the tree of .*d\.cat.*\[ERR_NESTED_CATALOG\]/);
			expect(run.status).not.toBe(0);
		}
		// A second catalog beside the first one says nothing about the directory if it signs another tree, or another file.
		sigtool(["sign", at("e/lib"), "-o", at("e/chance.cat")]);
		for (const args of attempts()) expect(sigtool(args).stderr).toContain("[ERR_NESTED_CATALOG]");
		sigtool(["sign", at("e/a"), "-o", at("e/second.cat")]);
		for (const args of attempts()) expect(sigtool(args).stderr).toContain("[ERR_NESTED_CATALOG]");
	});

	it("catalogs that were written beside their trees say nothing about other trees", () => {
		const { root, sigtool, at } = workspace();
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		makeTree(at("other"), { x: "1" });
		for (const name of ["one.cat", "two.cat"]) {
			expect(sigtool(["sign", at("other"), "-o", at(name)])).toMatchObject({ status: 0 });
			for (const path of ["d", "d/lib", "d/lib/b", "d/d.cat"])
				expect([path, sigtool(["verify", at(path)]).status]).toEqual([path, 0]);
		}
	});

	it("a catalog inside that the renamed directory signs counts", () => {
		const place = workspace();
		expect(place.sigtool(["sign", join(place.root, "lib")])).toMatchObject({ status: 0 });
		expect(place.sigtool(["sign", place.root])).toMatchObject({ status: 0 });
		renameSync(place.root, place.at("e"));
		for (const path of ["e", "e/lib", "e/lib/b", "e/lib/lib.cat"])
			expect([path, place.sigtool(["verify", place.at(path)]).status]).toEqual([path, 0]);
	});

	it("the warning about a second catalog leaves a trusted tree when it is followed", () => {
		const { root, sigtool, at } = workspace();
		sigtool(["sign", root, "-o", at("d/other.cat")]);
		expect(sigtool(["sign", root]).stderr).toMatch(/"other\.cat" is another catalog.*remove it and sign again/);
		rmSync(at("d/other.cat"));
		sigtool(["sign", root]);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
	});

	it("warns that npm drops links, where there is a package.json", () => {
		const { root, sigtool } = workspace({
			a: "1",
			"package.json": "{}",
			l: { link: "a" },
			"node_modules/.bin/x": { link: "../../a" },
		});
		expect(sigtool(["sign", root]).stderr).toMatch(/warning: npm leaves symbolic links out of packages: 1 link .*"l"/);
		expect(sigtool(["sign", root, "--exclude", "/l"]).stderr).not.toContain("npm");
		const json = sigtool(["sign", root, "--json"]).json();
		expect(json.warnings).toEqual([expect.stringContaining("npm leaves symbolic links out")]);
	});
});

describe("sign leaves out version control folders by a recorded rule", () => {
	const FOLDERS = [".git", ".hg", ".svn", ".jj"];
	it("at any depth, and records only the rules that were needed", () => {
		const { root, sigtool, at, names } = workspace({
			a: "1",
			".git/HEAD": "x",
			"sub/.svn/entries": "y",
			".gitignore": "z",
		});
		expect(sigtool(["sign", root, "--json"]).json().ignored).toEqual({ entries: 2, rules: [".git", ".svn"] });
		expect(names()).toEqual([".gitignore", "a"]);
		expect(inspectCatalog(readFileSync(at("d/d.cat"))).facts?.ignore).toEqual([".git", ".svn"]);
		writeFileSync(at("d/.git/index"), "changed by git");
		expect(sigtool(["verify", root])).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("2 entries by 2 signed rules"),
		});
		expect(sigtool(["verify", root, "--no-ignore"])).toMatchObject({ status: 1 });
		makeTree(at("d/.hg"), { store: "1" });
		expect(sigtool(["verify", root])).toMatchObject({
			status: 1,
			stdout: expect.stringContaining('".hg/store" was added'),
		});
	});

	it.each(FOLDERS)("%s", (folder) => {
		const { root, sigtool, names } = workspace({ a: "1", [`${folder}/x`]: "2" });
		sigtool(["sign", root]);
		expect(names()).toEqual(["a"]);
	});

	it.skipIf(!hasProgram("git"))("a hint tells why a folder that was made after signing is reported (needs git)", () => {
		const { root, sigtool, at } = workspace({ a: "1", "lib/b": "2" });
		sigtool(["sign", root]);
		expect(sigtool(["verify", root]).stderr).not.toContain("warning");
		execFileSync("git", ["init", "-q"], { cwd: root });
		const hint = '".git" was not there when the tree was signed; sign it again, which records a rule for it';
		const run = sigtool(["verify", root]);
		expect(run).toMatchObject({ status: 1, stdout: expect.stringMatching(/: \d+ differences: \d+ added\n/) });
		expect(run.stderr).toContain(`warning: ${hint}\n`);
		expect(sigtool(["verify", root, "--json"]).json().warnings).toContain(hint);
		makeTree(at("d/lib/.hg"), { store: "1" });
		expect(sigtool(["verify", root]).stderr).toMatch(
			/warning: ".git" and ".hg" were not there when .* rules for them\n/,
		);
		sigtool(["sign", root]);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0, stderr: expect.not.stringContaining("warning") });
	});

	it("no rule is recorded without such a folder", () => {
		const { root, sigtool } = workspace();
		expect(sigtool(["sign", root, "--json"]).json().ignored).toEqual({ entries: 0, rules: [] });
	});

	it("a later pattern brings a folder back, and a list names exactly what is signed", () => {
		const { root, sigtool, names } = workspace({ a: "1", ".git/x": "2" });
		sigtool(["sign", root, "--exclude", "!.git"]);
		expect(names()).toEqual([".git\\x", "a"]);
		sigtool(["sign", root, "--files-from", "-"], { input: "a\0.git/x" });
		expect(names()).toEqual([".git\\x", "a"]);
		makeTree(join(root, ".git"), { more: "3" });
		sigtool(["sign", root, "--files-from", "-"], { input: "a" });
		expect(sigtool(["verify", root, "--json"]).json().results[0]).toMatchObject({ covers: "list", others: 0 });
	});

	it.skipIf(!hasProgram("git"))("a checkout, and its clone under another name, are trusted (needs git)", () => {
		const { root, sigtool, at } = workspace();
		const git = (...args: string[]) =>
			execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example", ...args], { cwd: root, stdio: "pipe" });
		git("init", "-q");
		sigtool(["sign", root]);
		git("add", ".");
		git("commit", "-q", "-m", "release");
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
		git("clone", "-q", root, at("clone"));
		expect(sigtool(["verify", at("clone")])).toMatchObject({ status: 0 });
	});
});

describe("sign refuses a sequence lower than that of the catalog it replaces", () => {
	it("unless --force is given, or the product is another", () => {
		const { root, sigtool, at } = workspace();
		const sign = (...args: string[]) => sigtool(["sign", root, ...args]);
		const sequence = () => inspectCatalog(readFileSync(at("d/d.cat"))).facts?.sequence;
		expect(sign("--sequence", "42")).toMatchObject({ status: 0 });
		const lower = sign("--sequence", "41");
		expect(lower.stderr).toMatch(/sequence 41 is lower than 42.*--force.*\[ERR_CATALOG_EXISTS\]/);
		expect([lower.status, sequence()]).toEqual([2, 42]);
		expect(sign("--sequence", "42")).toMatchObject({ status: 0 });
		expect(sign("--sequence", "43")).toMatchObject({ status: 0 });
		expect(sign("--sequence", "7", "--force")).toMatchObject({ status: 0 });
		expect(sequence()).toBe(7);
		expect(sign("--sequence", "1", "--product", "other")).toMatchObject({ status: 0 });
		sign("--product", "other");
		const clock = sigtool(["sign", root, "--product", "other"], { env: { SOURCE_DATE_EPOCH: "1000" } });
		expect(clock).toMatchObject({ status: 2, stderr: expect.stringContaining("sequence 1000 is lower") });
	});

	it("also if the directory was renamed, or the catalog at its root has another name", () => {
		const { root, sigtool, at } = workspace();
		const older = at("d1");
		const sign = (...args: string[]) => sigtool(["sign", older, ...args]);
		expect(sigtool(["sign", root, "--sequence", "1000"])).toMatchObject({ status: 0 });
		renameSync(root, older);
		for (const args of [
			["--sequence", "1"],
			["--sequence", "999", "--product", "d"],
			["--sequence", "1", "-o", at("x.cat")],
		]) {
			const run = sign(...args);
			expect(run.stderr, args.join(" ")).toMatch(
				/^error: Cannot sign ".*d1": sequence \d+ is lower than 1000, which its catalog "d.cat" has; give a higher --sequence, or --force \[ERR_CATALOG_EXISTS\]\n$/,
			);
			expect([run.status, existsSync(at("d1/d1.cat")), existsSync(at("x.cat"))]).toEqual([2, false, false]);
		}
		expect(sign("--sequence", "1", "--product", "other", "-o", at("x.cat"))).toMatchObject({ status: 0 });
		expect(sign("--sequence", "1000")).toMatchObject({ status: 0 });
		expect(sign("--sequence", "2", "--force")).toMatchObject({ status: 0 });
		// Now d1.cat has the lower sequence. The highest sequence of both catalogs still decides.
		expect(sign("--sequence", "3")).toMatchObject({ status: 2, stderr: expect.stringContaining('"d.cat" has') });
	});
});
