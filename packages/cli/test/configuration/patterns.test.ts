/** Tests patterns in `sign` and `verify.catalogs` of a project's configuration. */

import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../support.js";

const PACKAGES = { "packages/a/dist/a.js": "a", "packages/b/dist/b.js": "b", "packages/c/src/c.ts": "c" };

function project(configuration: object, files: Parameters<typeof makeTree>[1] = PACKAGES) {
	const home = temporaryDirectory();
	const cwd = makeTree(join(home, "project"), { ...files, "sigtool.config.json": JSON.stringify(configuration) });
	const sigtool = runner(home);
	return { cwd, home, sigtool: (...args: string[]) => sigtool(args, { cwd }) };
}

const ALL = { sign: ["packages/*/dist"], output: "packages/all.cat" };

describe("a pattern in `sign`", () => {
	it("names what is signed and verified, from every directory of the project", () => {
		const { cwd, home, sigtool } = project(ALL);
		expect(sigtool("sign")).toMatchObject({ status: 0, stdout: expect.stringMatching(/content +2 files/) });
		const { status, stdout } = runner(home)(["verify"], { cwd: join(cwd, "packages/a") });
		expect([status, stdout]).toEqual([0, expect.stringContaining("covers      the signed paths a/dist, b/dist")]);
	});

	it("is resolved where the configuration lies, whatever its directory is called", () => {
		const home = temporaryDirectory();
		const cwd = makeTree(join(home, "[x] {a,b} *"), { ...PACKAGES, "sigtool.config.json": JSON.stringify(ALL) });
		const sigtool = runner(home);
		expect(sigtool(["sign"], { cwd: join(cwd, "packages/c") }).status).toBe(0);
		expect(sigtool(["verify"], { cwd }).status).toBe(0);
	});

	it("fails the verification if it finds what somebody added, or no longer finds what was signed", () => {
		const { cwd, sigtool } = project(ALL);
		sigtool("sign");
		makeTree(cwd, { "packages/evil/dist/evil.js": "evil" });
		const { status, stdout } = sigtool("verify");
		expect([status, stdout]).toEqual([
			1,
			expect.stringContaining('"evil/dist" is named by the configuration, and no signature covers it [ERR_FILE_ADDED]'),
		]);
		expect(sigtool("verify", "--json").json().results[0].verdict).toBe("failed");
		expect(sigtool("verify", "--added", "ignore").status).toBe(0);
		rmSync(join(cwd, "packages/evil"), { recursive: true });
		expect(sigtool("verify").status).toBe(0);
		rmSync(join(cwd, "packages/b"), { recursive: true });
		expect(sigtool("verify").status).toBe(1);
	});

	it("that finds nothing, is an error that names it and its place", () => {
		const { sigtool } = project({ sign: ["packages/a/dist", "out/*"], output: "all.cat" });
		for (const command of ["sign", "verify", "compile"]) {
			const { status, stderr } = sigtool(command, ...(command === "compile" ? ["-o", "x.sigx"] : []));
			expect([status, stderr]).toEqual([
				2,
				expect.stringMatching(/line 1, column \d+: "sign\[1\]" matches nothing: "out\/\*" \[ERR_CONFIG\]/),
			]);
		}
	});

	it("has the wildcards `*`, `**` and `?` alone", () => {
		const { sigtool } = project({ sign: ["{a}[b]!(c)/*"], output: "all.cat" }, { "{a}[b]!(c)/f": "1", "abc/g": "2" });
		expect(sigtool("sign").stdout).toMatch(/content +1 file,/);
	});

	it("is no pattern if a file has this name", () => {
		const literal = project({ sign: ["*"] }, { "*/f": "1", "abc/g": "2" });
		expect(literal.sigtool("sign").stdout).toMatch(/^signed \*\/\*\.cat\n/);
	});

	it.each(["*a*a*", "*a*/*a*/b", "**/a/**/b", "*".repeat(200)])(
		"is refused if its match could take long: %s",
		(pattern) => {
			const { cwd, sigtool } = project({ sign: [pattern], output: "all.cat" });
			makeTree(join(cwd, "a".repeat(250), "a".repeat(250), "a".repeat(250)), { c: "" });
			const before = performance.now();
			const { status, stderr } = sigtool("verify");
			expect([status, stderr]).toEqual([2, expect.stringMatching(/"sign\[0\]" has too many "\*".* \[ERR_CONFIG\]/)]);
			expect(performance.now() - before).toBeLessThan(20_000);
		},
	);

	it.each(["../*", "/etc/*", "out?ide", "out?ide/*", "outside/*"])(
		"of a configuration that was found does not lead out of its directory: %s",
		(pattern) => {
			const { cwd, home, sigtool } = project({ sign: [pattern], output: "all.cat" });
			mkdirSync(join(home, "elsewhere"));
			makeTree(join(home, "elsewhere"), { secret: "" });
			symlinkSync("../elsewhere", join(cwd, "outside"));
			const { status, stderr } = sigtool("sign");
			expect([status, stderr]).toEqual([2, expect.stringMatching(/leads out of the directory|matches nothing/)]);
		},
	);
});

it("a pattern in `verify.catalogs` names catalogs", () => {
	const { sigtool } = project({ ...ALL, verify: { catalogs: ["packages/*.cat"] } });
	expect(sigtool("sign").status).toBe(0);
	expect(sigtool("verify")).toMatchObject({ status: 0, stdout: expect.stringMatching(/packages.all\.cat/) });
	const none = project({ ...ALL, verify: { catalogs: ["nope/*.cat"] } });
	none.sigtool("sign");
	expect(none.sigtool("verify").stderr).toMatch(
		/"verify\.catalogs\[0\]" matches nothing: "nope\/\*\.cat" \[ERR_CONFIG\]/,
	);
});
