import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { buildLibraries, hasCompiler } from "./native.js";
import { attack, makeSite, pool, type Run, type Runtime, run } from "./site.js";
import { RELEASES, type Release, type Technique } from "./technique.js";
import { TECHNIQUES } from "./techniques/index.js";

const linux = process.platform === "linux" && process.arch === "x64";
const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release === 20 || release === 24);
const techniques = Object.values(TECHNIQUES)
	.flat()
	.filter(({ native }) => hasCompiler || !native);
const scratch = mkdtempSync(join(tmpdir(), "sigtool-attacks-"));
const libraries = buildLibraries(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const LIMIT_MS = 300_000;

/** The release's binary; undefined where there is none to be had. */
function binary(release: Release): string | undefined {
	try {
		return linux ? nodeOfRelease(String(release)) : undefined;
	} catch {
		return undefined;
	}
}

async function runAll(root: string, runtime: Runtime): Promise<ReadonlyMap<Technique, Run>> {
	const site = makeSite(root, runtime, techniques, libraries);
	const runs = await pool(techniques, availableParallelism(), (technique) => {
		attack(site, technique, libraries);
		return run(site, technique, runtime);
	});
	return new Map(techniques.map((technique, index) => [technique, runs[index] as Run]));
}

const named = (runs: ReadonlyMap<Technique, Run>, which: (run: Run, technique: Technique) => boolean) =>
	[...runs].filter(([technique, result]) => which(result, technique)).map(([{ name }]) => name);

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
		"plain: every technique runs unsigned code, but those that say why not",
		async () => {
			const command: Runtime["command"] = (options, script) => [node ?? "", ...options, ...script];
			const runs = await runAll(join(scratch, `plain-${release}`), { node: node ?? "", release, v8Flags: [], command });
			const inapplicable = techniques.filter(({ notOn }) => notOn?.[release] !== undefined).map(({ name }) => name);
			expect(named(runs, ({ evil }) => !evil)).toEqual(inapplicable);
		},
		LIMIT_MS,
	);
});
