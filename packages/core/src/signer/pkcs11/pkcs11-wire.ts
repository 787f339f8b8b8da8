/**
 * Encodes and decodes the lines between sigtool and the child process that loads a PKCS#11 module. sigtool writes one
 * call, and the child process writes one answer. Call and answer are lines of JSON, with bytes in base64.
 */

import type { RemoteCryptoki } from "./pkcs11-api.js";

export type CallName = keyof RemoteCryptoki;

/** One call of a function of the module. */
export interface Call {
	readonly name: CallName;
	readonly args: readonly unknown[];
}

/** The outcome of one call. The members are untrusted, because the module runs in the process that writes them. */
export interface Answer {
	/** The result: null, a base64 text, a list of base64 texts, or an object that describes a token. */
	readonly value?: unknown;
	/** The message of the error that the call threw. */
	readonly error?: unknown;
	/** True if the optional package @sigtool/native cannot be loaded. */
	readonly missing?: unknown;
}

/** A line has at most this many UTF-16 code units. The longest lines are answers that have a certificate. */
export const MAX_LINE_LENGTH = 2 ** 20;

/** The descriptors that the child process inherits. The kernel closes the other end of `lifeline` when sigtool ends. */
export const DESCRIPTOR = { lines: 3, lifeline: 4 } as const;

export function encodeCall(call: Call): string {
	return `${JSON.stringify(call, (_, member: unknown) => (isBufferAsJson(member) ? { base64: base64(member) } : member))}\n`;
}

/** Parses a line that sigtool wrote. It must not be called with an untrusted line. */
export function decodeCall(line: string): Call {
	return JSON.parse(line, (_, member: unknown) => {
		const { base64 } = Object(member);
		return typeof base64 === "string" ? Buffer.from(base64, "base64") : member;
	});
}

export function encodeAnswer(answer: Answer): string {
	return `${JSON.stringify(answer, (_, member: unknown) => (isBufferAsJson(member) ? base64(member) : member))}\n`;
}

/** Parses an untrusted line. Returns undefined if the line is not JSON, or not an object. */
export function decodeAnswer(line: string): Answer | undefined {
	try {
		const answer: unknown = JSON.parse(line);
		return typeof answer === "object" && answer !== null ? answer : undefined;
	} catch {
		return undefined;
	}
}

/** A Buffer has this form after Buffer.toJSON(), which JSON.stringify() calls before its replacer function. */
interface BufferAsJson {
	readonly type: "Buffer";
	readonly data: readonly number[];
}

function isBufferAsJson(member: unknown): member is BufferAsJson {
	const { type, data } = Object(member);
	return type === "Buffer" && Array.isArray(data);
}

function base64({ data }: BufferAsJson): string {
	return Buffer.from(data).toString("base64");
}
