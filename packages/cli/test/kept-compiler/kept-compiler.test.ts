import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../../test/outside.js";
import { makeTree, temporaryDirectory } from "../support.js";

const CC = fileURLToPath(new URL("cc", import.meta.url));

describe.skipIf(!hasProgram("cc"))("the compiler that keeps objects (needs a C compiler)", () => {
	/** Returns a function that links the sources with an option, once with `cc` and once with kept objects. */
	function makeSources() {
		const home = temporaryDirectory();
		const at = (name: string) => join(home, name);
		makeTree(home, {
			"native/main.c": '#include "value.h"\nextern int other(void);\nint main(void) { return VALUE + other(); }\n',
			"native/other.c": "int other(void) { return OTHER; }\n",
			"native/value.h": "#define VALUE 3\n",
			"copy/more.c": "int more = 1;\n",
		});
		mkdirSync(at("objects"));
		const places = { SIGTOOL_TEST_SOURCES: at("native/"), SIGTOOL_TEST_OBJECTS: at("objects") };
		const env = { ...process.env, SIGTOOL_TEST_NODE: process.execPath, ...places };
		const sources = ["native/main.c", "native/other.c", "copy/more.c"].map(at);
		const compile = (compiler: string, ...options: readonly string[]) => {
			const args = ["-O1", ...options, "-o", at("program"), ...sources, "-Wl,--build-id=none", "-Wl,-s"];
			const run = spawnSync(compiler, args, { env, encoding: "utf8" });
			return { ...run, program: run.status === 0 ? readFileSync(at("program")) : undefined };
		};
		const run = (...options: readonly string[]) => {
			const [plain, kept] = [compile("cc", ...options), compile(CC, ...options)];
			expect(kept.status).toBe(plain.status);
			expect(kept.program).toEqual(plain.program);
			return kept.status === 0 ? spawnSync(at("program")).status : kept.stderr;
		};
		const objects = () => readdirSync(at("objects")).filter((name) => name.endsWith(".o"));
		return { at, run, objects };
	}

	it("makes what the compiler makes, and compiles each source once", () => {
		const { run, objects } = makeSources();
		expect(run("-DOTHER=4")).toBe(7);
		expect(objects()).toHaveLength(2);
		expect(run("-DOTHER=4")).toBe(7);
		expect(objects()).toHaveLength(2);
	});

	it("compiles again what another macro, option, header or text changes, and only that", () => {
		const { at, run, objects } = makeSources();
		expect(run("-DOTHER=4")).toBe(7);
		expect([run("-DOTHER=5"), objects().length]).toEqual([8, 3]);
		writeFileSync(at("native/value.h"), "#define VALUE 4\n");
		expect([run("-DOTHER=5"), objects().length]).toEqual([9, 4]);
		writeFileSync(at("native/other.c"), "int other(void) { return OTHER + 1; }\n");
		expect([run("-DOTHER=5"), objects().length]).toEqual([10, 5]);
		expect([run("-DOTHER=5", "-O2"), objects().length]).toEqual([10, 7]);
		expect([run("-DOTHER=4"), objects().length]).toEqual([9, 8]);
	});

	it("compiles again with a macro that earlier options did not define", () => {
		const { at, run, objects } = makeSources();
		writeFileSync(
			at("native/other.c"),
			"#ifndef MORE\n#define MORE 0\n#endif\nint other(void) { return OTHER + MORE; }\n",
		);
		expect(run("-DOTHER=4")).toBe(7);
		expect([run("-DOTHER=4", "-DMORE=2"), objects().length]).toEqual([9, 4]);
		expect([run("-DOTHER=4"), objects().length]).toEqual([7, 4]);
	});

	it("removes what no test has used for a day", () => {
		const { at, run, objects } = makeSources();
		const names = () => readdirSync(at("objects"));
		expect(run("-DOTHER=4")).toBe(7);
		const old = new Date(Date.now() - 25 * 3_600_000);
		for (const name of names()) utimesSync(join(at("objects"), name), old, old);
		const before = names();
		// The object of main.c is used again, and that of the former other.c is not.
		writeFileSync(at("native/other.c"), "int other(void) { return OTHER + 1; }\n");
		expect(run("-DOTHER=4")).toBe(8);
		expect(objects()).toHaveLength(2);
		expect(names().filter((name) => before.includes(name))).toHaveLength(2);
	});

	it("fails as the compiler fails, and keeps nothing of it", () => {
		const { at, run, objects } = makeSources();
		writeFileSync(at("native/other.c"), "int other(void) { return MISSING; }\n");
		expect(run()).toContain("MISSING");
		expect(objects()).toHaveLength(1);
		expect(readdirSync(at("objects"))).toHaveLength(2);
	});
});
