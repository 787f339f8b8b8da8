import fc from "fast-check";
import { expect, it } from "vitest";
import { collectFiles } from "../../../dist/commands/report/collect-files.js";
import type { FilesData } from "../../../dist/page/data.js";
import { fileModel } from "../../../dist/page/file-model.js";
import { layOut } from "../../../dist/page/treemap.js";

const files = fc.uniqueArray(
	fc.record({
		path: fc
			.array(fc.constantFrom("a", "b", "c", "d/e", "f"), { minLength: 1, maxLength: 4 })
			.map((parts) => parts.join("/")),
		state: fc.constantFrom("o", "m", "x", "u") as fc.Arbitrary<"o" | "m" | "x" | "u">,
		sizeBytes: fc.oneof(fc.constant(-1), fc.nat(10), fc.nat(1_000_000)),
	}),
	{ selector: ({ path }) => path, maxLength: 200 },
);

const dataOf = (list: readonly { path: string; state: "o" | "m" | "x" | "u"; sizeBytes: number }[]): FilesData =>
	collectFiles(list.map((file) => ({ ...file, digest: "", findings: [] })));

it("the treemap stays in its box, overlaps nowhere, and shows each file with a finding, or the cell that holds it", () => {
	fc.assert(
		fc.property(files, fc.integer({ min: 40, max: 1500 }), (list, width) => {
			const model = fileModel(dataOf(list));
			const cells = layOut(model, 0, width, 400);
			const leaves = cells.filter(({ kind }) => kind !== "frame");
			for (const { x, y, width: w, height: h } of cells) {
				expect(Math.min(x, y, w, h)).toBeGreaterThanOrEqual(-1e-6);
				expect(x + w).toBeLessThanOrEqual(width + 1e-6);
				expect(y + h).toBeLessThanOrEqual(400 + 1e-6);
			}
			for (const [index, a] of leaves.entries()) {
				for (const b of leaves.slice(index + 1)) {
					const overlap =
						Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 1e-6 &&
						Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 1e-6;
					expect(overlap).toBe(false);
				}
			}
			expect(leaves.reduce((sum, { fileCount }) => sum + fileCount, 0)).toBe(list.length);
			const worst = Math.min(...leaves.map(({ rank }) => rank));
			if (list.length > 0) expect(worst).toBe(Math.min(...model.ranks));
		}),
		{ numRuns: 200 },
	);
});

it("a path that is a file and a directory at once, or has empty parts, still has its row", () => {
	const paths = ["a", "a/b", "/absolute", "a//b", "../up", "c\\d", "", "__proto__/constructor"];
	const model = fileModel(dataOf(paths.map((path) => ({ path, state: "u", sizeBytes: 1 }))));
	expect(model.fileCount).toBe(paths.length);
	expect(model.directories[0]?.fileCount).toBe(paths.length);
});
