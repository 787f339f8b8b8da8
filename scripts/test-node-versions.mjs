/**
 * Runs the tests of packages/core, and those of the hook of Node.js, on the named releases, or on each that sigtool
 * supports. `pnpm test` runs on the oldest, so that one is left out. So are the tests that have the same results on every
 * release: test-projects.mjs lists them.
 */

import { spawnSync } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeOfRelease } from "./node-releases.mjs";

const RELEASES = process.argv.length > 2 ? process.argv.slice(2) : ["22", "24", "26"];
const workspace = fileURLToPath(new URL("..", import.meta.url));

if (process.platform !== "linux" || process.arch !== "x64") {
	console.log(`skipped: tests on Node.js ${RELEASES.join(", ")} (binaries are fetched for linux-x64 only)`);
} else {
	for (const release of RELEASES) {
		const node = nodeOfRelease(release);
		console.log(`\nNode.js ${run(node, ["--version"], "pipe").trim()}`);
		// The release is also first on the PATH, for tests that start `node` by its name.
		const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
		run(
			node,
			[
				join(workspace, "node_modules/vitest/vitest.mjs"),
				"run",
				"--mode",
				"release",
				"packages/core",
				"packages/verifier/test/node",
			],
			"inherit",
			env,
		);
	}
}

/**
 * Runs a program in the workspace. Returns its standard output, or "" if the program inherits it. Ends this script if
 * the program fails.
 */
function run(program, args, stdout, env = process.env) {
	const result = spawnSync(program, args, {
		cwd: workspace,
		env,
		stdio: ["ignore", stdout, "inherit"],
		encoding: "utf8",
	});
	if (result.status !== 0) {
		console.error(
			`Cannot go on: ${[program, ...args].join(" ")} ended with ${result.status ?? result.signal ?? result.error}`,
		);
		process.exit(result.status || 1);
	}
	return result.stdout ?? "";
}
