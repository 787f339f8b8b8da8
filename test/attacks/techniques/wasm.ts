/** These techniques run unsigned WebAssembly. */

import { DATA, type Technique, withData, withText } from "../technique.js";

/** The module `(module (func (export "f") (result i32) i32.const 42))`. */
const ANSWERS = Buffer.from(
	"0061736d010000000105016000017f030201000705010166000 00a06010400412a0b".replaceAll(" ", ""),
	"hex",
);
/** A module whose start function calls `say(42)`, which it imports from ./say.mjs. */
const SAYS = Buffer.from(
	[
		"0061736d01000000",
		"0108 02 60017f00 600000",
		"0211 01 09 2e2f7361792e6d6a73 03 736179 0000",
		"03020101",
		"080101",
		"0a08 01 06 00 412a 1000 0b",
	]
		.join("")
		.replaceAll(" ", ""),
	"hex",
);
/** A WASI module. Its `_start` exits with 42. */
const EXITS = Buffer.from(
	[
		"0061736d01000000",
		"0108026000006001 7f00",
		"02240116776173695f736e617073686f745f707265766965 773109 70726f635f657869740001",
		"03020100",
		"0503010001",
		"0713 02 065f737461727400 01 066d656d6f72790200",
		"0a08010600412a10000b",
	]
		.join("")
		.replaceAll(" ", ""),
	"hex",
);

const wasm = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	...withData(
		name,
		`const bytes = require("fs").readFileSync(data + "/evil.wasm");
const ran = (instance) => console.log("evil-ran-" + instance.exports.f());
${program}`,
		more,
	),
	beside: { "evil.wasm": ANSWERS },
});

/** Imports the module that Node.js makes for WebAssembly, which has these lines for imports and exports. */
const importFacade = (imports: string, exports: string) =>
	`import("data:text/javascript," + encodeURIComponent("\\n" + ${imports} + "\\n" + ${exports} + "\\nimport.meta.done();\\n")).catch(() => {});`;

const UNFLAGGED = { 20: "needs a flag" } as const;

const WORKER = `const { Worker, isMainThread, workerData } = require("worker_threads");\n`;
/** No other technique has this module, because what is signed counts everywhere. */
const returning = (number: string) =>
	Buffer.from(`${ANSWERS.toString("hex").replace("412a", `41${number}`)}000706736861726564`, "hex");
const sharedBytes: Technique = {
	...withData("signed WebAssembly that another thread changes in shared memory", ""),
	signed: {
		"main.js": `${DATA}${WORKER}const { readFileSync } = require("fs");
const signed = readFileSync(__dirname + "/signed.wasm"), evil = readFileSync(data + "/evil.wasm");
const at = signed.findIndex((byte, index) => byte !== evil[index]);
if (isMainThread) {
  const shared = new Uint8Array(new SharedArrayBuffer(signed.length));
  shared.set(signed);
  new Worker(__filename, { argv: [data], workerData: shared });
  for (let answer; answer !== 42;) answer = new WebAssembly.Instance(new WebAssembly.Module(shared)).exports.f();
  console.log("evil-ran-42");
  process.exit();
} else for (;;) workerData[at] ^= signed[at] ^ evil[at];`,
		"signed.wasm": returning("2b"),
	},
	beside: { "evil.wasm": returning("2a") },
};

export const wasmTechniques: readonly Technique[] = [
	wasm("WebAssembly.Module", "ran(new WebAssembly.Instance(new WebAssembly.Module(bytes)));"),
	wasm("WebAssembly.compile()", "WebAssembly.compile(bytes).then((module) => ran(new WebAssembly.Instance(module)));"),
	wasm("WebAssembly.instantiate()", "WebAssembly.instantiate(bytes).then(({ instance }) => ran(instance));"),
	wasm(
		"WebAssembly.compileStreaming()",
		`WebAssembly.compileStreaming(new Response(bytes, { headers: { "content-type": "application/wasm" } }))
  .then((module) => ran(new WebAssembly.Instance(module)));`,
	),
	wasm(
		"WebAssembly.instantiateStreaming()",
		`WebAssembly.instantiateStreaming(new Response(bytes, { headers: { "content-type": "application/wasm" } }))
  .then(({ instance }) => ran(instance));`,
	),
	wasm(
		"class that extends WebAssembly.Module",
		"ran(new WebAssembly.Instance(new (class extends WebAssembly.Module {})(bytes)));",
	),
	wasm(
		"Reflect.construct of WebAssembly.Module",
		"ran(new WebAssembly.Instance(Reflect.construct(WebAssembly.Module, [bytes])));",
	),
	wasm(
		"bytes of WebAssembly that change after they were checked",
		`const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
shared.set(bytes);
ran(new WebAssembly.Instance(new WebAssembly.Module(shared)));`,
	),
	wasm(
		"WebAssembly of another context",
		`const vm = require("vm");
const inner = vm.createContext(vm.constants.DONT_CONTEXTIFY).WebAssembly;
ran(new inner.Instance(new inner.Module(bytes)));`,
	),
	{
		...wasm("WebAssembly in a worker", ""),
		signed: {
			"main.js": `${DATA}new (require("worker_threads").Worker)(__dirname + "/inner.js", { argv: [data], execArgv: [] });`,
			"inner.js": `const bytes = require("fs").readFileSync(process.argv[2] + "/evil.wasm");
console.log("evil-ran-" + new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f());`,
		},
	},
	{
		name: "changed WebAssembly by import",
		signed: {
			"main.mjs": `import "./dep.wasm";`,
			"say.mjs": "export const say = (n) => console.log(`evil-ran-${n}`);",
			"dep.wasm": Buffer.from("0061736d01000000", "hex"),
		},
		changed: { "dep.wasm": SAYS },
		notOn: UNFLAGGED,
	},
	{
		...withData("WASI", ""),
		signed: {
			"main.js": `${DATA}const { WASI } = require("wasi");
const wasi = new WASI({ version: "preview1", returnOnExit: true });
const bytes = require("fs").readFileSync(data + "/evil.wasm");
WebAssembly.instantiate(bytes, wasi.getImportObject()).then(({ instance }) => console.log("evil-ran-" + wasi.start(instance)));`,
		},
		beside: { "evil.wasm": EXITS },
	},
	withText(
		"text in a module like that for WebAssembly",
		importFacade(
			`""`,
			`'let $export_0;\\nexport { $export_0 as "a" };\\n' + text + 'import.meta.exports["a"] = {\\n  get: () => $export_0,\\n  set: (v) => $export_0 = v,\\n};'`,
		),
	),
	withText(
		"text that a module like that for WebAssembly imports",
		`const name = JSON.stringify("data:text/javascript," + encodeURIComponent(text));
${importFacade(`"import * as $import_0 from " + name + ";\\nimport.meta.imports[" + name + "] = $import_0;"`, `""`)}`,
	),
	wasm(
		"WebAssembly by import of a data: URL",
		`import("data:application/wasm;base64," + bytes.toString("base64")).then(({ f }) => console.log("evil-ran-" + f()));`,
		{
			notOn: UNFLAGGED,
		},
	),
	wasm(
		"WebAssembly by import.source()",
		`import.source("file://" + data + "/evil.wasm").then((module) => ran(new WebAssembly.Instance(module)));`,
		{
			notOn: { 20: "not in this release", 22: "not in this release" },
		},
	),
	sharedBytes,
];
