import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseSpythonHash } from "../../dist/formats/spython.js";
import { expectError } from "../pki/expect-error.js";

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // This is the SHA-256 of "abc" from FIPS 180-4.

describe("parseSpythonHash()", () => {
	it.each(["sha256", "sha384", "sha512"] as const)("recognises %s by its length", (name) => {
		const digest = createHash(name).update("abc").digest();
		expect(parseSpythonHash(Buffer.from(digest.toString("hex")))).toEqual({ algorithm: name, digest });
	});

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
