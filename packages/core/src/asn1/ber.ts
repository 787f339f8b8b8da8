/**
 * Converts BER (X.690 §8) to DER. It is for PKCS#12 containers, because some programs, such as NSS and Bouncy Castle,
 * write them with indefinite lengths.
 *
 * It supports indefinite lengths, OCTET STRINGs in pieces, and lengths of at most four bytes. Any other deviation from
 * DER stays as it is, and DerReader refuses it later. The conversion never recurses. Its time grows with the size of
 * the input times the depth of its elements.
 */

import { SigtoolError } from "../errors.js";
import { encodeParts, TAG } from "./der.js";

/** An open element: its content so far, and the offset behind it, which is undefined for an indefinite length. */
interface Frame {
	readonly tag: number;
	readonly end: number | undefined;
	readonly parts: Uint8Array[];
}

/** Returns the same elements in DER: with definite lengths, and with each OCTET STRING in one piece. @throws ERR_DER */
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
			// The type assertion is safe: a primitive element with an indefinite length was refused above.
			position = end as number;
		}
	}
}

/** Adds a complete element to the element that contains it. */
function close(frame: Frame, container: Frame): void {
	if (frame.tag !== OCTET_STRING_IN_PIECES) container.parts.push(encodeParts(frame.tag, frame.parts));
	else if (container.tag === OCTET_STRING_IN_PIECES) container.parts.push(Buffer.concat(frame.parts));
	else container.parts.push(encodeParts(TAG.OCTET_STRING, frame.parts));
}

/** Returns the offset at which the innermost element must have ended. */
function endOfInnermost(open: readonly Frame[]): number {
	for (let i = open.length - 1; ; i--) {
		const { end } = open[i];
		if (end !== undefined) return end;
	}
}

/**
 * Reads the length in a header. The result has no length if the length is indefinite. Returns undefined if the length
 * cannot be read.
 */
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
/** The tag of the frame that contains the whole input. No element has this identifier. */
const NO_TAG = -1;
/**
 * Elements in a PKCS#12 container are about ten levels deep. The content of an OCTET STRING does not add to the depth,
 * because it is converted separately.
 */
const MAX_DEPTH = 32;
