import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { PYTHONS, type Python } from "../../packages/verifier/test/python/support.js";
import { pool, type Run } from "../attacks/program.js";
import { nosuidDirectory } from "../nosuid-directory.js";
import { execFileSync } from "../outside.js";
import { atEndOfFile } from "../temporary.js";
import { CONTROLS, isControl } from "./controls.js";
import { enforcing, hasLauncher, MODES, unguarded } from "./modes.js";
import { buildNativeFiles, hasCompiler } from "./native.js";
import { type Opening, openingOf } from "./open.js";
import { makeSite, type Runtime, type Site, tryTechnique } from "./site.js";
import { type Technique, VERSIONS, type Version } from "./technique.js";
import { TECHNIQUES } from "./techniques/index.js";

const found = PYTHONS.filter(({ release }) => VERSIONS.includes(release as Version));
const full = process.env.SIGTOOL_FULL !== undefined;
const all = Object.values(TECHNIQUES).flat();
const scratch = nosuidDirectory(atEndOfFile);
const native = buildNativeFiles(scratch);

const LIMIT_MS = 1_200_000;
/** A technique that has to work gets so many tries, because the time that it waits may be too short on a busy machine. */
const TRIES = 5;

/**
 * Returns the techniques that can run here. Leaves out those that need a missing compiler or a missing part of CPython.
 */
function triedOn(python: Python): readonly Technique[] {
	const needs = answers(
		python,
		all.map((technique) => technique.needs ?? "True"),
	);
	return all.filter((technique, index) => needs[index] && (hasCompiler || !technique.native));
}

/** Evaluates Python expressions in an interpreter, and returns for each expression whether it is true. */
function answers({ executable }: Python, expressions: readonly string[]): readonly boolean[] {
	const program = "import json, sys; print(json.dumps([bool(eval(text)) for text in sys.argv[1:]]))";
	return JSON.parse(execFileSync(executable, ["-I", "-c", program, ...expressions], { encoding: "utf8" }));
}

async function runAll(
	python: Python,
	techniques: readonly Technique[],
	start: (site: Site) => Promise<Runtime>,
	hasToWork: (technique: Technique) => boolean,
): Promise<ReadonlyMap<string, Run>> {
	const root = mkdtempSync(join(scratch, "site-"));
	const site = makeSite(root, python, techniques, python.executable);
	const runtime = await start(site);
	const runs = new Map<string, Run>();
	const tryOne = async (technique: Technique) =>
		runs.set(technique.name, await tryTechnique(site, technique, runtime, native, hasToWork(technique) ? TRIES : 1));
	// All techniques share the standard library. So a technique that changes the library runs alone.
	const [alone, together] = partition(techniques, ({ touches }) => touches !== undefined);
	await pool(together, availableParallelism(), tryOne);
	await pool(alone, 1, tryOne);
	rmSync(root, { recursive: true, force: true });
	return new Map(techniques.map(({ name }) => [name, runs.get(name) as Run]));
}

function partition<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
	return [items.filter(first), items.filter((item) => !first(item))];
}

const those = (runs: ReadonlyMap<string, Run>, which: (run: Run) => boolean) =>
	[...runs].filter(([, run]) => which(run)).map(([name]) => name);

describe.skipIf(found.length === 0)("ways round the hooks of CPython (one with its headers)", () => {
	test("every technique has a name of its own, and there are at least a hundred", () => {
		const names = all.map(({ name }) => name);
		expect(new Set(names).size).toBe(names.length);
		expect(names.length).toBeGreaterThan(100);
	});

	describe.each(found)("CPython $version, $executable", (python) => {
		test(
			"unguarded: every technique runs unsigned code, except those that say why not",
			async () => {
				const techniques = triedOn(python);
				const applies = ({ notOn }: Technique) => notOn?.[python.release as Version] === undefined;
				const inapplicable = techniques.filter((technique) => !applies(technique));
				const runs = await runAll(python, techniques, async (site) => unguarded(site), applies);
				expect(those(runs, ({ evil }) => !evil)).toEqual(inapplicable.map(({ name }) => name));
				expect(those(runs, ({ late }) => late)).toEqual([]);
			},
			LIMIT_MS,
		);

		test.skipIf(!hasLauncher).each(full ? MODES : MODES.slice(-1))(
			"%s: nothing unsigned runs but what open.ts names, and what is to tell of it does",
			async (mode) => {
				const techniques = triedOn(python);
				const opening = (name: string) => openingOf(name, mode, python.version);
				const open = techniques.filter(({ name, notOn }) => opening(name) && !notOn?.[python.release as Version]);
				const all = [...CONTROLS, ...techniques];
				const start = (site: Site) => enforcing(site, mode);
				const runs = await runAll(python, all, start, (technique) => open.includes(technique));
				expect(those(runs, ({ good }) => !good).filter(isControl)).toEqual([]);
				expect(those(runs, ({ evil }) => evil)).toEqual(open.map(({ name }) => name));
				const untold = [...runs].filter(([name, { evil, output }]) => evil && !isTold(output, opening(name)));
				expect(untold.map(([name]) => name)).toEqual([]);
				expect(those(runs, ({ late }) => late)).toEqual([]);
				// A crash does not count as a refusal.
				expect(those(runs, ({ evil, status }) => !evil && status === null)).toEqual([]);
			},
			LIMIT_MS,
		);
	});
});

function isTold(output: string, { event, told = "" }: Opening = { reason: "", techniques: [] }): boolean {
	const lines = output.split("\n").filter((line) => line.startsWith("sigtool: {"));
	return event === undefined || lines.some((line) => line.includes(`"event":"${event}"`) && line.includes(told));
}
