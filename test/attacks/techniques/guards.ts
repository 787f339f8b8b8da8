/**
 * These techniques attack the guards: through values that Node.js passes to a thread, and through functions that are
 * called while a guard is being set.
 */

import { TEXT, type Technique, withText } from "../technique.js";

/**
 * Makes a technique with a worker. In the program, `at(worker, name)` returns the property of the worker whose key is a
 * symbol with the description `name`.
 */
const worker = (name: string, program: string): Technique => ({
	name,
	signed: {
		"main.js": `${TEXT}const { Worker, MessageChannel, MessagePort } = require("worker_threads");
const at = (worker, name) => worker[Object.getOwnPropertySymbols(worker).find(({ description }) => description === name)];
${program}`,
		"idle.js": "setTimeout(() => {}, 1_000);\n",
	},
});

const BETWEEN = `const { prototype } = MessagePort, { postMessage } = prototype;
prototype.postMessage = function (message, list) {
  if (message?.type === "loadScript") change(message);
  return postMessage.call(this, message, list);
};
`;

export const guards: readonly Technique[] = [
	worker(
		"script of a worker replaced by MessagePort.prototype",
		`${BETWEEN}const change = (m) => Object.assign(m, { doEval: "module", filename: text }); new Worker(__dirname + "/idle.js");`,
	),
	worker(
		"trust of a worker replaced by MessagePort.prototype",
		`${BETWEEN}const change = (m) => {
  for (const trust of m.environmentData.values()) Object.assign(trust, { mode: "off", configuration: { ...trust.configuration, mode: "off" } });
  m.filename = data + "/evil.js";
};
new Worker(__dirname + "/idle.js");`,
	),
	worker(
		"thread of the class below Worker",
		`const Thread = at(new Worker(__dirname + "/idle.js"), "kHandle").constructor;
const thread = new Thread(null, null, [], new Float64Array(4).fill(-1), true, false);
const [publicPort, mainThreadPort] = [new MessageChannel().port1, new MessageChannel().port1];
const counter = new Int32Array(new SharedArrayBuffer(4));
thread.startThread();
thread.messagePort.postMessage({ type: "loadScript", filename: text, doEval: "classic", argv: [], cwdCounter: counter,
  environmentData: new Map(), hasStdin: false, publicPort, mainThreadPort }, [publicPort, mainThreadPort]);
setTimeout(() => {}, 1_000);`,
	),
	withText(
		"vm asked for while Array.prototype has no iterator",
		`const { prototype } = Array, each = prototype[Symbol.iterator];
prototype[Symbol.iterator] = function* () {};
let vm;
try { vm = require("vm"); } finally { prototype[Symbol.iterator] = each; }
vm.runInThisContext(text);`,
	),
	withText(
		"vm asked for while Module._load gives another",
		`const Module = require("module"), { _load } = Module;
Module._load = () => ({ Script: class {} });
process.getBuiltinModule("vm");
Module._load = _load;
require("vm").runInThisContext(text);`,
	),
];
