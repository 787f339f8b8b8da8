/** Learning, testing and enforcing a policy agree about each kind of thing that a program does beside loading signed files. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { hasLauncher } from "../launcher.js";
import { requireAgreement } from "./application-tests.js";
import { type SignedTree, signTree } from "./signed-tree.js";

const [release = ""] = process.versions.node.split(".");
const linux = process.platform === "linux" && process.arch === "x64";

/** An empty module, which no file contains. */
const WASM = "new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])";

/** More than files.maxSizeBytes is by default. */
const LARGE_BYTES = 65 * 2 ** 20;

const PROGRAMS = {
	"package.json": "{}",
	"probing.cjs": `const { execFileSync, spawn } = require("node:child_process");
try { execFileSync("uname"); } catch {}
try { spawn("uname").on("error", () => {}); } catch {}
console.log("goes on");`,
	"starting.cjs": `console.log(require("node:child_process").execFileSync("uname").length > 0);`,
	"compiling.cjs": `console.log(new WebAssembly.Module(${WASM}) instanceof WebAssembly.Module);`,
	"large.cjs": "console.log(require('./data.json').length)",
	"data.json": JSON.stringify("x".repeat(LARGE_BYTES)),
	"hooking.cjs": `require("node:module").registerHooks?.({}); require("node:module").register("data:text/javascript,1");`,
	"importing.mjs": `await import("data:text/javascript,console.log('evil')");`,
	"evaluating.cjs": `console.log(eval("1 + 1"), new Function("return 3")());`,
	"bytecode.cjs": `const { Script } = require("node:vm"), text = "1 + 1";
const cachedData = new Script(text).createCachedData();
console.log(new Script(text, { cachedData }).runInThisContext());`,
	"caching.cjs": `console.log(typeof require("node:module").enableCompileCache?.());`,
};

describe.skipIf(!linux || !hasLauncher)("policies that are learned (linux-x64, the launcher)", () => {
	let tree: SignedTree;
	beforeAll(() => {
		tree = signTree((directory) => {
			for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(directory, name), text);
		}, {});
	});

	test.each([
		["makes code of text", "evaluating.cjs"],
		["brings bytecode, which is dropped", "bytecode.cjs"],
		["asks for the compile cache, which stays off", "caching.cjs"],
	])("a program that %s needs nothing", (_, program) => {
		const { policy } = requireAgreement(tree, release, [program], { status: 0 });
		expect(Object.keys(policy)).toEqual(["version", "mode", "rules"]);
	});

	test("a program that survives without its children needs none, and its notes name them", () => {
		const { policy, notes, tested } = requireAgreement(tree, release, ["probing.cjs"], { status: 0 });
		expect(policy).not.toHaveProperty("runtime");
		expect(notes).toContain("note: it starts programs: uname; this policy refuses that");
		expect(tested.stdout).toContain("fails: child_process.spawn_sync uname: runtime.children of the policy refuses it");
		expect(tested.stderr).toContain("run it once under enforcement");
	});

	test("a program that does not is told the same before it is enforced, and no policy hides the refusal", () => {
		const { policy, notes, tested, enforce } = tree.learn(release, [["starting.cjs"]]);
		expect(policy).not.toHaveProperty("runtime");
		expect(notes).toContain("note: it starts programs: uname; this policy refuses that");
		expect(tested.stdout).toContain("fails: child_process.spawn_sync uname: ");
		const { ending, judged } = enforce(["starting.cjs"]);
		expect(ending).toMatchObject({ status: 1, stderr: expect.stringContaining("spawnSync uname EACCES") });
		expect(judged.stdout).toContain("fails: child_process.spawn_sync uname: ");
	});

	test("WebAssembly of no file stays in a policy that is learned under the one before", () => {
		const { policy } = requireAgreement(tree, release, ["compiling.cjs"], { status: 0 });
		expect(policy).toMatchObject({ runtime: { webAssemblySha256: [expect.stringMatching(/^[0-9a-f]{64}$/)] } });
	});

	test("a large file raises files.maxSizeBytes, also in a policy that is learned under the one before", () => {
		const { policy, notes } = requireAgreement(tree, release, ["large.cjs"], { status: 0 });
		expect(policy).toMatchObject({ files: { maxSizeBytes: 2 ** 27 } });
		expect(notes).toContain(`it loads a file of ${LARGE_BYTES + 2} bytes; files.maxSizeBytes lets it`);
	});

	test.each([
		["hooking.cjs", "module.register"],
		["importing.mjs", "code.string"],
	])("%s, which no policy allows, is named by both commands", (program, event) => {
		const { notes, tested, enforce } = tree.learn(release, [[program]]);
		const why = new RegExp(`${event.replace(".", "\\.")} .*: no policy allows it`);
		expect(notes).toMatch(new RegExp(`note: enforcement refuses ${why.source}`));
		expect(tested).toMatchObject({ status: 1, stdout: expect.stringMatching(why) });
		expect(enforce([program]).ending).toMatchObject({
			status: 126,
			stderr: expect.stringContaining(`"event":"${event}"`),
		});
	});
});
