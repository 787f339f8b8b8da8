import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { pool, type Run } from "../attacks/program.js";
import { answers, type Interpreter, interpreters } from "./interpreters.js";
import { plain } from "./modes.js";
import { buildNativeFiles, hasCompiler } from "./native.js";
import { makeSite, tryTechnique } from "./site.js";
import type { Technique } from "./technique.js";
import { TECHNIQUES } from "./techniques/index.js";

const full = process.env.SIGTOOL_FULL !== undefined;
const found = full ? interpreters() : interpreters().slice(0, 1);
const all = Object.values(TECHNIQUES).flat();
const scratch = realpathSync(mkdtempSync(join(tmpdir(), "sigtool-python-")));
const native = buildNativeFiles(scratch);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const LIMIT_MS = 300_000;

/** Those that can be tried: a compiler is there where one is needed, and the interpreter has the parts. */
function triedOn(interpreter: Interpreter): readonly Technique[] {
	const needs = answers(
		interpreter,
		all.map((technique) => technique.needs ?? "True"),
	);
	return all.filter((technique, index) => needs[index] && (hasCompiler || !technique.native));
}

async function runAll(interpreter: Interpreter, techniques: readonly Technique[]): Promise<ReadonlyMap<string, Run>> {
	const root = mkdtempSync(join(scratch, "site-"));
	const site = makeSite(root, interpreter, techniques, interpreter.python);
	const runtime = plain(site);
	const runs = new Map<string, Run>();
	const tryOne = async (technique: Technique) =>
		runs.set(technique.name, await tryTechnique(site, technique, runtime, native));
	// The standard library is everybody's: what changes it is tried alone.
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

test("every technique has a name of its own, and there are at least a hundred", () => {
	const names = all.map(({ name }) => name);
	expect(new Set(names).size).toBe(names.length);
	expect(names.length).toBeGreaterThan(100);
});

test.skipIf(found.length === 0)("there is a CPython with its headers", () => {});

describe.each(found)("$name", (interpreter) => {
	test(
		"plain: every technique runs unsigned code, but those that say why not",
		async () => {
			const techniques = triedOn(interpreter);
			const runs = await runAll(interpreter, techniques);
			const inapplicable = techniques.filter(({ notOn }) => notOn?.[interpreter.version] !== undefined);
			expect(those(runs, ({ evil }) => !evil)).toEqual(inapplicable.map(({ name }) => name));
			expect(those(runs, ({ late }) => late)).toEqual([]);
		},
		LIMIT_MS,
	);
});
