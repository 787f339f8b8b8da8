/**
 * Usage: node scripts/test-skipped.mjs DIRECTORY. Runs the test files again of which the last runs of `pnpm test` in the
 * directory, another checkout, skipped a test. .ci/run runs all tests on a machine without the programs of others, then
 * these files with them.
 */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const [argument] = process.argv.slice(2);
if (argument === undefined) {
	console.error("usage: node scripts/test-skipped.mjs DIRECTORY");
	process.exit(2);
}
const directory = realpathSync(argument);
const folder = join(directory, ".cache/test-results");
const runs = readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));

const isSkipped = ({ status }) => status !== "passed" && status !== "failed";
const files = runs
	.flatMap(({ testResults }) => testResults)
	.filter(({ assertionResults }) => assertionResults.some(isSkipped))
	.map(({ name }) => relative(directory, name));
const distinct = [...new Set(files)].sort();
console.log(`${distinct.length} files have skipped tests`);

if (distinct.length > 0) {
	const projects = ["parallel", "by-path", "alone"].flatMap((name) => ["--project", name]);
	const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
	const cwd = fileURLToPath(new URL("..", import.meta.url));
	const { status } = spawnSync(process.execPath, [vitest, "run", ...projects, ...distinct], { cwd, stdio: "inherit" });
	process.exitCode = status ?? 1;
}
