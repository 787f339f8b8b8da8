/**
 * Removes the types of TypeScript in a thread that runs no code of the program. Node.js removes them by functions such as
 * TextDecoder.prototype.decode, which a program can replace in its own threads, and could then give other text. Both
 * threads use memory to which no program has access.
 */

import module from "node:module";
import { atomicsNotify, atomicsStore, define, parseJson, setBytes } from "../../safe/captured.js";
import { atomicsWait, Bytes, encodeUtf8, Int32, SharedMemory, shielded, utf8Slice } from "../../safe/primordials.js";

/** Returns the text without types. @throws SyntaxError with the code of Node.js, for text whose types cannot be removed */
export type RemoveTypes = (text: string, file: string) => string;

/** The head of the memory is the state and the size of the text behind it. */
const STATE = 0;
const SIZE_BYTES = 1;
const HEAD_BYTES = 8;
const ASKED = 1;
const DONE = 2;
const FAILED = 3;

/** An answer needs no more bytes than the text, except for a semicolon here and there, or the message of an error. */
const SPARE_BYTES = 1 << 20;
const LIMIT_MS = 60_000;

/**
 * `startThread` has to start a thread that calls `serveTypeRemoval` with the memory. The first text starts one, and so
 * does the first text for which the memory is too small.
 */
export function createTypeRemover(startThread: (memory: SharedArrayBuffer) => void): RemoveTypes {
	let head: Int32Array = new Int32(2);
	let space: Uint8Array = shielded(new Bytes(0));
	return (text, file) => {
		const bytes = encodeUtf8(text);
		if (space.length < bytes.length + SPARE_BYTES) {
			const memory = new SharedMemory(HEAD_BYTES + 2 * (bytes.length + SPARE_BYTES));
			startThread(memory);
			head = new Int32(memory, 0, 2);
			space = shielded(new Bytes(memory, HEAD_BYTES));
		}
		setBytes(space, bytes);
		head[SIZE_BYTES] = bytes.length;
		atomicsStore(head, STATE, ASKED);
		atomicsNotify(head, STATE);
		if (atomicsWait(head, STATE, ASKED, LIMIT_MS) === "timed-out") {
			// The thread may answer later, so its memory is not used again.
			space = shielded(new Bytes(0));
			throw new SyntaxError(`Cannot remove the types of ${file}: the thread for it does not answer`);
		}
		const answer = utf8Slice(space, 0, head[SIZE_BYTES] ?? 0);
		if (head[STATE] !== DONE) throw errorIn(answer, file);
		return `${answer}\n\n//# sourceURL=${file}`;
	};
}

interface Failure {
	readonly code: string;
	readonly message: string;
	/** The place and the lines in question, before the error's own text. */
	readonly stack: string;
}

function errorIn(answer: string, file: string): Error {
	// The type assertion is safe: serveTypeRemoval() wrote the answer.
	const { code, message, stack } = parseJson(answer) as Failure;
	const error = new SyntaxError(message);
	define(error, "code", code, true);
	define(error, "stack", `${file}${stack}`, false);
	return error;
}

/** Serves `createTypeRemover` of another thread. Never returns. */
export function serveTypeRemoval(memory: SharedArrayBuffer): never {
	const head = new Int32Array(memory, 0, 2);
	const space = new Uint8Array(memory, HEAD_BYTES);
	for (;;) {
		const state = Atomics.load(head, STATE);
		if (state === ASKED) answer(head, space);
		else Atomics.wait(head, STATE, state);
	}
}

function answer(head: Int32Array, space: Uint8Array): void {
	// The type assertion is safe: only releases that have this function remove types, but the types of Node.js 20 do not
	// have it.
	const { stripTypeScriptTypes } = module as unknown as { stripTypeScriptTypes(text: string): string };
	let state = DONE;
	let text = Buffer.from(space.slice(0, head[SIZE_BYTES])).toString();
	try {
		text = stripTypeScriptTypes(text);
	} catch (error) {
		const { code, message, stack = "" } = error as NodeJS.ErrnoException;
		state = FAILED;
		text = JSON.stringify({ code, message, stack: stack.split("\n    at ")[0] });
	}
	const bytes = Buffer.from(text);
	space.set(bytes);
	head[SIZE_BYTES] = bytes.length;
	Atomics.store(head, STATE, state);
	Atomics.notify(head, STATE);
}
