import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasLauncher } from "../launcher.js";
import { NOTHING_REFUSED } from "./application-tests.js";
import { installedPackages } from "./install.mjs";
import { type Outcome, type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["24"];
const linux = process.platform === "linux" && process.arch === "x64";
const installed = linux && hasLauncher ? installedPackages("suites") : undefined;

/**
 * These packages are published with their tests, which use `node:test` or tape. One program loads the files of a package,
 * except those of `alone`: each of them is a program, because it changes what the others see.
 */
const SUITES = [
	{ name: "qs", alone: [], results: 1699 },
	{ name: "find-my-way", alone: ["methods.test.js", "shorthands.test.js"], results: 500 },
];

describe.skipIf(installed === undefined)(
	"test suites of packages (linux-x64, the launcher, npm and its registry)",
	() => {
		let tree: SignedTree;
		beforeAll(() => {
			tree = signTree((directory) => {
				cpSync(join(installed ?? "", "node_modules"), join(directory, "node_modules"), COPY);
				for (const { name, alone } of SUITES) {
					const files = readdirSync(join(directory, testsOf(name))).filter((file) => file.endsWith(".js"));
					const together = files.filter((file) => !alone.includes(file)).sort();
					const loads = together.map((file) => `require("./${testsOf(name)}/${file}");\n`);
					writeFileSync(join(directory, `${name}.js`), loads.join(""));
				}
			}, {});
		});

		describe.each(RELEASES)("Node.js %s", (release) => {
			test.each(SUITES)(
				"those of $name give the same results under the policy that is learned from them",
				({ name, alone, results }) => {
					const programs = [`${name}.js`, ...alone.map((file) => join(testsOf(name), file))];
					const { audited, notes, tested, enforce } = tree.learn(
						release,
						programs.map((file) => [file]),
					);
					expect(notes).not.toContain("enforcement refuses");
					expect(tested).toMatchObject(NOTHING_REFUSED);
					let count = 0;
					for (const [number, file] of programs.entries()) {
						const told = ({ status, stdout }: Outcome) => ({ file, status, results: resultsOf(stdout) });
						const expected = told(tree.runUnguarded(release, [file]));
						expect(audited[number] && told(audited[number])).toEqual(expected);
						const { ending, judged } = enforce([file]);
						expect(told(ending)).toEqual(expected);
						expect(judged).toMatchObject(NOTHING_REFUSED);
						count += expected.results.length;
					}
					expect(count).toBeGreaterThanOrEqual(results);
				},
				1_200_000,
			);
		});
	},
);

const testsOf = (name: string) => `node_modules/${name}/test`;

const COPY = { recursive: true, verbatimSymlinks: true };

/** Returns the lines with test results, in TAP or in the format of `node:test`, without the durations. */
function resultsOf(output: string): string[] {
	const lines = output.split("\n").filter((line) => /^\s*(ok|not ok|✔|✖|﹣) /.test(line));
	return lines.map((line) => line.replace(/ \(\d+(\.\d+)?ms\)/, ""));
}
