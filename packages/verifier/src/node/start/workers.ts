/**
 * Guards workers. Each worker starts with this hook and gets a copy of its parent's `Inheritance`. A program can change
 * neither the hook nor the copy by environment variables, `execArgv` or `workerData`.
 */

import process from "node:process";
import workerThreads from "node:worker_threads";
import { quote } from "@sigtool/core/internal/read";
import { SigtoolError } from "@sigtool/core/read";
import type { Monitor } from "../../monitor/monitor.js";
import { assign, construct, define, getPrototypeOf, toText, UrlObject } from "../../safe/captured.js";
import {
	allocate,
	closeSync,
	fstatSync,
	O_RDONLY,
	openSync,
	readSync,
	sha256,
	startsWith,
	uncurryThis,
} from "../../safe/primordials.js";
import { guardClass } from "../../safe/replace.js";
import { refusalError, unshown } from "../../safe/thrown-error.js";
import { digestOfTrust, passToThreads, withWord } from "./inheritance-word.js";
import { guardWorkerMessages } from "./worker-messages.js";
import { createOwnArguments, environmentForWorker } from "./worker-options.js";

const { SHARE_ENV, Worker } = workerThreads;

/** A file with its SHA-256 in lower-case hexadecimal. */
export interface PinnedFile {
	readonly path: string;
	readonly sha256: string;
}

/**
 * Guards the class Worker. `inheritance` is passed to every worker, so it must be possible to clone it. A worker loads
 * the `pinned` files by their paths before its hook can judge anything. So none starts if one of them is not the file
 * that this process started with. `runs` tells whether this thread itself runs a script, or
 * only hooks of the program. Returns a function that starts a thread of the hook itself with another inheritance.
 */
export function guardWorkers(
	monitor: Monitor,
	inheritance: { readonly pinned: readonly PinnedFile[] },
	options: readonly string[],
	runs: "script" | "hooks",
): (own: readonly [passed: unknown, digest: string]) => void {
	const { pinned } = inheritance;
	// guardWorkerMessages() makes a worker, so it is called before Worker is guarded.
	guardWorkerMessages(monitor, runs);
	const ruling = monitor.policy.runtime.workers === "refuse" ? "refuse" : "allow";
	const digest = digestOfTrust(inheritance);
	const argumentsFor = createOwnArguments(options, refuse);
	const guarded = guardClass(Worker, getPrototypeOf(Worker), (args, create) => {
		// The options are copied, so that each member is read only once.
		const options = assign({ __proto__: null }, args[1]) as Record<string, unknown>;
		const isUrl = typeof args[0] === "object" && args[0] !== null;
		const path = toText(args[0]);
		const isEval = options.eval !== undefined && options.eval !== false;
		if (isEval || startsWith(path, "data:")) {
			monitor.rule("code.string", { kind: isEval ? "worker eval" : "worker data: URL" }, "never");
		}
		monitor.rule("worker.spawn", { path, kind: "thread" }, ruling);
		if (options.env === SHARE_ENV) refuse("SHARE_ENV");
		return begin([inheritance, digest], options, () => create([isUrl ? new UrlObject(path) : path, options]));
	});
	define(workerThreads, "Worker", guarded, true);

	/**
	 * Replaces `env` and `execArgv` of the options. A worker always gets its own, because Node.js would otherwise read
	 * process.env once more, where a program may have put variables or a getter since.
	 */
	function begin(
		{ 0: passed, 1: digest }: readonly [passed: unknown, digest: string],
		options: Record<string, unknown>,
		create: () => object,
	): object {
		for (let i = 0; i < pinned.length; i++) requireSame(pinned[i] as PinnedFile);
		const environment = environmentForWorker(options.env, refuse);
		options.execArgv = argumentsFor(options.execArgv);
		return withWord(passed, digest, (name, value) => {
			define(environment, name, value, true);
			// With NODE_DEBUG=worker Node.js prints the enumerable options by functions that a program can replace.
			define(options, "env", environment, false);
			return create();
		});
	}

	function refuse(reason: string): void {
		monitor.rule("worker.spawn", { kind: reason, reason: "ERR_START" }, "never");
	}

	function requireSame({ path, sha256: expected }: PinnedFile): void {
		if (digestOf(path) === expected) return;
		const message = `Cannot start a worker: ${quote(path)} is not the file that this process started with; start the process again`;
		monitor.rule("worker.spawn", { path, kind: "hook" }, "refuse", new SigtoolError("ERR_LAUNCHER", message));
	}

	return (own) => {
		const options = { __proto__: null, stdout: true, stderr: true } as unknown as Record<string, unknown>;
		// The thread never gets as far as to load its file.
		try {
			const thread = begin(own, options, () => construct(Worker, [__filename, options]));
			unref(thread as InstanceType<typeof Worker>);
		} catch (cause) {
			if ((cause as NodeJS.ErrnoException).code !== "ERR_ACCESS_DENIED") throw cause;
			const message =
				"Cannot remove the types of TypeScript: this needs a thread, and the policy refuses workers; compile TypeScript before you sign it";
			throw unshown(refusalError("ERR_RUNTIME_RULE", message, { cause }), "node-do-not-add-exception-line");
		}
	};
}

const unref = uncurryThis(Worker.prototype.unref);

/** Passes `inheritance` to every worker in mode off, where nothing is guarded. The hook is loaded in workers as well. */
export function passOnUnguarded(inheritance: unknown): void {
	const passing = guardClass(Worker, getPrototypeOf(Worker), (args, create) => {
		const options = assign({ __proto__: null }, args[1]) as Record<string, unknown>;
		let sharedWord: readonly [name: string, word: string] | undefined;
		const worker = passToThreads(inheritance, (name, word) => {
			if (options.env === SHARE_ENV) sharedWord = [name, word];
			else options.env = { ...((options.env as object | null | undefined) ?? process.env), [name]: word };
			return create([args[0], options]);
		});
		// A worker that shares the environment takes the word out of it when it starts.
		if (sharedWord !== undefined) process.env[sharedWord[0]] = sharedWord[1];
		return worker;
	});
	define(workerThreads, "Worker", passing, true);
}

/**
 * Returns the SHA-256 of a file, or undefined if it cannot be read. readFileSync() would call functions that a program
 * can replace.
 */
function digestOf(path: string): string | undefined {
	try {
		const descriptor = openSync(path, O_RDONLY);
		try {
			const { size } = fstatSync(descriptor);
			const bytes = allocate(size);
			for (let filled = 0; filled < size; ) {
				const count = readSync(descriptor, bytes, filled, size - filled, filled);
				if (count === 0) return undefined;
				filled += count;
			}
			return sha256(bytes);
		} finally {
			closeSync(descriptor);
		}
	} catch {
		return undefined;
	}
}
