/**
 * Tests that the lists of scripts/test-projects.mjs name files that exist. Otherwise a renamed test would change its
 * project unnoticed.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { ALONE, BY_PATH, LONG, SAME_ON_EVERY_RELEASE, SLOWEST } from "../test-projects.mjs";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const folders = SAME_ON_EVERY_RELEASE.flatMap((pattern) => {
	const [, before = "", names = ""] = /^(.*)\{(.*)\}/.exec(pattern) ?? [];
	return names.split(",").map((name) => join(before, name));
});

it.each([...ALONE, ...BY_PATH, ...LONG, ...folders])("%s exists", (file) => {
	expect(existsSync(join(workspace, file))).toBe(true);
});

it("starts only long files first", () => {
	expect(SLOWEST.filter((file) => !LONG.includes(file))).toEqual([]);
});
