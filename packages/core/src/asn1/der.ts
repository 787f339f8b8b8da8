/**
 * Reads and writes DER (X.690 §10). The reader never recurses, and allocates memory only for the values that its caller
 * asks for.
 *
 * Supports definite lengths in minimal form of at most four bytes, and tag numbers below 31. Refuses other lengths and
 * other tag numbers with ERR_DER.
 */

import { SigtoolError } from "../errors.js";

/** The identifier bytes (X.690 §8.1.2) of the universal class, with the constructed bit if DER requires it. */
export const TAG = {
	BOOLEAN: 0x01,
	INTEGER: 0x02,
	BIT_STRING: 0x03,
	OCTET_STRING: 0x04,
	NULL: 0x05,
	OID: 0x06,
	ENUMERATED: 0x0a,
	UTF8_STRING: 0x0c,
	PRINTABLE_STRING: 0x13,
	T61_STRING: 0x14,
	IA5_STRING: 0x16,
	UTC_TIME: 0x17,
	GENERALIZED_TIME: 0x18,
	UNIVERSAL_STRING: 0x1c,
	BMP_STRING: 0x1e,
	SEQUENCE: 0x30,
	SET: 0x31,
} as const;

/** Returns a context-specific identifier byte: 0xa0 for `context(0)`, 0x80 for `context(0, "primitive")`. */
export function context(number: number, form: "constructed" | "primitive" = "constructed"): number {
	return (form === "constructed" ? 0xa0 : 0x80) | number;
}

/**
 * A cursor over DER. `next` reads one element. `open` steps into an element. `close` leaves the element, and refuses
 * elements in it that were not read:
 *
 *     const outer = reader.open(TAG.SEQUENCE);
 *     const version = reader.integer();
 *     reader.close(outer);
 */
export class DerReader {
	readonly bytes: Uint8Array;
	/** The name of the input in messages, such as `certificate` or `catalog`. */
	readonly what: string;
	/** The offset of the next element. */
	position: number;
	/** The offset behind the innermost open element, or behind the input if no element is open. */
	end: number;
	/**
	 * `tag`, `start`, `valueStart` and `valueEnd` describe the element read last: its identifier byte, and the offsets of
	 * its first byte, of its value, and of the byte behind it.
	 */
	tag = 0;
	start = 0;
	valueStart = 0;
	valueEnd = 0;

	constructor(bytes: Uint8Array, what: string, start = 0, end: number = bytes.length) {
		this.bytes = bytes;
		this.what = what;
		this.position = start;
		this.end = end;
	}

	/** True if no element is left inside the innermost open element. */
	get done(): boolean {
		return this.position === this.end;
	}

	/** Returns the identifier byte of the next element, or -1 at the end of the innermost open element. */
	peek(): number {
		return this.position < this.end ? (this.bytes[this.position] as number) : -1;
	}

	/** Reads the next element and moves behind it. If `tag` is given, refuses any other tag. X.690 §8.1.3, §10.1. */
	next(tag = -1): void {
		const { bytes, end } = this;
		let position = this.position;
		if (end - position < 2) this.fail(position === end ? "an element is missing" : "an element is truncated");
		const identifier = bytes[position] as number;
		if (tag !== -1 && identifier !== tag)
			this.fail(`it has ${elementName(identifier)} in the place of ${elementName(tag)}`);
		if ((identifier & 0x1f) === 0x1f) this.fail("tag numbers above 30 are not supported");
		this.start = position;
		let length = bytes[position + 1] as number;
		position += 2;
		if (length >= 0x80) {
			const lengthBytes = length & 0x7f;
			if (lengthBytes === 0) this.fail("indefinite length");
			if (lengthBytes > 4) this.fail("length of more than four bytes");
			if (end - position < lengthBytes) this.fail("a length is truncated");
			length = 0;
			for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[position + i] as number);
			const isMinimal = length >= 0x80 && (lengthBytes === 1 || length >= 2 ** (8 * (lengthBytes - 1)));
			if (!isMinimal) this.fail("length is not minimal");
			position += lengthBytes;
		}
		if (length > end - position) this.fail("an element reaches past the end of what contains it");
		this.tag = identifier;
		this.valueStart = position;
		this.valueEnd = this.position = position + length;
	}

	/**
	 * Steps into the next element. Returns the end of the element around it, for the caller to pass to `close` or
	 * `leave`.
	 */
	open(tag: number): number {
		this.next(tag);
		const outer = this.end;
		this.position = this.valueStart;
		this.end = this.valueEnd;
		return outer;
	}

	/** Leaves the innermost open element. @throws ERR_DER if a part of the element was not read. */
	close(outer: number): void {
		if (this.position !== this.end) this.fail("unexpected extra elements");
		this.end = outer;
	}

	/** Skips the rest of the innermost open element and leaves this element. */
	leave(outer: number): void {
		this.position = this.end;
		this.end = outer;
	}

	/** Reads the next element and returns its value bytes, without a copy. */
	value(tag: number): Uint8Array {
		this.next(tag);
		return this.bytes.subarray(this.valueStart, this.valueEnd);
	}

	/** Reads the next element and returns its header and its value, without a copy. */
	element(tag = -1): Uint8Array {
		this.next(tag);
		return this.bytes.subarray(this.start, this.valueEnd);
	}

	/** Reads an OBJECT IDENTIFIER and returns it in dotted decimal. X.690 §8.19. */
	oid(): string {
		return decodeOid(this.value(TAG.OID), this);
	}

	/** Reads an INTEGER and returns its value bytes: two's complement, minimal. X.690 §8.3.2. */
	integerBytes(tag: number = TAG.INTEGER): Uint8Array {
		this.skipInteger(tag);
		return this.bytes.subarray(this.valueStart, this.valueEnd);
	}

	/**
	 * Reads an INTEGER, and refuses one that is empty or not minimal. Makes no view of the value, because making views
	 * took a quarter of the time of parsing a large catalog.
	 */
	skipInteger(tag: number = TAG.INTEGER): void {
		this.next(tag);
		const { bytes, valueStart, valueEnd } = this;
		if (valueEnd === valueStart) this.fail("empty INTEGER");
		if (valueEnd - valueStart === 1) return;
		const [first, second] = [bytes[valueStart], bytes[valueStart + 1]];
		if ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)) this.fail("INTEGER is not minimal");
	}

	/** Reads a non-negative INTEGER below 2^31. */
	integer(tag: number = TAG.INTEGER): number {
		const value = this.integerBytes(tag);
		if (value.length > 4 || value[0] >= 0x80) this.fail("INTEGER out of range");
		let result = 0;
		for (const byte of value) result = result * 256 + byte;
		return result;
	}

	/** Reads a BOOLEAN, which DER encodes as 00 or FF. X.690 §11.1. */
	boolean(tag: number = TAG.BOOLEAN): boolean {
		const value = this.value(tag);
		if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) this.fail("BOOLEAN is neither 00 nor FF");
		return value[0] === 0xff;
	}

	null(): void {
		this.next(TAG.NULL);
		if (this.valueEnd !== this.valueStart) this.fail("NULL with content");
	}

	/** Reads a BIT STRING and returns its bytes. Refuses one that is not a whole number of bytes. X.690 §8.6. */
	bitStringBytes(): Uint8Array {
		const value = this.value(TAG.BIT_STRING);
		if (value[0] !== 0) this.fail("BIT STRING is not a whole number of bytes");
		return value.subarray(1);
	}

	/**
	 * Reads a BIT STRING of at most 32 named bits as a number whose bit n is named bit n. Refuses trailing zero bits.
	 * X.690 §11.2.
	 */
	namedBits(tag: number = TAG.BIT_STRING): number {
		const value = this.value(tag);
		const unused = value[0];
		if (value.length === 0 || value.length > 5 || unused > 7) this.fail("malformed BIT STRING");
		if (value.length === 1) {
			if (unused !== 0) this.fail("malformed BIT STRING");
			return 0;
		}
		if (((value[value.length - 1] >> unused) & 1) === 0) this.fail("BIT STRING has trailing zero bits");
		if ((value[value.length - 1] & ((1 << unused) - 1)) !== 0) this.fail("BIT STRING has unused bits set");
		let bits = 0;
		for (let n = 0; n < (value.length - 1) * 8; n++) {
			if (value[1 + (n >> 3)] & (0x80 >> (n & 7))) bits |= 1 << n;
		}
		return bits;
	}

	/** Reads a UTCTime or GeneralizedTime as milliseconds since the epoch. X.690 §11.7–11.8; RFC 5280 §4.1.2.5. */
	time(): number {
		this.next();
		if (this.valueEnd - this.valueStart > 32) this.fail("malformed time");
		const text = latin1(this.bytes.subarray(this.valueStart, this.valueEnd));
		let fields: RegExpExecArray | null = null;
		if (this.tag === TAG.UTC_TIME) fields = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/.exec(text);
		else if (this.tag === TAG.GENERALIZED_TIME) {
			fields = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{0,8}[1-9])?Z$/.exec(text);
		} else this.fail(`it has ${elementName(this.tag)} in the place of a time`);
		if (fields === null) this.fail("malformed time");
		const [, y, month, day, hour, minute, second, fraction] = fields;
		const year = this.tag === TAG.UTC_TIME ? Number(y) + (Number(y) < 50 ? 2000 : 1900) : Number(y);
		const date = new Date(0);
		date.setUTCFullYear(year, Number(month) - 1, Number(day));
		date.setUTCHours(Number(hour), Number(minute), Number(second));
		if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day) || Number(hour) > 23) {
			this.fail("time out of range");
		}
		if (Number(minute) > 59 || Number(second) > 59) this.fail("time out of range");
		return date.getTime() + Math.trunc(Number(`0${fraction ?? ""}`) * 1000);
	}

	/** Returns true if the value of the element read last equals `expected`. */
	valueEquals(expected: Uint8Array): boolean {
		const { bytes, valueStart } = this;
		if (this.valueEnd - valueStart !== expected.length) return false;
		for (let i = 0; i < expected.length; i++) if (bytes[valueStart + i] !== expected[i]) return false;
		return true;
	}

	fail(reason: string): never {
		throw new SigtoolError("ERR_DER", `Cannot parse ${this.what}: ${reason} (offset ${this.position})`);
	}
}

/** Returns true if the elements are in ascending order of their encodings, as DER requires of a SET OF. X.690 §11.6. */
export function isSortedSet(elements: readonly Uint8Array[]): boolean {
	for (let i = 1; i < elements.length; i++) if (compareBytes(elements[i - 1], elements[i]) > 0) return false;
	return true;
}

/**
 * Compares two values as memcmp does. A prefix comes before the longer value. Returns a negative number, 0, or a
 * positive number.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
	return Buffer.compare(a, b);
}

/** Encodes one element: the identifier, the length in minimal form, and the parts one behind the other. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
	return encodeParts(tag, parts);
}

/**
 * Encodes one element like `encode`. The parts are in an array, because the number of arguments of a call is limited.
 */
export function encodeParts(tag: number, parts: readonly Uint8Array[]): Uint8Array {
	let length = 0;
	for (const part of parts) length += part.length;
	const out = new Uint8Array(headerSize(length) + length);
	let position = writeHeader(out, 0, tag, length);
	for (const part of parts) {
		out.set(part, position);
		position += part.length;
	}
	return out;
}

export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
	return encode(TAG.SEQUENCE, ...parts);
}

/** Encodes a SET OF in the order that DER requires. X.690 §11.6. */
export function setOf(...elements: readonly Uint8Array[]): Uint8Array {
	return encode(TAG.SET, ...[...elements].sort(compareBytes));
}

/** Encodes an OBJECT IDENTIFIER that is given in dotted decimal. */
export function oid(dotted: string): Uint8Array {
	return encode(TAG.OID, encodeOid(dotted));
}

/** Encodes a non-negative INTEGER. */
export function integer(value: number | bigint): Uint8Array {
	let digits = value.toString(16);
	if (digits.length % 2 === 1) digits = `0${digits}`;
	const bytes = Buffer.from(digits, "hex");
	return bytes[0] >= 0x80 ? encode(TAG.INTEGER, Uint8Array.of(0), bytes) : encode(TAG.INTEGER, bytes);
}

export function octetString(bytes: Uint8Array): Uint8Array {
	return encode(TAG.OCTET_STRING, bytes);
}

export function bitString(bytes: Uint8Array): Uint8Array {
	return encode(TAG.BIT_STRING, Uint8Array.of(0), bytes);
}

/**
 * Encodes a time from 1950 on in whole seconds: as UTCTime up to 2049, as GeneralizedTime from 2050 on. RFC 5280
 * §4.1.2.5.
 */
export function time(milliseconds: number): Uint8Array {
	const text = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/[-:T]/g, "")}Z`;
	const utc = text < "2050";
	return encode(utc ? TAG.UTC_TIME : TAG.GENERALIZED_TIME, Buffer.from(utc ? text.slice(2) : text, "latin1"));
}

export const NULL: Uint8Array = Uint8Array.of(TAG.NULL, 0);

/** Returns the size of the header for a value of `length` bytes. */
export function headerSize(length: number): number {
	return length < 0x80 ? 2 : length < 0x100 ? 3 : length < 0x10000 ? 4 : length < 0x1000000 ? 5 : 6;
}

/** Writes identifier and length at `position`, and returns the position of the value. */
export function writeHeader(out: Uint8Array, position: number, tag: number, length: number): number {
	out[position++] = tag;
	if (length < 0x80) {
		out[position++] = length;
		return position;
	}
	const lengthBytes = headerSize(length) - 2;
	out[position++] = 0x80 | lengthBytes;
	for (let shift = (lengthBytes - 1) * 8; shift >= 0; shift -= 8) out[position++] = (length >>> shift) & 0xff;
	return position;
}

/** Returns the value bytes of an OBJECT IDENTIFIER. An arc may exceed 2^53, because a UUID can be an arc below 2.25. */
export function encodeOid(dotted: string): Uint8Array {
	const [first, second, ...rest] = dotted.split(".").map(BigInt);
	const bytes: number[] = [];
	for (const arc of [first * 40n + second, ...rest]) {
		const groups = [Number(arc & 0x7fn)];
		for (let left = arc >> 7n; left > 0n; left >>= 7n) groups.unshift(Number(left & 0x7fn) | 0x80);
		bytes.push(...groups);
	}
	return Uint8Array.from(bytes);
}

function decodeOid(value: Uint8Array, reader: DerReader): string {
	if (value.length === 0 || value.length > 64) reader.fail("OBJECT IDENTIFIER of unreasonable size");
	const arcs: (number | bigint)[] = [];
	let arc: number | bigint = 0;
	let fresh = true;
	for (const byte of value) {
		if (fresh && byte === 0x80) reader.fail("OBJECT IDENTIFIER is not minimal");
		// An arc is a number as long as possible, because numbers are many times as fast as BigInt and nearly all arcs are
		// small.
		if (typeof arc === "number" && arc < 2 ** 46) arc = arc * 128 + (byte & 0x7f);
		else arc = (BigInt(arc) << 7n) | BigInt(byte & 0x7f);
		fresh = byte < 0x80;
		if (fresh) {
			arcs.push(arc);
			arc = 0;
		}
	}
	if (!fresh) reader.fail("OBJECT IDENTIFIER is truncated");
	const [head, ...rest] = arcs;
	const first = head < 40 ? 0 : head < 80 ? 1 : 2;
	return [first, typeof head === "number" ? head - first * 40 : head - 80n, ...rest].join(".");
}

function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/**
 * Returns the name of an element by its identifier byte, such as `SEQUENCE` or `[0]`. If there is no name, returns a
 * text with the byte in hexadecimal.
 */
function elementName(identifier: number): string {
	// The type assertion is safe: TAG has no other keys.
	const name = Object.keys(TAG).find((key) => TAG[key as keyof typeof TAG] === identifier);
	if (name !== undefined) return name.replaceAll("_", " ");
	if ((identifier & 0xc0) === 0x80) return `[${identifier & 0x1f}]`;
	return `an element of type 0x${identifier.toString(16).padStart(2, "0")}`;
}
