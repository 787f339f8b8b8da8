/**
 * Runs as the child process that pkcs11-supervisor.ts starts. Loads one PKCS#11 module and makes the calls that sigtool
 * asks for, one after the other.
 */

import { readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Cryptoki, Pkcs11js } from "./pkcs11-api.js";
import { type Answer, type CallName, DESCRIPTOR, decodeCall, encodeAnswer } from "./pkcs11-wire.js";

function serve(): void {
	new Worker(new URL("./pkcs11-lifeline.js", import.meta.url), { execArgv: [] });
	for (let line = readLine(); line !== undefined; line = readLine()) writeLine(encodeAnswer(answerTo(line)));
	// The process does not call process.exit(), because that runs code of the module, which may hang.
	process.kill(process.pid, "SIGKILL");
}

let cryptoki: Cryptoki | undefined;

function answerTo(line: string): Answer {
	const { name, args } = decodeCall(line);
	try {
		cryptoki ??= new (loadPackage().PKCS11)();
	} catch {
		return { missing: true };
	}
	try {
		const value: unknown = Reflect.apply(cryptoki[name], cryptoki, args);
		return { value: needed(name, value) };
	} catch (error) {
		return { error: error instanceof Error ? error.message : "" };
	}
}

function loadPackage(): Pkcs11js {
	return createRequire(import.meta.url)("pkcs11js");
}

/** Returns the part of a result that sigtool needs. Other members may be of types that JSON does not have. */
function needed(name: CallName, value: unknown): unknown {
	if (name === "C_GetAttributeValue" && Array.isArray(value)) return value.map(({ value }) => value);
	if (name === "C_GetTokenInfo") {
		const { label, manufacturerID, model, serialNumber, flags } = Object(value);
		return { label, manufacturerID, model, serialNumber, flags };
	}
	return value ?? null;
}

/**
 * Returns the next line, or undefined after sigtool has closed the other end. This call may block,
 * because the thread has nothing else to do.
 */
function readLine(): string | undefined {
	const pieces: Buffer[] = [];
	for (;;) {
		const piece = Buffer.alloc(PIECE_BYTES);
		const sizeBytes = readSync(DESCRIPTOR.lines, piece);
		if (sizeBytes === 0) return undefined;
		pieces.push(piece.subarray(0, sizeBytes));
		// A newline can only be the last byte of a piece, because sigtool waits for the answer before the next line.
		if (piece[sizeBytes - 1] === NEWLINE) return Buffer.concat(pieces).toString("utf8");
	}
}

function writeLine(line: string): void {
	const bytes = Buffer.from(line, "utf8");
	for (let offset = 0; offset < bytes.length; ) offset += writeSync(DESCRIPTOR.lines, bytes, offset);
}

const PIECE_BYTES = 16_384;
const NEWLINE = 0x0a;

serve();
