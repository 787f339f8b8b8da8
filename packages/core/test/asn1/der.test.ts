import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	bitString,
	context,
	DerReader,
	encode,
	encodeOid,
	headerSize,
	integer,
	isSortedSet,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	time,
	writeHeader,
} from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const reader = (hex: string) => new DerReader(bytes(hex), "test");

describe("DerReader refuses what is not DER", () => {
	const cases: [name: string, hex: string, read: (r: DerReader) => unknown][] = [
		["an empty input", "", (r) => r.next()],
		["a header without a length", "30", (r) => r.next()],
		["an indefinite length", "30 80 00 00", (r) => r.next()],
		["a long form where the short one fits", "04 81 7f", (r) => r.next()],
		["a length with a leading zero byte", `04 82 00 80 ${"00".repeat(128)}`, (r) => r.next()],
		["a length of five bytes", "04 85 00 00 00 00 01 00", (r) => r.next()],
		["a truncated length", "04 82 01", (r) => r.next()],
		["a value past the end", "04 05 00", (r) => r.next()],
		["a child past the end of its parent", "30 03 04 02 00 00", (r) => [r.open(TAG.SEQUENCE), r.next()]],
		["a tag number above 30", "1f 81 01 00", (r) => r.next()],
		["another tag than expected", "04 00", (r) => r.next(TAG.SEQUENCE)],
		["elements left unread in a structure", "30 02 05 00", (r) => r.close(r.open(TAG.SEQUENCE))],
		["a padded INTEGER", "02 02 00 01", (r) => r.integerBytes()],
		["a padded negative INTEGER", "02 02 ff 80", (r) => r.integerBytes()],
		["an empty INTEGER", "02 00", (r) => r.integerBytes()],
		["a negative INTEGER where it must not be negative", "02 01 ff", (r) => r.integer()],
		["a BOOLEAN of 01", "01 01 01", (r) => r.boolean()],
		["a NULL with content", "05 01 00", (r) => r.null()],
		["an OBJECT IDENTIFIER with a padded arc", "06 03 2a 80 01", (r) => r.oid()],
		["an unfinished OBJECT IDENTIFIER", "06 02 2a 86", (r) => r.oid()],
		["an empty OBJECT IDENTIFIER", "06 00", (r) => r.oid()],
		["a BIT STRING with half a byte", "03 02 04 f0", (r) => r.bitStringBytes()],
		["named bits with trailing zeros", "03 02 00 80", (r) => r.namedBits()],
		["named bits with unused bits set", "03 02 07 81", (r) => r.namedBits()],
		["a UTCTime without seconds", `17 0b ${Buffer.from("2601010000Z").toString("hex")}`, (r) => r.time()],
		["a time with an offset", `17 11 ${Buffer.from("260101000000+0100").toString("hex")}`, (r) => r.time()],
		["the 30th of February", `17 0d ${Buffer.from("260230000000Z").toString("hex")}`, (r) => r.time()],
		["a fraction that ends in zero", `18 12 ${Buffer.from("20260101000000.50Z").toString("hex")}`, (r) => r.time()],
	];
	test.each(cases)("%s", (_, hex, read) => {
		expect(() => read(reader(hex))).toThrowError(expect.objectContaining({ code: "ERR_DER" }));
	});
});

describe("DerReader reads", () => {
	test("nested structures in place", () => {
		const r = new DerReader(sequence(integer(5), sequence(octetString(bytes("0102"))), integer(7)), "test");
		const outer = r.open(TAG.SEQUENCE);
		expect(r.integer()).toBe(5);
		const inner = r.open(TAG.SEQUENCE);
		expect([...r.value(TAG.OCTET_STRING)]).toEqual([1, 2]);
		r.close(inner);
		expect(r.integer()).toBe(7);
		r.close(outer);
		expect(r.done).toBe(true);
	});

	test("times on both sides of 1950 and 2050", () => {
		for (const text of [
			"1950-01-01T00:00:00Z",
			"2049-12-31T23:59:59Z",
			"2050-01-01T00:00:00Z",
			"1999-06-15T12:30:45Z",
		]) {
			const der = time(Date.parse(text));
			expect(der[0]).toBe(text < "2050" ? TAG.UTC_TIME : TAG.GENERALIZED_TIME);
			expect(new DerReader(der, "test").time()).toBe(Date.parse(text));
		}
	});

	test("fractions of a second", () => {
		const der = encode(TAG.GENERALIZED_TIME, Buffer.from("20260101000000.25Z"));
		expect(new DerReader(der, "test").time()).toBe(Date.parse("2026-01-01T00:00:00.250Z"));
	});

	test("a hundred thousand levels of nesting without recursion", () => {
		const depth = 100_000;
		const headers: Uint8Array[] = [];
		let length = 0;
		for (let level = 0; level < depth; level++) {
			const header = new Uint8Array(headerSize(length));
			writeHeader(header, 0, TAG.SEQUENCE, length);
			headers.push(header);
			length += header.length;
		}
		const r = new DerReader(Buffer.concat(headers.reverse()), "test");
		let levels = 0;
		for (; !r.done; levels++) r.open(TAG.SEQUENCE);
		expect(levels).toBe(depth);
	});
});

describe("encode and decode", () => {
	test("round-trip octet strings of every length class", () => {
		for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 1 << 24]) {
			const content = new Uint8Array(length).fill(7);
			expect(Buffer.compare(new DerReader(octetString(content), "test").value(TAG.OCTET_STRING), content)).toBe(0);
		}
	});

	test("round-trip object identifiers, UUID arcs included", () => {
		const arc = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
		fc.assert(
			fc.property(
				fc.constantFrom(0, 1, 2),
				fc.integer({ min: 0, max: 39 }),
				fc.array(arc, { maxLength: 3 }),
				(a, b, rest) => {
					const dotted = [a, b, ...rest].join(".");
					expect(new DerReader(oid(dotted), "test").oid()).toBe(dotted);
				},
			),
		);
		expect(Buffer.from(encodeOid("1.3.6.1.4.1.311.10.1")).toString("hex")).toBe("2b060104018237" + "0a01");
	});

	test("round-trip integers below 2^31", () => {
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (value) => {
				expect(new DerReader(integer(value), "test").integer()).toBe(value);
			}),
		);
	});

	test("sort a SET OF by encoding", () => {
		const set = setOf(octetString(bytes("02")), octetString(bytes("01ff")), octetString(bytes("01")));
		expect(Buffer.from(set).toString("hex")).toBe("310a" + "040101" + "040102" + "040201ff");
		expect(isSortedSet([bytes("040102"), bytes("040101")])).toBe(false);
	});

	test("write context tags and bit strings", () => {
		expect(Buffer.from(encode(context(0, "primitive"), bytes("aa"))).toString("hex")).toBe("8001aa");
		expect(Buffer.from(encode(context(3))).toString("hex")).toBe("a300");
		expect([...new DerReader(bitString(bytes("f0")), "test").bitStringBytes()]).toEqual([0xf0]);
	});
});

test("any bytes give a value or ERR_DER", () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
			for (const read of READS) {
				const r = new DerReader(input, "test");
				try {
					while (!r.done) read(r);
				} catch (error) {
					expect(error).toBeInstanceOf(SigtoolError);
				}
			}
		}),
		{ numRuns: 2000 },
	);
});

const READS: readonly ((r: DerReader) => unknown)[] = [
	(r) => r.next(),
	(r) => r.open(TAG.SEQUENCE),
	(r) => r.oid(),
	(r) => r.integer(),
	(r) => r.time(),
	(r) => r.namedBits(),
	(r) => r.boolean(),
];
