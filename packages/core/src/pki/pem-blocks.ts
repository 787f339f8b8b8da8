/**
 * Decodes the PEM blocks (RFC 7468) of one label and skips all other text. It works on bytes and makes no strings of
 * the blocks, because a revocation list of a million certificates has 54 MB of PEM.
 */

import { SigtoolError } from "../errors.js";

/**
 * Returns the content of every block with this label, e.g. `CERTIFICATE`. The list is empty if there is no such block.
 * @throws ERR_CERTIFICATE_FORMAT if such a block has no beginning or end, or is not base64
 */
export function decodePem(bytes: Uint8Array, label: string): Uint8Array[] {
	const blocks: Uint8Array[] = [];
	let start: number | undefined;
	const isMarked = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte);
	for (let position = isMarked ? BYTE_ORDER_MARK.length : 0; position < bytes.length; ) {
		const found = bytes.indexOf(LINE_FEED, position);
		const end = found === -1 ? bytes.length : found;
		const line = boundaryIn(bytes, position, end);
		if (line === `-----BEGIN ${label}-----`) {
			if (start !== undefined) throw malformed("a block begins inside another");
			start = end;
		} else if (line === `-----END ${label}-----`) {
			if (start === undefined) throw malformed("a block ends that did not begin");
			blocks.push(decodeBase64(bytes.subarray(start, position)));
			start = undefined;
		}
		position = end + 1;
	}
	if (start !== undefined) throw malformed("the last block does not end");
	return blocks;
}

/** Returns a line that may begin or end a block, without white space around it. Returns "" for any other line. */
function boundaryIn(bytes: Uint8Array, start: number, end: number): string {
	let position = start;
	while (position < end && VALUES[bytes[position] as number] === WHITE_SPACE) position++;
	if (bytes[position] !== HYPHEN || end - position > MAX_BOUNDARY_BYTES) return "";
	return Buffer.from(bytes.subarray(position, end)).toString("latin1").trim();
}

/**
 * Removes a byte order mark, which editors on Windows write before the first line. In a text that was decoded as
 * Latin-1 the mark is three characters.
 */
export function withoutByteOrderMark(text: string): string {
	return text.replace(/^(?:\ufeff|\u00ef\u00bb\u00bf)/, "");
}

/** Decodes base64 (RFC 4648 §4). The padding must be there, and white space may be anywhere. */
function decodeBase64(text: Uint8Array): Uint8Array {
	const decoded = Buffer.alloc(Math.ceil((text.length / 4) * 3));
	let [digits, padding, bits, length] = [0, 0, 0, 0];
	for (let position = 0; position < text.length; position++) {
		const value = VALUES[text[position] as number] as number;
		if (value === WHITE_SPACE) continue;
		if (value === PADDING) padding++;
		else if (value === OTHER || padding > 0) throw malformed("a block is not base64");
		digits++;
		bits = (bits << 6) | (value & 0x3f);
		if (digits % 4 !== 0) continue;
		decoded[length++] = bits >> 16;
		decoded[length++] = bits >> 8;
		decoded[length++] = bits;
	}
	if (digits === 0 || digits % 4 !== 0 || padding > 2) throw malformed("a block is not base64");
	return decoded.subarray(0, length - padding);
}

/** The byte order mark in UTF-8. */
const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];
const LINE_FEED = 0x0a;
const HYPHEN = 0x2d;
/** No longer line is compared, because every boundary of the labels that sigtool reads is much shorter. */
const MAX_BOUNDARY_BYTES = 100;

/** VALUES has these entries for bytes that are not base64 digits. PADDING stands for `=`. */
const OTHER = 255;
const WHITE_SPACE = 254;
const PADDING = 64;
/** The value of each byte as a base64 digit. */
const VALUES: Uint8Array = new Uint8Array(256).fill(OTHER);
for (const [value, digit] of [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].entries()) {
	VALUES[digit.charCodeAt(0)] = value;
}
for (const character of " \t\r\n") VALUES[character.charCodeAt(0)] = WHITE_SPACE;
VALUES["=".charCodeAt(0)] = PADDING;

function malformed(reason: string): SigtoolError {
	return new SigtoolError("ERR_CERTIFICATE_FORMAT", `Cannot read PEM: ${reason}`);
}
