import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const packages = fileURLToPath(new URL("../../packages", import.meta.url));
const main = join(packages, "cli/dist/main.cjs");

/** Modules of Node.js and of packages that a command line loads beyond what an empty script does. */
function loadedBy(...args: readonly string[]): string[] {
	const folder = mkdtempSync(join(tmpdir(), "sigtool-bundle-"));
	try {
		const preload = join(folder, "preload.cjs");
		const report = join(folder, "report.json");
		writeFileSync(
			preload,
			`const before = new Set(process.moduleLoadList);
			process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(report)}, JSON.stringify([
				...process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.split(" ").at(-1)),
				...Object.keys(require.cache).filter((file) => file.includes("node_modules")),
			])));`,
		);
		const { status, stderr } = spawnSync(process.execPath, ["--require", preload, main, ...args], { encoding: "utf8" });
		expect([status, stderr]).toEqual([0, ""]);
		return JSON.parse(readFileSync(report, "utf8"));
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
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
			expect(loadedBy(option).filter((name) => heavy.test(name))).toEqual([]);
		},
	);
});

describe("bundles", () => {
	it.each(["cli/dist/main.cjs", "verifier/dist/index.mjs"])("%s finds each of its workers beside it", (file) => {
		const bundle = join(packages, file);
		for (const [, worker] of readFileSync(bundle, "utf8").matchAll(/new URL\("(\.\/[^"]+)"/g)) {
			expect([worker, existsSync(join(dirname(bundle), worker ?? ""))]).toEqual([worker, true]);
		}
	});

	it("carry no package in the verifier, which has no dependency at run time", () => {
		expect(readFileSync(join(packages, "verifier/dist/third-party-licences.txt"), "utf8")).toBe("");
	});
});
