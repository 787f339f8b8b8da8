import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePem } from "../../dist/pki/pem-blocks.js";

const text = (...lines: readonly string[]) => Buffer.from(lines.join("\n"));
const BEGIN = "-----BEGIN TEST-----";
const END = "-----END TEST-----";

describe("decodePem()", () => {
	it("returns what was encoded, whatever the length of the lines", () => {
		fc.assert(
			fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (bytes, width) => {
				const base64 = Buffer.from(bytes).toString("base64");
				const lines = base64.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
				expect(decodePem(text("text before", BEGIN, ...lines, END, "text behind"), "TEST")).toEqual([
					Buffer.from(bytes),
				]);
			}),
		);
	});

	it("returns every block of the label, and skips others", () => {
		const other = ["-----BEGIN OTHER-----", "Ag==", "-----END OTHER-----"];
		const bytes = text(BEGIN, "AQ==", END, ...other, `  ${BEGIN}\r`, " Aw==\r", `${END}\r`);
		expect(decodePem(bytes, "TEST")).toEqual([Buffer.of(1), Buffer.of(3)]);
		expect(decodePem(text("nothing"), "TEST")).toEqual([]);
	});

	it.each([
		["a block inside another", [BEGIN, "AQ==", BEGIN, "AQ==", END], "begins inside another"],
		["an end without a beginning", [END], "ends that did not begin"],
		["a block without an end", [BEGIN, "AQ=="], "does not end"],
		["an empty block", [BEGIN, END], "not base64"],
		["a digit too few", [BEGIN, "AQ=", END], "not base64"],
		["a digit too many", [BEGIN, "AQAAA", END], "not base64"],
		["padding inside", [BEGIN, "AQ==AQ==", END], "not base64"],
		["three padding characters", [BEGIN, "A===", END], "not base64"],
		["a character that base64 has not", [BEGIN, "AQ_=", END], "not base64"],
		["a header", [BEGIN, "Proc-Type: 4,ENCRYPTED", "AQ==", END], "not base64"],
	])("refuses %s", (_, lines, message) => {
		expect(() => decodePem(text(...lines), "TEST")).toThrow(message);
	});
});
