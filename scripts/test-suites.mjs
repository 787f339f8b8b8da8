/** Runs the named suites of test-projects.mjs, or else those that are due, and says why they are: `pnpm test:suites`. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { dueSuites } from "./due-suites.mjs";
import { SUITES } from "./test-projects.mjs";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const named = process.argv.slice(2);
const unknown = named.find((name) => !Object.hasOwn(SUITES, name));
if (unknown !== undefined) {
	console.error(`Cannot run "${unknown}": the suites are ${Object.keys(SUITES).join(", ")}`);
	process.exit(2);
}

const due = named.length > 0 ? named.map((name) => ({ name, reason: "named" })) : dueSuites(workspace, SUITES);
for (const name of Object.keys(SUITES)) {
	console.log(`${name}: ${due.find((suite) => suite.name === name)?.reason ?? "not due"}`);
}
if (due.length > 0) {
	const projects = due.flatMap(({ name }) => ["--project", name]);
	const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
	const { status } = spawnSync(process.execPath, [vitest, "run", ...projects], { cwd: workspace, stdio: "inherit" });
	process.exitCode = status ?? 1;
}
