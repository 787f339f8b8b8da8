/** Tests what a terminal shows: escaped names, progress, and help that fits. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "./support.js";

const UNSEEN = ["\u061c", "\u200b", "\u200c", "\u200d", "\u200e", "\u200f", "\u202e", "\u2060", "\u2066", "\ufeff"];

describe("names with invisible characters", () => {
	it.skipIf(process.platform === "win32")("13.15: are escaped in reports, warnings and errors", () => {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		const root = makeTree(join(home, "d"), { a: "a" });
		expect(sigtool(["sign", root]).status).toBe(0);
		for (const unseen of UNSEEN) writeFileSync(join(root, `x${unseen}y`), "x");
		const runs = [
			sigtool(["verify", root]),
			sigtool(["verify", root, "--added", "warn"]),
			...UNSEEN.map((unseen) => sigtool(["verify", join(home, `no${unseen}where`)])),
			...UNSEEN.map((unseen) => sigtool(["sign", root, "--product", `p${unseen}q`])),
		];
		const shown = runs.map(({ stdout, stderr }) => stdout + stderr).join("");
		for (const unseen of UNSEEN) {
			expect(shown).not.toContain(unseen);
			expect(shown).toContain(`x\\u${unseen.charCodeAt(0).toString(16).padStart(4, "0")}y`);
		}
	});
});
