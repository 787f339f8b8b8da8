/**
 * Makes sure that a worker runs its script and no text. A program can send a worker its first message over a port that it
 * took from Node.js, and the message can have text in the place of a file. Only after the hook was loaded does Node.js look
 * for what to run: it tells the parent that the worker runs, and then calls `Module.runMain` with a file, or asks for the
 * working directory to give text a name.
 */

import module from "node:module";
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { getOwnPropertyDescriptor } from "../../safe/captured.js";

const UP_AND_RUNNING = "upAndRunning";

/**
 * Returns a function that has to see each message that this thread sends, before it is sent. Calls `refuse`, which has to
 * end the thread, if Node.js is about to run text. Has to be called while the hook is loaded.
 */
export function expectScript(refuse: () => void): (message: unknown) => void {
	if (isMainThread) return () => {};
	// Node.js 26 changes the global scope before it loads the hook, if the message asks for a worker of the web.
	if (Object.getPrototypeOf(Object.getPrototypeOf(globalThis)) !== Object.prototype) refuse();
	// The type assertion is safe: Node.js has had runMain since 0.5, but the types do not have it.
	const inner = module as unknown as { runMain(...args: unknown[]): unknown };
	const { runMain } = inner;
	const { cwd } = process;
	let isStarting = true;
	let isUp = false;
	inner.runMain = (...args) => {
		isStarting = false;
		inner.runMain = runMain;
		process.cwd = cwd;
		return runMain(...args);
	};
	process.cwd = () => {
		if (isUp) refuse();
		return cwd();
	};
	return (message) => {
		if (!isStarting || typeof message !== "object" || message === null) return;
		if (getOwnPropertyDescriptor(message, "type")?.value === UP_AND_RUNNING) isUp = true;
	};
}
