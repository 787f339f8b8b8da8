import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../packages/core/dist/error-codes.js";
import { spawnSync } from "../../test/outside.js";
import { temporaryDirectory } from "../../test/temporary.js";

const packages = fileURLToPath(new URL("../../packages", import.meta.url));
const main = join(packages, "cli/dist/main.cjs");
const hasNative = existsSync(join(packages, "native/sigtool.node"));

/**
 * Returns the modules that a command loads and an empty script does not: modules of Node.js, files of the command line,
 * and files of packages.
 */
function loadedBy(args: readonly string[], env = process.env): string[] {
	const folder = temporaryDirectory();
	const preload = join(folder, "preload.cjs");
	const report = join(folder, "report.json");
	writeFileSync(
		preload,
		`const before = new Set(process.moduleLoadList);
		process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(report)}, JSON.stringify([
			...process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.split(" ").at(-1)),
			...Object.keys(require.cache).filter((file) => file !== __filename),
		])));`,
	);
	const { status, stderr } = spawnSync(process.execPath, ["--require", preload, main, ...args], {
		encoding: "utf8",
		env,
	});
	expect([status, stderr.replace(/^note: .*\n/, "")]).toEqual([0, ""]);
	return JSON.parse(readFileSync(report, "utf8"));
}

describe("the bundled command line", () => {
	it("is an executable script", () => {
		expect(readFileSync(main, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n"use strict";/);
		if (process.platform !== "win32") expect(statSync(main).mode & 0o111).toBe(0o111);
	});

	it.each(["--help", "--version"])(
		"answers %s without loading cryptography, threads, processes or packages",
		(option) => {
			const heavy = /^(crypto|worker_threads|child_process|http|https)$|node_modules/;
			expect(loadedBy([option]).filter((name) => heavy.test(name))).toEqual([]);
		},
	);

	it("has one SigtoolError in all files, so that each file knows the errors of the others", () => {
		const files = readdirSync(dirname(main)).filter((name) => name.endsWith(".cjs"));
		const own = files.filter((name) =>
			/SigtoolError\d* = class extends Error/.test(readFileSync(join(dirname(main), name), "utf8")),
		);
		expect(own).toEqual(["errors.cjs"]);
	});

	it("loads streams for a terminal alone", () => {
		expect(loadedBy(["--help"]).filter((name) => /^(stream|tty|net)$/.test(name))).toEqual([]);
	});

	it("verifies a file with the command's own code alone", () => {
		const home = temporaryDirectory();
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
		const file = join(home, "a");
		writeFileSync(file, "a");
		expect(spawnSync(process.execPath, [main, "sign", home], { env }).status).toBe(0);
		const files = loadedBy(["verify", file], env).filter((name) => name.endsWith(".cjs"));
		expect(files.map((name) => basename(name))).toEqual(["main.cjs", "errors.cjs", "verify.cjs"]);
		expect(loadedBy(["verify", file], env)).not.toContain("perf_hooks");
	});
});

it("the bundled command line loads native code only where attributes are asked for, or many files hashed", () => {
	const native = (...args: readonly string[]) => loadedBy(args).some((name) => name.endsWith(".node"));
	expect(native("inspect", "--help")).toBe(false);
	expect(native("digest", main)).toBe(false);
	if (hasNative) expect(native("doctor")).toBe(true);
});

const BUNDLES = [
	...readdirSync(join(packages, "cli/dist"))
		.filter((name) => name.endsWith(".cjs"))
		.map((name) => `cli/dist/${name}`),
	"verifier/dist/index.mjs",
];

describe("bundles", () => {
	it("share the one SigtoolError", () => {
		const sharing = BUNDLES.filter(
			(file) => readFileSync(join(packages, file), "utf8").match(/SigtoolError = class/) !== null,
		);
		expect(sharing).toEqual(["cli/dist/errors.cjs", "verifier/dist/index.mjs"]);
	});

	it.each(BUNDLES)("%s finds each file it loads beside it", (file) => {
		const bundle = join(packages, file);
		for (const [, worker] of readFileSync(bundle, "utf8").matchAll(/(?:new URL|require)\("(\.\/[^"]+)"/g)) {
			expect([worker, existsSync(join(dirname(bundle), worker ?? ""))]).toEqual([worker, true]);
		}
	});

	it("leave out of the hook what only the documentation needs", () => {
		const hook = readFileSync(join(packages, "verifier/dist/register.cjs"), "utf8");
		expect(hook).toContain("maxSizeBytes");
		expect(hook).not.toMatch(/\bdoes:/);
		expect(hook).not.toContain(ERROR_CODES.ERR_DENIED[1]);
	});

	it("leave out what the parser of configurations fills for its formatter", () => {
		const parser = readFileSync(join(packages, "cli/dist/read-document.cjs"), "utf8");
		expect(parser).toContain("function parseTree(");
		expect(parser).not.toContain("cachedSpaces");
	});

	it("carry no package in the verifier, which has no dependency at run time", () => {
		expect(readFileSync(join(packages, "verifier/dist/third-party-licences.txt"), "utf8")).toBe("");
	});
});
