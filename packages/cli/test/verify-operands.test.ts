/** Tests that `verify` has the same result with commander and without it. Without options, `verify` skips commander. */

import { join } from "node:path";
import { Command } from "commander";
import { expect, test } from "vitest";
import { COMMANDS } from "../dist/commands/commands.js";
import { isBareVerify, NO_OPTIONS } from "../dist/verify-operands.js";
import { makeTree, type Outcome, runner, temporaryDirectory } from "./support.js";

test("NO_OPTIONS are the options that commander returns when none is given", () => {
	const command = new Command();
	COMMANDS.find(({ name }) => name === "verify")?.declare(command);
	command.action(() => {}).parse(["file"], { from: "user" });
	expect(command.opts()).toEqual(NO_OPTIONS);
});

test.each([
	[["verify", "a"], true],
	[["verify", "a", ""], true],
	[["verify"], true],
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
		expect(outcomeOf(sigtool(["verify", path]))).toEqual(outcomeOf(sigtool(["verify", path, "--added", "fail"])));
	}
});

test("both ways do the same without operands", () => {
	const home = temporaryDirectory();
	const cwd = makeTree(join(home, "project"), { "pack/a": "1" });
	const run = runner(home);
	const sigtool = (...args: string[]) => outcomeOf(run(args, { cwd }));
	expect(sigtool("verify")).toEqual(sigtool("verify", "--added", "fail"));
	expect(sigtool("verify")).toMatchObject({ status: 2, stderr: expect.stringContaining("Name what to verify") });
	makeTree(cwd, { "sigtool.config.json": JSON.stringify({ sign: ["pack"] }) });
	sigtool("sign");
	expect(sigtool("verify")).toEqual(sigtool("verify", "--added", "fail"));
	expect(sigtool("verify")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^trusted pack\n/) });
	makeTree(cwd, { "pack/a": "changed" });
	expect(sigtool("verify")).toEqual(sigtool("verify", "--added", "fail"));
	expect(sigtool("verify").status).toBe(1);
	makeTree(cwd, { "sigtool.config.json": "{" });
	expect(sigtool("verify")).toEqual(sigtool("verify", "--added", "fail"));
	expect(sigtool("verify").stderr).toContain("[ERR_CONFIG]");
});

/** Leaves out the time of judgement, which differs between two runs. */
function outcomeOf({ status, stdout, stderr }: Outcome): Outcome {
	const time = /judged at .*/g;
	return { status, stdout: stdout.replace(time, ""), stderr: stderr.replace(time, "") };
}
