/** Programs that make code of texts and of cached bytecode, under the launcher with its gate. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { nodeOfRelease } from "../../scripts/node-releases.mjs";
import { hasLauncher } from "../launcher.js";
import { type SignedTree, signTree } from "./signed-tree.js";

const RELEASES = process.env.SIGTOOL_FULL ? ["20", "22", "24", "26"] : ["20", "24"];
const linux = process.platform === "linux" && process.arch === "x64";

/** The gate reads strings in pieces of 2,048 code units. */
const PIECE = 2048;
const WIDE = ["a", "é", "€", "😀"].flatMap((character) =>
	[-3, -2, -1, 0, 1].map((distance) => {
		const beginning = `exports.text = "`;
		const filling = "x".repeat(PIECE + distance - beginning.length);
		return `${beginning}${filling}${character.repeat(2 * PIECE)}";\nconsole.log(exports.text.length);`;
	}),
);

const EVIL = "console.log('evil')";
const FILES = {
	"package.json": "{}",
	"said.js": "console.log('said')",
	"eval.js": 'eval("2")',
	"make.cjs": `const { Script } = require("vm");
require("fs").writeFileSync(process.argv[2], new Script(${JSON.stringify(EVIL)}).createCachedData());`,
	"bytecode.cjs": `const vm = require("vm"), fs = require("fs"), filename = __dirname + "/said.js";
const script = new vm.Script(fs.readFileSync(filename, "utf8"), { filename, cachedData: fs.readFileSync(process.argv[2]) });
script.runInThisContext();
console.log(script.cachedDataRejected);`,
	"strings.cjs": `const { Worker, isMainThread } = require("worker_threads"), vm = require("vm"), fs = require("fs");
const caught = (where, action) => { try { action(); } catch ({ name }) { console.log(where, name); } };
const filename = __dirname + "/eval.js";
if (isMainThread) {
	caught("eval", () => eval("1"));
	caught("Function", () => new Function("return 1"));
	caught("context", () => new vm.Script(fs.readFileSync(filename, "utf8"), { filename }).runInNewContext());
	new Worker(__filename);
} else caught("worker", () => eval("3"));`,
};

describe.skipIf(!linux || !hasLauncher)("texts and bytecode (linux-x64, the launcher)", () => {
	let tree: SignedTree;
	beforeAll(() => {
		tree = signTree(
			(directory) => {
				for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text);
				for (const [number, text] of WIDE.entries()) writeFileSync(join(directory, `wide-${number}.cjs`), text);
				writeFileSync(
					join(directory, "wide.cjs"),
					WIDE.map((_, number) => `require("./wide-${number}.cjs");`).join(""),
				);
			},
			{ runtime: { stringCode: "refuse" } },
		);
	});

	describe.each(RELEASES)("Node.js %s", (release) => {
		const modes = [
			["enforce", "runtime.stringCode of the policy refuses it"],
			["strict", "mode strict refuses eval and Function, whatever runtime.stringCode of the policy says"],
		] as const;

		test.each(modes)("%s: an EvalError gets one line that names the rule", (mode, detail) => {
			const { status, stdout, stderr } = tree.run(release, ["strings.cjs"], mode);
			expect({ status, stdout }, stderr).toEqual({
				status: 0,
				stdout: "eval EvalError\nFunction EvalError\ncontext EvalError\nworker EvalError\n",
			});
			const lines = stderr.split("\n").filter((line) => line.includes('"event":"code.string"'));
			expect(lines).toHaveLength(4);
			for (const line of lines) expect(line).toContain(`"detail":"${detail}"`);
		});

		test.each(["enforce", "strict"] as const)("%s: bytecode of another text is dropped", (mode) => {
			const bytecode = join(tree.output, `bytecode-${release}`);
			const node = [nodeOfRelease(release), "--disallow-code-generation-from-strings"];
			expect(tree.runCommand([...node, "make.cjs", bytecode])).toMatchObject({ status: 0 });
			expect(tree.runCommand([...node, "bytecode.cjs", bytecode]).stdout).toBe("evil\nfalse\n");
			const { status, stdout, stderr, events } = tree.runRecorded(release, ["bytecode.cjs", bytecode], mode);
			expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: "said\ntrue\n" });
			const dropped = { event: "vm.compile", verdict: "record", reason: "ERR_UNSIGNED_BYTECODE" };
			expect(events).toContainEqual(expect.objectContaining(dropped));
		});

		test("strict: a text runs, whatever characters lie at the edges of its pieces", () => {
			const plain = tree.runCommand([nodeOfRelease(release), "wide.cjs"]);
			const { status, stdout, stderr } = tree.run(release, ["wide.cjs"], "strict");
			expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: plain.stdout });
			expect(stdout.trimEnd().split("\n")).toHaveLength(WIDE.length);
		});
	});

	/** Node.js 20 makes an inner realm for them by a function of node:vm. */
	test.each(["audit", "signed", "refuse"])(
		"stringCode %s: readers of web streams are no text of the program",
		(rule) => {
			const release = (directory: string) =>
				writeFileSync(
					join(directory, "main.cjs"),
					"new ReadableStream().getReader().releaseLock(); console.log('released');",
				);
			const streams = signTree(release, { runtime: { stringCode: rule } });
			for (const each of RELEASES) {
				expect(streams.run(each, ["main.cjs"])).toMatchObject({ status: 0, stdout: "released\n" });
				const { events } = streams.runRecorded(each, ["main.cjs"], "enforce");
				const texts = events.filter(({ event }) => event === "vm.compile");
				expect([each, texts]).toEqual([each, []]);
			}
		},
	);
});
