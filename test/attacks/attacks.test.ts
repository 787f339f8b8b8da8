import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { canMount } from "../outside.js";
import { atEndOfFile } from "../temporary.js";
import { CONTROLS, isControl } from "./controls.js";
import { hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import { buildLibraries, hasCompiler } from "./native.js";
import { openIn, signsAttack } from "./open.js";
import { pool, type Run } from "./program.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Release, type Technique } from "./technique.js";
import { TECHNIQUES } from "./techniques/index.js";

const linux = process.platform === "linux" && process.arch === "x64";
const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release === 20 || release === 24);
const modes: readonly Mode[] = full ? ["hook", "gate", "enforce", "strict"] : ["gate", "strict"];
const techniques = Object.values(TECHNIQUES)
	.flat()
	.filter(({ native, mounts }) => (hasCompiler || !native) && (canMount() || !mounts));
const scratch = nosuidDirectory(atEndOfFile);
const libraries = buildLibraries(scratch);

const LIMIT_MS = 1_200_000;
/** A program that was refused is watched for a while longer. Meanwhile others use the cores. */
const WIDTH = 2 * availableParallelism();
/** A technique that has to work gets so many tries, because the time that it waits may be too short on a busy machine. */
const TRIES = 5;

/** Returns the binary of a release. Undefined if none is available. */
function binary(release: Release): string | undefined {
	try {
		return linux ? nodeOfRelease(String(release)) : undefined;
	} catch {
		return undefined;
	}
}

/**
 * Runs the controls and all techniques. Those that sign the attacker's code have a tree of their own: the gate would admit
 * the same code of other techniques, because it judges content.
 */
async function runAll(
	mode: Mode,
	release: Release,
	node: string,
	working: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Run>> {
	const controls = CONTROLS.filter(({ notOn }) => notOn?.[release] === undefined);
	const others = techniques.filter((technique) => !signsAttack(technique));
	const runs = await runIn(mode, release, node, [...controls, ...others], working);
	if (mode === "gate") return new Map(runs);
	return new Map([...runs, ...(await runIn(mode, release, node, techniques.filter(signsAttack), working))]);
}

async function runIn(
	mode: Mode,
	release: Release,
	node: string,
	all: readonly Technique[],
	working: ReadonlySet<string>,
): Promise<[string, Run][]> {
	const root = join(scratch, `${mode}-${release}`);
	const runtime = runtimeOf(mode, release, node, root);
	const site = makeSite(root, runtime, all, libraries);
	await install(root, runtime);
	const runs = await pool(all, WIDTH, async (technique) => {
		attack(site, technique, libraries);
		let result = await run(site, technique, runtime);
		for (let tries = 1; tries < TRIES && !result.evil && working.has(technique.name); tries++) {
			result = await run(site, technique, runtime);
		}
		return result;
	});
	rmSync(root, { recursive: true, force: true });
	return all.map(({ name }, index) => [name, runs[index] as Run]);
}

const those = (runs: ReadonlyMap<string, Run>, which: (run: Run) => boolean) =>
	[...runs].filter(([, result]) => which(result)).map(([name]) => name);

test("every technique has a name of its own, and there are at least a hundred", () => {
	const names = Object.values(TECHNIQUES)
		.flat()
		.map(({ name }) => name);
	expect(new Set(names).size).toBe(names.length);
	expect(names.length).toBeGreaterThan(100);
});

describe.each(releases)("Node.js %i", (release) => {
	const node = binary(release);

	test.skipIf(node === undefined)(
		"unguarded: every technique runs unsigned code, except those that say why not",
		async () => {
			const applicable = techniques.filter(({ notOn }) => notOn?.[release] === undefined).map(({ name }) => name);
			const inapplicable = techniques.filter(({ notOn }) => notOn?.[release] !== undefined).map(({ name }) => name);
			const runs = await runAll("unguarded", release, node ?? "", new Set(applicable));
			expect(
				those(runs, ({ evil }) => !evil)
					.filter((name) => !isControl(name))
					.sort(),
			).toEqual(inapplicable.sort());
		},
		LIMIT_MS,
	);

	test.skipIf(node === undefined).each(modes)(
		"%s: what is signed runs, and nothing else but what open.ts names (needs the launcher built)",
		async (mode) => {
			if (mode !== "hook" && !hasLauncher) return;
			const open = openIn(mode, release, techniques);
			const runs = await runAll(mode, release, node ?? "", new Set(open));
			const needsHook = CONTROLS.filter(({ hook, notOn }) => mode === "gate" && hook && notOn?.[release] === undefined);
			expect(those(runs, ({ good }) => !good).filter(isControl)).toEqual(needsHook.map(({ name }) => name));
			expect(those(runs, ({ evil }) => evil).sort()).toEqual([...open].sort());
			expect(those(runs, ({ late }) => late)).toEqual([]);
		},
		LIMIT_MS,
	);
});
