/**
 * Guards workers. Each worker starts with this hook and gets a copy of its parent's `Inheritance`. A program can change
 * neither the hook nor the copy by environment variables, `execArgv` or `workerData`.
 */

import { isAbsolute } from "node:path";
import process from "node:process";
import workerThreads from "node:worker_threads";
import { quote, SigtoolError } from "@sigtool/core/read";
import type { Gate } from "../../gate/gate.js";
import { assign, define, getPrototypeOf, toText, UrlObject } from "../../safe/captured.js";
import { keysOf, readFileSync, sha256, startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { guardClass } from "../../safe/replace.js";
import { isDangerousVariable, isHarmlessArgument } from "./environment.js";
import { guardWorkerMessages } from "./worker-messages.js";

const { getEnvironmentData, setEnvironmentData, SHARE_ENV } = workerThreads;
const CHANNEL = "sigtool:start";

/**
 * Returns the inheritance that the parent thread passed on, and removes it. Undefined in the main thread, and in threads
 * that Node.js starts itself.
 */
export function takeInheritance(): unknown {
	const inheritance: unknown = getEnvironmentData(CHANNEL);
	// Setting `undefined` removes the inheritance from the environment data of this thread. The assertion is needed
	// because the type of the parameter does not allow `undefined`.
	setEnvironmentData(CHANNEL, undefined as never);
	return inheritance;
}

/** Passes `inheritance` to every thread that `action` starts. */
export function bequeath<Result>(inheritance: unknown, action: () => Result): Result {
	// The type assertion is safe: `inheritance` can be cloned.
	setEnvironmentData(CHANNEL, inheritance as never);
	try {
		return action();
	} finally {
		setEnvironmentData(CHANNEL, undefined as never);
	}
}

/** A file with its SHA-256 in lower-case hexadecimal. */
export interface PinnedFile {
	readonly path: string;
	readonly sha256: string;
}

/**
 * Guards the class Worker. `inheritance` is passed to every worker, so it must be possible to clone it. A worker loads
 * the `pinned` files by their paths before its hook can judge anything. So none starts if one of them is not the file
 * that this process started with.
 */
export function guardWorkers(
	gate: Gate,
	inheritance: { readonly pinned: readonly PinnedFile[] },
	options: readonly string[],
): void {
	const { pinned } = inheritance;
	// guardWorkerMessages() makes a worker, so it is called before Worker is guarded.
	guardWorkerMessages(gate, CHANNEL, inheritance);
	const ruling = gate.policy.runtime.workers === "refuse" ? "refuse" : "allow";
	const own = new OwnArguments(process.execArgv, options);
	const { Worker } = workerThreads;
	const guarded = guardClass(Worker, getPrototypeOf(Worker), (args, create) => {
		// The options are copied, so that each member is read only once.
		const options = assign({ __proto__: null }, args[1]) as Record<string, unknown>;
		const isUrl = typeof args[0] === "object" && args[0] !== null;
		const path = toText(args[0]);
		const isEval = options.eval !== undefined && options.eval !== false;
		if (isEval || startsWith(path, "data:")) {
			gate.rule("code.string", { kind: isEval ? "worker eval" : "worker data: URL" }, "never");
		}
		gate.rule("worker.spawn", { path, kind: "thread" }, ruling);
		for (let i = 0; i < pinned.length; i++) requireSame(pinned[i] as PinnedFile);
		// A worker without env and execArgv needs no check: it has the options of its parent and does not read
		// NODE_OPTIONS.
		if (options.env !== undefined || options.execArgv !== undefined || own.dependOnDirectory) {
			options.env = cleanEnvironment(options.env);
			options.execArgv = own.before(options.execArgv, refuse);
		}
		return create([isUrl ? new UrlObject(path) : path, options]);
	});
	define(workerThreads, "Worker", guarded, true);

	function refuse(reason: string): void {
		gate.rule("worker.spawn", { kind: reason, reason: "ERR_START" }, "never");
	}

	function requireSame({ path, sha256: expected }: PinnedFile): void {
		if (digestOf(path) === expected) return;
		const message = `Cannot start a worker: ${quote(path)} is not the file that this process started with; start the process again`;
		gate.rule("worker.spawn", { path, kind: "hook" }, "refuse", new SigtoolError("ERR_LAUNCHER", message));
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

/** Returns the SHA-256 of a file, or undefined if it cannot be read. */
function digestOf(path: string): string | undefined {
	try {
		return sha256(readFileSync(path));
	} catch {
		return undefined;
	}
}

/** The options of Node.js that this process was started with. A program may repeat them, but cannot remove the hook. */
class OwnArguments {
	readonly #all: Readonly<Record<string, true | undefined>>;
	readonly #needed: readonly string[];
	/**
	 * True if the options name the hook by a path or name that depends on the working directory, which a program can
	 * change.
	 */
	readonly dependOnDirectory: boolean;

	constructor(execArgv: readonly string[], options: readonly string[]) {
		this.#all = recordOf(execArgv);
		const preload = execArgv.findIndex((argument) => /^(-r|--require)(=|$)/.test(argument));
		const [, joined] = (execArgv[preload] ?? "").split(/=(.*)/s);
		const hook = joined ?? execArgv[preload + 1] ?? "";
		this.dependOnDirectory = !isAbsolute(hook);
		// The other options apply to the whole process, and Node.js does not accept them for a worker.
		const passed = [...options, "--no-addons"].filter((each) => execArgv.includes(each));
		this.#needed = ["--require", isAbsolute(hook) ? hook : __filename, ...passed];
	}

	/**
	 * Returns the options for a worker: first those that the hook needs, then those of the program, which must be
	 * harmless.
	 */
	before(given: unknown, refuse: (reason: string) => void): string[] {
		const result: string[] = [];
		let count = 0;
		const add = (value: string) => define(result, count++, value, true);
		for (let i = 0; i < this.#needed.length; i++) add(this.#needed[i] ?? "");
		// Node.js itself refuses a value that is no array, so a wrong type does no harm.
		const { length } = (given ?? []) as ArrayLike<unknown>;
		for (let i = 0; i < length; i++) {
			const argument = toText((given as ArrayLike<unknown>)[i]);
			if (this.#all[argument] === true) continue;
			if (!isHarmlessArgument(argument)) refuse(argument);
			add(argument);
		}
		return result;
	}
}
