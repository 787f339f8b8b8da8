import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installedPackages } from "./install.mjs";
import { noLauncher, type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && noLauncher === undefined ? installedPackages("suites") : undefined;

/** These packages are published with their tests. The tests use `node:test` or tape, and each file is a program. */
const SUITES = [
	{ name: "qs", files: "node_modules/qs/test", results: 1699 },
	{ name: "find-my-way", files: "node_modules/find-my-way/test", results: 500 },
];

describe.skipIf(installed === undefined)(
	"test suites of packages (linux-x64, the launcher, npm and its registry)",
	() => {
		let tree: SignedTree;
		beforeAll(() => {
			tree = signTree(
				(directory) => cpSync(join(installed ?? "", "node_modules"), join(directory, "node_modules"), COPY),
				// find-my-way compiles its routes from text, so the policy allows code from text.
				{ runtime: { stringCode: "allow" } },
			);
		});
		afterAll(() => tree?.[Symbol.dispose]());

		describe.each(RELEASES)("Node.js %s", (release) => {
			test.each(SUITES)(
				"those of $name give the same results under enforcement",
				({ files, results }) => {
					let count = 0;
					for (const name of readdirSync(join(tree.directory, files)).filter((each) => each.endsWith(".js"))) {
						const file = join(files, name);
						const unguarded = tree.runUnguarded(release, [file]);
						const enforced = tree.run(release, [file]);
						const expected = { file, status: unguarded.status, results: resultsOf(unguarded.stdout) };
						expect({ file, status: enforced.status, results: resultsOf(enforced.stdout) }).toEqual(expected);
						count += expected.results.length;
					}
					expect(count).toBeGreaterThanOrEqual(results);
				},
				600_000,
			);
		});
	},
);

const COPY = { recursive: true, verbatimSymlinks: true };

/** Returns the lines with test results, in TAP or in the format of `node:test`, without the durations. */
function resultsOf(output: string): string[] {
	const lines = output.split("\n").filter((line) => /^\s*(ok|not ok|✔|✖|﹣) /.test(line));
	return lines.map((line) => line.replace(/ \(\d+(\.\d+)?ms\)/, ""));
}
