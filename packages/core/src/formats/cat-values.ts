/** Reads the texts and the named values in a catalog. */

import { type DerReader, encodeOid, TAG } from "../asn1/der.js";
import { SigtoolError } from "../errors.js";
import { CARRIED_ATTRIBUTE, CATALOG_OID, type NameValue } from "./cat-model.js";

/** Parses SEQUENCE { BMPString name, INTEGER flags, OCTET STRING value }. The value is NUL-terminated UTF-16LE. */
export function parseNameValue(reader: DerReader): NameValue {
	const sequence = reader.open(TAG.SEQUENCE);
	const name = bmp(reader.value(TAG.BMP_STRING), reader);
	const flags = reader.integer();
	reader.next(TAG.OCTET_STRING);
	requireWholeUnits(reader);
	const value = utf16(reader.bytes, reader.valueStart, textEnd(reader));
	reader.close(sequence);
	return { name, flags, value };
}

/** Parses the octal digits of `SigtoolMode`, at most 7777. @throws ERR_CATALOG_FORMAT */
export function parseMode(text: string): number {
	if (!/^[0-7]{1,4}$/.test(text)) refuse("a recorded mode is not octal");
	return Number.parseInt(text, 8);
}

/** Returns the end of the text in the OCTET STRING that was read last, without its terminating NUL if it has one. */
export function textEnd(reader: DerReader): number {
	const { bytes, valueStart, valueEnd } = reader;
	const terminated = valueEnd - valueStart >= 2 && bytes[valueEnd - 1] === 0 && bytes[valueEnd - 2] === 0;
	return terminated ? valueEnd - 2 : valueEnd;
}

export function requireWholeUnits(reader: DerReader): void {
	if ((reader.valueEnd - reader.valueStart) % 2 !== 0) refuse("half a UTF-16 code unit");
}

export function utf16(bytes: Uint8Array, start: number, end: number): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf16le", start, end);
}

/** Decodes a BMPString, which is UTF-16 in big-endian order. */
function bmp(bytes: Uint8Array, reader: DerReader): string {
	if (bytes.length % 2 !== 0) reader.fail("BMPString of odd length");
	return Buffer.from(bytes).swap16().toString("utf16le");
}

/** Returns the bytes of a text as a BMPString. */
export function bmpBytes(text: string): Uint8Array {
	return Buffer.from(text, "utf16le").swap16();
}

/** Throws, because the bytes are no catalog that sigtool understands. @throws ERR_CATALOG_FORMAT */
export function refuse(reason: string): never {
	throw new SigtoolError("ERR_CATALOG_FORMAT", `Cannot read catalog: ${reason}`);
}

export const BMP_CARRIED = bmpBytes(CARRIED_ATTRIBUTE);
export const OID_NAME_VALUE = encodeOid(CATALOG_OID.nameValue);
