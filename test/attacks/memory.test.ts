/**
 * Shows that text keeps what the native gate has judged, and numbers what Node.js has written, also if a program writes to
 * memory that belongs to another owner now. The techniques depend on chance, so unguarded Node.js may need several runs.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { atEndOfFile } from "../temporary.js";
import { hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Release, type Technique } from "./technique.js";
import { changedTexts, changedWebAssembly, linkedTexts, namedText, oneByte } from "./techniques/gate-memory.js";
import { trustedNumbers } from "./techniques/trusted-numbers.js";

const full = process.env.SIGTOOL_FULL !== undefined;
const releases = full ? RELEASES : RELEASES.filter((release) => release > 22);
const techniques = full ? [...changedTexts, ...linkedTexts] : [...changedTexts.slice(0, 1), ...linkedTexts.slice(-2)];
const scratch = nosuidDirectory(atEndOfFile);
let count = 0;

/** Runs a technique until its unsigned code runs, or as often as `most` says. Returns true if it ran. */
async function runs(mode: Mode, release: Release, technique: Technique, most: number): Promise<boolean> {
	const root = `${scratch}/${count++}`;
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const site = makeSite(root, runtime, [technique], undefined);
	mkdirSync(root, { recursive: true });
	const policy = `${root}/policy.json`;
	writeFileSync(policy, JSON.stringify({ version: 1, runtime: { webAssembly: "signed" } }));
	await install(root, runtime, { configuration: () => ({ policy }) });
	for (let i = 0; i < most; i++) {
		attack(site, technique, undefined);
		const { evil, output, late } = await run(site, technique, runtime);
		if (evil) return true;
		expect([late, output]).toEqual([false, expect.not.stringContaining("sigtool")]);
	}
	return false;
}

/** Returns what the program prints about the variables that its late writes have reached, or what libc says of its lists. */
async function reached(mode: Mode, release: Release): Promise<string> {
	const root = `${scratch}/${count++}`;
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const site = makeSite(root, runtime, [oneByte], undefined);
	mkdirSync(root, { recursive: true });
	await install(root, runtime);
	attack(site, oneByte, undefined);
	return (await run(site, oneByte, runtime)).output;
}

/** Runs a technique until a signal ends it, or as often as `most` says. Returns true if a signal ended it. */
async function breaks(mode: Mode, release: Release, technique: Technique, most: number): Promise<boolean> {
	const root = `${scratch}/${count++}`;
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const site = makeSite(root, runtime, [technique], undefined);
	mkdirSync(root, { recursive: true });
	await install(root, runtime);
	for (let i = 0; i < most; i++) {
		attack(site, technique, undefined);
		const { status, output } = await run(site, technique, runtime);
		if (status === null) return true;
		expect([status, output]).toEqual([0, "packed 0\n"]);
	}
	return false;
}

describe.skipIf(!hasLauncher || process.arch !== "x64").each(releases)("Node.js %i", (release) => {
	// The programs mostly wait until a text has settled.
	test.concurrent.each(techniques)("$name", async (technique) => {
		expect(await runs("unguarded", release, technique, 30)).toBe(true);
		for (const mode of ["gate", "strict"] as const) expect(await runs(mode, release, technique, 2)).toBe(false);
	});

	test.skipIf(!full)("signed WebAssembly stays as it was judged", async () => {
		expect(await runs("unguarded", release, changedWebAssembly, 30)).toBe(true);
		expect(await runs("strict", release, changedWebAssembly, 10)).toBe(false);
	});

	test("memory that Node.js made for a buffer of one byte is not libc's", async () => {
		expect(await reached("unguarded", release)).toMatch(/^reached Y|corrupted/m);
		for (const mode of ["gate", "strict"] as const) expect(await reached(mode, release)).toMatch(/^reached $/m);
	});

	test.each(trustedNumbers)("no late write reaches the $name", async (technique) => {
		expect(await breaks("unguarded", release, technique, 30)).toBe(true);
		for (const mode of ["gate", "strict"] as const) expect(await breaks(mode, release, technique, 3)).toBe(false);
	});

	test("ends a program that compiles a text whose memory is elsewhere because it is the name of a member", async () => {
		const root = `${scratch}/${count++}`;
		const runtime = runtimeOf("gate", release, nodeOfRelease(String(release)), root);
		const site = makeSite(root, runtime, [namedText], undefined);
		await install(root, runtime);
		attack(site, namedText, undefined);
		const { evil, status, output } = await run(site, namedText, runtime);
		expect([evil, status, output]).toEqual([false, 126, expect.stringContaining("text outside of V8's heap")]);
	});
});
