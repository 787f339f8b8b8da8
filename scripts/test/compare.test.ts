/** Tests that the tables of docs/explanation/comparison.md are what the tools find and say today. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../test/outside.js";
import { canRun, TOOLS } from "../compare/tools.mjs";
import { CHANGES } from "../compare/tree.mjs";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const canRunAll = TOOLS.every(canRun);

describe("docs/explanation/comparison.md", () => {
	it.skipIf(!canRunAll)("is fresh (needs root, cosign, evmctl, minisign, openssl, osslsigncode)", () => {
		const script = fileURLToPath(new URL("../compare/compare.mjs", import.meta.url));
		const { status, stderr } = spawnSync(process.execPath, [script, "--check"], { cwd: workspace, encoding: "utf8" });
		expect(stderr).toBe("");
		expect(status).toBe(0);
	});

	it("says of every tool what it finds, and that all find a changed file", () => {
		const document = readFileSync(new URL("../../docs/explanation/comparison.md", import.meta.url), "utf8");
		const rows = document.split("\n").filter((line) => /\| (?:found|\*\*missed\*\*) \|/.test(line));
		expect(rows.map((row) => row.split(" | ")[0])).toEqual(TOOLS.map(({ name }) => `| ${name}`));
		for (const row of rows) {
			const cells = row.split(" | ").slice(1);
			expect(cells).toHaveLength(CHANGES.length);
			expect(cells[0]).toBe("found");
		}
	});
});
