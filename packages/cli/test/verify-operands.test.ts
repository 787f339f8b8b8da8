/** What goes past the parser of options must not be told from what goes through it. */

import { join } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { COMMANDS } from "../dist/commands/commands.js";
import { isPlain, NO_OPTIONS } from "../dist/verify-operands.js";
import { makeTree, runner, temporaryDirectory } from "./support.js";

test("the parser makes the same of no options", () => {
	const command = new Command();
	COMMANDS.find(({ name }) => name === "verify")?.declare(command);
	command.action(() => {}).parse(["file"], { from: "user" });
	expect(command.opts()).toEqual(NO_OPTIONS);
});

test.each([
	[["verify", "a"], true],
	[["verify", "a", ""], true],
	[["verify"], false],
	[["verify", "a", "--json"], false],
	[["verify", "-q", "a"], false],
	[["verify", "--", "-a"], false],
	[["--json", "verify", "a"], false],
	[["sign", "a"], false],
	[[], false],
])("%j is plain: %s", (words, plain) => {
	expect(isPlain(words)).toBe(plain);
});

test("both ways print the same and end with the same status", () => {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "pack"), { a: "1", b: "2" });
	const sigtool = runner(home);
	sigtool(["sign", root]);
	makeTree(root, { b: "changed", c: "added" });
	for (const path of [root, join(root, "a"), join(root, "b"), join(root, "c"), join(root, "missing"), ""]) {
		const { status, stdout, stderr } = sigtool(["verify", path]);
		const time = /judged at .*/g;
		const parsed = sigtool(["verify", path, "--added", "fail"]);
		expect(status).toBe(parsed.status);
		expect(stdout.replace(time, "")).toBe(parsed.stdout.replace(time, ""));
		expect(stderr.replace(time, "")).toBe(parsed.stderr.replace(time, ""));
	}
});
