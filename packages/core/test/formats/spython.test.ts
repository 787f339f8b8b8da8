import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSpythonHash, parseSpythonHash } from "../../dist/formats/spython.js";
import { expectError } from "../pki/expect-error.js";

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // This is the SHA-256 of "abc" from FIPS 180-4.

describe("encodeSpythonHash()", () => {
	it("writes lowercase hexadecimal and nothing behind it", () => {
		expect(Buffer.from(encodeSpythonHash(createHash("sha256").update("abc").digest())).toString("latin1")).toBe(ABC);
	});

	it("refuses lengths that no digest has", () => {
		for (const length of [0, 16, 20, 31, 33, 65]) {
			expectError("ERR_ATTRIBUTE_FORMAT", () => encodeSpythonHash(new Uint8Array(length)));
		}
	});
});

describe("parseSpythonHash()", () => {
	it.each(["sha256", "sha384", "sha512"] as const)(
		"recognises %s by its length and parses what was encoded",
		(name) => {
			fc.assert(
				fc.property(fc.uint8Array({ maxLength: 64 }), (content) => {
					const digest = createHash(name).update(content).digest();
					expect(parseSpythonHash(encodeSpythonHash(digest))).toEqual({ algorithm: name, digest });
				}),
				{ numRuns: 20 },
			);
		},
	);

	it.each([
		["nothing", ""],
		["a digit too few", ABC.slice(1)],
		["one byte too few", ABC.slice(2)],
		["a digit too many", `${ABC}0`],
		["one byte too many", `${ABC}00`],
		["a NUL behind", `${ABC}\0`],
		["a line end behind", `${ABC}\n`],
		["capitals", ABC.toUpperCase()],
		["another digit", `g${ABC.slice(1)}`],
		["SHA-1", ABC.slice(0, 40)],
		["MD5", ABC.slice(0, 32)],
		["SHA-224", ABC.slice(0, 56)],
		["a megabyte", "a".repeat(2 ** 20)],
	])("refuses %s", (_, text) => {
		const { message } = expectError("ERR_ATTRIBUTE_FORMAT", () => parseSpythonHash(Buffer.from(text, "latin1")));
		expect(message).toMatch(/^Cannot use spython hash: /);
	});
});
