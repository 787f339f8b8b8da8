/** Shows that a program survives the refusal of a WebAssembly module, as it survives refused text of eval. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nosuidDirectory } from "../nosuid-directory.js";
import { answer } from "./answer.js";
import { hasLauncher, type Mode } from "./modes.js";
import { RELEASES } from "./technique.js";

// The short run takes both ways in which a hook loads modules: by a thread, and by functions of Node.js.
const full = process.env.SIGTOOL_FULL !== undefined;
const releases = RELEASES.filter((release) => full || release === 20 || release === 24);
const modes: readonly Mode[] = hasLauncher ? ["hook", "gate", "enforce", "strict"] : ["hook"];

/** Tries each way to a module, and prints what the program got. `f` of the module returns 42. */
const PROGRAM = `
const vm = require("vm");
const { Worker, isMainThread, parentPort } = require("worker_threads");
const bytes = Buffer.from("0061736d010000000105016000017f03020100070501016600000a06010400412a0b", "hex");
const response = () => new Response(bytes, { headers: { "content-type": "application/wasm" } });
// The parser of fetch() in Node.js 20 is WebAssembly too, and nobody waits for it.
process.on("unhandledRejection", () => {});
const told = {};
const tell = (name, error) => {
	told[name] = [error instanceof WebAssembly.CompileError, /ERR_RUNTIME_RULE/.test(error.message)];
};
const thrown = (name, action) => {
	try { action(); told[name] = "passed"; } catch (error) { tell(name, error); }
};
// A way that throws in place of a rejected promise ends the program.
const rejected = (name, promise) => promise.then(() => { told[name] = "passed"; }, (error) => tell(name, error));
async function tryInner(inner) {
	try { new inner.Module(bytes); } catch (error) {
		told.context = [error instanceof inner.CompileError, /ERR_RUNTIME_RULE/.test(error.message)];
	}
	await inner.instantiate(bytes).catch((error) => { told.contextPromise = error instanceof inner.CompileError; });
}
(async () => {
	thrown("Module", () => new WebAssembly.Module(bytes));
	await rejected("compile", WebAssembly.compile(bytes));
	await rejected("instantiate", WebAssembly.instantiate(bytes));
	await rejected("compileStreaming", WebAssembly.compileStreaming(response()));
	await rejected("instantiateStreaming", WebAssembly.instantiateStreaming(response()));
	told.validate = WebAssembly.validate(bytes);
	// No text is needed to get at what another context has.
	const inner = vm.createContext(vm.constants.DONT_CONTEXTIFY ?? {}).WebAssembly;
	if (inner !== undefined) await tryInner(inner);
	if (!isMainThread) return parentPort.postMessage(told);
	new Worker(__filename).on("message", (worker) => console.log(JSON.stringify({ ...told, worker })));
})();`;

const EACH = {
	Module: [true, true],
	compile: [true, true],
	instantiate: [true, true],
	compileStreaming: [true, true],
	instantiateStreaming: [true, true],
	validate: true,
	context: [true, true],
	contextPromise: true,
};

describe.each(releases)("Node.js %i", (release) => {
	test.each(modes)("%s: each way ends in a CompileError of WebAssembly, and the program goes on", async (mode) => {
		// The hook alone leaves contexts of node:vm to Node.js, which names nobody in its error.
		const each = mode === "hook" ? { ...EACH, context: [true, false] } : EACH;
		const told = await answer(join(nosuidDirectory(), "site"), {
			release,
			mode,
			refusals: "expected",
			signed: { "main.js": PROGRAM },
		});
		expect(told).toEqual({ ...each, worker: each });
	});
});
