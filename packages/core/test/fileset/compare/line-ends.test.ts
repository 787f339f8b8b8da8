import { createHash } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashWithOtherLineEnds } from "../../../dist/fileset/compare/line-ends.js";
import { tempTree } from "../temp-tree.js";

const digest = (text: string | undefined, algorithm: string) => {
	return text === undefined ? undefined : createHash(algorithm).update(text).digest();
};

describe("hashWithOtherLineEnds()", () => {
	it.each([
		["a\nb\n", "a\r\nb\r\n", undefined],
		["a\r\nb\r\n", undefined, "a\nb\n"],
		["\n\n", "\r\n\r\n", undefined],
		["a\r\nb\nc", "a\r\nb\r\nc", "a\nb\nc"],
		["a\rb\n", "a\rb\r\n", undefined],
		["a\r\r\n", undefined, "a\r\n"],
		["", undefined, undefined],
		["no line end", undefined, undefined],
		["a\0\n", undefined, undefined],
	])("hashes %j as %j and as %j", (text, crlf, lf) => {
		const path = join(tempTree({ text }), "text");
		for (const algorithm of ["sha256", "sha1"] as const) {
			expect(hashWithOtherLineEnds(path, algorithm)).toEqual({
				crlf: digest(crlf, algorithm),
				lf: digest(lf, algorithm),
			});
		}
	});

	it("returns no digests for more than 16 MiB, a missing file, a directory or a link", () => {
		const root = tempTree({ big: "a\n".repeat(2 ** 23 + 1), link: { link: "text" }, text: "a\n" });
		for (const name of ["big", "missing", ".", "link"]) {
			expect(hashWithOtherLineEnds(join(root, name), "sha256")).toEqual({ crlf: undefined, lf: undefined });
		}
	});
});
