/**
 * Guards the port over which Node.js tells a new worker what to run. Programs can reach the port by symbols of the worker
 * or by changed prototypes. So the last step before a message is sent judges the message, and adds the inheritance, which
 * no program can then read. A message that did not go through this step has no right word, and the hook of the worker
 * refuses it.
 */

import workerThreads from "node:worker_threads";
import { SigtoolError } from "@sigtool/core/read";
import { type Monitor, REFUSED_STATUS } from "../../monitor/monitor.js";
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
	weakMapDelete,
	weakMapGet,
	weakMapSet,
} from "../../safe/captured.js";
import { exitNow, keysOf } from "../../safe/primordials.js";
import { guard, replace } from "../../safe/replace.js";
import { HOOKS_OF_PROGRAM } from "../load/hooks-of-program.js";
import { expectScript } from "./first-script.js";
import { CHANNEL, type Passed, passedNow } from "./inheritance-word.js";

/**
 * Adds the inheritance to the environment data of every worker. Has to run before the program. `runs`
 * tells whether this thread itself runs a script, or only hooks.
 * @throws ERR_START
 */
export function guardWorkerMessages(monitor: Monitor, runs: "script" | "hooks"): void {
	const portOfHandle = new WeakMap<object, object>();
	const passedBy = new WeakMap<object, Passed>();
	const inner = new WeakMap<object, true>();
	const refuseText = () => {
		refuse("text");
		if (monitor.mode === "enforce" || monitor.mode === "strict") exitNow(REFUSED_STATUS);
	};
	const see = runs === "script" ? expectScript(refuseText) : () => {};
	const prototype = prototypeOfHandles();
	if (prototype !== undefined) guardHandles(prototype);
	replace(
		workerThreads.MessagePort.prototype,
		"postMessage",
		(original) =>
			function postMessage(this: object, ...args: unknown[]): unknown {
				see(args[0]);
				if (weakMapGet(inner, this) === true) define(args, 0, judged(args[0], this), true);
				return apply(original, this, args);
			},
	);
	// A port that is moved to another context gets the original postMessage, so moving is refused.
	guard(workerThreads, "moveMessagePortToContext", () => refuse("moveMessagePortToContext"));

	function guardHandles(prototype: object): void {
		// The class is hidden, because with it a program could start threads without the hook.
		defineProperty(prototype, "constructor", { __proto__: null, value: undefined } as PropertyDescriptor);
		// Node.js sets messagePort before a program can get the handle, so the first value is kept.
		defineProperty(prototype, "messagePort", {
			__proto__: null,
			get(this: object) {
				return weakMapGet(portOfHandle, this);
			},
			set(this: object, port: object) {
				if (weakMapGet(portOfHandle, this) !== undefined) return;
				weakMapSet(portOfHandle, this, port);
				weakMapSet(inner, port, true);
				const passed = passedNow();
				if (passed !== undefined) weakMapSet(passedBy, port, passed);
			},
		} as PropertyDescriptor);
	}

	/** Judges and returns a copy, because getters of the program may run while Node.js sends the message. */
	function judged(message: unknown, port: object): unknown {
		if (typeof message !== "object" || message === null) return message;
		const copy = { __proto__: null } as unknown as Record<string, unknown>;
		const names = keysOf(message);
		for (let i = 0; i < names.length; i++) {
			const name = names[i] ?? "";
			define(copy, name, (message as Record<string, unknown>)[name], true);
		}
		if (copy.type !== LOAD_SCRIPT) return copy;
		const passed = weakMapGet(passedBy, port);
		const { role } = (passed?.inheritance ?? {}) as { role?: unknown };
		if (copy.doEval !== false && role !== HOOKS_OF_PROGRAM) refuse("text");
		// Node.js 26 would read the file itself and run it as a worker of the web does.
		if (copy.webWorkerData !== undefined) refuse("web worker");
		const data = new MapObject<unknown, unknown>();
		mapForEach(copy.environmentData as Map<unknown, unknown>, (value, key) => mapSet(data, key, value));
		// Each word is for one message.
		weakMapDelete(passedBy, port);
		if (passed === undefined) refuse("second script");
		else mapSet(data, CHANNEL, passed);
		copy.environmentData = data;
		return copy;
	}

	function refuse(kind: string): void {
		monitor.rule("worker.spawn", { kind, reason: "ERR_START" }, "never");
	}
}

/** The type of the message in which Node.js tells a worker its script and its other start data. */
const LOAD_SCRIPT = "loadScript";

/**
 * Returns the prototype of the internal objects that represent threads. To find it, this makes a worker that is never
 * started. Returns undefined if the process has no permission to make workers.
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
	throw new SigtoolError("ERR_START", "Cannot guard workers: this release of Node.js starts them in an unknown way");
}
