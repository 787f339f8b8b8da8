/**
 * These techniques turn text into code: by eval and similar functions, by data: and other URLs, and by all functions of
 * node:vm.
 */

import { execFileSync } from "../../outside.js";
import { EVIL, MODULE_TEXT, type Place, type Technique, withText } from "../technique.js";

const EVERY_RELEASE = (reason: string) => ({ 20: reason, 22: reason, 24: reason, 26: reason });

export const evaluators: readonly Technique[] = [
	withText("eval()", "eval(text);"),
	withText("eval() called indirectly", "(0, eval)(text);"),
	withText("Reflect.apply of eval", "Reflect.apply(globalThis.eval, undefined, [text]);"),
	withText("eval() in a module", "", { signed: { "main.mjs": `${MODULE_TEXT}eval(text);` } }),
	withText("new Function()", "new Function(text)();"),
	withText("constructor of a function", "[].at.constructor(text)();"),
	withText("class that extends Function", "new (class extends Function {})(text)();"),
	withText("Reflect.construct of Function", "Reflect.construct(Function, [text], Array)();"),
	withText("parameter default of new Function()", "new Function('a = (() => {' + text + '})()', '')();"),
	withText("async function constructor", "new (async () => {}).constructor(text)();"),
	withText("generator function constructor", "new (function* () {}).constructor(text)().next();"),
	withText("async generator function constructor", "new (async function* () {}).constructor(text)().next();"),
	withText("string handed to setTimeout()", "setTimeout(text, 1);", {
		notOn: EVERY_RELEASE("timers take no strings"),
	}),
	withText(
		"Function of a context made without a proxy",
		`const vm = require("vm");
const inner = vm.createContext(vm.constants.DONT_CONTEXTIFY);
inner.process = process;
inner.Function(text)();`,
	),
	withText(
		"flags of V8 changed at run time",
		`require("v8").setFlagsFromString("--no-disallow-code-generation-from-strings"); eval(text);`,
	),
	withText(
		"read-eval-print loop inside the program",
		`const { PassThrough } = require("stream");
const input = new PassThrough();
require("repl").start({ input, output: new PassThrough(), useGlobal: true });
input.end(text + "\\n");`,
	),
	withText(
		"evaluator of a read-eval-print loop",
		`const { PassThrough } = require("stream");
const server = require("repl").start({ input: new PassThrough(), output: new PassThrough(), useGlobal: true });
server.eval(text, server.context, "x", () => process.exit());`,
	),
];

export const urls: readonly Technique[] = [
	withText("import() of a data: URL", `import("data:text/javascript," + encodeURIComponent(text));`),
	withText(
		"import() of a data: URL in base64",
		`import("data:text/javascript;base64," + Buffer.from(text).toString("base64"));`,
	),
	withText(
		"data: URL that imports an unsigned file",
		`import("data:text/javascript,import%20" + encodeURIComponent(JSON.stringify("file://" + data + "/evil.mjs")));`,
	),
	withText("import() of a blob: URL", "import(URL.createObjectURL(new Blob([text])));", {
		notOn: EVERY_RELEASE("the loader takes no blob: URLs"),
	}),
	withText(
		"import() over the network",
		`const server = require("http").createServer((_, response) => {
  response.setHeader("content-type", "text/javascript");
  response.end(text);
});
server.listen(0, "127.0.0.1", () => import("http://127.0.0.1:" + server.address().port + "/x.mjs").finally(() => process.exit()));`,
		{
			flags: ({ release }) => (release === 20 ? ["--experimental-network-imports"] : []),
			notOn: { 22: "removed", 24: "removed", 26: "removed" },
		},
	),
];

/** Makes bytecode of the attacker's text for a source of the same length. V8 checks only the length. */
function bytecodeFor(source: string, { node, data, v8Flags }: Place): void {
	const program = `const { Script } = require("vm");
const evil = ${JSON.stringify(EVIL)}.padEnd(${source.length});
require("fs").writeFileSync(${JSON.stringify(`${data}/evil.bytecode`)}, new Script(evil).createCachedData());`;
	execFileSync(node, [...v8Flags, "-e", program]);
}

const PADDED = "0;".padEnd(EVIL.length + 40);

export const vm: readonly Technique[] = [
	withText("vm.runInThisContext()", `require("vm").runInThisContext(text);`),
	withText("vm.runInNewContext()", `require("vm").runInNewContext(text, { process });`),
	withText("vm.runInContext()", `const vm = require("vm"); vm.runInContext(text, vm.createContext({ process }));`),
	withText("vm.Script", `new (require("vm").Script)(text).runInThisContext();`),
	withText("class that extends vm.Script", `new (class extends require("vm").Script {})(text).runInThisContext();`),
	withText("Reflect.construct of vm.Script", `Reflect.construct(require("vm").Script, [text]).runInThisContext();`),
	withText(
		"constructor of a script",
		`const { Script } = require("vm");
new (new Script("0").constructor)(text).runInThisContext();`,
	),
	withText("vm.compileFunction()", `require("vm").compileFunction(text)();`),
	withText("vm by a named import", "", {
		signed: { "main.mjs": `import { runInThisContext } from "vm";\n${MODULE_TEXT}runInThisContext(text);` },
	}),
	withText("vm by a default import", "", {
		signed: { "main.mjs": `import vm from "node:vm";\n${MODULE_TEXT}new vm.Script(text).runInThisContext();` },
	}),
	withText("vm by process.getBuiltinModule()", `process.getBuiltinModule("vm").runInThisContext(text);`),
	withText("vm by Module._load()", `require("module")._load("vm").runInThisContext(text);`),
	withText(
		"compiler at the end of vm.Script's prototype chain",
		`const { Script } = require("vm");
for (let at = Script.prototype; at !== null; at = Object.getPrototypeOf(at)) {
  if (at.constructor === Script || at.constructor === Object) continue;
  const script = new at.constructor(text, "x", 0, 0, undefined, false, undefined, Symbol("x"));
  script.runInContext(null, -1, true, false, false);
}`,
	),
	withText(
		"compiler at the end of vm.Script's own prototype chain",
		`const { Script } = require("vm");
const script = new (Object.getPrototypeOf(Script))(text, "x", 0, 0, undefined, false, undefined, Symbol("x"));
script.runInContext(null, -1, true, false, false);`,
	),
	withText(
		"text that reads differently a second time",
		`const vm = require("vm");
for (let nth = 1; nth < 5; nth++) {
  let reads = 0;
  const source = { toString: () => (++reads === nth ? text : "0") };
  for (const run of [vm.runInThisContext, (s) => new vm.Script(s).runInThisContext(), (s) => vm.runInNewContext(s, { process })])
    try { run(source); reads = 0; } catch {}
}`,
	),
	withText(
		"text made signed by String.prototype",
		`const { Script } = require("vm");
String.prototype.valueOf = String.prototype.toString = () => "0";
new Script(text).runInThisContext();`,
	),
	withText(
		"vm.SourceTextModule",
		`const { SourceTextModule } = require("vm");
const unit = new SourceTextModule(text);
unit.link(() => {}).then(() => unit.evaluate());`,
		{ flags: () => ["--experimental-vm-modules"] },
	),
	withText(
		"vm.SourceTextModule with the flag in NODE_OPTIONS",
		`const { SourceTextModule } = require("vm");
const unit = new SourceTextModule(text);
unit.link(() => {}).then(() => unit.evaluate());`,
		{
			environment: () => ({ NODE_OPTIONS: "--experimental-vm-modules" }),
		},
	),
	withText(
		"evil bytecode beside a good source in vm.Script",
		`const { Script } = require("vm");
const cachedData = require("fs").readFileSync(data + "/evil.bytecode");
new Script(${JSON.stringify(PADDED)}, { cachedData }).runInThisContext();`,
		{ arrange: (place) => bytecodeFor(PADDED, place) },
	),
	withText(
		"bytecode for a script of a signed file's text",
		`const { Script } = require("vm");
const cachedData = require("fs").readFileSync(data + "/evil.bytecode");
new Script(require("fs").readFileSync(__dirname + "/good.js", "utf8"), { cachedData, filename: __dirname + "/good.js" }).runInThisContext();`,
		{
			signed: {
				"main.js": `const { Script } = require("vm");
const cachedData = require("fs").readFileSync(process.argv[2] + "/evil.bytecode");
const source = require("fs").readFileSync(__dirname + "/good.js", "utf8");
new Script(source, { cachedData, filename: __dirname + "/good.js" }).runInThisContext();`,
				"good.js": PADDED,
			},
			arrange: (place) => bytecodeFor(PADDED, place),
		},
	),
	{
		name: "changed snapshot of node:test",
		signed: {
			"main.js": `const { snapshot, test } = require("node:test");
snapshot.setResolveSnapshotPath(() => __dirname + "/it.snapshot");
test("it", (t) => t.assert.snapshot(1));`,
			"it.snapshot": "exports[`it 1`] = `\n1\n`;\n",
		},
		// Node.js runs the file as a script to learn what the test made before.
		changed: { "it.snapshot": `throw new Error("evil-ran-" + 6 * 7);\n` },
		notOn: { 20: "not in this release", 22: "does not tell the error" },
	},
];
