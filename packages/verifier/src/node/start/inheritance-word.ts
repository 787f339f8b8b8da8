/**
 * Passes trust from thread to thread. A program can reach the ports over which Node.js tells a worker what to run, and
 * can send messages on them. It cannot change the environment of a worker that the hook makes, because Node.js passes that
 * on by value and without a message. So the environment has a word, which the first message has to repeat, and the digest
 * of the trust. A program that finds the word in the memory of its process still cannot send other trust.
 */

import { randomBytes } from "node:crypto";
import process from "node:process";
import workerThreads from "node:worker_threads";
import { sha256OfText } from "../../safe/captured.js";
import { sha256 } from "../../safe/primordials.js";

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
	const expected = process.env[VARIABLE];
	delete process.env[VARIABLE];
	// The type assertion is safe where the word is right: only `withWord` makes such a value.
	const passed = getEnvironmentData(CHANNEL) as Partial<Passed> | undefined;
	// Setting `undefined` removes the inheritance from the environment data of this thread. The assertion is needed
	// because the type of the parameter does not allow `undefined`.
	setEnvironmentData(CHANNEL, undefined as never);
	if (expected === undefined || passed?.word === undefined) return undefined;
	return `${passed.word}:${digestOfTrust(passed.inheritance)}` === expected ? passed.inheritance : undefined;
}

/** Passes `inheritance` to every thread that `action` starts. For mode off, or before the program runs. */
export function passToThreads<Result>(inheritance: unknown, action: (name: string, value: string) => Result): Result {
	return withWord(inheritance, digestOfTrust(inheritance), (name, value) => {
		process.env[name] = value;
		// The type assertion is safe: `inheritance` can be cloned.
		setEnvironmentData(CHANNEL, current as never);
		try {
			return action(name, value);
		} finally {
			delete process.env[name];
			setEnvironmentData(CHANNEL, undefined as never);
		}
	});
}

/**
 * Calls `action`, which makes a worker, with the name and the value of the variable that has to be in its environment.
 * Meanwhile `passedNow` returns the value that has to be in its first message. `inheritance` can be cloned, and `digest` is
 * what `digestOfTrust` returned for it.
 */
export function withWord<Result>(
	inheritance: unknown,
	digest: string,
	action: (name: string, value: string) => Result,
): Result {
	const outer = current;
	const word = sha256OfText(`${SECRET}${count++}`);
	current = { __proto__: null, word, inheritance } as Passed;
	try {
		return action(VARIABLE, `${word}:${digest}`);
	} finally {
		current = outer;
	}
}

/**
 * Digests what a thread decides from. The state of the process is left out, because it changes: a thread finds it by
 * itself. Has to be called before a program runs in this thread.
 */
export function digestOfTrust(inheritance: unknown): string {
	return sha256OfText(JSON.stringify(plain({ ...(inheritance as object), state: undefined })));
}

/**
 * Returns a value that is the same in JSON for the original and for its copy in another thread. Bytes are replaced before
 * JSON sees them: it would write each byte of a Buffer as a number.
 */
function plain(value: unknown): unknown {
	if (typeof value === "bigint") return String(value);
	if (value instanceof SharedArrayBuffer) return undefined;
	if (typeof value !== "object" || value === null) return value;
	if (value instanceof Uint8Array) return sha256(value);
	if (value instanceof Map) return plain([...value]);
	if (Array.isArray(value)) return value.map(plain);
	return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

export function passedNow(): Passed | undefined {
	return current;
}

const SECRET = randomBytes(32).toString("hex");
let count = 0;
let current: Passed | undefined;
