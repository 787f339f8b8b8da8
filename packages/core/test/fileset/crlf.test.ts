import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashWithCrlf } from "../../dist/fileset/crlf.js";
import { tempTree } from "./temp-tree.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest();

describe("hashWithCrlf()", () => {
	it.each([
		["a\nb\n", "a\r\nb\r\n"],
		["\n\n", "\r\n\r\n"],
		["a\r\nb\nc", "a\r\nb\r\nc"],
		["a\rb\n", "a\rb\r\n"],
	])("hashes %j as %j", (text, restored) => {
		const root = tempTree({ text });
		expect(hashWithCrlf(join(root, "text"), "sha256")).toEqual(sha256(restored));
		expect(hashWithCrlf(join(root, "text"), "sha1")).toEqual(createHash("sha1").update(restored).digest());
	});

	it.each(["", "no line end", "a\r\nb\r\n", "a\0\n"])("has no answer for %j", (text) => {
		expect(hashWithCrlf(join(tempTree({ text }), "text"), "sha256")).toBeUndefined();
	});

	it("has no answer for more than 16 MiB, a missing file, a directory or a link", () => {
		const root = tempTree({ big: "a\n".repeat(2 ** 23 + 1), link: { link: "text" }, text: "a\n" });
		for (const name of ["big", "missing", ".", "link"]) {
			expect(hashWithCrlf(join(root, name), "sha256")).toBeUndefined();
		}
	});
});
