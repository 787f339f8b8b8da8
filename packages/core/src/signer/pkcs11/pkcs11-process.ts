/**
 * Runs as the child process that pkcs11-supervisor.ts starts. Loads one PKCS#11 module and makes the calls that sigtool
 * asks for, one after the other.
 */

import { readSync, writeSync } from "node:fs";
import { loadNative, type Native } from "../../system/native.js";
import { startThread } from "../../system/parts.js";
import type { Cryptoki } from "./pkcs11-api.js";
import { type Answer, type Call, DESCRIPTOR, decodeCall, encodeAnswer } from "./pkcs11-wire.js";

function serve(): void {
	startThread(new URL("./pkcs11-lifeline.js", import.meta.url), { execArgv: [] });
	for (let line = readLine(); line !== undefined; line = readLine()) writeLine(encodeAnswer(answerTo(line)));
	// The process does not call process.exit(), because that runs code of the module, which may hang.
	process.kill(process.pid, "SIGKILL");
}

let cryptoki: Cryptoki | undefined;

function answerTo(line: string): Answer {
	const native = loadNative();
	if (native === undefined) return { missing: true };
	try {
		return { value: make(native, decodeCall(line)) };
	} catch (error) {
		return { error: error instanceof Error ? error.message : "" };
	}
}

/** Makes a call, and returns its result, or null if it has none. */
function make(native: Native, { name, args }: Call): unknown {
	if (name === "load") {
		// The type assertion is safe: pkcs11-api.ts declares what the C code makes.
		cryptoki = native.loadPkcs11(String(args[0])) as Cryptoki;
		return null;
	}
	if (cryptoki === undefined) throw new Error("no module is loaded");
	return Reflect.apply(cryptoki[name], cryptoki, args) ?? null;
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
