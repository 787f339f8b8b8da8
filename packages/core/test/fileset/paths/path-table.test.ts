/** Tests that a path table accepts no set of paths that the exact checks refuse. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCollisions, checkEntryPath } from "../../../dist/fileset/paths/entry-path.js";
import { createPathTable, type PathTable } from "../../../dist/fileset/paths/path-table.js";

type CaseCollisions = "refuse" | "allow";

/** Returns the table of the paths with their positions as values, or undefined if the table does not accept them. */
function tableOf(paths: readonly string[], caseCollisions: CaseCollisions): PathTable | undefined {
	const length = paths.reduce((sum, path) => sum + path.length, 0);
	const table = createPathTable(paths.length, length, { caseCollisions });
	const isAccepted = paths.every((path, position) => {
		if (position % 2 === 0 || path.includes("\\")) return table.add(path, position);
		const bytes = Buffer.from(`?${path.replaceAll("/", "\\")}?`, "utf16le");
		return table.addUtf16(bytes, 2, bytes.length - 2, position);
	});
	return isAccepted ? table : undefined;
}

function isLegal(paths: readonly string[], caseCollisions: CaseCollisions): boolean {
	try {
		for (const path of paths) checkEntryPath(path);
		checkCollisions(paths, { caseCollisions });
		return true;
	} catch {
		return false;
	}
}

function pathsOf(...names: readonly string[]): fc.Arbitrary<string[]> {
	const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
	return fc.array(path, { minLength: 1, maxLength: 6 });
}

const PLAIN = ["a", "b", "c", "d", "e", "f", "ab", "A", "a.b", "b c", "[f]"];
const UNUSUAL = [
	"",
	".",
	"..",
	"a.",
	"b ",
	"c:",
	"A",
	"K",
	"k",
	"\u212a",
	"\u00e9",
	"e\u0301",
	"\0",
	"\ud800",
	"a\u0301",
];

describe("createPathTable()", () => {
	it("accepts just the legal sets of ASCII paths, and finds each path in them", () => {
		const sets = fc.oneof(pathsOf(...PLAIN), pathsOf(...PLAIN, ...UNUSUAL), fc.array(fc.string(), { minLength: 1 }));
		const accepted = { refuse: 0, allow: 0 };
		fc.assert(
			fc.property(sets, fc.constantFrom("refuse", "allow"), (paths, caseCollisions) => {
				const table = tableOf(paths, caseCollisions);
				const names = new Set(
					paths.flatMap((path) => path.split("/").map((_, i, all) => all.slice(0, i + 1).join("/"))),
				);
				const isJudged = names.size <= 2 * paths.length && paths.every((path) => /^[\0-9;-\x7f]*$/.test(path));
				if (!isJudged) return table === undefined || isLegal(paths, caseCollisions);
				expect(table !== undefined).toBe(isLegal(paths, caseCollisions));
				if (table === undefined) return true;
				accepted[caseCollisions]++;
				for (const [position, path] of paths.entries()) expect(table.get(path)).toBe(position);
				for (const other of [...names, "", "a/", "A", "g", "a\\b", "\u00e9", "\u0161"]) {
					if (!paths.includes(other)) expect(table.get(other)).toBeUndefined();
				}
				return true;
			}),
			{ numRuns: 5000 },
		);
		expect(Math.min(accepted.refuse, accepted.allow)).toBeGreaterThan(100);
	});

	it("accepts large sets", () => {
		const paths = Array.from({ length: 60_000 }, (_, i) => `d${i % 900}/e${i % 7}/f${i}`);
		const table = tableOf(paths, "refuse");
		expect(paths.every((path, position) => table?.get(path) === position)).toBe(true);
		expect(tableOf([...paths, "D5/x"], "refuse")).toBeUndefined();
		expect(tableOf([...paths, "D5/x"], "allow")).toBeDefined();
		expect(tableOf([...paths, "d5/e5"], "allow")).toBeUndefined();
	});

	it("leaves long paths and paths with more directories than files to the exact checks", () => {
		expect(tableOf(["a/b/c/d"], "refuse")).toBeUndefined();
		expect(tableOf([`a/${"b".repeat(4094)}`], "refuse")).toBeDefined();
		expect(tableOf([`a/${"b".repeat(4095)}`], "refuse")).toBeUndefined();
	});
});
