/**
 * Converts BER (X.690 §8) to DER. PKCS#12 containers need this conversion, because some programs, such as NSS and
 * Bouncy Castle, write containers with indefinite lengths.
 *
 * Converts indefinite lengths, OCTET STRINGs in pieces, and the lengths of constructed elements that are not minimal.
 * Refuses lengths of more than four bytes and tag numbers above 30. Any other deviation from DER stays in the result,
 * for the parser of the result to refuse. The conversion never recurses. Its time is at most proportional to the size
 * of the input multiplied by the depth of the elements, which is bounded by MAX_DEPTH.
 */

import { SigtoolError } from "../errors.js";
import { encodeParts, TAG } from "./der.js";

/**
 * An element whose end was not reached yet. `parts` is its content so far. `end` is the offset behind the element, or
 * undefined if the length is indefinite.
 */
interface Frame {
	readonly tag: number;
	readonly end: number | undefined;
	readonly parts: Uint8Array[];
}

/** Returns the same elements with definite lengths, and with each OCTET STRING in one piece. @throws ERR_DER */
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

/**
 * Returns the end of the innermost open element with a definite length. Nothing inside it may reach past this offset.
 */
function endOfInnermost(open: readonly Frame[]): number {
	for (let i = open.length - 1; ; i--) {
		const { end } = open[i];
		if (end !== undefined) return end;
	}
}

/**
 * Reads the length of the element at `start`. In the result, `length` is undefined if the length is indefinite. Returns
 * undefined if the length is truncated or has more than four bytes.
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
/**
 * The tag of the frame that contains the whole input. No element has this tag, because an identifier byte is never
 * negative.
 */
const NO_TAG = -1;
/**
 * Elements in a PKCS#12 container are about ten levels deep. The elements inside an OCTET STRING do not add to the
 * depth, because the caller converts the content of an OCTET STRING by another call.
 */
const MAX_DEPTH = 32;
