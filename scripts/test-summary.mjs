/**
 * Adds up the test runs under .cache/test-results. Lists the skipped tests, and ends with the line `N passed, N failed,
 * N skipped`. The file of a run that ended early contains the results up to that time. If there is no file, the sums
 * are zero and the exit status is 1.
 *
 * With `--all-tools` the exit status is also 1 if a skipped test needs neither ../shared nor a user other than root.
 * Such a test was skipped because a program that judges the output of sigtool is missing. The file of a run that was
 * meant to miss programs (.ci/bare) has a name that begins with `bare-`: its test files with skipped tests run again.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../.cache/test-results/", import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
const runs = files.map((file) => JSON.parse(readFileSync(folder + file, "utf8")));

/** Maps the name of a skipped test to the number of runs that skipped it. */
const skipped = new Map();
const placeOf = ({ name }) => name.replace(/^.*?\/(?=(packages|scripts|test|test-fixtures)\/)/, "");
const isBare = (index) => files[index].startsWith("bare-");
const ranElsewhere = new Set(runs.flatMap((run, index) => (isBare(index) ? [] : run.testResults.map(placeOf))));
for (const [index, { testResults }] of runs.entries()) {
	for (const file of testResults) {
		if (isBare(index) && ranElsewhere.has(placeOf(file))) continue;
		for (const { status, fullName } of file.assertionResults) {
			if (status !== "passed" && status !== "failed") skipped.set(fullName, (skipped.get(fullName) ?? 0) + 1);
		}
	}
}
for (const [name, count] of skipped) console.log(`skipped in ${count} of ${runs.length} runs: ${name}`);

const ELSEWHERE = /corpus|real catalogs|cannot be read/;
const missed = process.argv.includes("--all-tools") ? [...skipped.keys()].filter((name) => !ELSEWHERE.test(name)) : [];
for (const name of missed) console.log(`must not be skipped here: ${name}`);

const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
console.log(
	`${sum("numPassedTests")} passed, ${sum("numFailedTests")} failed, ${sum("numPendingTests") + sum("numTodoTests")} skipped`,
);
if (runs.length === 0 || missed.length > 0) process.exitCode = 1;
