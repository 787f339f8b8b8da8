/**
 * Shows that text keeps what the native gate has judged, also if a program writes to memory that belongs to another owner
 * now. The techniques depend on chance, so unguarded Node.js may need several runs.
 */

import { afterAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Release, type Technique } from "./technique.js";
import { changedTexts } from "./techniques/gate-memory.js";

const releases = process.env.SIGTOOL_FULL === undefined ? RELEASES.filter((release) => release > 22) : RELEASES;
const { path: scratch, remove } = nosuidDirectory("sigtool-memory-");
afterAll(remove);
let count = 0;

/** Runs a technique until its unsigned code runs, or as often as `most` says. Returns true if it ran. */
async function runs(mode: Mode, release: Release, technique: Technique, most: number): Promise<boolean> {
	const root = `${scratch}/${count++}`;
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const site = makeSite(root, runtime, [technique], undefined);
	await install(root, runtime);
	for (let i = 0; i < most; i++) {
		attack(site, technique, undefined);
		const { evil, output, late } = await run(site, technique, runtime);
		if (evil) return true;
		expect([late, output]).toEqual([false, expect.not.stringContaining("sigtool")]);
	}
	return false;
}

describe.skipIf(!hasLauncher || process.arch !== "x64").each(releases)("Node.js %i", (release) => {
	test.each(changedTexts)(
		"$name",
		async (technique) => {
			expect(await runs("unguarded", release, technique, 8)).toBe(true);
			for (const mode of ["gate", "strict"] as const) expect(await runs(mode, release, technique, 2)).toBe(false);
		},
		120_000,
	);
});
