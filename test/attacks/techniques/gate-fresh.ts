/**
 * These techniques bring text, WebAssembly and libraries by ways that begin elsewhere: modules that pass between threads,
 * modules of Node.js below all others, WebAssembly of Node.js itself, engines, and what newer releases have.
 */

import { DATA, type Technique, withData, withText } from "../technique.js";

const WORKER = `const { Worker, isMainThread, parentPort } = require("worker_threads");\n`;

/** A worker of the same file with options of Node.js. The main thread runs nothing else. */
const inWorker = (options: readonly string[], program: string) =>
	`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: ${JSON.stringify(options)} });\nelse { ${program} }`;
/** The same, with all modules of Node.js. */
const exposed = (program: string) => inWorker(["--expose-internals"], program);

const BEFORE_22 = { 20: "not in this release" } as const;
const BEFORE_24 = { ...BEFORE_22, 22: "not in this release" } as const;
const BEFORE_26 = { ...BEFORE_24, 24: "not in this release" } as const;

/** The module `(module (func (export "f") (result i32) i32.const 42))`. */
const ANSWERS = Buffer.from("0061736d010000000105016000017f03020100070501016600000a06010400412a0b", "hex");
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

const betweenThreads: readonly Technique[] = [
	wasm(
		"WebAssembly module that a worker sends",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: [] }).on("message", (module) => ran(new WebAssembly.Instance(module)));
else parentPort.postMessage(new WebAssembly.Module(bytes));`,
	),
	wasm(
		"WebAssembly module in the data of a worker",
		`${WORKER}const { workerData } = require("worker_threads");
if (isMainThread) WebAssembly.compile(bytes).then((module) => new Worker(__filename, { argv: [data], workerData: module }));
else ran(new WebAssembly.Instance(workerData));`,
	),
	wasm(
		"WebAssembly module over a BroadcastChannel",
		`const { BroadcastChannel } = require("worker_threads");
const [one, other] = [new BroadcastChannel("x"), new BroadcastChannel("x")];
other.onmessage = ({ data }) => { ran(new WebAssembly.Instance(data)); one.close(); other.close(); };
one.postMessage(new WebAssembly.Module(bytes));`,
	),
	wasm(
		"WebAssembly that structuredClone() copies",
		"ran(new WebAssembly.Instance(structuredClone(new WebAssembly.Module(bytes))));",
	),
	wasm(
		"WebAssembly of a context that refuses it otherwise",
		`const vm = require("vm");
const inner = vm.createContext(vm.constants.DONT_CONTEXTIFY, { codeGeneration: { wasm: true, strings: true } }).WebAssembly;
inner.compile(bytes).then((module) => ran(new WebAssembly.Instance(module)));`,
	),
	wasm(
		"WebAssembly by streaming of a data: URL",
		`fetch("data:application/wasm;base64," + bytes.toString("base64"))
  .then((response) => WebAssembly.instantiateStreaming(response)).then(({ instance }) => ran(instance));`,
	),
	wasm(
		"WebAssembly with builtins of strings",
		`ran(new WebAssembly.Instance(new WebAssembly.Module(bytes, { builtins: ["js-string"], importedStringConstants: "s" })));`,
	),
	wasm(
		"WebAssembly in the place of the parser of fetch()",
		`const { compile, Module } = WebAssembly;
const use = (module) => { ran(new WebAssembly.Instance(module)); return module; };
WebAssembly.compile = () => compile(bytes).then(use);
WebAssembly.Module = function () { return use(new Module(bytes)); };
const server = require("http").createServer((_, response) => response.end()).listen(0, "127.0.0.1", () => {
  fetch("http://127.0.0.1:" + server.address().port).catch(() => {}).finally(() => process.exit());
});`,
	),
];

const internals: readonly Technique[] = [
	withText(
		"evalScript() below all modules",
		exposed(`require("internal/process/execution").evalScript("x", text, false, undefined, true);`),
	),
	withText(
		"makeContextifyScript() below all modules",
		exposed(`const { makeContextifyScript, runScriptInThisContext } = require("internal/vm");
runScriptInThisContext(makeContextifyScript(text, "x", 0, 0, undefined, false, undefined, Symbol("x"), undefined), true, false);`),
	),
	withText(
		"SourceTextModule below node:vm",
		exposed(`const { SourceTextModule } = require("internal/vm/module");
const module = new SourceTextModule(text);
(async () => { await module.link(() => {}); await module.evaluate(); })();`),
	),
	withText(
		"wrapSafe() below all modules",
		exposed(`const { wrapSafe } = require("internal/modules/cjs/loader");
const made = wrapSafe("x.js", text, undefined, "commonjs");
(made.function ?? made)();`),
	),
	withText(
		"translator of modules below all modules",
		exposed(`const { translators } = require("internal/modules/esm/translators");
const cascade = require("internal/modules/esm/loader").getOrInitializeCascadedLoader?.() ?? require("internal/process/esm_loader").esmLoader;
const code = "data:text/javascript," + encodeURIComponent(text);
void translators; cascade.import(code, undefined, { __proto__: null });`),
	),
	withText(
		"session of the inspector below all modules",
		exposed(`const { sendInspectorCommand } = require("internal/util/inspector");
sendInspectorCommand((session) => session.post("Runtime.evaluate", { expression: text }), () => {});`),
	),
];

const modules: readonly Technique[] = [
	withText(
		"text of a module whose linker answers in rounds",
		inWorker(
			["--experimental-vm-modules"],
			`const vm = require("vm");
const synthetic = new vm.SyntheticModule(["default"], function () { this.setExport("default", text); });
const outer = new vm.SourceTextModule(require("fs").readFileSync(__dirname + "/outer.mjs", "utf8"));
outer.link(async (name) => (name === "text" ? synthetic : new vm.SourceTextModule(text))).then(() => outer.evaluate());`,
		),
		{
			signed: {
				"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");\n${inWorker(
					["--experimental-vm-modules"],
					`const vm = require("vm");
const synthetic = new vm.SyntheticModule(["default"], function () { this.setExport("default", text); });
const outer = new vm.SourceTextModule(require("fs").readFileSync(__dirname + "/outer.mjs", "utf8"));
outer.link(async (name) => (name === "text" ? synthetic : new vm.SourceTextModule(text))).then(() => outer.evaluate());`,
				)}`,
				"outer.mjs": `import text from "text"; import "other"; void text;\n`,
			},
		},
	),
	withText(
		"import() from a script with the loader of the main context",
		`const vm = require("vm");
const script = new vm.Script("import(url)", { importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER });
globalThis.url = "data:text/javascript," + encodeURIComponent(text);
script.runInThisContext();`,
	),
	withText(
		"import() of a data: URL from a signed module in a worker",
		`${WORKER}new Worker(__dirname + "/inner.mjs", { argv: [data], execArgv: ["--no-warnings"] });`,
		{
			signed: {
				"main.js": `${DATA}${WORKER}new Worker(__dirname + "/inner.mjs", { argv: [data], execArgv: ["--no-warnings"] });`,
				"inner.mjs": `import { readFileSync } from "fs";
import("data:text/javascript;charset=utf-8;base64," + readFileSync(process.argv[2] + "/evil.txt").toString("base64"));`,
			},
		},
	),
	withText(
		"worker with --import of a data: URL",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: ["--import", "data:text/javascript," + encodeURIComponent(text)] });`,
	),
	withText(
		"worker with --experimental-loader of a data: URL",
		`${WORKER}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: ["--experimental-loader", "data:text/javascript," + encodeURIComponent(text)] });`,
	),
	withText(
		"register() of a data: URL whose hook answers with text",
		`const { register } = require("module");
const hook = "export const load = async (url, context, next) => url.endsWith('dep.mjs') ? { format: 'module', shortCircuit: true, source: " + JSON.stringify(text) + " } : next(url, context);";
register("data:text/javascript," + encodeURIComponent(hook));
import("./dep.mjs");`,
		{
			signed: {
				"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
const { register } = require("module");
const hook = "export const load = async (url, context, next) => url.endsWith('dep.mjs') ? { format: 'module', shortCircuit: true, source: " + JSON.stringify(text) + " } : next(url, context);";
register("data:text/javascript," + encodeURIComponent(hook));
import("./dep.mjs");`,
				"dep.mjs": "export {};\n",
			},
		},
	),
	...["module-typescript"].map((format) =>
		withText(
			`registerHooks() that hands out text as ${format}`,
			`require("module").registerHooks({ load: (url, context, next) => (url.includes("dep.") ? { format: "${format}", source: text, shortCircuit: true } : next(url, context)) });
import("./dep.mjs").catch(() => {});
try { require("./dep.mjs"); } catch {}`,
			{
				signed: {
					"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
require("module").registerHooks({ load: (url, context, next) => (url.includes("dep.") ? { format: "${format}", source: text, shortCircuit: true } : next(url, context)) });
import("./dep.mjs").catch(() => {});
try { require("./dep.mjs"); } catch {}`,
					"dep.mjs": "export {};\n",
				},
				notOn: BEFORE_22,
			},
		),
	),
	withText(
		"text that stripTypeScriptTypes() made, with a name",
		`const made = require("module").stripTypeScriptTypes(text, { sourceUrl: __dirname + "/dep.ts" });
new (require("module"))(__dirname + "/dep.ts")._compile(made, __dirname + "/dep.ts");`,
		{
			signed: {
				"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
const made = require("module").stripTypeScriptTypes(text, { sourceUrl: __dirname + "/dep.ts" });
new (require("module"))(__dirname + "/dep.ts")._compile(made, __dirname + "/dep.ts");`,
				"dep.ts": "export {};\n",
			},
			notOn: BEFORE_22,
		},
	),
	withText(
		"text in the place of JSON, by require.extensions",
		`require.extensions[".json"] = (module, file) => module._compile(text, file);
require("./dep.json");`,
		{
			signed: {
				"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
require.extensions[".json"] = (module, file) => module._compile(text, file);
require("./dep.json");`,
				"dep.json": "{}",
			},
		},
	),
	withText(
		"global setup of node:test",
		`require("node:test").run({ globalSetupPath: data + "/evil.mjs", files: [__dirname + "/main.js"], isolation: "none" }).on("data", () => {});`,
		{ notOn: BEFORE_24 },
	),
	withText(
		"REPL that loads a file",
		`const { PassThrough } = require("stream");
const input = new PassThrough();
require("repl").start({ input, output: new PassThrough(), terminal: false });
input.write(".load " + data + "/evil.js\\n");`,
	),
];

const native: readonly Technique[] = [
	withData(
		"engine for the key of TLS",
		`require("tls").createSecureContext({ privateKeyEngine: data + "/evil.node", privateKeyIdentifier: "x" });`,
	),
	withData(
		"engine for the certificate of a client of TLS",
		`require("tls").createSecureContext({ clientCertEngine: data + "/evil.node" });`,
	),
	withData(
		"library by a path longer than PATH_MAX",
		`process.dlopen({ exports: {} }, "/proc/self/root" + "/.".repeat(1900) + data + "/evil.node");`,
	),
	withData(
		"library by a descriptor",
		`const fd = require("fs").openSync(data + "/evil.node"); process.dlopen({ exports: {} }, "/proc/self/fd/" + fd);`,
	),
	withData(
		"library that is exchanged while threads load it",
		`const fs = require("fs");
${WORKER}if (isMainThread) {
  fs.copyFileSync(__dirname + "/good.node", data + "/good.node");
  for (let i = 0; i < 2; i++) new Worker(__filename, { argv: [data] });
  const end = Date.now() + 1500;
  const swap = () => {
    for (let i = 0; i < 200; i++) {
      fs.copyFileSync(data + (i % 2 ? "/evil.node" : "/good.node"), data + "/next");
      fs.renameSync(data + "/next", data + "/lib.node");
    }
    if (Date.now() < end) setImmediate(swap); else process.exit();
  };
  swap();
} else for (;;) try { process.dlopen({ exports: {} }, data + "/lib.node"); } catch {}`,
		{
			signed: {
				"main.js": `${DATA}const fs = require("fs");
${WORKER}if (isMainThread) {
  fs.copyFileSync(__dirname + "/good.node", data + "/good.node");
  for (let i = 0; i < 2; i++) new Worker(__filename, { argv: [data] });
  const end = Date.now() + 1500;
  const swap = () => {
    for (let i = 0; i < 200; i++) {
      fs.copyFileSync(data + (i % 2 ? "/evil.node" : "/good.node"), data + "/next");
      fs.renameSync(data + "/next", data + "/lib.node");
    }
    if (Date.now() < end) setImmediate(swap); else process.exit();
  };
  swap();
} else for (;;) try { process.dlopen({ exports: {} }, data + "/lib.node"); } catch {}`,
				"good.node": { library: "good" },
			},
		},
	),
	withData(
		"SQLite extension by SQL",
		`const { DatabaseSync } = require("node:sqlite");
require("fs").copyFileSync(data + "/evil.node", data + "/evil.so");
const database = new DatabaseSync(":memory:", { allowExtension: true });
database.enableLoadExtension(true);
try { database.prepare("select load_extension(?)").get(data + "/evil.so"); } catch {}
database.loadExtension(data + "/evil.so");`,
		{ notOn: BEFORE_22 },
	),
	withData(
		"library by node:ffi of a worker",
		inWorker(["--experimental-ffi"], `new (process.getBuiltinModule("node:ffi").DynamicLibrary)(data + "/evil.node");`),
		{ notOn: BEFORE_26 },
	),
].map((technique) => ({ ...technique, native: true as const }));

export const gateFresh: readonly Technique[] = [...betweenThreads, ...internals, ...modules, ...native];
