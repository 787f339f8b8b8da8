import { describe, expect, it } from "vitest";
import { quote, quoteAscii, reasonOf, SigtoolError } from "../dist/errors.js";

describe("quote()", () => {
	it("escapes characters that would break or disguise a line", () => {
		expect(quote('a"b\\c\n\u0085\u202e\ud800é')).toBe('"a\\"b\\\\c\\n\\u0085\\u202e\\ud800é"');
	});

	it("shows the beginning of a name that is too long for a message", () => {
		expect(quote("x".repeat(500))).toHaveLength(502);
		expect(quote("x".repeat(501))).toBe(`"${"x".repeat(500)}…"`);
		expect(quote(`${"x".repeat(499)}😀`)).toBe(`"${"x".repeat(499)}…"`);
	});
});

it("quoteAscii() distinguishes names that look the same", () => {
	expect(quoteAscii("\u00e9 e\u0301 😀")).toBe('"\\u00e9 e\\u0301 \\ud83d\\ude00"');
});

it("reasonOf() removes the action from a message unless it contains a name", () => {
	expect(reasonOf(new SigtoolError("ERR_DER", "Cannot parse catalog: bad: worse"))).toBe("bad: worse");
	expect(reasonOf(new SigtoolError("ERR_PATH_EMPTY", 'Cannot use entry "a: b": no'))).toBe(
		'cannot use entry "a: b": no',
	);
});
