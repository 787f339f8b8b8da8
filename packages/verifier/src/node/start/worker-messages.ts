/**
 * The port between a thread and a worker it starts, over which Node.js tells the worker what to run. Programs get hold of
 * it by symbols that a worker carries, or by what they put into prototypes: here whatever goes through is looked at last.
 * Trust is added at this point, where nobody sees it any more.
 */

import workerThreads from "node:worker_threads";
import { SigtoolError } from "@sigtool/core/read";
import type { Gate } from "../../gate/gate.js";
import {
	apply,
	construct,
	define,
	defineProperty,
	getPrototypeOf,
	MapObject,
	mapForEach,
	mapSet,
	ProxyObject,
	weakMapGet,
	weakMapSet,
} from "../../safe/captured.js";
import { keysOf } from "../../safe/primordials.js";
import { guard, replace } from "../../safe/replace.js";

/** Every worker is told `inheritance` by `channel`, among its environment data. Before a program runs. @throws ERR_START */
export function guardWorkerMessages(gate: Gate, channel: string, inheritance: unknown): void {
	const portOfHandle = new WeakMap<object, object>();
	const inner = new WeakMap<object, true>();
	const prototype = prototypeOfHandles();
	if (prototype === undefined) return;
	// Of this class threads could be made that no hook is loaded in.
	defineProperty(prototype, "constructor", { __proto__: null, value: undefined } as PropertyDescriptor);
	// Node.js sets it before anybody else has the handle.
	defineProperty(prototype, "messagePort", {
		__proto__: null,
		get(this: object) {
			return weakMapGet(portOfHandle, this);
		},
		set(this: object, port: object) {
			if (weakMapGet(portOfHandle, this) !== undefined) return;
			weakMapSet(portOfHandle, this, port);
			weakMapSet(inner, port, true);
		},
	} as PropertyDescriptor);
	replace(
		workerThreads.MessagePort.prototype,
		"postMessage",
		(original) =>
			function postMessage(this: object, ...args: unknown[]): unknown {
				if (weakMapGet(inner, this) === true) define(args, 0, judged(args[0]), true);
				return apply(original, this, args);
			},
	);
	// In another context a port has the method as it was.
	guard(workerThreads, "moveMessagePortToContext", () => refuse("moveMessagePortToContext"));

	/** A copy, which getters that run while it is written cannot reach. */
	function judged(message: unknown): unknown {
		if (typeof message !== "object" || message === null) return message;
		const copy = { __proto__: null } as unknown as Record<string, unknown>;
		const names = keysOf(message);
		for (let i = 0; i < names.length; i++) {
			const name = names[i] ?? "";
			define(copy, name, (message as Record<string, unknown>)[name], true);
		}
		if (copy.type !== LOAD_SCRIPT) return copy;
		if (copy.doEval !== false) refuse("text");
		const data = new MapObject<unknown, unknown>();
		mapForEach(copy.environmentData as Map<unknown, unknown>, (value, key) => mapSet(data, key, value));
		mapSet(data, channel, inheritance);
		copy.environmentData = data;
		return copy;
	}

	function refuse(kind: string): void {
		gate.rule("worker.spawn", { kind, reason: "ERR_START" }, "refuse");
	}
}

/** By which Node.js tells a worker its script, and everything else it starts with. */
const LOAD_SCRIPT = "loadScript";

/**
 * Of the inner objects that are threads: one is made, taken away from its worker, and never started. Undefined where the
 * process has no permission to make any.
 */
function prototypeOfHandles(): object | undefined {
	const { Worker } = workerThreads;
	const found = { handle: undefined as object | undefined };
	function Trap(): void {}
	Trap.prototype = new ProxyObject(Worker.prototype, {
		__proto__: null,
		set(_target: object, name: PropertyKey, value: unknown, worker: object) {
			if (typeof value === "object" && value !== null && "startThread" in value) {
				found.handle = value;
				throw found;
			}
			define(worker, name, value, true);
			return true;
		},
	} as ProxyHandler<object>);
	try {
		construct(Worker, ["/"], Trap);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ERR_ACCESS_DENIED") return undefined;
		if (error !== found) throw error;
	}
	if (found.handle !== undefined) return getPrototypeOf(found.handle);
	throw new SigtoolError("ERR_START", "Cannot guard workers: this Node.js starts them in an unknown way");
}
