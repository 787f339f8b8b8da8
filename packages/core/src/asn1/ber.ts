/**
 * Converts BER (X.690 §8) to DER, for files that programs write in pieces. NSS and Bouncy Castle write PKCS#12
 * containers with indefinite lengths.
 *
 * Supported: indefinite lengths, OCTET STRINGs in pieces, and lengths of at most four bytes. Everything else stays as it
 * is, and the strict reader judges it. The function never recurses; its work is linear in the size, times the depth.
 */

import { SigtoolError } from "../errors.js";
import { encodeParts, TAG } from "./der.js";

/** An element that is open: its content so far, and the offset behind it, which is unknown for an indefinite length. */
interface Frame {
	readonly tag: number;
	readonly end: number | undefined;
	readonly parts: Uint8Array[];
}

/** Returns the same elements with definite lengths and OCTET STRINGs in one piece. @throws ERR_DER */
export function berToDer(bytes: Uint8Array, what: string): Uint8Array {
	const fail = (reason: string): never => {
		throw new SigtoolError("ERR_DER", `Cannot parse ${what}: ${reason} (offset ${position})`);
	};
	const outermost: Frame = { tag: NO_TAG, end: bytes.length, parts: [] };
	const open: Frame[] = [outermost];
	let position = 0;
	for (;;) {
		const frame = open[open.length - 1];
		if (position === frame.end) {
			if (frame === outermost) return Buffer.concat(outermost.parts);
			open.pop();
			close(frame, open[open.length - 1]);
			continue;
		}
		const start = position;
		const limit = endOfInnermost(open);
		if (limit - start < 2) fail("an element is truncated");
		const tag = bytes[start];
		if (frame.end === undefined && tag === 0 && bytes[start + 1] === 0) {
			position += 2;
			open.pop();
			close(frame, open[open.length - 1]);
			continue;
		}
		if ((tag & 0x1f) === 0x1f) fail("tag numbers above 30 are not supported");
		const isConstructed = (tag & CONSTRUCTED) !== 0;
		if (frame.tag === OCTET_STRING_IN_PIECES && tag !== TAG.OCTET_STRING && tag !== OCTET_STRING_IN_PIECES) {
			fail("a piece of an OCTET STRING is of another type");
		}
		const header = readHeader(bytes, start, limit) ?? fail("a length is truncated or of more than four bytes");
		position = header.valueStart;
		if (header.length === undefined && !isConstructed) fail("indefinite length of a primitive element");
		const end = header.length === undefined ? undefined : position + header.length;
		if (end !== undefined && end > limit) fail("an element reaches past the end of what contains it");
		if (isConstructed) {
			if (open.length === MAX_DEPTH) fail(`elements are nested more than ${MAX_DEPTH} deep`);
			open.push({ tag, end, parts: [] });
		} else {
			frame.parts.push(bytes.subarray(frame.tag === OCTET_STRING_IN_PIECES ? position : start, end));
			position = end as number; // A primitive element has a length: checked above.
		}
	}
}

/** Adds a complete element to the one that contains it. */
function close(frame: Frame, container: Frame): void {
	if (frame.tag !== OCTET_STRING_IN_PIECES) container.parts.push(encodeParts(frame.tag, frame.parts));
	else if (container.tag === OCTET_STRING_IN_PIECES) container.parts.push(Buffer.concat(frame.parts));
	else container.parts.push(encodeParts(TAG.OCTET_STRING, frame.parts));
}

/** Returns the offset that nothing in the innermost element may pass. */
function endOfInnermost(open: readonly Frame[]): number {
	for (let i = open.length - 1; ; i--) {
		const { end } = open[i];
		if (end !== undefined) return end;
	}
}

/** Reads a length; one that is indefinite is undefined. Returns undefined if the length itself cannot be read. */
function readHeader(
	bytes: Uint8Array,
	start: number,
	limit: number,
): { length: number | undefined; valueStart: number } | undefined {
	const first = bytes[start + 1];
	if (first < 0x80) return { length: first, valueStart: start + 2 };
	const lengthBytes = first & 0x7f;
	if (lengthBytes === 0) return { length: undefined, valueStart: start + 2 };
	if (lengthBytes > 4 || limit - start - 2 < lengthBytes) return undefined;
	let length = 0;
	for (let i = 0; i < lengthBytes; i++) length = length * 256 + bytes[start + 2 + i];
	return { length, valueStart: start + 2 + lengthBytes };
}

const CONSTRUCTED = 0x20;
const OCTET_STRING_IN_PIECES = TAG.OCTET_STRING | CONSTRUCTED;
/** The frame around everything. No element has this identifier. */
const NO_TAG = -1;
/** A PKCS#12 container has about ten levels, as its parts are OCTET STRINGs that are read one by one. */
const MAX_DEPTH = 32;
