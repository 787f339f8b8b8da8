import { describe, expect, it } from "vitest";
import { encode, oid, sequence, TAG } from "../../dist/asn1/der.js";
import { isSameName } from "../../dist/pki/canonical-name.js";
import { parseName } from "../../dist/pki/name.js";

type Attribute = readonly [type: string, text: string, tag?: number];

const CN = "2.5.4.3";
const O = "2.5.4.10";

/** Encodes a name. Each list of attributes becomes one relative distinguished name. */
function nameOf(...relativeNames: readonly (readonly Attribute[])[]) {
	const sets = relativeNames.map((attributes) => {
		return encode(TAG.SET, ...attributes.map(([type, text, tag = TAG.UTF8_STRING]) => attribute(type, text, tag)));
	});
	return parseName(sequence(...sets));
}

function attribute(type: string, text: string, tag: number): Uint8Array {
	const bytes = Buffer.from(text, tag === TAG.BMP_STRING ? "utf16le" : "utf8");
	return sequence(oid(type), encode(tag, tag === TAG.BMP_STRING ? bytes.swap16() : bytes));
}

describe("isSameName()", () => {
	const name = nameOf([[O, "Acme, Inc. + Sons"]], [[CN, "Ünser Root"]]);

	it.each<[what: string, spelling: ReturnType<typeof nameOf>]>([
		["the same bytes", nameOf([[O, "Acme, Inc. + Sons"]], [[CN, "Ünser Root"]])],
		["another case", nameOf([[O, "ACME, inc. + sons"]], [[CN, "üNSER rOOT"]])],
		["several spaces inside", nameOf([[O, "Acme,  Inc.   + Sons"]], [[CN, "Ünser  Root"]])],
		["spaces around the value", nameOf([[O, "   Acme, Inc. + Sons  "]], [[CN, " Ünser Root "]])],
		[
			"another string type",
			nameOf([[O, "Acme, Inc. + Sons", TAG.PRINTABLE_STRING]], [[CN, "Ünser Root", TAG.BMP_STRING]]),
		],
		["a decomposed letter", nameOf([[O, "Acme, Inc. + Sons"]], [[CN, "U\u0308nser Root"]])],
	])("accepts %s", (_, spelling) => expect(isSameName(name, spelling)).toBe(true));

	it.each<[what: string, other: ReturnType<typeof nameOf>]>([
		["another value", nameOf([[O, "Acme, Inc. + Sons"]], [[CN, "Ünser Root 2"]])],
		["a missing space", nameOf([[O, "Acme, Inc. + Sons"]], [[CN, "ÜnserRoot"]])],
		["another order", nameOf([[CN, "Ünser Root"]], [[O, "Acme, Inc. + Sons"]])],
		["another type", nameOf([[CN, "Acme, Inc. + Sons"]], [[CN, "Ünser Root"]])],
		["a missing part", nameOf([[CN, "Ünser Root"]])],
		[
			"one relative name of two attributes",
			nameOf([
				[O, "Acme, Inc. + Sons"],
				[CN, "Ünser Root"],
			]),
		],
		["the same text in parts", nameOf([[O, "Acme"]], [[CN, "Ünser Root"]])],
	])("refuses %s", (_, other) => expect(isSameName(name, other)).toBe(false));

	it("ignores the order inside a relative name, which depends on the spelling", () => {
		const plain = nameOf([
			[CN, "Root"],
			[O, "Acme"],
		]);
		expect(
			isSameName(
				plain,
				nameOf([
					[O, "Acme"],
					[CN, "  root"],
				]),
			),
		).toBe(true);
	});

	it("tells a backslash before a space from a space", () => {
		expect(isSameName(nameOf([[CN, "a\\ b"]]), nameOf([[CN, "a b"]]))).toBe(false);
		expect(isSameName(nameOf([[CN, "a= b"]]), nameOf([[CN, "a=b"]]))).toBe(false);
	});
});
