import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { PYTHONS } from "../../packages/verifier/test/python/support.js";
import { adoptInstalled } from "./installed.js";
import { differences, RUN_TESTS, SuiteRuns } from "./suite-runs.js";
import { hasStrace, hearWitness, watchedBy } from "./witness.js";

const full = process.env.SIGTOOL_FULL !== undefined;
/** The system's Python. The other Pythons lack some parts that the tests need. */
const [python] = PYTHONS.filter(({ library }) => existsSync(join(library, "test/test_json")));
const LIMIT_MS = 1_500_000;

const ENFORCED = full
	? ["test_json", "test_re", "test_decimal", "test_sqlite3", "test_email", "test_unittest", "test_asyncio"]
	: ["test_json"];
/** These tests write, compile and import code that nobody signed. */
const AUDITED = full ? ["test_import", "test_zipimport", "test_runpy", "test_multiprocessing_fork"] : ["test_runpy"];
/** The least number of files that each test writes and then loads. */
const MADE: Readonly<Record<string, number>> = { test_import: 15, test_zipimport: 1, test_runpy: 100 };

describe.skipIf(python === undefined)("CPython's own tests (libpython3.13-testsuite)", () => {
	const runs = new SuiteRuns();
	const { home, program } = runs;
	const run = runs.run.bind(runs);

	const isolated = [python?.executable ?? "", "-I"];
	const silent = { stderr: "off" };

	test.each(ENFORCED)(
		"%s gives the same results under enforce, where children are allowed",
		async (name) => {
			if (python === undefined) return;
			const policy = { runtime: { children: "allow" }, python: { auditHooks: "allow" } };
			const spython = await adoptInstalled(python, program, home, { policy, audit: silent });
			const [unguarded, enforced] = await Promise.all([
				run(isolated, name, "unguarded"),
				run(spython, name, "enforced"),
			]);
			expect(Object.keys(unguarded.outcomes).length).toBeGreaterThan(100);
			expect(differences(unguarded, enforced)).toEqual([]);
		},
		LIMIT_MS,
	);

	test("by the default policy only tests that start a program end otherwise", async () => {
		if (python === undefined) return;
		const spython = await adoptInstalled(python, program, home, { policy: {}, audit: silent });
		const [unguarded, enforced] = [
			await run(isolated, "test_json", "unguarded again"),
			await run(spython, "test_json", "default"),
		];
		const differing = differences(unguarded, enforced);
		expect(differing.length).toBeGreaterThan(0);
		expect(differing.filter(([, reason]) => !reason?.includes("child processes are refused"))).toEqual([]);
	});

	test.skipIf(!hasStrace).each(AUDITED)(
		"%s gives the same results in audit mode, and all that strace sees it load is told of (needs strace)",
		async (name) => {
			if (python === undefined) return;
			const [events, trace] = [join(home, `${name}.jsonl`), join(home, `${name}.trace`)];
			const policy = { mode: "audit", python: { auditHooks: "allow", events: ["*"] } };
			const audit = { ...silent, jsonLines: events };
			const spython = await adoptInstalled(python, program, home, { policy, audit });
			const [unguarded, audited] = await Promise.all([
				run(isolated, name, "unguarded"),
				run([...watchedBy(trace), ...spython], name, "audited"),
			]);
			expect(Object.keys(unguarded.outcomes).length).toBeGreaterThan(30);
			// spython writes no bytecode, like `python3 -B`, so tests that need written bytecode have different
			// outcomes.
			const differing = differences(unguarded, audited);
			expect(differing.filter(([, reason]) => reason !== "test meaningful only when writing bytecode")).toEqual([]);
			const { told, explained, unexplained } = hearWitness(trace, events);
			expect(unexplained).toEqual([]);
			expect(explained["told as code"]).toBeGreaterThan(100);
			expect([...told].filter((line) => line.startsWith("refuse "))).toEqual([]);
			expect(told).toContain(`allow ${join(program, basename(RUN_TESTS))}`);
			// The test itself wrote these files and then loaded them.
			const made = [...told].filter((line) => line.startsWith(`audit ${home}/`));
			expect(made.length).toBeGreaterThanOrEqual(MADE[name] ?? 0);
		},
		LIMIT_MS,
	);
});
