/**
 * Runs one test file of this project in a Node.js for Windows. The caller has bundled the file. Vitest itself starts
 * programs and watches files through packages that are compiled for the system, so only its runner and its matchers
 * are used here. They are plain JavaScript.
 *
 * Arguments: the URL of the bundled test file, and the file that gets the results as JSON.
 */

import { writeFileSync } from "node:fs";
import { startTests } from "@vitest/runner";
import { expect, vi } from "vitest";

const LIMIT_MS = 120_000;

const [file, resultFile] = process.argv.slice(2);

/** The matchers and `vi` read these members of the state that a worker of Vitest has. */
globalThis.__vitest_worker__ = {
	filepath: file,
	config: { snapshotOptions: { expand: false }, expect: {} },
	metaEnv: process.env,
};

const runner = {
	config: {
		root: process.cwd(),
		setupFiles: [],
		name: undefined,
		passWithNoTests: false,
		testNamePattern: process.env.SIGTOOL_TEST_NAME ? new RegExp(process.env.SIGTOOL_TEST_NAME) : undefined,
		allowOnly: false,
		sequence: { seed: 0, hooks: "stack", setupFiles: "list" },
		chaiConfig: undefined,
		maxConcurrency: 5,
		testTimeout: LIMIT_MS,
		hookTimeout: LIMIT_MS,
		retry: 0,
		includeTaskLocation: false,
		tags: [],
		tagsFilter: undefined,
		strictTags: false,
	},
	importFile: () => import(file),
	extendTaskContext(context) {
		context.expect = expect;
		return context;
	},
};

/** @returns {{ name: string, state: string, errors: string[] }[]} the results of all tests below a suite */
function resultsBelow(task, prefix) {
	const errors = (task.result?.errors ?? []).map((error) => error.stack ?? error.message);
	const name = prefix === undefined ? "" : `${prefix} ${task.name}`.trim();
	if (task.type === "test") return [{ name, state: task.result?.state ?? task.mode, errors }];
	const own = errors.length > 0 ? [{ name: name || "the file", state: "fail", errors }] : [];
	return [...own, ...task.tasks.flatMap((child) => resultsBelow(child, name))];
}

const [result] = await startTests([file], runner);
vi.useRealTimers();
writeFileSync(resultFile, JSON.stringify(resultsBelow(result)));
process.exit(0);
