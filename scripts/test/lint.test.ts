/** Tests that each check of `pnpm lint` finds the fault for which it exists. */

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../test/outside.js";
import { temporaryDirectory } from "../../test/temporary.js";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const hasCompiler = hasProgram("cc") && hasProgram("nm");
const hasFormatter = hasProgram("clang-format-19");

let folder: string;
beforeEach(() => {
	folder = temporaryDirectory();
});

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const lint = (script: string, environment: NodeJS.ProcessEnv = {}) =>
	spawnSync(process.execPath, [join(workspace, "scripts", script), folder], {
		encoding: "utf8",
		env: { ...process.env, ...environment },
	});

describe("lint-circles.mjs", () => {
	it("finds a circle of type-only imports", () => {
		write("a.ts", 'import type { B } from "./b.js";\nexport type A = B;\n');
		write("b.ts", 'import type { A } from "./a.js";\nexport type B = A;\n');
		const { status, stderr } = lint("lint-circles.mjs");
		expect(status).toBe(1);
		expect(stderr).toMatch(/a\.ts → b\.ts → a\.ts|b\.ts → a\.ts → b\.ts/);
	});

	it("finds a circle by import() over three files, and a file that imports itself", () => {
		write("a.ts", 'export const next = () => import("./b.js");\n');
		write("b.ts", 'export { c } from "./c.js";\n');
		write("c.ts", 'import "./a.js";\nexport const c = 1;\n');
		write("d.ts", 'import "./d.js";\n');
		const { status, stdout } = lint("lint-circles.mjs");
		expect(status).toBe(1);
		expect(stdout).toContain("4 files, 2 circles");
	});

	it("passes files that two others import", () => {
		write("a.ts", 'import "./b.js";\nimport "./c.js";\n');
		write("b.ts", 'import "./c.js";\n');
		write("c.ts", "export {};\n");
		expect(lint("lint-circles.mjs").status).toBe(0);
	});
});

describe.skipIf(!hasFormatter)("lint-c.mjs (needs clang-format 19)", () => {
	beforeEach(() => {
		copyFileSync(join(workspace, ".clang-format"), join(folder, ".clang-format"));
		spawnSync("git", ["init", "-q", folder]);
	});
	const add = (text: string) => {
		write("a.c", text);
		spawnSync("git", ["-C", folder, "add", "."]);
	};

	it("finds a folded line, and names its file", () => {
		add("int main(void) { return 0; }\n");
		const { status, stderr } = lint("lint-c.mjs");
		expect(status).not.toBe(0);
		expect(stderr).toContain("a.c:1");
	});

	it("passes what clang-format wrote", () => {
		add("int main(void)\n{\n\treturn 0;\n}\n");
		expect(lint("lint-c.mjs").status).toBe(0);
	});
});

describe("lint-commands.mjs", () => {
	const found = (...lines: string[]) => {
		spawnSync("git", ["init", "-q", folder]);
		mkdirSync(join(folder, "packages/cli/src"), { recursive: true });
		write("packages/cli/src/a.ts", `${lines.join("\n")}\n`);
		spawnSync("git", ["-C", folder, "add", "."]);
		const { status, stderr } = lint("lint-commands.mjs");
		expect(status).toBe(stderr === "" ? 0 : 1);
		return [...stderr.matchAll(/a\.ts:(\d+): /g)].map(([, line]) => Number(line));
	};

	it("finds a value in a command that the tag did not quote, and the line of its text", () => {
		const lines = [
			"const a = `run \\`${COMMAND} sign ${directory}\\``;",
			"const b = `${COMMAND} verify ${quote(path)}`;",
			"const c = `allowed by --config ${quote(file)}; or \\`rm ${file}\\``;",
			"const d = `e.g. (cd ${quote(directory)} && find .)`;",
			"const e = `\\`${shell`${COMMAND} verify ${path}`}\\`, or \\`chmod 600 ${path}\\``;",
			"const f = `${COMMAND} sign",
			"two lines --identity=${escaped(name)}`;",
		];
		expect(found(...lines)).toEqual([1, 2, 3, 3, 4, 5, 6]);
	});

	it("passes values that the tag quotes, constants, and texts that are no commands", () => {
		const lines = [
			"const a = `run \\`${shell`${COMMAND} sign ${directory} --product ${name}`}\\` first`;",
			"const b = `\\`${COMMAND} launcher check\\` tests ${quote(file)}`;",
			"const c = `name it with \\`${shell`--config ${file}`}\\`; --no-config does without ${what}`;",
			"const d = `${COMMAND} audit: ${count} events; a --config ${NAME} and rm in ${text}`;",
		];
		expect(found(...lines)).toEqual([]);
	});
});

describe("lint-comments.mjs", () => {
	beforeEach(() => {
		spawnSync("git", ["init", "-q", folder]);
	});
	const check = (text: string) => {
		write("a.ts", text);
		spawnSync("git", ["-C", folder, "add", "."]);
		return lint("lint-comments.mjs");
	};

	it.each([
		"/** What waits. */\nconst a = 1;\n",
		"/**\n * Whether it waits.\n */\nconst a = 1;\n",
		"const a = 1; // As just seen.\n",
		"\t// Of a system call.\n\tconst a = 1;\n",
	])("finds a fragment in %j", (text) => {
		const { status, stderr } = check(text);
		expect(status).toBe(1);
		expect(stderr).toMatch(/^a\.ts:[12]: /);
	});

	it("passes sentences, also where a line of one begins with such a word", () => {
		expect(check("/** Returns it. */\n// The caller decides\n// What happens next.\nconst Of = 1;\n").status).toBe(0);
	});
});

describe("lint-words.mjs", () => {
	const GLOSSARY = readFileSync(join(workspace, "docs/reference/glossary.md"), "utf8");
	const check = (file: string, text: string, glossary: string) => {
		for (const name of ["docs/reference", "packages/core/src", "packages/verifier/native"])
			mkdirSync(join(folder, name), { recursive: true });
		write("docs/reference/glossary.md", glossary);
		write(file, text);
		spawnSync("git", ["init", "-q", folder]);
		spawnSync("git", ["-C", folder, "add", "."]);
		return lint("lint-words.mjs");
	};

	it.each([
		["packages/core/src/a.ts", "const groundsOf = 1;\n"],
		["packages/core/src/a.ts", "/** It stands for its twin. */\n"],
		["packages/verifier/native/a.c", "enum { MAX_GROUNDS = 1 };\n"],
		["packages/verifier/native/a.h", "int lent_string;\n"],
	])("finds a private word in %s: %j, and passes it with an entry in the glossary", (file, text) => {
		const { status, stderr } = check(file, text, "# Glossary\n");
		expect(status).toBe(1);
		expect(stderr).toMatch(/^packages\/\S+:1: ".*" is a private word/);
		expect(check(file, text, GLOSSARY).status).toBe(0);
	});

	it("finds titles of tests that begin with numbers, and passes others", () => {
		const titles = ["15.4, 15.9: one", "14 (2): two", "404: three", "15 files: four"];
		// The first title is on a line of its own.
		const [first, ...others] = titles.map((title) => `it("${title}", () => {});\n`);
		const { status, stderr } = check("packages/core/src/a.test.ts", first.replace("(", "(\n") + others.join(""), "");
		expect([status, stderr.match(/^\S+ the title begins with ".*"/gm)]).toEqual([
			1,
			[
				'packages/core/src/a.test.ts:2: the title begins with "15.4, 15.9:"',
				'packages/core/src/a.test.ts:3: the title begins with "14 (2):"',
				'packages/core/src/a.test.ts:4: the title begins with "404:"',
			],
		]);
	});

	it("passes words of which a private word is only a part", () => {
		expect(check("packages/core/src/a.ts", "/** Outstanding amendments of a background. */\n", "").status).toBe(0);
	});
});

describe.skipIf(!hasCompiler)("lint-native-floors.mjs (needs cc and nm)", () => {
	/** Writes the files, of which each function calls those that are named, and checks them on the floors `low` and `high`. */
	const check = (files: Record<string, readonly string[]>) => {
		for (const room of ["low", "high", "other"]) mkdirSync(join(folder, room));
		for (const [file, called] of Object.entries(files)) {
			const name = file.replace(/\W/g, "_");
			const calls = called.map((each) => `${each}();`).join(" ");
			write(`${file}.c`, `${called.map((each) => `void ${each}(void);\n`).join("")}void ${name}(void) { ${calls} }\n`);
		}
		const sources = JSON.stringify(Object.keys(files).map((file) => `${file}.c`));
		const floors = `[["low/base"], ["low"], ["high", "other"]]`;
		write("floors.mjs", `export const FLOORS = ${floors}, PROGRAMS = { a: ${sources} }, REPLACED = ["high_open"];\n`);
		const { status, stderr } = lint("lint-native-floors.mjs");
		return { status, stderr };
	};

	it("passes calls to the own place and to floors below, and of what libc has too", () => {
		const files = {
			"low/a": ["low_b", "high_open"],
			"low/b": ["low_base"],
			"low/base": [],
			"high/c": ["low_a"],
			"high/open": [],
		};
		expect(check(files)).toEqual({ status: 0, stderr: "" });
	});

	it("finds a circle, and names its files and symbols", () => {
		const { status, stderr } = check({ "low/a": ["low_b"], "low/b": ["low_c"], "low/c": ["low_a"] });
		expect(status).toBe(1);
		expect(stderr).toBe("circle: low/a.c → low/b.c (low_b) → low/c.c (low_c) → low/a.c (low_a)\n");
	});

	it.each([
		["low/a", "high/b", "upward"],
		["low/base", "low/a", "upward"],
		["high/a", "other/b", "sideways"],
	])("finds a call from %s to %s", (from, to, fault) => {
		const name = to.replace("/", "_");
		const { status, stderr } = check({ [from]: [name], [to]: [] });
		expect(status).toBe(1);
		expect(stderr).toBe(`${fault}: ${from}.c uses ${name} of ${to}.c\n`);
	});

	it("finds a file that has no floor", () => {
		mkdirSync(join(folder, "new"));
		const { status, stderr } = check({ "new/a": ["low_b"], "low/b": [] });
		expect(status).toBe(1);
		expect(stderr).toBe("no floor: new/a.c\n");
	});

	it("skips what cannot be compiled, but not in CI", () => {
		write("floors.mjs", `export const FLOORS = [["."]], PROGRAMS = { a: ["a.c"] }, REPLACED = [];\n`);
		write("a.c", "#include <no-such-header.h>\n");
		for (const [ci, expected] of [
			["", 0],
			["true", 1],
		] as const) {
			const { status, stdout } = lint("lint-native-floors.mjs", { CI: ci });
			expect({ status, stdout }).toEqual({
				status: expected,
				stdout: expect.stringContaining("skipped: the floors of .: "),
			});
		}
	});
});
