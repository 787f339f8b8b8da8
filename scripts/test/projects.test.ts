/**
 * Tests that the lists of scripts/test-projects.mjs name files that exist. Otherwise a renamed test would change its
 * project unnoticed.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { execFileSync } from "../../test/outside.js";
import { ALONE, BY_PATH, FULL, LONG, SAME_ON_EVERY_RELEASE, SLOWEST, SUITES } from "../test-projects.mjs";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const folders = SAME_ON_EVERY_RELEASE.flatMap((pattern) => {
	const [, before = "", names = ""] = /^(.*)\{(.*)\}/.exec(pattern) ?? [];
	return names.split(",").map((name) => join(before, name));
});

const inSuites = Object.values(SUITES).flatMap(({ files, paths }) => [...files, ...paths]);
const isPattern = (path: string) => path.includes("*");

it.each([...ALONE, ...BY_PATH, ...FULL, ...LONG, ...folders, ...inSuites.filter((path) => !isPattern(path))])(
	"%s exists",
	(file) => expect(existsSync(join(workspace, file))).toBe(true),
);

it.each(inSuites.filter(isPattern))("%s matches a file", (pattern) => {
	expect(
		execFileSync("git", ["ls-files", "--", `:(glob)${pattern}`, `:(glob)${pattern}/**`], { cwd: workspace }).length,
	).toBeGreaterThan(0);
});

it("no long test is in a suite or left to the full run", () => {
	expect(LONG.filter((file) => inSuites.includes(file) || FULL.includes(file))).toEqual([]);
});

it("starts only long files first", () => {
	expect(SLOWEST.filter((file) => !LONG.includes(file))).toEqual([]);
});
