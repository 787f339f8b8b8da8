/** Kills runs while they write attributes, and tests what they leave. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { spawn, spawnSync } from "../../../../test/outside.js";
import { canWriteAttributes, getfattr, MAIN, makeSelfSigned, runner, temporaryDirectory } from "../support.js";

const ATTRIBUTE = "user.org.python.x-spython-hash";
const hasAttributes = canWriteAttributes("user");

const FILE_COUNT = 400;
const nameOf = (index: number) => `module${String(index).padStart(3, "0")}.py`;

/** Makes a tree of FILE_COUNT files. Writing their attributes takes long enough to kill the run half-way. */
function largeTree(home: string, name: string): string {
	const root = join(home, name);
	mkdirSync(root);
	for (let index = 0; index < FILE_COUNT; index++) {
		writeFileSync(join(root, nameOf(index)), Buffer.alloc(100_000, `# ${index}\n`));
	}
	return root;
}

/** Returns the number of files that have the attribute. */
function countOf(root: string, attribute: string): number {
	const { stdout } = spawnSync("getfattr", ["-R", "-n", attribute, root], { encoding: "utf8", maxBuffer: 1 << 26 });
	return stdout.match(/^# file:/gm)?.length ?? 0;
}

/**
 * Kills a run as soon as the file with the number `at` has its attribute. Repeats this until a run was killed half-way,
 * and returns the number of files that have the attribute.
 */
async function killHalfWay(root: string, args: readonly string[], attribute: string, at: number): Promise<number> {
	for (let attempt = 0; attempt < 50; attempt++) {
		const child = spawn(process.execPath, [MAIN, ...args], { stdio: "ignore" });
		const end = new Promise((resolve) => child.once("exit", resolve));
		while (child.exitCode === null && getfattr(join(root, nameOf(at)), attribute) === undefined) await sleep(1);
		child.kill("SIGKILL");
		await end;
		const count = countOf(root, attribute);
		if (count > 0 && count < FILE_COUNT) return count;
		spawnSync(process.execPath, [MAIN, "strip", root, "--format", "spython", "--format", "ima", "--namespace", "user"]);
	}
	throw new Error("no run was killed half-way");
}

describe.skipIf(!hasAttributes)("a run killed half-way (needs attr)", () => {
	test.each([
		["spython", ATTRIBUTE, 0],
		["spython", ATTRIBUTE, 150],
		["ima", "user.ima", 1],
		["ima", "user.ima", 90],
		["ima", "user.ima", 250],
	])("leaves whole values of %s alone, and can be repeated", async (format, attribute, at) => {
		const home = temporaryDirectory();
		const root = largeTree(home, "tree");
		const { keyFile, certFile } = makeSelfSigned(join(home, "key"), "P-256");
		const key = format === "ima" ? ["--key", keyFile, "--cert", certFile] : [];
		const sign = ["sign", root, "--format", format, "--namespace", "user", ...key];
		const verify = ["verify", root, "--format", format, "--namespace", "user", "--allow-unsigned", "--trust", certFile];
		const count = await killHalfWay(root, sign, attribute, at);

		const run = runner(home);
		const right = format === "ima" ? "trusted" : "hash-only";
		const { counts } = run([...verify, "--json"]).json().results[0];
		expect(counts).toMatchObject({ [right]: count, unsigned: FILE_COUNT - count });
		const again = run([...sign, "--json"]);
		expect(again).toMatchObject({ status: 0 });
		const [written] = again.json().attributes;
		expect(written).toMatchObject({ writtenCount: FILE_COUNT - count, unchangedCount: count });
		expect(run(verify)).toMatchObject({ status: 0 });
	});
});
