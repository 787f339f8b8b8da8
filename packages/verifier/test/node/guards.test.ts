import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, makeApplication, RELEASES } from "./application.js";

/**
 * Makes code that answers the request for an import, in place of the loader thread of Node.js 20. The code then sends
 * the request to that thread with another port, so that nobody reads the thread's answer.
 */
const FORGE = (place: string) => `${place}.prototype.postMessage = function (m, l) {
	if (m?.method !== "load" || !m.port) return postMessage.call(this, m, l);
	m.port.postMessage({ status: "success", body: { format: "module", source: "console.log('evil')", responseURL: m.args[0] } });
	const { port2 } = new C();
	postMessage.call(this, { method: m.method, args: m.args, port: port2 }, [port2]);
};
import("./module.mjs").finally(() => process.exit(3))`;

/**
 * Each program tries to run unsigned code, and prints "evil" if it succeeds. `since` is the first release on which the
 * program is tried.
 */
const ATTEMPTS: readonly (readonly [name: string, program: string, event: string, since?: number])[] = [
	["vm.Script", 'new (require("vm").Script)("console.log(\'evil\')").runInThisContext()', "vm.compile"],
	["vm.runInThisContext", 'require("vm").runInThisContext("console.log(\'evil\')")', "vm.compile"],
	["vm.runInNewContext", 'require("vm").runInNewContext("log(\'evil\')", console)', "vm.compile"],
	[
		"vm.runInContext",
		'const vm = require("vm"); vm.runInContext("log(\'evil\')", vm.createContext(console))',
		"vm.compile",
	],
	["vm.compileFunction", 'require("vm").compileFunction("console.log(\'evil\')")()', "vm.compile"],
	["vm.createScript", 'require("vm").createScript("console.log(\'evil\')").runInThisContext()', "vm.compile"],
	[
		"the class below vm.Script",
		'const { Script } = require("vm"); const inner = Object.getPrototypeOf(Script.prototype).constructor; new inner("console.log(\'evil\')").runInThisContext()',
		"vm.compile",
	],
	[
		"the prototype chain of vm.Script",
		'const inner = Object.getPrototypeOf(require("vm").Script); new inner("console.log(\'evil\')")',
		"none",
	],
	[
		"a subclass of vm.Script",
		'class S extends require("vm").Script {} new S("console.log(\'evil\')").runInThisContext()',
		"vm.compile",
	],
	[
		"text that changes while it is judged",
		'let n = 0; new (require("vm").Script)({ toString: () => n++ ? "console.log(\'evil\')" : "" }).runInThisContext()',
		"vm.compile",
	],
	["Module._compile", "module._compile(\"console.log('evil')\", __filename)", "module.compile"],
	[
		"Module.wrap",
		'module.constructor.wrap = (s) => "console.log(1, `evil`);" + s; require("./empty.js")',
		"module.register",
	],
	[
		"Module.wrapper",
		'module.constructor.wrapper[0] += "console.log(\'evil\');"; require("./empty.js")',
		"module.register",
	],
	[
		"Module.wrapper by a getter",
		'let n = 0; const w = module.constructor.wrapper; const head = w[0]; Object.defineProperty(w, 0, { get: () => n++ ? head + "console.log(\'evil\');" : head }); require("./empty.js")',
		"module.register",
	],
	["module.register", 'require("module").register("data:text/javascript,console.log(\'evil\')")', "module.register"],
	[
		"module.registerHooks",
		'require("module").registerHooks({ load: () => ({ format: "commonjs", source: "console.log(\'evil\')", shortCircuit: true }) }); require("./empty.js")',
		"module.register",
		22,
	],
	[
		"a guard that failed once",
		'const get = () => {}; for (const n of ["get", "set"]) Object.prototype[n] = get; try { require("vm"); } catch {} delete Object.prototype.get; delete Object.prototype.set; require("vm").runInThisContext("console.log(`evil`)")',
		"vm.compile",
	],
	[
		"Module.wrapper by a getter and an inherited value",
		'const w = module.constructor.wrapper; const head = w[0]; Object.defineProperty(w, 0, { get: () => head + "console.log(`evil`);" }); Object.prototype.value = head; require("./empty.js")',
		"module.register",
	],
	[
		"registerHooks of module.constructor",
		'module.constructor.registerHooks({ load: () => ({ format: "commonjs", source: "console.log(`evil`)", shortCircuit: true }) }); require("./empty.js")',
		"module.register",
		22,
	],
	[
		"register of module.constructor",
		'module.constructor.register("data:text/javascript,console.log(`evil`)")',
		"module.register",
	],
	[
		"the class that util.inspect passes to getters",
		'const vm = require("vm"), util = require("util"); let inner; Object.defineProperty(vm.Script, "x", { get() { inner = this; return 1; }, enumerable: true }); util.inspect(vm.Script, { getters: true, showProxy: true }); new inner("console.log(`evil`)").runInThisContext()',
		"vm.compile",
	],
	[
		"tags that util.inspect reads",
		'const vm = require("vm"), util = require("util"); let inner; Object.defineProperty(Function.prototype, Symbol.toStringTag, { get() { inner ??= this; return "f"; } }); util.inspect(vm.Script); new (inner ?? vm.Script)("console.log(`evil`)").runInThisContext()',
		"vm.compile",
	],
	[
		"the inheritance that a worker is about to get",
		'const w = require("worker_threads"); new w.Worker("./empty.js", { workerData: { get x() { console.log(w.getEnvironmentData("sigtool:start") ? "evil" : "nothing"); process.exit(3); } } })',
		"none",
	],
	[
		"the inheritance that a worker has taken",
		'const w = require("worker_threads"); new w.Worker("./empty.js"); if (w.getEnvironmentData("sigtool:start")) console.log("evil"); process.exit(3)',
		"none",
	],
	[
		"a worker's trust, replaced",
		'const w = require("worker_threads"), fs = require("fs"), file = require("os").tmpdir() + "/sigtool-worker-" + process.pid + ".js"; fs.writeFileSync(file, "console.log(\'ev\' + \'il\')"); w.setEnvironmentData("sigtool:start", { mode: "off", configuration: { mode: "off", audit: {}, deny: [], products: [] } }); new w.Worker(file).on("exit", (code) => { fs.rmSync(file); process.exit(code); })',
		"module.open_code",
	],
	[
		"a URL that changes",
		'let n = 0; new (require("worker_threads").Worker)({ href: "data:text/javascript,console.log(`evil`)", protocol: "data:", toString: () => n++ ? "data:text/javascript,console.log(`evil`)" : "file:///empty.js" })',
		"none",
	],
	[
		"node:test",
		'require("node:test").run({ files: ["./empty.js"] }).on("test:pass", () => console.log("evil"))',
		"child_process.spawn",
	],
	["a data: import", "import(\"data:text/javascript,console.log('evil')\")", "code.string"],
	["a worker's eval", 'new (require("worker_threads").Worker)("console.log(\'evil\')", { eval: true })', "code.string"],
	[
		"a worker's data: URL",
		'new (require("worker_threads").Worker)(new URL("data:text/javascript,console.log(\'evil\')"))',
		"code.string",
	],
	[
		"SHARE_ENV",
		'const w = require("worker_threads"); new w.Worker("./empty.js", { env: w.SHARE_ENV }); console.log("evil")',
		"worker.spawn",
	],
	[
		"a worker's NODE_OPTIONS",
		'new (require("worker_threads").Worker)("./empty.js", { env: { NODE_OPTIONS: "--no-warnings" } }); console.log("evil")',
		"worker.spawn",
	],
	[
		"child_process.spawn",
		'require("child_process").spawn("echo", ["evil"], { stdio: "inherit" })',
		"child_process.spawn",
	],
	[
		"child_process.exec by promisify",
		'require("util").promisify(require("child_process").exec)("echo evil").then((r) => console.log(r.stdout))',
		"child_process.spawn",
	],
	[
		"child_process.fork",
		'require("child_process").fork("./empty.js").on("spawn", () => console.log("evil"))',
		"child_process.spawn",
	],
	[
		"child_process.execFileSync",
		'console.log(require("child_process").execFileSync("echo", ["evil"]).toString())',
		"child_process.spawn_sync",
	],
	["process.execve", 'process.execve("/bin/echo", ["echo", "evil"])', "process.execve", 24],
	["process.binding", 'process.binding("contextify"); console.log("evil")', "process.binding"],
	["inspector.open", 'require("inspector").open(0, "127.0.0.1"); console.log("evil")', "inspector.open"],
	["inspector.Session", 'new (require("inspector").Session)().connect(); console.log("evil")', "inspector.open"],
	[
		"a REPL",
		'require("repl").start({ input: require("stream").Readable.from(["console.log(\'evil\')\\n"]) })',
		"code.string",
	],
	[
		"a REPL, imported",
		'import("node:repl").then((r) => r.start({ input: require("stream").Readable.from(["console.log(\'evil\')\\n"]) }))',
		"code.string",
	],
	[
		"process.getBuiltinModule",
		'process.getBuiltinModule("vm").runInThisContext("console.log(\'evil\')")',
		"vm.compile",
	],
	[
		"an imported vm",
		'import("node:vm").then(({ runInThisContext }) => runInThisContext("console.log(\'evil\')"))',
		"vm.compile",
	],
	[
		"vm imported after it was required",
		'require("vm"); import("node:vm").then(({ runInThisContext }) => runInThisContext("console.log(`evil`)"))',
		"vm.compile",
	],
	[
		"vm required after another module was imported",
		'import("node:os").then(() => { require("vm"); return import("node:vm"); }).then(({ runInThisContext }) => runInThisContext("console.log(`evil`)"))',
		"vm.compile",
	],
	["vm imported by a required ES module", 'require("./vm.mjs")', "vm.compile", 22],
	["vm imported by an imported ES module", 'import("./vm.mjs")', "vm.compile"],
	[
		"vm imported after exports could not be copied once",
		'const os = require("os"); Object.defineProperty(os, "arch", { configurable: true, get() { throw 1; } }); import("node:os").catch(() => 0).then(() => { delete os.arch; return import("node:vm"); }).then(({ runInThisContext }) => runInThisContext("console.log(`evil`)"))',
		"vm.compile",
	],
	[
		"module.register, imported",
		'import("node:module").then(({ register }) => { register("data:text/javascript,"); console.log("evil"); })',
		"module.register",
	],
	[
		"process.binding, imported",
		'require("process"); import("node:process").then(({ binding }) => { binding("contextify"); console.log("evil"); })',
		"process.binding",
	],
	[
		"a worker's eval, imported",
		'require("worker_threads"); import("node:worker_threads").then(({ Worker }) => new Worker("console.log(`evil`)", { eval: true }))',
		"code.string",
	],
	[
		"WebAssembly.Module",
		"new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); console.log('evil')",
		"wasm.compile",
	],
	[
		"WebAssembly.compile",
		"WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => console.log('evil'))",
		"wasm.compile",
	],
	[
		"WebAssembly.instantiate",
		"WebAssembly.instantiate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)).then(() => console.log('evil'))",
		"wasm.compile",
	],
	["crypto.setEngine", 'require("crypto").setEngine("dynamic"); console.log("evil")', "crypto.set_engine"],
	[
		"sqlite extensions",
		'new (require("node:sqlite").DatabaseSync)(":memory:", { allowExtension: true }).loadExtension("./x.so"); console.log("evil")',
		"sqlite.load_extension",
		24,
	],
	["node:ffi", 'require("node:ffi"); console.log("evil")', "ffi.open", 26],
	["V8 flags", 'require("v8").setFlagsFromString("--allow-natives-syntax"); console.log("evil")', "code.string"],
	[
		"V8 flags behind a tab",
		'require("v8").setFlagsFromString("--max-old-space-size=100\\t--allow-natives-syntax"); console.log("evil")',
		"code.string",
	],
	[
		"V8 flags behind a line feed",
		'require("v8").setFlagsFromString("--max-old-space-size=100\\n--allow-natives-syntax"); console.log("evil")',
		"code.string",
	],
	[
		"V8 flags behind a no-break space",
		'require("v8").setFlagsFromString("--max-old-space-size=100\\u00a0--allow-natives-syntax"); console.log("evil")',
		"code.string",
	],
	[
		"a worker's start message changed by MessagePort.prototype",
		'const { Worker, MessagePort } = require("worker_threads"); const p = MessagePort.prototype, { postMessage } = p; p.postMessage = function (m, l) { if (m.type === "loadScript") Object.assign(m, { doEval: "module", filename: "console.log(\'evil\')" }); return postMessage.call(this, m, l); }; new Worker("./empty.js")',
		"worker.spawn",
	],
	[
		"a thread of the class below Worker",
		'const { Worker } = require("worker_threads"); const w = new Worker("./empty.js"); const at = (name) => w[Object.getOwnPropertySymbols(w).find(({ description }) => description === name)]; new (at("kHandle").constructor)(null, null, [], new Float64Array(4).fill(-1), true, false); console.log("evil")',
		"none",
	],
	[
		"a second script for a worker",
		'const { Worker, MessageChannel } = require("worker_threads"); const w = new Worker("./empty.js"); const port = Object.getOwnPropertySymbols(w).find(({ description }) => description === "kPort"); w[port].postMessage({ type: "loadScript", doEval: "module", filename: "console.log(\'evil\')" })',
		"worker.spawn",
	],
	[
		"a port in another context",
		'const { port1 } = new MessageChannel(); require("worker_threads").moveMessagePortToContext(port1, require("vm").createContext()); console.log("evil")',
		"worker.spawn",
	],
	[
		"import answered by MessagePort.prototype",
		`const { MessagePort: P, MessageChannel: C } = require("worker_threads"), { postMessage } = P.prototype; ${FORGE("P")}`,
		"none",
	],
	[
		"import answered by Worker.prototype",
		`const { Worker: P, MessageChannel: C } = require("worker_threads"), { postMessage } = P.prototype; ${FORGE("P")}`,
		"none",
	],
	[
		"source changed by a getter of Object.prototype",
		'Object.defineProperty(Object.prototype, "then", { get() { if ("source" in this) try { this.source = "console.log(\'evil\')"; } catch {} } }); import("./module.mjs").finally(() => process.exit(3))',
		"none",
	],
	[
		"vm loaded while Array.prototype has no iterator",
		'const key = Symbol.iterator, it = Array.prototype[key]; Array.prototype[key] = function* () {}; let vm; try { vm = require("vm"); } finally { Array.prototype[key] = it; } vm.runInThisContext("console.log(\'evil\')")',
		"vm.compile",
	],
	[
		"vm loaded while Module._load returns another module",
		'const m = require("module"), { _load } = m; m._load = () => ({ Script: class {} }); process.getBuiltinModule("vm"); m._load = _load; require("vm").runInThisContext("console.log(\'evil\')")',
		"vm.compile",
	],
	[
		"vm loaded while Module.prototype.require returns another module",
		'const p = module.constructor.prototype, r = p.require; p.require = () => ({ Script: class {} }); process.getBuiltinModule("vm"); p.require = r; require("vm").runInThisContext("console.log(\'evil\')")',
		"vm.compile",
	],
	[
		"tls loaded while it is being guarded",
		'let at; Object.defineProperty(Object.prototype, "context", { configurable: true, set() { at ??= require("tls"); } }); require("tls"); console.log(at ? "evil" : "")',
		"process.binding",
		22,
	],
	[
		"snapshots of node:test",
		'const fs = require("fs"), file = require("os").tmpdir() + "/sigtool-snapshot-" + process.pid; fs.writeFileSync(file, "exports.x = 1"); process.on("exit", () => fs.rmSync(file)); const t = require("node:test"); t.snapshot.setResolveSnapshotPath(() => file); t.test("x", ({ assert }) => { try { assert.snapshot("a"); } catch {} console.log("ev" + "il"); })',
		"vm.compile",
		22,
	],
	[
		"a separate realm",
		'const vm = require("vm"); vm.createContext(vm.constants.DONT_CONTEXTIFY).eval("0"); console.log("evil")',
		"none",
		22,
	],
];

const IMPORTS_VM = 'import { runInThisContext } from "node:vm"; runInThisContext("console.log(`evil`)");';

/** With the policy `stringCode: refuse`, Node.js must be started with this option. */
const NO_STRINGS = { nodeArguments: ["--disallow-code-generation-from-strings"] };

describe.each(RELEASES)("guards on Node.js %s", (release) => {
	const known = ATTEMPTS.filter(([, , , since = 20]) => Number(release) >= since);
	let application: Application;
	beforeAll(async () => {
		const programs = known.map(([, program], index): [string, string] => [`attempt-${index}.cjs`, program]);
		application = await makeApplication(
			{ ...Object.fromEntries(programs), "package.json": "{}", "empty.js": "", "module.mjs": "", "vm.mjs": IMPORTS_VM },
			{ policy: { runtime: { stringCode: "refuse" } } },
		);
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(known.map(([name, , event], index) => ({ name, event, index })))("stop $name", ({ event, index }) => {
		const { status, stdout, stderr } = application.run(release, [`attempt-${index}.cjs`], NO_STRINGS);
		expect(stdout, stderr).not.toContain("evil");
		if (event === "none") return expect(status).not.toBe(0);
		// A refused child and refused WebAssembly throw, and the program decides what becomes of that.
		const isWasm = event === "wasm.compile";
		const isThrown = isWasm || event.startsWith("child_process.") || event === "process.execve";
		if (!isThrown) expect(status, stderr).toBe(126);
		if (isWasm) expect(stderr).toMatch(/^CompileError: .*add its digest to runtime\.webAssemblySha256/m);
		const refusal = application.events().findLast(({ verdict }) => verdict === "refuse");
		expect(refusal?.event).toBe(event);
	});
});

const HARMLESS: readonly (readonly [name: string, program: string, since?: number])[] = [
	[
		"signed text under its own name",
		'require("vm").runInThisContext(require("fs").readFileSync("./said.js", "utf8"), require("path").resolve("said.js"))',
	],
	[
		"new vm.Script of signed text",
		'const vm = require("vm"); new vm.Script(require("fs").readFileSync("./said.js", "utf8"), { filename: require("path").resolve("said.js") }).runInContext(vm.createContext({ console }))',
	],
	[
		"additions to Object.prototype, and objects with a method named then",
		'Object.prototype.extra = 1; delete Object.prototype.extra; const o = {}; o.then = (done) => done("said"); (async () => console.log(Object.keys(o)[0] === "then" && (await o)))()',
	],
	["loading node:repl and node:vm", 'require("vm"); require("repl"); require("./said.js")'],
	[
		"a wrapped Module._compile",
		'const { prototype } = module.constructor; const inner = prototype._compile; prototype._compile = function (...args) { return inner.apply(this, args) }; require("./said.js")',
	],
	["a new extension of require", 'require.extensions[".said"] = require.extensions[".js"]; require("./other.said")'],
	["signed WebAssembly", 'new WebAssembly.Module(require("fs").readFileSync("./empty.wasm")); require("./said.js")'],
	[
		"asking for the compile cache, which is off",
		'if (require("module").enableCompileCache("/nonexistent").directory === undefined) require("./said.js")',
		22,
	],
	[
		"fetch",
		'const server = require("http").createServer((_, r) => r.end("said")).listen(0, "127.0.0.1", async () => { console.log(await (await fetch("http://127.0.0.1:" + server.address().port)).text()); process.exit() })',
	],
	["a worker", 'new (require("worker_threads").Worker)("./said.js")'],
	[
		"a worker with options",
		'new (require("worker_threads").Worker)("./said.js", { env: { A: "1" }, execArgv: [...process.execArgv, "--no-warnings"], workerData: 1 })',
	],
	["a worker's worker", 'new (require("worker_threads").Worker)("./worker.mjs")'],
	["process.binding('natives')", 'process.noDeprecation = true; process.binding("natives"); require("./said.js")'],
];

describe.each(RELEASES)("harmless code that still works on Node.js %s", (release) => {
	const known = HARMLESS.filter(([, , since = 20]) => Number(release) >= since);
	let application: Application;
	beforeAll(async () => {
		const programs = known.map(([, program], index): [string, string] => [`program-${index}.cjs`, program]);
		const files = {
			...Object.fromEntries(programs),
			"package.json": "{}",
			"said.js": 'console.log("said")',
			"other.said": 'console.log("said")',
			"worker.mjs":
				'import { Worker } from "node:worker_threads"; new Worker(new URL("said.js", import.meta.url), { argv: [] });',
			"empty.wasm": Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0),
		};
		application = await makeApplication(files, { policy: { runtime: { stringCode: "refuse" } } });
	});
	afterAll(() => application[Symbol.dispose]());

	it.each(known.map(([name], index) => ({ name, index })))("$name", ({ index }) => {
		const { status, stdout, stderr } = application.run(release, [`program-${index}.cjs`], NO_STRINGS);
		expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "said\n", stderr: "" });
	});
});
