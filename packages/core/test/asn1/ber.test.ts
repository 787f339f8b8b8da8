import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { berToDer } from "../../dist/asn1/ber.js";
import { context, encode, integer, octetString, oid, sequence, setOf } from "../../dist/asn1/der.js";
import { expectError, verdictOf } from "../pki/expect-error.js";
import { toBer } from "./to-ber.js";

const convert = (hex: string) => Buffer.from(berToDer(Buffer.from(hex, "hex"), "test")).toString("hex");

describe("berToDer()", () => {
	it.each([
		["DER", "3006020103040100", "3006020103040100"],
		["an indefinite length", "30800201030000", "3003020103"],
		["indefinite lengths in each other", "3080a08002010300000201040000", "3008a003020103020104"],
		["an OCTET STRING in pieces", "24800401aa0402bbcc0000", "0403aabbcc"],
		["pieces of a definite length", "24070401aa0402bbcc", "0403aabbcc"],
		["pieces in pieces", "248024800401aa00000401bb0000", "0402aabb"],
		["an OCTET STRING without pieces", "24800000", "0400"],
		["a length that is not minimal, of what contains others", "3081030201ff", "30030201ff"],
		["nothing", "", ""],
	])("converts %s", (_, ber, der) => {
		expect(convert(ber)).toBe(der);
	});

	it.each([
		["an element that is cut off", "30"],
		["a length that is cut off", "308201"],
		["a length of five bytes", "30850000000001"],
		["an element that is longer than what contains it", "3003020203"],
		["a primitive element with an indefinite length", "0480aa0000"],
		["an indefinite length without an end", "3080020103"],
		["a piece of another type", "24800201030000"],
		["a tag number above 30", "3f8101020103"],
		["an element behind the end of contents that it needs", "3002308000000000"],
	])("refuses %s", (_, hex) => {
		expectError("ERR_DER", () => convert(hex));
	});

	it("refuses elements that are nested too deep, at any size", () => {
		expectError("ERR_DER", () => convert("3080".repeat(500_000)));
		expectError("ERR_DER", () => convert("2480".repeat(40)));
	});

	it("takes time in proportion to the size", () => {
		const pieces = Buffer.concat([Buffer.of(0x24, 0x80), Buffer.alloc(3 * 300_000, "0401aa", "hex"), Buffer.of(0, 0)]);
		expect(berToDer(pieces, "test")).toHaveLength(300_000 + 5);
	});

	it("makes the same DER of every structure, in whatever form it was written", () => {
		const leaf = fc.oneof(
			fc.nat().map((value) => integer(value)),
			fc.uint8Array({ maxLength: 300 }).map((bytes) => octetString(bytes)),
			fc.constant(oid("1.2.840.113549.1.7.1")),
		);
		const { structure } = fc.letrec<{ structure: Uint8Array }>((tie) => ({
			structure: fc.oneof(
				{ maxDepth: 6 },
				leaf,
				fc.array(tie("structure"), { maxLength: 4 }).map((parts) => sequence(...parts)),
				fc.array(tie("structure"), { maxLength: 4 }).map((parts) => setOf(...parts)),
				tie("structure").map((part) => encode(context(0), part)),
			),
		}));
		fc.assert(
			fc.property(structure, fc.integer({ min: 1, max: 50 }), (der, pieceBytes) => {
				expect(Buffer.from(berToDer(der, "test")).equals(der)).toBe(true);
				expect(Buffer.from(berToDer(toBer(der, pieceBytes), "test")).equals(der)).toBe(true);
			}),
		);
	});

	it("ends in a SigtoolError or a result for every input", () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
				expect(["ok", "ERR_DER"]).toContain(verdictOf(() => berToDer(bytes, "test")));
			}),
		);
	});
});
