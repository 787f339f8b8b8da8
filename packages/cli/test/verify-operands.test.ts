/** Tests that `verify` has the same result with commander and without it. Without options, `verify` skips commander. */

import { join } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { COMMANDS } from "../dist/commands/commands.js";
import { isBareVerify, NO_OPTIONS } from "../dist/verify-operands.js";
import { makeTree, runner, temporaryDirectory } from "./support.js";

test("NO_OPTIONS are the options that commander returns when none is given", () => {
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
])("%j skips commander: %s", (args, expected) => {
	expect(isBareVerify(args)).toBe(expected);
});

test("both ways print the same and end with the same status", () => {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "pack"), { a: "1", b: "2" });
	const sigtool = runner(home);
	sigtool(["sign", root]);
	makeTree(root, { b: "changed", c: "added" });
	for (const path of [
		root,
		join(root, "pack.cat"),
		join(root, "a"),
		join(root, "b"),
		join(root, "c"),
		join(root, "missing"),
		"",
	]) {
		const { status, stdout, stderr } = sigtool(["verify", path]);
		const time = /judged at .*/g;
		const parsed = sigtool(["verify", path, "--added", "fail"]);
		expect(status).toBe(parsed.status);
		expect(stdout.replace(time, "")).toBe(parsed.stdout.replace(time, ""));
		expect(stderr.replace(time, "")).toBe(parsed.stderr.replace(time, ""));
	}
});
