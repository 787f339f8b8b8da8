/**
 * Passes trust from thread to thread. A program can reach the ports over which Node.js tells a worker what to run, and
 * can send messages on them. So a message with trust counts only with a word that no program knows: the parent makes a new
 * one for each worker, and puts it into the message and, by value, into the environment of the worker. Node.js passes that
 * environment on without a message.
 */

import { randomBytes } from "node:crypto";
import process from "node:process";
import workerThreads from "node:worker_threads";
import { sha256OfText } from "../../safe/captured.js";

const { getEnvironmentData, setEnvironmentData } = workerThreads;
/** The key of the message's environment data. */
export const CHANNEL = "sigtool:start";
const VARIABLE = "SIGTOOL_WORKER";

/** The word and what it vouches for. */
export interface Passed {
	readonly word: string;
	readonly inheritance: unknown;
}

/**
 * Returns the inheritance that the parent thread passed on, and removes it. Undefined in the main thread, and in threads
 * whose first message did not come from the hook of the parent.
 */
export function takeInheritance(): unknown {
	const word = process.env[VARIABLE];
	delete process.env[VARIABLE];
	// The type assertion is safe where the word is right: only `withWord` makes such a value.
	const passed = getEnvironmentData(CHANNEL) as Partial<Passed> | undefined;
	// Setting `undefined` removes the inheritance from the environment data of this thread. The assertion is needed
	// because the type of the parameter does not allow `undefined`.
	setEnvironmentData(CHANNEL, undefined as never);
	if (word === undefined || passed?.word !== word) return undefined;
	return passed.inheritance;
}

/** Passes `inheritance` to every thread that `action` starts. For mode off, or before the program runs. */
export function bequeath<Result>(inheritance: unknown, action: (name: string, word: string) => Result): Result {
	return withWord(inheritance, (name, word) => {
		process.env[name] = word;
		// The type assertion is safe: `inheritance` can be cloned.
		setEnvironmentData(CHANNEL, current as never);
		try {
			return action(name, word);
		} finally {
			delete process.env[name];
			setEnvironmentData(CHANNEL, undefined as never);
		}
	});
}

/**
 * Calls `action`, which makes a worker, with the name and the value of the variable that has to be in its environment.
 * Meanwhile `passedNow` returns the value that has to be in its first message. `inheritance` can be cloned.
 */
export function withWord<Result>(inheritance: unknown, action: (name: string, word: string) => Result): Result {
	const outer = current;
	const word = sha256OfText(`${SECRET}${count++}`);
	current = { __proto__: null, word, inheritance } as Passed;
	try {
		return action(VARIABLE, word);
	} finally {
		current = outer;
	}
}

export function passedNow(): Passed | undefined {
	return current;
}

const SECRET = randomBytes(32).toString("hex");
let count = 0;
let current: Passed | undefined;
