/** Tests `sigtool diff`: each kind of difference, and that the report says who vouches for the content. */

import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { hashFileSet } from "../../../../core/dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../../../core/dist/formats/cat-encode.js";
import { encodeUnsigned } from "../../../../core/dist/formats/cat-envelope.js";
import { parseFacts } from "../../../../core/dist/formats/cat-facts.js";
import { sarifRun } from "../../report-schemas.js";
import {
	canWriteAttributes,
	makeAuthority,
	makeSelfSigned,
	makeTree,
	type Run,
	runner,
	temporaryDirectory,
} from "../../support.js";

const isWindows = process.platform === "win32";

function workspace() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), { a: "1", b: "2", "sub/c": "3", empty: "" });
	symlinkSync("a", join(root, "link"));
	const run = runner(home);
	const sigtool = (...args: string[]): Run => run(args, { cwd: home });
	const sign = (sequence: number, ...args: string[]) => {
		const signed = sigtool("sign", "app", "--sequence", String(sequence), "-q", ...args);
		expect(signed).toMatchObject({ status: 0 });
	};
	sign(1);
	copyFileSync(join(root, "app.cat"), join(home, "old.cat"));
	return { home, root, run, sigtool, sign, at: (path: string) => join(root, path) };
}

function differencesOf(run: Run): [kind: string, path: string | null][] {
	return run.json().differences.map(({ kind, path }: { kind: string; path: string }) => [kind, path]);
}

function change({ at }: Pick<ReturnType<typeof workspace>, "at">): void {
	writeFileSync(at("a"), "changed");
	unlinkSync(at("b"));
	writeFileSync(at("sub/new"), "n");
	writeFileSync(at("empty"), "not any more");
	unlinkSync(at("link"));
	symlinkSync("sub/c", at("link"));
	if (!isWindows) chmodSync(at("sub/c"), 0o755);
}

const CHANGES: [string, string | null][] = [
	["modified", "a"],
	["removed", "b"],
	["modified", "empty"],
	["target", "link"],
	...(isWindows ? [] : [["mode", "sub/c"] as [string, string]]),
	["added", "sub/new"],
];

describe("two catalogs", () => {
	test("that are equal end with 0, and the report says that the signatures were verified", () => {
		const { sigtool } = workspace();
		const { status, stdout, stderr } = sigtool("diff", "old.cat", "app/app.cat");
		expect(status).toBe(0);
		expect(stdout).toMatch(
			/^equal old\.cat app\/app\.cat\n {2}before .* app, sequence 1: 5 entries\n {2}signed .*signature verified; by CN=/,
		);
		expect(stderr).toMatch(/^note: a development identity signed "old\.cat"/);
	});

	test("differ in entries, sequence, product and rules", () => {
		const all = workspace();
		change(all);
		all.sign(2, "--product", "other", "--exclude", "*.o", "--force");
		const run = all.sigtool("diff", "old.cat", "app/app.cat", "--json");
		expect(run.status).toBe(1);
		expect(differencesOf(run)).toEqual([["product", null], ["sequence", null], ["rules", null], ...CHANGES]);
		const { counts, differences, a, b } = run.json();
		expect(counts).toMatchObject({ modified: 2, removed: 1, added: 1, target: 1, type: 0, signer: 0 });
		expect([a.verified, b.verified, a.product, b.product]).toEqual([true, true, "app", "other"]);
		expect(differences.find(({ kind }: { kind: string }) => kind === "target")).toEqual({
			kind: "target",
			path: "link",
			message: '"link" leads to "sub/c", before to "a"',
			before: "a",
			after: "sub/c",
		});
	});

	test("show a file that became a link, and a link that became a file", () => {
		const { sigtool, sign, at } = workspace();
		unlinkSync(at("a"));
		symlinkSync("sub/c", at("a"));
		unlinkSync(at("link"));
		writeFileSync(at("link"), "a");
		sign(1, "--force");
		const run = sigtool("diff", "old.cat", "app/app.cat", "--json");
		expect(differencesOf(run)).toEqual([
			["type", "a"],
			["type", "link"],
		]);
	});

	test("differ in their signers", () => {
		const { home, sigtool, sign } = workspace();
		const { keyFile, certFile, caFile, subject } = makeAuthority(join(home, "pki"), "P-256");
		sign(1, "--key", keyFile, "--cert", certFile, "--force");
		const run = sigtool("diff", "old.cat", "app/app.cat", "--json");
		expect([run.status, differencesOf(run)]).toEqual([1, [["signer", null]]]);
		expect(run.json().differences[0].after).toContain(subject);
		expect([run.json().a.verified, run.json().b.verified]).toEqual([true, false]);
		expect(sigtool("diff", "old.cat", "app/app.cat", "--trust", caFile, "--json").json().b.verified).toBe(true);
	});

	test("that nobody trusts are shown all the same, and each form of the report says so", () => {
		const { home, run } = workspace();
		const env = { XDG_CONFIG_HOME: join(home, "empty") };
		const args = ["diff", "old.cat", "app/app.cat"];
		const text = run(args, { cwd: home, env });
		expect(text.status).toBe(0);
		expect(text.stdout).toMatch(/not verified: .*\[ERR_UNTRUSTED_SIGNER\]; claims to be by CN=/);
		expect(text.stderr).toMatch(/^warning: nobody vouches for the content of "old\.cat": cannot trust signer/);
		const { a, warnings } = run([...args, "--json"], { cwd: home, env }).json();
		expect([a.verified, a.problem.code, warnings.length]).toEqual([false, "ERR_UNTRUSTED_SIGNER", 2]);
		const sarif = sarifRun(run([...args, "--reporter", "sarif"], { cwd: home, env }).stdout);
		expect(sarif.properties.subjects[0]).toMatchObject({ a: { verified: false }, b: { verified: false } });
	});

	test("without a signature, or with a broken one, are compared too", () => {
		const { home, sigtool, sign, at } = workspace();
		sign(1, "--unsigned", "--force");
		const unsigned = sigtool("diff", "old.cat", "app/app.cat", "--json");
		expect(unsigned.json().b.problem.code).toBe("ERR_UNSIGNED");
		expect(differencesOf(unsigned)).toEqual([["signer", null]]);
		const bytes = readFileSync(join(home, "old.cat"));
		bytes[bytes.indexOf(Buffer.from("sub\\c", "utf16le")) + 8] ^= 1;
		writeFileSync(join(home, "forged.cat"), bytes);
		const forged = sigtool("diff", "old.cat", "forged.cat", "--json");
		expect([forged.status, forged.json().b.verified]).toEqual([1, false]);
		expect(differencesOf(forged)).toEqual([
			["added", "sub/b"],
			["removed", "sub/c"],
		]);
		writeFileSync(at("x.cat"), "no catalog");
		expect(sigtool("diff", "old.cat", "app/x.cat")).toMatchObject({ status: 1, stdout: "" });
	});

	test.skipIf(!canWriteAttributes("user"))(
		"differ in the attributes that they carry (needs attr and user attributes)",
		() => {
			const { home, sigtool, sign } = workspace();
			const { keyFile, certFile } = makeSelfSigned(join(home, "ima"));
			const key = ["--key", keyFile, "--cert", certFile, "--namespace", "user", "--force"];
			sign(1, ...key, "--format", "cat", "--format", "ima", "--carry", "ima");
			const run = sigtool("diff", "old.cat", "app/app.cat", "--json");
			expect(differencesOf(run)).toEqual([
				["signer", null],
				...["a", "b", "empty", "sub/c"].map((path) => ["carried", path]),
			]);
			expect(run.json().differences[1]).toMatchObject({ before: "", after: "user.ima" });
		},
	);
});

describe("a catalog and a tree", () => {
	test("are compared by the catalog's rules, in both directions", () => {
		const all = workspace();
		all.sign(2, "--exclude", "*.log");
		copyFileSync(all.at("app.cat"), join(all.home, "old.cat"));
		writeFileSync(all.at("x.log"), "");
		expect(all.sigtool("diff", "old.cat", "app")).toMatchObject({ status: 0 });
		change(all);
		const forth = all.sigtool("diff", "old.cat", "app", "--json");
		expect([forth.status, differencesOf(forth)]).toEqual([1, CHANGES]);
		expect(forth.json().b).toEqual({ path: "app", kind: "tree", entries: 5, root: all.root, leftOut: ["app.cat"] });
		const swap: Record<string, string> = { added: "removed", removed: "added" };
		const back = all.sigtool("diff", "app", "old.cat", "--json");
		expect(differencesOf(back)).toEqual(CHANGES.map(([kind, path]) => [swap[kind] ?? kind, path]));
	});

	test("a catalog that the other one signs is a file", () => {
		const { home, sigtool, at } = workspace();
		mkdirSync(at("inner"));
		writeFileSync(at("inner/x"), "x");
		expect(sigtool("sign", "app/inner")).toMatchObject({ status: 0 });
		expect(sigtool("sign", "app", "-o", "outer.cat", "--sequence", "9").status).toBe(0);
		expect(sigtool("diff", "outer.cat", "app").stdout).toMatch(/^equal/);
		writeFileSync(at("inner/inner.cat"), "changed");
		expect(differencesOf(sigtool("diff", join(home, "outer.cat"), "app", "--json"))).toEqual([
			["modified", "inner/inner.cat"],
		]);
	});

	test.skipIf(isWindows)("a FIFO in the tree is a problem, with its code", () => {
		const { sigtool, at } = workspace();
		execFileSync("mkfifo", [at("fifo")]);
		const run = sigtool("diff", "old.cat", "app", "--json");
		expect([run.status, run.json().problems]).toMatchObject([1, [{ code: "ERR_FILE_TYPE", path: "fifo" }]]);
	});
});

describe("two trees", () => {
	test("are compared without their catalogs and version control, and the report names what was left out", () => {
		const { home, sigtool, at } = workspace();
		makeTree(join(home, "app2"), { a: "1", b: "x", "sub/c": "3", empty: "", ".git/config": "" });
		symlinkSync("a", join(home, "app2/link"));
		const run = sigtool("diff", "app", "app2", "--json");
		expect([run.status, differencesOf(run)]).toEqual([1, [["modified", "b"]]]);
		expect([run.json().a.leftOut, run.json().b.leftOut]).toEqual([["app.cat"], [".git"]]);
		expect(sigtool("diff", "app", "app2").stdout).toMatch(/left out {2}app\.cat\n.*\n {2}left out {2}\.git\n/);
		writeFileSync(at("b"), "x");
		expect(sigtool("diff", "app", "app2").status).toBe(0);
	});

	test("--quiet prints the differences alone, and --all all of them", () => {
		const { home, sigtool } = workspace();
		const tree = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, ""]));
		makeTree(join(home, "one"), {});
		makeTree(join(home, "two"), tree);
		expect(sigtool("diff", "one", "two").stdout).toContain("  and 10 more [added]; --all lists them\n");
		expect(sigtool("diff", "one", "two", "--all", "-q").stdout.match(/\[added\]/g)).toHaveLength(30);
		expect(sigtool("diff", "two", "two", "-q")).toMatchObject({ status: 0, stdout: "", stderr: "" });
	});
});

describe("a catalog whose members have no names", () => {
	async function nameless() {
		const all = workspace();
		for (const path of ["app.cat", "link", "empty"]) rmSync(all.at(path));
		const facts = { ...parseFacts([]), modes: "none" } as const;
		const list = Buffer.from(encodeCatalog(await hashFileSet(all.root), facts, { thisUpdate: 0 }));
		for (const [name, other] of [
			["FilePath", "FilePatz"],
			["Sigtool", "Another"],
		]) {
			const [from, to] = [name, other].map((text) => Buffer.from(text, "utf16le").swap16());
			for (let at = list.indexOf(from); at !== -1; at = list.indexOf(from, at)) to.copy(list, at);
		}
		writeFileSync(join(all.home, "driver.cat"), Buffer.concat(encodeUnsigned(list)));
		return all;
	}

	test("is compared by digest alone, and the report says so", async () => {
		const { sigtool, at } = await nameless();
		const equal = sigtool("diff", "driver.cat", "app");
		expect([equal.status, equal.stdout]).toEqual([0, expect.stringMatching(/compared {2}by digest alone/)]);
		writeFileSync(at("a"), "other");
		const run = sigtool("diff", "driver.cat", "app", "--json");
		expect(run.json()).toMatchObject({ match: "digest", counts: { added: 1, removed: 1, modified: 0 } });
		expect(
			differencesOf(run)
				.map(([kind]) => kind)
				.sort(),
		).toEqual(["added", "removed"]);
	});
});

describe("what cannot be compared is refused", () => {
	test.each([
		[["diff", "old.cat", "app/a"], 2, "ERR_USAGE"],
		[["diff", "old.cat", "nowhere"], 2, "ERR_ROOT_MISSING"],
		[["diff", "old.cat", ""], 2, "ERR_USAGE"],
		[["diff", "old.cat"], 2, "ERR_USAGE"],
		[["diff", "old.cat", "app.sigx"], 2, "ERR_USAGE"],
	])("%j", (args, status, code) => {
		const { home, sigtool } = workspace();
		if (args.includes("app.sigx")) {
			expect(sigtool("compile", "app", "-o", "app.sigx", "--allow-development").status).toBe(0);
		}
		expect(home).not.toBe("");
		const run = sigtool(...args);
		expect(run).toMatchObject({ status, stdout: "" });
		expect(run.stderr).toContain(`[${code}]`);
	});
});
