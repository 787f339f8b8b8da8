/**
 * Runs suites of core and of the command line in a Node.js for Windows, under Wine. The list of them is in suites.ts.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleOf, bundleTests, ROOT, RUNNER } from "./bundle-tests.js";
import { NOT_ON_WINDOWS, SUITES } from "./suites.js";
import { hasWine, openWine, type Wine, windowsNode, windowsPath } from "./wine.js";

/** The oldest release that sigtool supports comes first. The full run tries the newer ones as well. */
const RELEASES = process.env.SIGTOOL_FULL === undefined ? ["20"] : ["20", "22", "24"];
const LIMIT_MS = 600_000;

/** One test, or a failure outside of all tests. */
interface Result {
	readonly name: string;
	readonly state: string;
	readonly errors: readonly string[];
}

describe.skipIf(!hasWine)("on Windows (needs wine64)", () => {
	let wine: Wine;
	beforeAll(async () => {
		wine = await openWine();
		await bundleTests(SUITES, join(wine.directory, "bundles"));
	}, LIMIT_MS);
	afterAll(() => wine?.close());

	describe.each(RELEASES)("with Node.js %s", (release) => {
		const results = new Map<string, readonly Result[]>();
		beforeAll(async () => {
			const { program } = windowsNode(release);
			const waiting = [...SUITES];
			const work = async () => {
				for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
					results.set(suite, await resultsOf(wine, program, suite));
				}
			};
			await Promise.all(Array.from({ length: availableParallelism() }, work));
		}, LIMIT_MS);

		test.each(SUITES)("%s passes", (suite) => {
			const own = results.get(suite) ?? [];
			const exceptions = NOT_ON_WINDOWS.filter(({ file }) => file === suite);
			const failed = own.filter(({ state }) => state !== "pass" && state !== "skip");
			const isExpected = ({ name }: Result) => exceptions.some(({ tests }) => tests.test(name));
			expect(failed.filter((result) => !isExpected(result))).toEqual([]);
			expect(own.filter(({ state }) => state === "pass").length).toBeGreaterThan(0);
			// An exception that is not needed any more would hide the next failure.
			const unused = exceptions.filter(({ tests }) => !failed.some(({ name }) => tests.test(name)));
			expect(unused).toEqual([]);
		});

		test("more than a thousand tests passed", () => {
			const passed = [...results.values()].flat().filter(({ state }) => state === "pass");
			expect(passed.length).toBeGreaterThan(1000);
		});
	});
});

async function resultsOf(wine: Wine, node: string, suite: string): Promise<readonly Result[]> {
	const at = (name: string) => join(wine.directory, name);
	const resultFile = at(`${suite.replaceAll("/", "-")}.json`);
	const bundle = (file: string) => at(join("bundles", file));
	const args = [windowsPath(bundle(RUNNER)), `file:///Z:${bundle(bundleOf(suite))}`, windowsPath(resultFile)];
	const { status, stdout, stderr } = await wine.start(node, args, { cwd: ROOT });
	if (status === 0) return JSON.parse(readFileSync(resultFile, "utf8"));
	return [{ name: "the file", state: "fail", errors: [`ended with ${status}`, stdout, stderr] }];
}
