/**
 * Workers: each starts with this hook again, on the trust its parent was given, which goes to it by value. Nothing a
 * program can set decides about that: not the parent's environment, not `execArgv`, not `workerData`.
 */

import { isAbsolute } from "node:path";
import process from "node:process";
import workerThreads from "node:worker_threads";
import type { Gate } from "../../gate/gate.js";
import { assign, define, getPrototypeOf, toText, UrlObject } from "../../safe/captured.js";
import { keysOf, startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { guardClass } from "../../safe/replace.js";
import { isDangerousVariable, isHarmlessArgument } from "./environment.js";
import { guardWorkerMessages } from "./worker-messages.js";

const { getEnvironmentData, setEnvironmentData, SHARE_ENV } = workerThreads;
const CHANNEL = "sigtool:start";

/** What this thread was given by its parent, once. `undefined` in the main thread, and for threads that Node.js starts. */
export function takeInheritance(): unknown {
	const inheritance: unknown = getEnvironmentData(CHANNEL);
	setEnvironmentData(CHANNEL, undefined as never); // Removes it: the types want a value.
	return inheritance;
}

/** Gives threads that `action` starts what they take by `takeInheritance`. */
export function bequeath<Result>(inheritance: unknown, action: () => Result): Result {
	setEnvironmentData(CHANNEL, inheritance as never); // Plain data can be cloned.
	try {
		return action();
	} finally {
		setEnvironmentData(CHANNEL, undefined as never);
	}
}

/** `inheritance`: what workers are started with; plain data. */
export function guardWorkers(gate: Gate, inheritance: unknown): void {
	guardWorkerMessages(gate, CHANNEL, inheritance); // While workers can still be made unseen.
	const ruling = gate.policy.runtime.workers === "refuse" ? "refuse" : "allow";
	const own = new OwnArguments(process.execArgv);
	const { Worker } = workerThreads;
	const guarded = guardClass(Worker, getPrototypeOf(Worker), (args, create) => {
		const options = assign({ __proto__: null }, args[1]) as Record<string, unknown>; // Each member read once.
		const isUrl = typeof args[0] === "object" && args[0] !== null;
		const path = toText(args[0]);
		const isEval = options.eval !== undefined && options.eval !== false;
		if (isEval || startsWith(path, "data:")) {
			gate.rule("code.string", { kind: isEval ? "worker eval" : "worker data: URL" }, "refuse");
		}
		gate.rule("worker.spawn", { path, kind: "thread" }, ruling);
		// With neither, a worker has the options of its parent and reads no NODE_OPTIONS.
		if (options.env !== undefined || options.execArgv !== undefined || own.dependOnDirectory) {
			options.env = cleanEnvironment(options.env);
			options.execArgv = own.before(options.execArgv, refuse);
		}
		return create([isUrl ? new UrlObject(path) : path, options]);
	});
	define(workerThreads, "Worker", guarded, true);

	function refuse(reason: string): void {
		gate.rule("worker.spawn", { kind: reason, reason: "ERR_START" }, "refuse");
	}

	function cleanEnvironment(given: unknown): object {
		if (given === SHARE_ENV) refuse("SHARE_ENV");
		const environment = assign({ __proto__: null }, typeof given === "object" && given !== null ? given : process.env);
		const names = keysOf(environment);
		for (let i = 0; i < names.length; i++) {
			const name = names[i] ?? "";
			if (isDangerousVariable(name)) refuse(name);
		}
		return environment;
	}
}

/** Those that this process was started with: a program may repeat them, and cannot leave the hook out. */
class OwnArguments {
	readonly #all: Readonly<Record<string, true | undefined>>;
	readonly #needed: readonly string[];
	/** Whether they name the hook by what the working directory makes of it, which a program can change. */
	readonly dependOnDirectory: boolean;

	constructor(execArgv: readonly string[]) {
		this.#all = recordOf(execArgv);
		const preload = execArgv.findIndex((argument) => /^(-r|--require)(=|$)/.test(argument));
		const [, joined] = (execArgv[preload] ?? "").split(/=(.*)/s);
		const hook = joined ?? execArgv[preload + 1] ?? "";
		this.dependOnDirectory = !isAbsolute(hook);
		// The others hold for the whole process, and a worker may not be given them.
		const passed = ["--no-experimental-require-module", "--no-addons"].filter((each) => execArgv.includes(each));
		this.#needed = ["--require", isAbsolute(hook) ? hook : __filename, ...passed];
	}

	before(given: unknown, refuse: (reason: string) => void): string[] {
		const result: string[] = [];
		let count = 0;
		const add = (value: string) => define(result, count++, value, true);
		for (let i = 0; i < this.#needed.length; i++) add(this.#needed[i] ?? "");
		const { length } = (given ?? []) as ArrayLike<unknown>; // Node.js itself refuses what is no array.
		for (let i = 0; i < length; i++) {
			const argument = toText((given as ArrayLike<unknown>)[i]);
			if (this.#all[argument] === true) continue;
			if (!isHarmlessArgument(argument)) refuse(argument);
			add(argument);
		}
		return result;
	}
}
