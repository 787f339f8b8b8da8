/** Learns policies of real programs of CPython: Flask, and the tests of the module json. */

import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { addressOf, hasLauncher, LearnedRun, requireLearned, untilEnd } from "../learned-run.js";
import { type ChildProcess, spawnSync } from "../outside.js";
import { RUN_TESTS } from "./suite-runs.js";

const FLASK = fileURLToPath(new URL("flask", import.meta.url));
const pythons = hasLauncher ? PYTHONS : [];
const [withFlask] = pythons.filter(
	({ executable }) => spawnSync(executable, ["-I", "-c", "import flask"]).status === 0,
);
const [withTests] = pythons.filter(({ library }) => existsSync(join(library, "test/test_json")));

describe("policies of real programs of CPython (linux, the launcher)", () => {
	let run: LearnedRun | undefined;
	afterEach(() => run?.remove());

	function build(python: string): void {
		const args = ["python", "build", "--python", python, "--allow-development"];
		expect(run?.execute(["sigtool", ...args])).toMatchObject({ status: 0 });
	}

	test.skipIf(withFlask === undefined)("Flask (python3-flask)", async () => {
		const python = withFlask?.executable ?? "";
		run = new LearnedRun({
			...{ fill: (directory) => cpSync(FLASK, directory, { recursive: true }), runtime: [python, "-sEB"] },
			...{ line: ["../app/main.py"], use: ask, changed: "main.py" },
		});
		build(python);
		await requireLearned(run, await loadedBy(run, python));
	});

	test.skipIf(withTests === undefined)("the tests of json (libpython3.13-testsuite)", async () => {
		const python = withTests?.executable ?? "";
		const use = async (child: ChildProcess) => {
			rmSync(run?.at("work/results.json") ?? "", { force: true });
			await untilEnd(child);
			const { outcomes } = JSON.parse(readFileSync(run?.at("work/results.json") ?? "", "utf8"));
			expect(Object.keys(outcomes).length).toBeGreaterThan(100);
			return outcomes;
		};
		run = new LearnedRun({
			fill: (directory) => copyFileSync(RUN_TESTS, join(directory, "run-tests.py")),
			...{
				line: ["../app/run-tests.py", "results.json", ...testsIn(withTests?.library ?? "")],
				use,
				changed: "run-tests.py",
			},
			runtime: [python, "-sEB"],
		});
		build(python);
		await requireLearned(run, await loadedBy(run, python));
		// These tests write their results into the working directory.
		const { launch } = JSON.parse(readFileSync(run.at("policy.json"), "utf8"));
		expect(launch).toEqual({ write: [run.at("work")] });
	});
});

/** Returns the tests of json, but for those of its command line: they start programs, which the launcher never permits. */
function testsIn(library: string): string[] {
	const names = readdirSync(join(library, "test/test_json")).filter((name) => /^test_\w+\.py$/.test(name));
	return names.filter((name) => name !== "test_tool.py").map((name) => `test.test_json.${name.slice(0, -3)}`);
}

/** Asks the service for each of its pages, ends it, and returns the answers. */
async function ask(child: ChildProcess): Promise<unknown> {
	const origin = await addressOf(child);
	const post = { method: "POST", body: `{"a":[1,2]}`, headers: { "content-type": "application/json" } };
	const responses = [
		await fetch(origin),
		await fetch(`${origin}/echo`, post),
		...(await Promise.all(["x", "y", "<z>"].map((name) => fetch(`${origin}/page/${encodeURIComponent(name)}`)))),
		await fetch(`${origin}/late`),
		await fetch(`${origin}/none`),
	];
	const answers = await Promise.all(responses.map(async (response) => [response.status, await response.text()]));
	child.kill("SIGTERM");
	return answers;
}

/** Returns the files that CPython itself says it loads, when nothing guards it. */
async function loadedBy(run: LearnedRun, python: string): Promise<string[]> {
	const { stderr } = await run.unguarded([python, "-sEBv"]);
	const files = [/^# code object from '(.+)'$/gm, /^# extension module '.+' loaded from '(.+)'$/gm];
	const loaded = files.flatMap((pattern) => [...stderr.matchAll(pattern)].map(([, path = ""]) => path));
	expect(loaded.length).toBeGreaterThan(50);
	return [...new Set(loaded)];
}
