/**
 * Tests that an option is refused if it has no effect on the chosen formats, because a user would believe that it has
 * one.
 */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../support.js";

function open() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "tree"), { "a.js": "a\n" });
	return { root, run: runner(home) };
}

const CERTIFICATE = "nowhere.pem";
const ATTRIBUTES = ["--format", "ima", "--format", "spython"];

describe("verify", () => {
	test.each([
		["--product", "x"],
		["--catalog", "x.cat"],
		["--root", "."],
		["--match", "digest"],
		["--tsa-trust", CERTIFICATE],
		["--no-ignore"],
	])("verify of attributes only refuses %s", (option, ...value) => {
		const { root, run } = open();
		const verified = run(["verify", root, ...ATTRIBUTES, option, ...value]);
		expect(verified).toMatchObject({ status: 2, stdout: "" });
		expect(verified.stderr).toBe(`error: Leave ${option} out: it is about catalogs; add --format cat [ERR_USAGE]\n`);
	});

	test.each(["fail", "warn", "ignore"])("verify of attributes only refuses --added %s, and says why", (added) => {
		const { root, run } = open();
		const verified = run(["verify", root, ...ATTRIBUTES, "--added", added]);
		expect(verified).toMatchObject({ status: 2, stdout: "" });
		expect(verified.stderr).toContain(
			"a file without an attribute cannot be told from one that was stripped [ERR_USAGE]",
		);
	});

	test.each([["--cert", CERTIFICATE], ["--namespace", "user"], ["--namespace", "security"], ["--allow-unsigned"]])(
		"of catalogs alone refuses %s %s",
		(option, ...value) => {
			const { root, run } = open();
			for (const format of [[], ["--format", "cat"]]) {
				const verified = run(["verify", root, ...format, option, ...value]);
				expect(verified).toMatchObject({ status: 2, stdout: "" });
				expect(verified.stderr).toBe(
					`error: Leave ${option} out: it is about attributes; name theirs with --format [ERR_USAGE]\n`,
				);
			}
		},
	);

	test("verify of catalogs and attributes takes the options of both", () => {
		const { root, run } = open();
		run(["sign", root, "--product", "p"]);
		const ofCatalogs = ["--product", "p", "--root", root, "--match", "path", "--no-ignore", "--added", "warn"];
		const ofAttributes = ["--namespace", "user", "--allow-unsigned", "--attribute", "user.x"];
		const both = ["--format", "cat", "--format", "spython"];
		const { results } = run(["verify", root, ...both, ...ofCatalogs, ...ofAttributes, "--json"]).json();
		expect(results[0]).toMatchObject({ verdict: "trusted", match: "path" });
		expect(results).toHaveLength(2);
	});

	test("--added fail is the default, and applies to the catalog among other formats", () => {
		const { root, run } = open();
		run(["sign", root]);
		makeTree(root, { "b.js": "b\n" });
		const added = (...args: string[]) => {
			const [{ findings, notices }] = run(["verify", root, ...args, "--json"]).json().results;
			return [findings, notices].map((list: { path: string }[]) => list.map(({ path }) => path));
		};
		for (const format of [[], ["--format", "cat", "--format", "spython"]]) {
			expect(added(...format)).toEqual([["b.js"], []]);
			expect(added(...format, "--added", "fail")).toEqual([["b.js"], []]);
			expect(added(...format, "--added", "warn")).toEqual([[], ["b.js"]]);
			expect(added(...format, "--added", "ignore")).toEqual([[], []]);
		}
	});
});

describe("verify and strip", () => {
	test.each(["verify", "strip"])("%s refuses --attribute without spython", (command) => {
		const { root, run } = open();
		const refused = run([command, root, "--format", "ima", "--attribute", "user.x"]);
		expect(refused).toMatchObject({ status: 2, stdout: "" });
		expect(refused.stderr).toBe("error: Leave --attribute out: it is about --format spython [ERR_USAGE]\n");
	});

	test("say in their help which options belong to which format, and that strip needs a format", () => {
		const { run } = open();
		const help = run(["verify", "--help"]).stdout.replace(/\s+/g, " ");
		expect(help).toMatch(
			/Options for catalogs only: --catalog, --root, --product, --match, --added, --no-ignore, --max-size, --tsa-trust/,
		);
		expect(help).toMatch(/Options for attributes only: --cert, --namespace, --allow-unsigned, and --attribute/);
		expect(run(["strip", "--help"]).stdout).toMatch(/--format <format> +what to remove \(required\)/);
	});
});
