/**
 * Adds up the test runs under .cache/test-results. Lists the skipped tests, and ends with the line `N passed, N failed,
 * N skipped`. The file of a run that ended early contains the results up to that time. If there is no file, the sums
 * are zero and the exit status is 1.
 *
 * With `--all-tools` the exit status is also 1 if a skipped test needs neither ../shared nor a user other than root.
 * Such a test was skipped because a program that judges the output of sigtool is missing. The file of a run that was
 * meant to miss programs (.ci/bare) has a name that begins with `bare-`; what this run skipped must pass in another.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../.cache/test-results/", import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
const runs = files.map((file) => JSON.parse(readFileSync(folder + file, "utf8")));

/** Maps the name of a skipped test to the files of the runs that skipped it. */
const skipped = new Map();
const passed = new Set();
for (const [index, run] of runs.entries()) {
	for (const { status, fullName } of run.testResults.flatMap((file) => file.assertionResults)) {
		if (status === "passed") passed.add(fullName);
		else if (status !== "failed") skipped.set(fullName, [...(skipped.get(fullName) ?? []), files[index]]);
	}
}
for (const [name, where] of skipped) {
	if (passed.has(name) && where.every((file) => file.startsWith("bare-"))) skipped.delete(name);
}
for (const [name, { length }] of skipped) console.log(`skipped in ${length} of ${runs.length} runs: ${name}`);

const ELSEWHERE = /corpus|real catalogs|cannot be read/;
const missed = process.argv.includes("--all-tools") ? [...skipped.keys()].filter((name) => !ELSEWHERE.test(name)) : [];
for (const name of missed) console.log(`must not be skipped here: ${name}`);

const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
console.log(
	`${sum("numPassedTests")} passed, ${sum("numFailedTests")} failed, ${sum("numPendingTests") + sum("numTodoTests")} skipped`,
);
if (runs.length === 0 || missed.length > 0) process.exitCode = 1;
