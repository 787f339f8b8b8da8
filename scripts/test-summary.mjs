/**
 * Sums the test runs under .cache/test-results: names what was skipped, and ends with `N passed, N failed, N skipped`.
 * A run may have ended early; its file then holds what it got to. Without any file the sums are zero and the status 1.
 *
 * `--all-tools`: the status is 1 too when something was skipped that needs neither ../shared nor a user other than root,
 * as a program that judges what sigtool writes is missing then.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../.cache/test-results/", import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".json")) : [];
const runs = files.map((file) => JSON.parse(readFileSync(folder + file, "utf8")));

/** Name of a skipped test → number of runs that skipped it. */
const skipped = new Map();
for (const test of runs.flatMap((run) => run.testResults).flatMap((file) => file.assertionResults)) {
	if (test.status !== "passed" && test.status !== "failed")
		skipped.set(test.fullName, (skipped.get(test.fullName) ?? 0) + 1);
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
