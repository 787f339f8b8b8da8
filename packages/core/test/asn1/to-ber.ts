import { DerReader, encode, TAG } from "../../dist/asn1/der.js";

/**
 * Converts DER to the form that programs write when they stream: indefinite lengths, and OCTET STRINGs in pieces of
 * `pieceBytes` bytes.
 */
export function toBer(der: Uint8Array, pieceBytes: number): Buffer {
	const reader = new DerReader(der, "test");
	const elements: Uint8Array[] = [];
	while (!reader.done) {
		reader.next();
		const value = der.subarray(reader.valueStart, reader.valueEnd);
		if ((reader.tag & CONSTRUCTED) !== 0) elements.push(indefinite(reader.tag, toBer(value, pieceBytes)));
		else if (reader.tag === TAG.OCTET_STRING)
			elements.push(indefinite(reader.tag | CONSTRUCTED, pieces(value, pieceBytes)));
		else elements.push(der.subarray(reader.start, reader.valueEnd));
	}
	return Buffer.concat(elements);
}

function indefinite(tag: number, content: Uint8Array): Buffer {
	return Buffer.concat([Buffer.of(tag, 0x80), content, Buffer.of(0, 0)]);
}

function pieces(value: Uint8Array, pieceBytes: number): Buffer {
	const parts: Uint8Array[] = [];
	for (let start = 0; start < value.length; start += pieceBytes) {
		parts.push(encode(TAG.OCTET_STRING, value.subarray(start, start + pieceBytes)));
	}
	return Buffer.concat(parts);
}

const CONSTRUCTED = 0x20;
