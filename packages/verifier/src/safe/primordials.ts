/**
 * Captures functions before a program can replace them: functions of Node.js, and methods of built-in prototypes as
 * functions whose first argument is `this`. The program's first file is read later than this module.
 *
 * In a thread of a program, code that makes decisions uses only captured functions, operators, literals and functions
 * of this package. It uses no `for…of`, no spread and no array methods, and appends no array element, because each of
 * these depends on a prototype that a program can change.
 */

import crypto from "node:crypto";
import fs from "node:fs";
import process from "node:process";
import { threadId as thread } from "node:worker_threads";

/**
 * Returns a function that takes `this` as its first argument. `uncurryThis(String.prototype.slice)(text, 1)` is
 * `text.slice(1)`, even after a program has changed the prototype.
 */
export function uncurryThis<This, Args extends unknown[], Result>(
	method: (this: This, ...args: Args) => Result,
): (self: This, ...args: Args) => Result {
	// The type assertion is needed because the types do not describe the result of bindCall().
	return bindCall(method) as (self: This, ...args: Args) => Result;
}
const bindCall = Function.prototype.bind.bind(Function.prototype.call);

export const openSync = fs.openSync;
export const closeSync = fs.closeSync;
export const fstatSync = fs.fstatSync;
export const lstatSync = fs.lstatSync;
export const statSync = fs.statSync;

/**
 * Node.js assigns the members of what stat() returns. Without this, a setter of Object.prototype could take a member, or
 * put another value in its place. Members on the object's own prototype, which nobody can change, keep the assignment
 * from reaching Object.prototype.
 */
function shieldMembers(stats: fs.Stats | fs.BigIntStats): void {
	const prototype = Object.getPrototypeOf(stats);
	for (const name of Object.keys(stats)) {
		if (Object.hasOwn(prototype, name)) continue;
		Object.defineProperty(prototype, name, { value: undefined, writable: true, configurable: false });
	}
	Object.defineProperty(prototype.constructor, "prototype", { writable: false });
}
shieldMembers(statSync("/"));
shieldMembers(statSync("/", { bigint: true }));
export const readSync = fs.readSync;
export const readlinkSync = fs.readlinkSync;
export const writeSync = fs.writeSync;
export const readFileSync = fs.readFileSync;
export const read = fs.read;
export const {
	O_APPEND,
	O_CREAT,
	O_NOCTTY = 0, // On Windows, O_NOCTTY, O_NOFOLLOW and O_NONBLOCK do not exist.
	O_NOFOLLOW = 0,
	O_NONBLOCK = 0,
	O_RDONLY,
	O_WRONLY,
	S_IFDIR,
	S_IFMT,
	S_IFREG,
	S_IFLNK,
} = fs.constants;

const hashOnce = crypto.hash;
/** Returns the SHA-256 in lower-case hexadecimal. */
export const sha256 = (bytes: Uint8Array): string => hashOnce("sha256", bytes, "hex");

export const Bytes = Uint8Array;
type Slice = (this: Uint8Array, start: number, end: number) => string;
// The type assertion is safe: Buffer has had hexSlice and utf8Slice since Node.js 6, but the types do not have them.
const decoders = Buffer.prototype as unknown as { hexSlice: Slice; utf8Slice: Slice };
export const hexSlice = uncurryThis(decoders.hexSlice);
export const utf8Slice = uncurryThis(decoders.utf8Slice);

const setPrototype = Object.setPrototypeOf;
const arrays = Object.getPrototypeOf(Uint8Array.prototype);
/** An object that no program can reach. It has the getters of typed arrays that this package and node:fs use. */
const VIEWS = Object.freeze(
	Object.create(
		null,
		Object.fromEntries(
			["buffer", "byteLength", "byteOffset", "length"].map((name) => [
				name,
				Object.getOwnPropertyDescriptor(arrays, name) as PropertyDescriptor,
			]),
		),
	),
);
/**
 * Takes the bytes away from the prototypes of typed arrays. A program could define a getter there, such as `byteLength`.
 * Functions of node:fs read it, and the getter could then change bytes that were judged, or an event before it is written.
 */
export function shielded<View extends Uint8Array>(bytes: View): View {
	setPrototype(bytes, VIEWS);
	return bytes;
}
const BUFFERS = Buffer.prototype;
/** Gives shielded bytes the methods of Buffer, for a program that gets them. */
export function released(bytes: Uint8Array): Uint8Array {
	setPrototype(bytes, BUFFERS);
	return bytes;
}
const allocateUnfilled: (sizeBytes: number) => Uint8Array<ArrayBuffer> = Buffer.allocUnsafeSlow;
/**
 * Allocates shielded memory that is not part of a shared pool. The memory is not cleared, so the caller has to fill it.
 */
export const allocate = (sizeBytes: number): Uint8Array<ArrayBuffer> => shielded(allocateUnfilled(sizeBytes));
export const PromiseObject = Promise;
export const Int32 = Int32Array;
export const SharedMemory = SharedArrayBuffer;
export const atomicsWait = Atomics.wait;

export const stringifyJson = JSON.stringify;
export const parseJson: (text: string) => unknown = JSON.parse;
export const isArray: (value: unknown) => value is readonly unknown[] = Array.isArray;
/** Tells whether the object itself has the member. A program can put members on Object.prototype. */
export const hasOwn = Object.hasOwn;
export const freeze = Object.freeze;
/** Returns the object's own enumerable names, in order. */
export const keysOf = Object.keys;

export const startsWith = uncurryThis(String.prototype.startsWith);
export const indexOf = uncurryThis(String.prototype.indexOf);
export const lastIndexOf = uncurryThis(String.prototype.lastIndexOf);
export const slice = uncurryThis(String.prototype.slice);
export const charCodeAt = uncurryThis(String.prototype.charCodeAt);
export const padStart = uncurryThis(String.prototype.padStart);
export const numberToString = uncurryThis(Number.prototype.toString);
export const mapGet: <K, V>(map: ReadonlyMap<K, V>, key: K) => V | undefined = uncurryThis(Map.prototype.get);

const encoder = new TextEncoder();
const encode = uncurryThis(TextEncoder.prototype.encode);
/** Returns shielded bytes. A lone surrogate becomes U+FFFD, so several texts can have the same bytes: see `utf8Of`. */
export const encodeUtf8 = (text: string): Uint8Array => shielded(encode(encoder, text));
// The type assertion is safe: Node.js has had isWellFormed since 20, but the types do not have it.
const isWellFormed = uncurryThis((String.prototype as unknown as { isWellFormed(this: string): boolean }).isWellFormed);
/** Returns the one UTF-8 form of a text, shielded. Undefined for a text with a lone surrogate, which has none. */
export const utf8Of = (text: string): Uint8Array | undefined => (isWellFormed(text) ? encodeUtf8(text) : undefined);

export const now = Date.now;
/** Returns the nanoseconds since some moment, by a clock that nobody can set. */
export const monotonic: () => bigint = process.hrtime.bigint;
const DateObject = Date;
const toIsoString = uncurryThis(Date.prototype.toISOString);
/** Formats a time in UTC with milliseconds, e.g. `2026-01-31T12:00:00.000Z`. */
export const isoTime = (milliseconds: number): string => toIsoString(new DateObject(milliseconds));

export const whenIdle = setImmediate;
const startTimer = setTimeout;
const timer = setTimeout(() => {}, 0);
const unref = uncurryThis(timer.unref);
clearTimeout(timer);
/** Calls the function after this time, if the process still runs then. */
export const afterMs = (call: () => void, milliseconds: number): void => void unref(startTimer(call, milliseconds));
export const onExit = process.on.bind(process, "exit") as (listener: () => void) => void;
export const { platform } = process;
export const workingDirectory: () => string = process.cwd;
export const processId = process.pid;
const BigInteger = BigInt;
const { geteuid } = process;
export const effectiveUser = (): bigint => BigInteger(geteuid?.() ?? 0);
export const userId: number | undefined = process.getuid?.();
export const threadId = thread;

/** `process.exit` calls this function last. It runs no listener. In a worker it ends only the worker's thread. */
export const exitNow: (status: number) => never = (
	process as unknown as { reallyExit(status: number): never }
).reallyExit // Node.js has had reallyExit since 0.5, but the types do not have it.
	.bind(process);
