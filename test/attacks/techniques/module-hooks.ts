/** These techniques use hooks of modules, which are signed where nothing else is said. */

import { BEFORE_22, DATA, EVIL, MODULE_TEXT, type Technique } from "../technique.js";

const HEAD = `import module, { createRequire, register } from "node:module";\n${MODULE_TEXT}const { registerHooks } = module;\nconst require = createRequire(import.meta.url);\n`;

const hooks = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: {
		"main.mjs": HEAD + program,
		"dep.mjs": "export default 1;",
		"dep.cjs": "exports.dep = 1;",
		"dep.txt": "",
		...more.signed,
	},
	notOn: BEFORE_22,
	...Object.fromEntries(Object.entries(more).filter(([member]) => member !== "signed")),
});

/** Hooks for a thread, whose text comes from the attacker. */
const thread = (name: string, url: string, more: Partial<Technique> = {}) =>
	hooks(name, `register(${url});`, { notOn: {}, ...more });

/** An answer to the import of dep.mjs. */
const answering = (name: string, answer: string, load = `await import("./dep.mjs");`) =>
	hooks(
		name,
		`registerHooks({ load: (url, context, next) => /dep/.test(url) ? ${answer} : next(url, context) });\n${load}`,
	);

const RETURNS_TEXT = `import { readFileSync } from "fs";
let text;
export async function initialize({ data, port }) {
  if (port === undefined) text = readFileSync(data + "/evil.txt", "utf8");
  else await new Promise((done) => port.once("message", (received) => { text = received; port.unref(); done(); }));
}
export async function load(url, context, next) {
  return url.endsWith("dep.mjs") ? { format: "module", source: text, shortCircuit: true } : next(url, context);
}`;

/** The module \`(module (func (export "f") (result i32) i32.const 42))\`, with a section of its own. */
const ANSWERS = "0061736d010000000105016000017f03020100070501016600000a06010400412a0b000504686f6f6b";

export const moduleHooks: readonly Technique[] = [
	thread("unsigned hooks in a thread", '"file://" + data + "/evil.mjs"'),
	thread("hooks of a data: URL in a thread", '"data:text/javascript," + encodeURIComponent(text)'),
	hooks(
		"text by signed hooks in a thread",
		`register("./hooks.mjs", import.meta.url, { data: { data } });\nawait import("./dep.mjs");`,
		{
			notOn: {},
			signed: { "hooks.mjs": RETURNS_TEXT },
		},
	),
	hooks(
		"text that a port brings to signed hooks",
		`const { port1, port2 } = new MessageChannel();
port1.postMessage(text);
register("./hooks.mjs", import.meta.url, { data: { data, port: port2 }, transferList: [port2] });
await import("./dep.mjs");
process.exit();`,
		{ notOn: {}, signed: { "hooks.mjs": RETURNS_TEXT } },
	),
	hooks(
		"unsigned hooks that a worker registers",
		`const { Worker } = await import("worker_threads");\nnew Worker(new URL("./inner.mjs", import.meta.url), { argv: [data] });`,
		{
			notOn: {},
			signed: { "inner.mjs": `import { register } from "module";\n${DATA}register("file://" + data + "/evil.mjs");` },
		},
	),
	hooks(
		"unsigned import of a worker that hooks start",
		`register("./hooks.mjs", import.meta.url, { data: { data } });
await new Promise((done) => setTimeout(done, 3_000));`,
		{
			notOn: {},
			signed: {
				"hooks.mjs": `import { Worker } from "worker_threads";
export const initialize = ({ data }) => new Worker(new URL("./inner.mjs", import.meta.url), { argv: [data] });`,
				"inner.mjs": `${DATA}await import("file://" + data + "/evil.mjs");`,
			},
		},
	),
	answering("text that a load hook answers", `{ format: "module", source: text, shortCircuit: true }`),
	answering("bytes that a load hook answers", `{ format: "module", source: Buffer.from(text), shortCircuit: true }`),
	answering(
		"text of CommonJS that a load hook answers",
		`{ format: "commonjs", source: text, shortCircuit: true }`,
		`require("./dep.cjs");`,
	),
	answering(
		"text of CommonJS that a load hook answers to an import",
		`{ format: "commonjs", source: text, shortCircuit: true }`,
		`await import("./dep.cjs");`,
	),
	answering(
		"text file that a load hook answers as CommonJS",
		`{ format: "commonjs", source: text, shortCircuit: true }`,
		`require("./dep.txt");`,
	),
	answering(
		"text that a load hook answers at a second reading",
		`{ format: "module", shortCircuit: true, reads: 0, get source() { return this.reads++ ? text : "export default 1;"; } }`,
	),
	answering(
		"text that a load hook answers by a function with members",
		`Object.assign(() => {}, { format: "module", source: text, shortCircuit: true })`,
	),
	answering(
		"WebAssembly that a load hook answers",
		`{ format: "wasm", source: Buffer.from("${ANSWERS}", "hex"), shortCircuit: true }`,
		`console.log("evil-ran-" + (await import("./dep.mjs")).f());`,
	),
	hooks(
		"text of the second of two hooks",
		`registerHooks({ load: (url, context, next) => next(url, context) });
registerHooks({ load: (url, context, next) => ({ ...next(url, context), ...(url.endsWith("dep.mjs") && { source: text }), shortCircuit: true }) });
await import("./dep.mjs");`,
	),
	hooks(
		"unsigned file that a resolve hook names",
		`registerHooks({ resolve: (name, context, next) => name === "./dep.mjs" ? { url: "file://" + data + "/evil.mjs", shortCircuit: true } : next(name, context) });
await import("./dep.mjs");`,
	),
	hooks(
		"unsigned file for an answer without source",
		`registerHooks({
  resolve: (name, context, next) => name === "./dep.cjs" ? { url: "file://" + data + "/evil.cjs", format: "commonjs", shortCircuit: true } : next(name, context),
  load: (url, context, next) => url.endsWith("evil.cjs") ? { format: "commonjs", source: null, shortCircuit: true } : next(url, context),
});
await import("./dep.cjs");`,
	),
	hooks(
		"vm that a hook answers without the next one",
		`registerHooks({ load: (url, context, next) => url === "node:vm" ? { format: "builtin", source: null, shortCircuit: true } : next(url, context) });
const { runInThisContext } = await import("vm");
runInThisContext(text);`,
	),
	hooks(
		"vm whose import a hook makes look like a require",
		`registerHooks({ load: (url, context, next) => next(url, { ...context, importAttributes: undefined }) });
const { runInThisContext } = await import("vm");
runInThisContext(text);`,
	),
	hooks(
		"hooks of a class that a setter has caught",
		`let Caught;
const catching = { configurable: true, set(value) { Caught ??= this.constructor; Object.defineProperty(this, "load", { value }); } };
Object.defineProperty(Object.prototype, "load", catching);
registerHooks({ load: (url, context, next) => next(url, context) });
delete Object.prototype.load;
new Caught(undefined, () => ({ format: "module", source: text, shortCircuit: true }));
await import("./dep.mjs");`,
	),
	hooks(
		"hooks of the class of registered hooks",
		`const { constructor } = registerHooks({ load: (url, context, next) => next(url, context) });
new constructor(undefined, () => ({ format: "module", source: text, shortCircuit: true }));
await import("./dep.mjs");`,
	),
	hooks(
		"hooks of the class of hooks that the species of arrays got",
		`let removed;
const get = Object.getOwnPropertyDescriptor(Array, Symbol.species).get;
const hooks = registerHooks({ load: (url, context, next) => next(url, context) });
Object.defineProperty(Array, Symbol.species, { configurable: true, get: () => function () { return removed = {}; } });
hooks.deregister();
Object.defineProperty(Array, Symbol.species, { get });
new removed[0].constructor(undefined, () => ({ format: "module", source: text, shortCircuit: true }));
await import("./dep.mjs");`,
	),
	hooks(
		"hooks of the class of hooks that the constructor of arrays got",
		`let removed;
const hooks = registerHooks({ load: (url, context, next) => next(url, context) });
Array.prototype.constructor = { [Symbol.species]: function () { return removed = {}; } };
hooks.deregister();
Array.prototype.constructor = Array;
new removed[0].constructor(undefined, () => ({ format: "module", source: text, shortCircuit: true }));
await import("./dep.mjs");`,
	),
	hooks(
		"hook that a setter of index 2 exchanges",
		`const plain = { load: (url, context, next) => next(url, context) };
registerHooks(plain);
registerHooks(plain);
Object.defineProperty(Array.prototype, 2, {
  configurable: true,
  set(value) { if (typeof value !== "function") Object.defineProperty(this, 2, { value, writable: true, enumerable: true, configurable: true }); },
  get() { return this.length === 3 && typeof this[0] === "function" ? () => ({ format: "module", source: text }) : undefined; },
});
await import("./dep.mjs");`,
	),
	hooks(
		"hooks that text has registered",
		`globalThis.registerHooks = registerHooks;
globalThis.text = text;
const vm = await import("vm");
vm.runInThisContext(\`registerHooks({ load: (url, context, next) => url.endsWith("dep.mjs") ? { format: "module", source: text, shortCircuit: true } : next(url, context) });\`);
await import("./dep.mjs");`,
	),
	hooks("hooks of NODE_OPTIONS with --import", "", {
		notOn: {},
		environment: () => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(EVIL)}` }),
	}),
];
