import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCollisions, checkEntryPath, comparePathBytes } from "../../../dist/fileset/paths/entry-path.js";
import { expectError } from "../../pki/expect-error.js";

describe("checkEntryPath()", () => {
	it.each(["a", ".git/config", "a b/c+d@1.0~x", "日本語/é", "\u{1f600}", "a\nb", "C", "...x", "\ufffd", "a.b.c"])(
		"accepts %j",
		(path) => checkEntryPath(path),
	);

	it.each([
		["", "ERR_PATH_EMPTY"],
		["a//b", "ERR_PATH_EMPTY"],
		["a/", "ERR_PATH_EMPTY"],
		["/a", "ERR_PATH_ABSOLUTE"],
		[".", "ERR_PATH_PARENT"],
		["..", "ERR_PATH_PARENT"],
		["a/../b", "ERR_PATH_PARENT"],
		["a/./b", "ERR_PATH_PARENT"],
		["C:a", "ERR_PATH_DRIVE"],
		["c:/a", "ERR_PATH_DRIVE"],
		["a\0b", "ERR_PATH_NUL"],
		["a./b", "ERR_PATH_TRAILING_DOT"],
		["a/b ", "ERR_PATH_TRAILING_DOT"],
		["...", "ERR_PATH_TRAILING_DOT"],
		["a\\b", "ERR_PATH_BACKSLASH"],
		["\ud800", "ERR_PATH_ENCODING"],
		["a/\udc00b", "ERR_PATH_ENCODING"],
	] as const)("refuses %j with %s", (path, code) => {
		expectError(code, () => checkEntryPath(path));
	});

	it("takes time linear in the length of long hostile names", () => {
		expectError("ERR_PATH_TRAILING_DOT", () => checkEntryPath(`${"a.".repeat(2000)}/`));
		expectError("ERR_PATH_TRAILING_DOT", () => checkEntryPath(" ".repeat(4096)));
		expectError("ERR_LIMIT", () => checkEntryPath(`${"a.".repeat(100_000)}/`));
		expectError("ERR_LIMIT", () => checkEntryPath(" ".repeat(200_000)));
	});
});

describe("checkCollisions()", () => {
	it("accepts names that only look alike", () => {
		checkCollisions(["a/b", "a/c", "ab", "a.b", "b/a", "b/b"]);
	});

	it.each([
		[["a/b", "a/b"], "ERR_PATH_DUPLICATE"],
		[["a", "a/b"], "ERR_PATH_DUPLICATE"],
		[["a/b", "a"], "ERR_PATH_DUPLICATE"],
		[["README", "readme"], "ERR_PATH_CASE_COLLISION"],
		[["Lib/a", "lib/b"], "ERR_PATH_CASE_COLLISION"],
		[["x/LIB", "x/lib/b"], "ERR_PATH_CASE_COLLISION"],
		[["straße", "STRASSE"], "ERR_PATH_CASE_COLLISION"],
		[["K", "\u212a"], "ERR_PATH_NFC_COLLISION"],
		[["k", "\u212a"], "ERR_PATH_CASE_COLLISION"],
		[["caf\u00e9", "cafe\u0301"], "ERR_PATH_NFC_COLLISION"],
		[["d\u00e9/a", "de\u0301/b"], "ERR_PATH_NFC_COLLISION"],
	] as const)("refuses %j with %s", (paths, code) => {
		expectError(code, () => checkCollisions(paths));
	});

	it("names both paths in the message", () => {
		expect(() => checkCollisions(["Lib/a", "lib/b"])).toThrow(/"lib\/b".*"Lib\/a"/);
	});

	it("allows only case collisions with the option `allow`", () => {
		checkCollisions(["README", "readme", "Lib/a", "lib/a", "straße", "STRASSE"], { caseCollisions: "allow" });
		expectError("ERR_PATH_DUPLICATE", () => checkCollisions(["a", "A", "a"], { caseCollisions: "allow" }));
		expectError("ERR_PATH_NFC_COLLISION", () => checkCollisions(["\u00e9", "e\u0301"], { caseCollisions: "allow" }));
	});

	it("examines each segment of a deep path once", () => {
		checkCollisions([`${"a/".repeat(100_000)}b`, `${"a/".repeat(100_000)}c`]);
	});

	it("agrees with a comparison of every pair", () => {
		const name = fc.constantFrom("a", "A", "b", "é", "e\u0301", "É");
		const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
		fc.assert(
			fc.property(fc.array(path, { maxLength: 5 }), (paths) => {
				const fold = (text: string) => text.normalize("NFC").toLowerCase();
				const collides = paths.some((a, i) =>
					paths.slice(0, i).some((b) => {
						if (fold(a) === fold(b)) return true;
						const [x, y] = [a.split("/"), b.split("/")];
						for (let n = 1; n <= Math.min(x.length, y.length); n++) {
							if (fold(x.slice(0, n).join("/")) !== fold(y.slice(0, n).join("/"))) return false;
							if (x.slice(0, n).join("/") !== y.slice(0, n).join("/")) return true;
							if (n === x.length || n === y.length) return true;
						}
						return false;
					}),
				);
				if (collides) expect(() => checkCollisions(paths)).toThrow();
				else checkCollisions(paths);
			}),
		);
	});
});

describe("comparePathBytes()", () => {
	it("orders paths by their UTF-8 bytes", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
				expect(Math.sign(comparePathBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
			}),
		);
		expect(comparePathBytes("\u{1f600}", "\uffff")).toBeGreaterThan(0);
	});
});
