/** Tests `sigtool explain`: every code and event, and which check decides about a file. */

import { appendFileSync, copyFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_CODES } from "@sigtool/core";
import { ERROR_HELP } from "@sigtool/core/internal";
import { EVENTS } from "@sigtool/verifier";
import { describe, expect, test } from "vitest";
import { makeTree, type Run, runner, temporaryDirectory } from "../../support.js";

function workspace() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), { "a.js": "1", "sub/b.js": "2", "x.log": "" });
	const run = runner(home);
	const sigtool = (...args: string[]): Run => run(args, { cwd: home });
	expect(sigtool("sign", "app", "--exclude", "*.log", "--sequence", "7").status).toBe(0);
	return { home, root, run, sigtool, at: (path: string) => join(root, path) };
}

/** Returns the outcome of each check, in order, and the code of the failed one. */
function checksOf(run: Run): [checks: string, code: string | undefined] {
	const { checks } = run.json();
	const failed = checks.find(({ outcome }: { outcome: string }) => outcome === "failed");
	return [checks.map(({ check, outcome }: Record<string, string>) => `${check} ${outcome}`).join(", "), failed?.code];
}

const ALL_PASSED = "catalog passed, signature passed, entry passed, content passed";

describe("a code or an event", () => {
	test("every code has a meaning, a reason, a remedy and a page, without a fragment of a sentence", () => {
		for (const [code, [, meaning]] of Object.entries(ERROR_CODES)) {
			const { why, remedy } = ERROR_HELP[code as keyof typeof ERROR_HELP];
			for (const text of [meaning, why, remedy]) {
				expect([code, text]).toEqual([code, expect.stringMatching(/^[A-Z`a-z].*[.]$/s)]);
				expect(text).not.toContain("\n");
			}
		}
	});

	test("is explained in any case", () => {
		const { sigtool } = workspace();
		const upper = sigtool("explain", "ERR_FILE_MODIFIED");
		expect(upper).toMatchObject({ status: 0, stderr: "" });
		expect(upper.stdout).toMatch(
			/^ERR_FILE_MODIFIED: A file's content.*\n {2}why .*\n {2}what to do .*\n {2}at run time .*\n {2}exit {9}1\n/,
		);
		expect(upper.stdout).toContain("docs/reference/errors.md#err_file_modified");
		expect(sigtool("explain", "err_file_modified").stdout).toBe(upper.stdout);
		expect(sigtool("explain", "ERR_PIN", "--json").json()).toMatchObject({
			kind: "code",
			code: "ERR_PIN",
			exitStatus: 2,
		});
	});

	test("each event of the table is explained, and those of CPython by name", () => {
		const { sigtool } = workspace();
		for (const name of ["module.open_code", "MODULE.DLOPEN", "gate.intrusion"]) {
			const event = name.toLowerCase() as keyof typeof EVENTS;
			expect(sigtool("explain", name, "--json").json()).toMatchObject({ event, meaning: EVENTS[event].meaning });
		}
		const python = sigtool("explain", "python.subprocess.Popen", "--json").json();
		expect(python).toMatchObject({ event: "python.subprocess.Popen", policy: "runtime.children" });
	});

	test("an unknown one is refused with a suggestion", () => {
		const { sigtool } = workspace();
		for (const [name, suggestion] of [
			["ERR_FILE_MODIFED", "ERR_FILE_MODIFIED"],
			["FILE_MODIFIED", "ERR_FILE_MODIFIED"],
			["err-signature", "ERR_SIGNATURE"],
			["module.opencode", "module.open_code"],
		]) {
			const run = sigtool("explain", name);
			expect(run).toMatchObject({ status: 2, stdout: "" });
			expect(run.stderr).toMatch(new RegExp(`did you mean .*${suggestion}.*\\[ERR_USAGE\\]`));
		}
		expect(sigtool("explain", "ERR_NOTHING_LIKE_IT").stderr).toContain("docs/reference/errors.md lists them");
		expect(sigtool("explain", "").status).toBe(2);
	});

	test("a file with the name of a code is explained by its path", () => {
		const { home, sigtool } = workspace();
		writeFileSync(join(home, "ERR_PIN"), "");
		expect(sigtool("explain", "ERR_PIN", "--json").json().kind).toBe("code");
		expect(sigtool("explain", "./ERR_PIN", "--json").json()).toMatchObject({ kind: "file", trusted: false });
	});

	test("why is another name of the command, in its help, and behind help", () => {
		const { sigtool } = workspace();
		const { stdout } = sigtool("explain", "--help");
		expect(stdout).toMatch(/^Usage: sigtool explain\|why /);
		for (const args of [
			["why", "--help"],
			["help", "why"],
		])
			expect(sigtool(...args).stdout).toBe(stdout);
		expect(sigtool("--help").stdout).toMatch(/^ {2}explain\|why /m);
		expect(sigtool("why", "ERR_DENIED").stdout).toBe(sigtool("explain", "ERR_DENIED").stdout);
		expect(sigtool("wyh").stderr).toContain("(Did you mean why?)");
	});
});

describe("a file", () => {
	test("that is as signed is trusted, by the catalog and the entry that the report names", () => {
		const { sigtool, at } = workspace();
		const run = sigtool("explain", "app/sub/b.js", "--json");
		expect(run.status).toBe(0);
		expect(checksOf(run)).toEqual([ALL_PASSED, undefined]);
		expect(run.json()).toMatchObject({
			trusted: true,
			development: true,
			entry: "sub/b.js",
			catalogs: [{ file: at("app.cat"), product: "app", sequence: 7 }],
			says: { kind: "file", mode: "644" },
			notes: [expect.stringMatching(/^a development identity signed/)],
		});
	});

	test.each<[string, (all: ReturnType<typeof workspace>) => void, string, string, object]>([
		[
			"app/a.js",
			({ at }) => appendFileSync(at("a.js"), "x"),
			"catalog passed, signature passed, entry passed, content failed",
			"ERR_FILE_MODIFIED",
			{ kind: "file" },
		],
		[
			"app/new.js",
			({ at }) => writeFileSync(at("new.js"), ""),
			"catalog passed, signature passed, entry failed, content skipped",
			"ERR_NOT_A_MEMBER",
			{ kind: "nothing" },
		],
		[
			"app/x.log",
			() => {},
			"catalog passed, signature passed, entry failed, content skipped",
			"ERR_NOT_A_MEMBER",
			{ kind: "hidden" },
		],
		[
			"app/a.js",
			({ at }) => rmSync(at("a.js")),
			"catalog passed, signature passed, entry passed, content failed",
			"ERR_FILE_MISSING",
			{ kind: "file" },
		],
		[
			"app/sub/b.js",
			({ at }) => {
				rmSync(at("sub/b.js"));
				symlinkSync("../a.js", at("sub/b.js"));
			},
			"catalog passed, signature passed, entry passed, content failed",
			"ERR_LINK_CHANGED",
			{ kind: "file" },
		],
	])("%s fails at the check that decides", (path, change, checks, code, says) => {
		const all = workspace();
		change(all);
		const run = all.sigtool("explain", path, "--json");
		expect([run.status, run.json().trusted]).toEqual([0, false]);
		const [found, foundCode] = checksOf(run);
		expect([found, foundCode]).toEqual([checks, code]);
		expect(run.json().says).toMatchObject(says);
		expect(run.json().remedy).toBe(ERROR_HELP[foundCode as keyof typeof ERROR_HELP].remedy);
	});

	test("agrees with verify in each of these cases", () => {
		const { sigtool, at, home } = workspace();
		mkdirSync(join(home, "none"));
		writeFileSync(join(home, "none/f"), "");
		writeFileSync(at("new.js"), "");
		appendFileSync(at("sub/b.js"), "x");
		for (const path of ["app/a.js", "app/sub/b.js", "app/new.js", "app/x.log", "none/f"]) {
			const trusted = sigtool("verify", path).status === 0;
			expect([path, sigtool("explain", path, "--json").json().trusted]).toEqual([path, trusted]);
		}
	});

	test("of a signer that is not trusted here shows what the catalog says all the same", () => {
		const { home, run } = workspace();
		const env = { XDG_CONFIG_HOME: join(home, "empty") };
		const explained = run(["explain", "app/a.js", "--json"], { cwd: home, env });
		expect(checksOf(explained)).toEqual([
			"catalog passed, signature failed, entry skipped, content skipped",
			"ERR_UNTRUSTED_SIGNER",
		]);
		expect(explained.json()).toMatchObject({ entry: "a.js", says: { kind: "file" }, trusted: false });
	});

	test("without a catalog, with two, or in a nested tree fails at the first check", () => {
		const { home, sigtool, at } = workspace();
		mkdirSync(join(home, "none"));
		writeFileSync(join(home, "none/f"), "");
		expect(checksOf(sigtool("explain", "none/f", "--json"))[1]).toBe("ERR_CATALOG_NOT_FOUND");
		expect(sigtool("sign", "app/sub").status).toBe(0);
		expect(checksOf(sigtool("explain", "app/sub/b.js", "--json"))[1]).toBe("ERR_NESTED_CATALOG");
		rmSync(at("sub/sub.cat"));
		copyFileSync(at("app.cat"), at("one.cat"));
		renameSync(at("app.cat"), at("two.cat"));
		expect(checksOf(sigtool("explain", "app/a.js", "--json"))[1]).toBe("ERR_CATALOG_AMBIGUOUS");
		expect(sigtool("explain", "app/a.js", "--catalog", "app/one.cat", "--json").json().trusted).toBe(true);
	});

	test("what is neither there nor signed cannot be explained", () => {
		const { sigtool, at } = workspace();
		for (const path of ["nope", "./nope", "app/nope.js"]) {
			expect(sigtool("explain", path)).toMatchObject({
				status: 2,
				stdout: "",
				stderr: `error: Cannot explain "${path}": it is no code, no event, and no file that exists or is signed [ERR_ROOT_MISSING]\n`,
			});
		}
		rmSync(at("a.js"));
		expect(sigtool("explain", "app/a.js").stdout).toContain("a file with digest");
	});

	test("what is no catalog passes no check", () => {
		const { sigtool, home } = workspace();
		writeFileSync(join(home, "junk.cat"), "no catalog");
		const [checks] = checksOf(sigtool("explain", "app/a.js", "--catalog", "junk.cat", "--root", "app", "--json"));
		expect(checks).toBe("catalog failed, signature skipped, entry skipped, content skipped");
	});

	test("a directory, a catalog and a trust index are told apart", () => {
		const { sigtool, root } = workspace();
		for (const path of ["app", "app/app.cat"]) {
			const run = sigtool("explain", path, "--json");
			expect(checksOf(run)[0]).toBe("catalog passed, signature passed, entry skipped, content skipped");
			expect([run.json().trusted, run.json().entry]).toEqual([false, null]);
			expect(sigtool("explain", path).stdout).toMatch(/^signed .*were not compared\n/);
		}
		expect(sigtool("compile", "app", "-o", "app.sigx", "--allow-development").status).toBe(0);
		const index = sigtool("explain", "app.sigx", "--json").json();
		expect(index).toMatchObject({ kind: "index", products: [{ name: "app", root, sequence: 7 }] });
	});

	test("hostile names do not control the terminal", () => {
		const { sigtool, at } = workspace();
		writeFileSync(at("a\u001b[31m\n.js"), "");
		const { stdout } = sigtool("explain", join("app", "a\u001b[31m\n.js"));
		expect(stdout).not.toContain("\u001b");
		expect(stdout.split("\n")[0]).toMatch(/^not trusted app\/a\\u001b\[31m\\n\.js: ERR_NOT_A_MEMBER$/);
	});
});
