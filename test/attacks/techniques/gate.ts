/**
 * These techniques attack the native gate itself: what it compares, the moment at which it looks, the functions that it
 * stands in front of, its libraries, and the conditions under which it starts. The program is hostile from its first
 * line, so nothing here depends on a trick against JavaScript.
 */

import { DATA, type Technique, withData, withText } from "../technique.js";

const THREADS = `const fs = require("fs"), vm = require("vm");
const { Worker, isMainThread, parentPort } = require("worker_threads");
`;

/** Makes a technique that runs `program` in a worker which starts with these options of Node.js. */
const inWorker = (name: string, options: readonly string[], program: string, more: Partial<Technique> = {}) =>
	withText(
		name,
		`${THREADS}if (isMainThread) new Worker(__filename, { argv: [data], execArgv: ${JSON.stringify(options)} });
else { ${program} }`,
		more,
	);

/** Makes a technique that changes the text of dep.js, which is signed. */
const beside = (name: string, text: string): Technique => ({
	...withText(name, ""),
	signed: {
		"main.js": `${DATA}const fs = require("fs");
const text = fs.readFileSync(data + "/evil.txt", "utf8").trim(), good = fs.readFileSync(__dirname + "/dep.js", "utf8");
require("vm").runInThisContext(${text});`,
		"dep.js": "globalThis.good = true;\n",
	},
});

/** Makes a technique with a library of the attacker. */
const native = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	...withData(name, program, more),
	native: true,
});

/** Makes a technique that only changes how the launcher is started. The program compiles a module. */
const started = (name: string, through: Technique["through"], more: Partial<Technique> = {}): Technique =>
	withText(name, `import("data:text/javascript," + encodeURIComponent(text));`, {
		...(through && { through }),
		...more,
	});

const shell = (commands: string) => () => ["sh", "-c", `${commands}; exec "$@"`, "sh"];
const OTHER = `const vm = require("vm");
const inner = vm.createContext(vm.constants.DONT_CONTEXTIFY, { codeGeneration: { strings: true, wasm: true } });
inner.process = process;
`;
const WASM = "0061736d010000000105016000017f030201000705010166000 00a06010400412a0b".replaceAll(" ", "");
const WASM_BASE64 = Buffer.from(WASM, "hex").toString("base64");
const NO_SQLITE = { 20: "has no node:sqlite" } as const;

/** The gate compares the bytes of a text. These texts have parts that are signed. */
const texts: readonly Technique[] = [
	beside("unsigned text before a signed one", `text + "\\n" + good`),
	beside("unsigned text behind the name that types removed leave", `good + "\\n\\n//# sourceURL=x\\n" + text`),
	beside("unsigned text behind that name and U+2028", `good + "\\n\\n//# sourceURL=x\\u2028" + text`),
	beside("unsigned text behind that name and a carriage return", `good + "\\n\\n//# sourceURL=x\\r" + text`),
	beside("unsigned text between two such names", `good + "\\n\\n//# sourceURL=x\\n" + text + "\\n\\n//# sourceURL=y"`),
	beside("unsigned text with a lone surrogate", `"'\\ud800';" + text`),
	beside("unsigned text of two-byte characters", `"'\\u4e2d';" + text`),
	beside("unsigned text in a string outside of V8's heap", `Buffer.from(text.padEnd(2e6)).toString("latin1")`),
	beside(
		"unsigned text in a two-byte string outside of V8's heap",
		`Buffer.from(text.padEnd(2e6), "utf16le").toString("utf16le")`,
	),
	beside("unsigned text joined of a thousand parts", `[...text].reduce((all, part) => all + part, "")`),
	withText(
		"unsigned text before a source of Node.js",
		`require("vm").runInThisContext(text + process.binding("natives").path);`,
	),
	withText("unsigned text that has the address of a signed file", "", {
		signed: {
			"main.js": `${DATA}const text = require("fs").readFileSync(data + "/evil.txt", "utf8");
new (require("vm").Script)(text, { filename: "file://" + __dirname + "/%64ep.js" }).runInThisContext();`,
			"dep.js": "globalThis.good = true;\n",
		},
	}),
	{
		name: "file that changes after it was required",
		signed: {
			"main.js": `${DATA}const fs = require("fs"), file = data + "/file.js";
fs.copyFileSync(__dirname + "/dep.js", file);
require(file);
delete require.cache[file];
fs.copyFileSync(data + "/evil.js", file);
require(file);`,
			"dep.js": "exports.good = true;\n",
		},
	},
];

/** Ways to reach eval, Function and the compiler when, or where, nobody may look. */
const moments: readonly Technique[] = [
	withText("eval of another realm, called by Array.prototype.map", `${OTHER}[text].map(inner.eval);`),
	withText(
		"Function of another realm with a new.target of this one",
		`${OTHER}Reflect.construct(inner.Function, [text], Function)();`,
	),
	withText("bound Function", "Function.prototype.bind.call(Function, null, text)()();"),
	withText("proxy of Function", "new Proxy(Function, {})(text)();"),
	withText("eval with spread arguments", "eval(...[text]);"),
	withText("eval in a static block of a class", "(class { static { eval(text); } });"),
	withText("eval as a reaction of a promise", "Promise.resolve(text).then(eval);"),
	withText("eval as a listener", `process.once("x", eval); process.emit("x", text);`),
	withText("eval when the program ends", `process.on("exit", () => eval(text));`),
	withText(
		"eval after an uncaught error",
		"process.setUncaughtExceptionCaptureCallback(() => eval(text)); throw new Error();",
	),
	withText(
		"asm.js of text",
		`console.log("evil-ran-" + new Function('"use asm"; function f() { return 42; } return f')()());`,
	),
	inWorker("eval in a worker with source maps", ["--enable-source-maps"], `eval(text + "//# sourceURL=x");`),
	withText(
		"vm.Script where the stack ends",
		`const { Script } = require("vm");
(function deeper() { try { deeper(); } catch { new Script(text).runInThisContext(); } })();`,
	),
	withText(
		"vm.Script in five threads at once",
		`${THREADS}if (isMainThread) for (let i = 0; i < 4; i++) new Worker(__filename, { argv: [data] });
for (let i = 0; i < 200; i++) new vm.Script("0");
new vm.Script(text).runInThisContext();`,
	),
	withText(
		"vm.Script when index and record are closed",
		`const fs = require("fs");
for (const descriptor of [3, 4]) try { fs.readlinkSync("/proc/self/fd/" + descriptor).includes("memfd") && fs.closeSync(descriptor); } catch {}
fs.openSync(data + "/evil.txt");
require("vm").runInThisContext(text);`,
	),
	withText(
		"vm.Script when all descriptors are used",
		`const fs = require("fs"), { Script } = require("vm");
try { for (;;) fs.openSync("/dev/null"); } catch {}
new Script(text).runInThisContext();`,
	),
];

/** Options and variables that a running program can give a thread. */
const threads: readonly Technique[] = [
	inWorker(
		"SourceTextModule in a worker",
		["--experimental-vm-modules"],
		"const unit = new vm.SourceTextModule(text); unit.link(() => {}).then(() => unit.evaluate());",
	),
	inWorker(
		"read-eval-print loop in a worker that awaits",
		["--experimental-repl-await"],
		`const { PassThrough } = require("stream"), input = new PassThrough();
require("repl").start({ input, output: new PassThrough(), useGlobal: true });
input.end("await 1;" + text + "\\n");`,
	),
	withText(
		"worker with NODE_OPTIONS in its environment",
		`${THREADS}if (isMainThread)
  new Worker(__filename, { argv: [data], env: { NODE_OPTIONS: "--import=data:text/javascript," + encodeURIComponent(text.trim()) } });`,
	),
	withText(
		"module of WebAssembly between threads",
		`${THREADS}if (isMainThread)
  new Worker(__filename, { argv: [data] }).on("message", (module) => console.log("evil-ran-" + new WebAssembly.Instance(module).exports.f()));
else parentPort.postMessage(new WebAssembly.Module(Buffer.from("${WASM}", "hex")));`,
	),
	withText(
		"import of WebAssembly in a data: URL",
		`import("data:application/wasm;base64,${WASM_BASE64}").then(({ f }) => console.log("evil-ran-" + f()));`,
		{ notOn: { 20: "needs a flag" } },
	),
];

/** Native code by what calls dlopen(3) for a program. */
const libraries: readonly Technique[] = [
	native(
		"unsigned addon by a descriptor",
		`const descriptor = require("fs").openSync(data + "/evil.node");
process.dlopen({ exports: {} }, "/proc/self/fd/" + descriptor);`,
	),
	native(
		"unsigned addon by a link to a descriptor",
		`const fs = require("fs"), descriptor = fs.openSync(data + "/evil.node");
fs.symlinkSync("/proc/self/fd/" + descriptor, data + "/link.node");
process.dlopen({ exports: {} }, data + "/link.node");`,
	),
	native("unsigned addon renamed over a signed one by a thread", "", {
		signed: {
			"main.js": `${DATA}${THREADS}const file = data + "/file.node";
if (isMainThread) {
  fs.copyFileSync(__dirname + "/good.node", file);
  new Worker(__filename, { argv: [data] }).once("message", () => {
    for (let i = 0; i < 500; i++) try { process.dlopen({ exports: {} }, file); } catch {}
    process.exit();
  });
} else
  for (;;) {
    for (const from of [data + "/evil.node", __dirname + "/good.node"]) {
      fs.copyFileSync(from, data + "/next");
      fs.renameSync(data + "/next", file);
    }
    parentPort.postMessage(0);
  }`,
			"good.node": { library: "good" },
		},
	}),
	native(
		"unsigned addon when all descriptors are used",
		`const fs = require("fs");
const all = [];
try { for (;;) all.push(fs.openSync("/dev/null")); } catch {}
fs.closeSync(all.pop());
process.dlopen({ exports: {} }, data + "/evil.node");`,
	),
	native(
		"engine named while the program runs",
		`require("fs").copyFileSync(data + "/evil.node", data + "/evil.so");
process.env.OPENSSL_ENGINES = data;
require("tls").createSecureContext({ clientCertEngine: "evil" });`,
	),
	native(
		"SQLite extension, with its entry point named",
		`const { DatabaseSync } = require("node:sqlite");
new DatabaseSync(":memory:", { allowExtension: true }).loadExtension(data + "/evil.node", "run");`,
		{ notOn: NO_SQLITE },
	),
	native("signed addon moved to an unsigned library that it is linked to", "", {
		signed: {
			"main.js": `${DATA}const fs = require("fs");
fs.copyFileSync(__dirname + "/linked.node", data + "/linked.node");
fs.copyFileSync(data + "/evil.node", data + "/libdep.so");
try { require(data + "/linked.node"); } catch (error) { console.log(error.message); }`,
			"linked.node": { library: "linked" },
			"libdep.so": { library: "good" },
		},
	}),
	native("signed addon by a link beside an unsigned library that it is linked to", "", {
		signed: {
			"main.js": `${DATA}const fs = require("fs");
fs.linkSync(data + "/evil.node", data + "/libdep.so");
fs.symlinkSync(__dirname + "/linked.node", data + "/linked.node");
try { process.dlopen({ exports: {} }, data + "/linked.node"); } catch (error) { console.log(error.message); }`,
			"linked.node": { library: "linked" },
			"libdep.so": { library: "good" },
		},
	}),
];

/** Starts under which a library that is loaded first could be missing. */
const starts: readonly Technique[] = [
	started("standard descriptors closed", shell("exec 0<&- 2<&-")),
	started("few descriptors allowed", () => ["prlimit", "--nofile=40:40"]),
	started("one process allowed", () => ["prlimit", "--nproc=1:1"]),
	started("four gigabytes of addresses allowed", () => ["prlimit", `--as=${4 * 2 ** 30}`]),
	started("stack without a limit", shell("ulimit -s unlimited")),
	started("ended children ignored", shell("trap '' CHLD")),
	started("addresses not random", () => ["setarch", "-R"]),
	started("variables of the loader", undefined, {
		environment: ({ data }) => ({
			LD_PRELOAD: "",
			LD_LIBRARY_PATH: data,
			LD_BIND_NOT: "1",
			GLIBC_TUNABLES: "glibc.rtld.nns=1",
		}),
	}),
	started("thousands of variables", undefined, {
		environment: () => Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`VARIABLE_${i}`, "x".repeat(200)])),
	}),
	started("thousands of arguments", undefined, {
		script: ({ app, data }) => [`${app}/main.js`, data, ...Array.from({ length: 20_000 }, () => "x".repeat(30))],
	}),
];

export const gate: readonly Technique[] = [...texts, ...moments, ...threads, ...libraries, ...starts];
