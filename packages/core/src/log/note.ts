/**
 * Reads and writes signed notes (c2sp.org/signed-note): a text, an empty line, and lines with signatures. Nothing here
 * verifies a signature.
 *
 * A note has at most 1 MiB and 64 signatures. The text may contain empty lines, because the last one separates it from
 * the signatures.
 */

import { hash } from "node:crypto";
import { SigtoolError } from "../errors.js";

export interface Note {
	/** The text, with the line feed at its end. */
	readonly text: string;
	readonly signatures: readonly NoteSignature[];
}

export interface NoteSignature {
	/** The name of the key. */
	readonly name: string;
	/** The first four bytes of a digest of name, type and public key, in lower-case hexadecimal. */
	readonly keyId: string;
	readonly signature: Buffer;
}

export const MAX_NOTE_BYTES = 2 ** 20;
const MAX_SIGNATURES = 64;

/** @throws ERR_CHECKPOINT_FORMAT */
export function parseNote(bytes: Uint8Array): Note {
	if (bytes.length > MAX_NOTE_BYTES) throw malformed("it is larger than 1 MiB");
	const whole = decodeNote(bytes);
	const end = whole.lastIndexOf("\n\n");
	if (end === -1) throw malformed("no empty line separates its text from signatures");
	if (!whole.endsWith("\n")) throw malformed("its last line has no end");
	const lines = whole.slice(end + 2, -1).split("\n");
	if (lines.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`);
	return { text: whole.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

/** Decodes a text of lines. @throws ERR_CHECKPOINT_FORMAT for bytes that no note may have */
export function decodeNote(bytes: Uint8Array): string {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		throw malformed("it is not UTF-8");
	}
	// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression has to match control characters.
	if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw malformed("it has control characters");
	return text;
}

function parseSignature(line: string): NoteSignature {
	const [, name = "", base64 = ""] = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? [];
	const bytes = Buffer.from(base64, "base64");
	if (!isKeyName(name) || bytes.length <= KEY_ID_BYTES || bytes.toString("base64") !== base64)
		throw malformed("a line after its text is no signature");
	return { name, keyId: bytes.toString("hex", 0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

/** @throws RangeError for a name that no key may have */
export function encodeNote({ text, signatures }: Note): string {
	const lines = signatures.map(({ name, keyId, signature }) => {
		if (!isKeyName(name)) throw new RangeError(`No key may have the name ${JSON.stringify(name)}`);
		return `\u2014 ${name} ${Buffer.concat([Buffer.from(keyId, "hex"), signature]).toString("base64")}\n`;
	});
	return `${text}\n${lines.join("")}`;
}

/** The characters that Unicode counts as spaces, and "+", are in no name of a key. */
export function isKeyName(name: string): boolean {
	return name !== "" && !/[\s\u0085+]/u.test(name);
}

/** Returns the identifier of a key, in lower-case hexadecimal. `type` is the byte or the bytes of the signature's type. */
export function keyIdOf(name: string, type: Uint8Array, publicKey: Uint8Array): string {
	const parts = [Buffer.from(`${name}\n`), type, publicKey];
	return hash("sha256", Buffer.concat(parts), "hex").slice(0, 2 * KEY_ID_BYTES);
}

const KEY_ID_BYTES = 4;

export function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_CHECKPOINT_FORMAT", `Cannot read checkpoint: ${reason}`);
}
