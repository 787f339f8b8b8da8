/** Tries the techniques of hooks where the policy admits hooks, and that what is signed works there. */

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { nosuidDirectory } from "../nosuid-directory.js";
import { hasLauncher, install, type Mode, runtimeOf } from "./modes.js";
import { pool } from "./program.js";
import { attack, makeSite, run } from "./site.js";
import { RELEASES, type Release, type Technique } from "./technique.js";
import { moduleHooks } from "./techniques/module-hooks.js";

const SAYS = "console.log(`good-ran-${6 * 7}`);";
const CONTROLS: readonly Technique[] = [
	{
		name: "signed hooks in a thread that lead to another signed file",
		signed: {
			"main.mjs": `import { register } from "module"; register("./hooks.mjs", import.meta.url); await import("./dep.mjs");`,
			"hooks.mjs": `process.cwd(); export const resolve = (name, context, next) => next(name === "./dep.mjs" ? "./say.mjs" : name, context);`,
			"say.mjs": SAYS,
		},
		notOn: { 20: "needs synchronous hooks" },
	},
	{
		name: "signed hooks that answer with signed text",
		signed: {
			"main.mjs": `import { registerHooks } from "module"; import { readFileSync } from "fs";
const source = readFileSync(new URL("./say.mjs", import.meta.url), "utf8");
registerHooks({ load: () => { throw new Error("it was taken out"); } }).deregister();
registerHooks({ load: (url, context, next) => url.endsWith("dep.mjs") ? { format: "module", source, shortCircuit: true } : next(url, context) });
await import("./dep.mjs");`,
			"dep.mjs": "",
			"say.mjs": SAYS,
		},
		notOn: { 20: "needs synchronous hooks" },
	},
];

const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release !== 20);
const LIMIT_MS = 300_000;

async function runAll(mode: Mode, release: Release) {
	const root = nosuidDirectory();
	const runtime = runtimeOf(mode, release, nodeOfRelease(String(release)), root);
	const all = [...CONTROLS, ...moduleHooks].filter(({ notOn }) => notOn?.[release] === undefined);
	const site = makeSite(root, runtime, all, undefined);
	const policy = join(root, "policy.json");
	const rules = { moduleHooks: "signed", stringCode: mode === "hook" ? "refuse" : "signed" };
	writeFileSync(policy, JSON.stringify({ version: 1, runtime: rules }));
	if (mode !== "unguarded") await install(root, runtime, { configuration: () => ({ policy }) });
	const flags = mode === "hook" ? { flags: () => ["--disallow-code-generation-from-strings"] } : {};
	const runs = await pool(all, availableParallelism(), async (technique) => {
		attack(site, technique, undefined);
		return { name: technique.name, ...(await run(site, { ...technique, ...flags }, runtime)) };
	});
	return {
		evil: runs.filter(({ evil }) => evil).map(({ name }) => name),
		good: runs.filter(({ good }) => good).map(({ name }) => name),
		runs,
	};
}

describe.each(releases)("Node.js %i", (release) => {
	const named = (all: readonly Technique[]) =>
		all.filter(({ notOn }) => notOn?.[release] === undefined).map(({ name }) => name);

	test("unguarded: each technique runs unsigned code", { timeout: LIMIT_MS }, async () => {
		const { evil } = await runAll("unguarded", release);
		expect(evil).toEqual(named(moduleHooks));
	});

	const modes: readonly Mode[] = hasLauncher ? ["hook", "enforce", "strict"] : ["hook"];
	test.each(modes)("%s: signed hooks work, and none runs unsigned code", { timeout: LIMIT_MS }, async (mode) => {
		const { evil, good, runs } = await runAll(mode, release);
		expect(evil).toEqual([]);
		expect(good, JSON.stringify(runs.slice(0, 2))).toEqual(named(CONTROLS));
	});
});
