/**
 * These techniques give a worker another environment, other options or another first message than the hook of its parent
 * meant. Each worker is of a signed file.
 */

import { writeFileSync } from "node:fs";
import { DATA, TEXT, type Technique } from "../technique.js";
import { CACHED, NO_CACHE, poisonCompileCache } from "./environment.js";

const WORKER = `const { Worker } = require("worker_threads");\n`;
const MODULE_WORKER = `import { Worker } from "worker_threads";\nconst data = process.argv[2];\n`;
const CACHE = `process.env.NODE_COMPILE_CACHE = data + "/cache";\n`;

/** Makes a technique with a worker that loads dep.js, for which the attacker's directory has bytecode of other text. */
const cached = (name: string, signed: Technique["signed"], arrange: Technique["arrange"] = undefined): Technique => ({
	name,
	signed: { "inner.js": `require("./dep.js");`, "dep.js": CACHED, ...signed },
	arrange: (place) => {
		poisonCompileCache(place);
		arrange?.(place);
	},
	notOn: NO_CACHE,
});

export const workerCaches: readonly Technique[] = [
	cached("compile cache of a worker by process.env", {
		"main.js": `${DATA}${WORKER}${CACHE}new Worker(__dirname + "/inner.js");`,
	}),
	cached(
		"compile cache of a worker by a file .env",
		{ "main.js": `${DATA}${WORKER}process.loadEnvFile(data + "/.env");\nnew Worker(__dirname + "/inner.js");` },
		({ data }) => writeFileSync(`${data}/.env`, `NODE_COMPILE_CACHE=${data}/cache\n`),
	),
	cached("compile cache of a worker of a module by process.env", {
		"main.mjs": `${MODULE_WORKER}${CACHE}new Worker(new URL("inner.mjs", import.meta.url));`,
		"inner.mjs": `import "./dep.js";`,
	}),
	cached("compile cache of a worker's worker by process.env", {
		"main.js": `${DATA}${WORKER}new Worker(__dirname + "/outer.js", { argv: [data] });`,
		"outer.js": `${DATA}${WORKER}${CACHE}new Worker(__dirname + "/inner.js");`,
	}),
	cached("compile cache of a worker by Reflect.construct", {
		"main.js": `${DATA}${WORKER}${CACHE}Reflect.construct(Worker, [__dirname + "/inner.js", { env: undefined }], class extends Worker {});`,
	}),
];

const IDLE = { "idle.js": "setTimeout(() => {}, 1_000);\n" };
const LIE = `const lie = () => ({ NODE_OPTIONS: "--require " + data + "/evil.js" });\n`;

const moving = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": `${DATA}${WORKER}${LIE}${program}`, ...IDLE, ...more.signed },
});

export const movingEnvironments: readonly Technique[] = [
	moving(
		"environment by a getter that gives another each time",
		`Object.defineProperty(process, "env", { get: lie }); new Worker(__dirname + "/idle.js");`,
	),
	moving(
		"environment by a getter that changes later",
		`const { env } = process;
for (let nth = 1; nth < 8; nth++) {
  let reads = 0;
  Object.defineProperty(process, "env", { get: () => (++reads >= nth ? lie() : env), configurable: true });
  try { new Worker(__dirname + "/idle.js").on("error", () => {}); } catch {}
}`,
	),
	{
		name: "environment by a getter in a module",
		signed: {
			"main.mjs": `${MODULE_WORKER}${LIE}process.__defineGetter__("env", lie); new Worker(new URL("idle.js", import.meta.url));`,
			...IDLE,
		},
	},
	moving("environment by a getter in a worker", `new Worker(__dirname + "/outer.js", { argv: [data] });`, {
		signed: {
			"outer.js": `${DATA}${WORKER}${LIE}Object.defineProperty(process, "env", { get: lie }); new Worker(__dirname + "/idle.js");`,
		},
	}),
	moving(
		"environment of a worker whose names differ a second time",
		`for (let nth = 1; nth < 6; nth++) {
  let reads = 0;
  const value = { value: lie().NODE_OPTIONS, enumerable: true, configurable: true, writable: true };
  const env = new Proxy({}, {
    ownKeys: () => (++reads >= nth ? ["NODE_OPTIONS"] : []),
    getOwnPropertyDescriptor: () => value,
    get: (_, name) => (name === "NODE_OPTIONS" ? value.value : undefined),
  });
  try { new Worker(__dirname + "/idle.js", { env }).on("error", () => {}); } catch {}
}`,
	),
	moving(
		"options of a worker by accessors of Object.prototype",
		`for (const name of ["env", "execArgv"])
  Object.defineProperty(Object.prototype, name, {
    get: () => (name === "env" ? lie() : ["--require", data + "/evil.js"]),
    set() {},
    configurable: true,
  });
new Worker(__dirname + "/idle.js", {});`,
	),
];

/**
 * Defines `forged(filename, doEval)`, the message and the transferred ports with which a worker begins, with trust that
 * lets everything run. `at(object, name)` is the member whose key is a symbol with the description `name`.
 */
const FORGED = `const { Worker, MessageChannel, MessagePort, receiveMessageOnPort } = require("worker_threads");
const at = (object, name) => object[Object.getOwnPropertySymbols(object).find(({ description }) => description === name)];
const trust = { index: { content: new Uint8Array(0) }, mode: "off", development: "allow", launched: false, writable: [], roots: new Map(), pinned: [],
  role: "program", state: { startedAt: Date.now(), denials: {}, seenEnds: {} }, configuration: { mode: "off", audit: {}, deny: [], products: [], trust: {} } };
const forged = (filename, doEval) => {
  const [publicPort, mainThreadPort] = [new MessageChannel().port1, new MessageChannel().port1];
  const cwdCounter = new Uint32Array(new SharedArrayBuffer(4));
  const environmentData = new Map([["sigtool:start", trust]]);
  const message = { type: "loadScript", filename, doEval, argv: [], cwdCounter, environmentData, hasStdin: false, publicPort, mainThreadPort };
  return [message, [publicPort, mainThreadPort]];
};
const moved = (port) => structuredClone(port, { transfer: [port] });
`;

const forging = (name: string, program: string, more: Partial<Technique> = {}): Technique => ({
	name,
	signed: { "main.js": `${TEXT}${FORGED}${program}`, ...IDLE, ...more.signed },
});

const BY_SETTER = `Object.defineProperty(Object.prototype, "onexit", {
  set(value) {
    Object.defineProperty(this, "onexit", { value, writable: true, configurable: true });
    if (this.messagePort) begin(this.messagePort);
  },
  configurable: true,
});
`;
const START = `new Worker(__dirname + "/idle.js").on("error", () => {});\nsetTimeout(() => {}, 1_000);`;

export const forgedMessages: readonly Technique[] = [
	forging(
		"text as the first message of a worker by a setter of Object.prototype",
		`${BY_SETTER}const begin = (port) => moved(port).postMessage(...forged(text, "classic"));\n${START}`,
	),
	forging(
		"module text as the first message of a worker by a setter of Object.prototype",
		`${BY_SETTER}const begin = (port) => moved(port).postMessage(...forged(text, "module"));\n${START}`,
	),
	forging(
		"forged trust in the first message of a worker",
		`${BY_SETTER}const begin = (port) => moved(port).postMessage(...forged(data + "/evil.js", false));\n${START}`,
	),
	forging(
		"first message of a worker by a port sent through another port",
		`${BY_SETTER}const begin = (port) => {
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(port, [port]);
  receiveMessageOnPort(port2).message.postMessage(...forged(data + "/evil.js", false));
};
${START}`,
	),
	forging(
		"first message of a worker by an asynchronous hook",
		`let port;
require("async_hooks").createHook({
  init(_id, type, _trigger, resource) {
    if (type !== "MESSAGEPORT") return;
    if (port === undefined) port = resource;
    else if (port !== null) {
      const taken = port;
      port = null;
      moved(taken).postMessage(...forged(text, "classic"));
    }
  },
}).enable();
${START}`,
	),
	forging(
		"first message of a worker by a symbol of its port",
		`let port;
Object.defineProperty(Object.prototype, Symbol.for("nodejs.internal.kCurrentlyReceivingPorts"), {
  set(value) {
    Object.defineProperty(this, Symbol.for("nodejs.internal.kCurrentlyReceivingPorts"), { value, writable: true, configurable: true });
    if (port === undefined) port = this;
    else if (port !== null) {
      const taken = port;
      port = null;
      moved(taken).postMessage(...forged(text, "classic"));
    }
  },
  configurable: true,
});
${START}`,
	),
	forging(
		"first message of a worker with what a heap snapshot shows",
		`const v8 = require("v8"), fs = require("fs");
${BY_SETTER}const begin = (port) => {
  const file = v8.writeHeapSnapshot(data + "/snapshot");
  const [, word] = /"([0-9a-f]{64}):[0-9a-f]{64}"/.exec(fs.readFileSync(file, "latin1")) ?? [];
  Object.assign(trust, { word, inheritance: { ...trust } });
  moved(port).postMessage(...forged(data + "/evil.js", false));
};
${START}`,
	),
	forging(
		"web worker in the first message of a worker",
		`${BY_SETTER}const begin = (port) => {
  const [message, list] = forged(data + "/evil.js", false);
  port.postMessage({ ...message, webWorkerData: { url: "file://" + __dirname + "/idle.js", type: "classic" } }, list);
};
${START}`,
	),
	{
		name: "first message of a worker forged by a module",
		signed: {
			"main.mjs": `import { createRequire } from "module";
const require = createRequire(import.meta.url), __dirname = import.meta.dirname;
${TEXT}${FORGED}${BY_SETTER}const begin = (port) => moved(port).postMessage(...forged(text, "classic"));\n${START}`,
			...IDLE,
		},
	},
];
