/** Learns policies of real programs of CPython: Flask, the tests of the module json, and in the full run the list of programs.ts. */

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { hasLauncher } from "../launcher.js";
import { addressOf, LearnedRun, requireLearned, untilEnd } from "../learned-run.js";
import { type ChildProcess, skip, spawnSync } from "../outside.js";
import { PROGRAMS } from "./programs.js";
import { RUN_TESTS } from "./suite-runs.js";

const [FLASK, SCRIPTS] = ["flask", "programs"].map((name) => fileURLToPath(new URL(name, import.meta.url))) as [
	string,
	string,
];
const pythons = hasLauncher ? PYTHONS : [];
const [withFlask] = pythons.filter(
	({ executable }) => spawnSync(executable, ["-I", "-c", "import flask"]).status === 0,
);
/** No event tells of the semaphores in /dev/shm that multiprocessing makes. */
const UNTOLD = "use_pool.py";
const programs = process.env.SIGTOOL_FULL === undefined ? [] : PROGRAMS.filter(({ script }) => script !== UNTOLD);
const [withTests] = pythons.filter(({ library }) => existsSync(join(library, "test/test_json")));

describe("policies of real programs of CPython (linux, the launcher)", () => {
	let run: LearnedRun | undefined;

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

	test.skipIf(pythons.length === 0)("a program that tries a child process, and loads a large file", async () => {
		const python = pythons[0]?.executable ?? "";
		const fill = (directory: string) => {
			writeFileSync(join(directory, "main.py"), PROBING);
			writeFileSync(join(directory, "large.py"), `#${"x".repeat(65 * 2 ** 20)}\nanswer = 42\n`);
		};
		const runtime = [python, "-sEB"];
		run = new LearnedRun({ fill, line: ["../app/main.py"], runtime, use: untilEnd, changed: "main.py" });
		build(python);
		expect(await requireLearned(run, [])).toMatchObject({ status: 0, output: "42\n" });
		const policy = JSON.parse(readFileSync(run.at("policy.json"), "utf8"));
		expect(policy).toMatchObject({ files: { maxSizeBytes: 2 ** 27 } });
		expect(policy).not.toHaveProperty("runtime");
	});

	test.each(programs)("$name ($debian)", async ({ script, module, debian }) => {
		const python = pythons[0]?.executable ?? "";
		if (spawnSync(python, ["-I", "-c", `import ${module}`]).status !== 0) skip(`needs ${debian}`);
		const use = async (child: ChildProcess) => {
			const output = await untilEnd(child);
			rmSync(run?.at("work/out") ?? "", { recursive: true });
			mkdirSync(run?.at("work/out") ?? "");
			return output;
		};
		run = new LearnedRun({
			fill: (directory) => cpSync(SCRIPTS, directory, { recursive: true }),
			runtime: [python, "-sEB"],
			environment: { TMPDIR: "out", HOME: "out" },
			...{ line: [`../app/${script}`, "out"], use, changed: script },
		});
		mkdirSync(run.at("work/out"));
		build(python);
		await requireLearned(run, []);
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

const PROBING = `import subprocess
try:
    subprocess.run(["uname"], stdout=subprocess.DEVNULL)
except PermissionError:
    pass
import large
print(large.answer)
`;

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
