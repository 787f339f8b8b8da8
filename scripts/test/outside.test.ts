/** Tests that tests run the programs of others only by test/outside.ts, which skips or names what is missing. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { canBeUser, canMount, hasHeader, hasProgram, needs, spawn, spawnSync } from "../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../test/temporary.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(workspace, path), "utf8");
const packages: Readonly<Record<string, string>> = JSON.parse(read("test/outside-programs.json"));

/** The environment of a machine on whose PATH is nothing. */
const empty = temporaryDirectory(atEndOfFile);
const env = { PATH: empty };

describe("pnpm lint", () => {
	const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome");
	const lint = (path: string, module: string) => {
		const folder = join(empty, "lint");
		mkdirSync(dirname(join(folder, path)), { recursive: true });
		for (const file of ["biome.json", ".gitignore"]) copyFileSync(join(workspace, file), join(folder, file));
		writeFileSync(join(folder, path), `import { spawnSync } from "${module}";\nspawnSync("openssl");\n`);
		const args = [biome, "lint", "--only=style/noRestrictedImports", path];
		return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
	};

	it.each(["node:child_process", "child_process"])("refuses %s in tests", (module) => {
		for (const path of ["packages/core/test/x.test.ts", "scripts/test/x.ts", "test/operations/x.ts"]) {
			const { status, stderr, stdout } = lint(path, module);
			expect([path, status]).toEqual([path, 1]);
			expect(stderr + stdout).toContain("Tests run programs by test/outside.ts");
		}
	});

	it("passes it in test/outside.ts", () => {
		expect(lint("test/outside.ts", "node:child_process").status).toBe(0);
	});
});

describe("outside-programs.json", () => {
	it("names packages that .ci/run installs", () => {
		const [, list = ""] = /^packages=\(([^)]*)\)/m.exec(read(".ci/steps")) ?? [];
		// The compiler, which README.md asks for, brings binutils.
		const installed = new Set([...list.trim().split(/\s+/), "binutils"]);
		expect(Object.values(packages).filter((name) => !installed.has(name))).toEqual([]);
	});

	it("names no program twice, and its programs in order", () => {
		const names = [...read("test/outside-programs.json").matchAll(/^\t"(.*)":/gm)].map(([, name]) => name);
		expect(names).toEqual([...Object.keys(packages)].sort());
	});
});

describe("a program that is missing", () => {
	const isSkipped = (note: string) => expect.objectContaining({ code: "VITEST_PENDING", note });
	const strace = isSkipped("strace is missing (Debian's package strace)");

	it("skips the test with the name of its package", () => {
		expect(() => spawnSync("strace", ["true"], { env })).toThrow(strace);
		expect(() => spawn("strace", { env })).toThrow(strace);
	});

	it.each([
		["as an argument", "/usr/bin/env", ["-i", "strace", "true"]],
		["at the start of a script", "/bin/sh", ["-c", "strace true"]],
		["behind a pipe, with other options", "/bin/bash", ["-ec", "true |strace true"]],
		["in a substitution", "/bin/sh", ["-c", 'x="$(strace true)"']],
		["behind an assignment", "/bin/sh", ["-c", "A=1 strace true"]],
		["behind another starter", "/bin/sh", ["-c", "exec timeout 5 strace true"]],
		["in several lines", "/bin/sh", ["-e", "-c", "set -u\nif strace true; then\n:\nfi"]],
	])("is found %s", (_, program, args) => {
		expect(() => spawnSync(program, args, { env })).toThrow(strace);
	});

	it("is not found in an argument that has another meaning", () => {
		expect(spawnSync(process.execPath, ["-e", "", "strace"], { env }).status).toBe(0);
	});

	it("fails the test if it is in no list", () => {
		expect(() => spawnSync("none-such", [])).toThrow(
			"Cannot find none-such: install it if README.md asks for it, else name it in outside-programs.json",
		);
		expect(() => needs("none-such")).toThrow("Cannot find none-such");
	});

	it("is told by hasProgram()", () => {
		expect([hasProgram("sh"), hasProgram("sh", empty), hasProgram("none-such")]).toEqual([true, false, false]);
	});
});

it("knows nothing of headers, file systems and users that do not exist", () => {
	expect(hasHeader("none/such.h")).toBe(false);
	expect(canMount("none-such")).toBe(false);
	expect(canBeUser(1234, join(empty, "none-such"))).toBe(false);
});
