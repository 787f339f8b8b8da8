/** The characters that the gate gives V8 for the bytes of a file. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { hasCompiler } from "../launch/support.js";
import { compileWith, SANITIZED } from "./support.js";

/** Returns what decode-texts.c prints for a text by the decoder of the language. */
function expectedLine(bytes: Uint8Array): string {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
	} catch {
		return "-";
	}
	return Array.from({ length: text.length }, (_, i) => `${text.charCodeAt(i).toString(16)} `).join("");
}

function framed(bytes: Uint8Array): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32LE(bytes.length);
	return Buffer.concat([length, bytes]);
}

describe.skipIf(!hasCompiler)("the gate's decoder (needs cc)", () => {
	it("finds the characters of UTF-8, and refuses other bytes", () => {
		const sources = [
			"gate/decode.c",
			"gate/arena.c",
			"gate/strings.c",
			"shared/text/utf8.c",
			"shared/digest/sha256.c",
			"shared/text/hex.c",
		];
		const program = compileWith("decode-texts", sources, SANITIZED);
		const ascii = fc.string({ maxLength: 5000, unit: "binary-ascii" });
		const text = fc
			.array(fc.oneof(ascii, fc.string({ unit: "binary" }), fc.constantFrom("\ufeff", "\u0000", "é", "\uffff", "🙂")))
			.map((parts) => Buffer.from(parts.join(""), "utf8"));
		const damaged = fc
			.tuple(text, fc.nat(), fc.integer({ min: 0x80, max: 0xff }))
			.map(([bytes, at, byte]) => Buffer.from(bytes.map((each, i) => (i === at % bytes.length ? byte : each))));
		const inputs = fc.sample(fc.oneof(text, damaged, fc.uint8Array({ maxLength: 40 })), { numRuns: 3000, seed: 17 });
		const { status, stdout, stderr } = spawnSync(program, {
			input: Buffer.concat(inputs.map(framed)),
			encoding: "utf8",
			maxBuffer: 1 << 28,
		});
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		const lines = stdout.split("\n").slice(0, -1);
		expect(lines.length).toBe(inputs.length);
		expect(inputs.filter((bytes, i) => lines[i] !== expectedLine(bytes))).toEqual([]);
		const refused = lines.filter((line) => line === "-").length;
		expect(refused).toBeGreaterThan(300);
		expect(refused).toBeLessThan(2700);
	});
});
