import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTileWriter, MAX_ENTRY_BYTES, tilePath } from "../../src/log/tiles.js";
import { createMerkleTree } from "../../src/log/tree.js";
import { leafOf, rootOf } from "./rfc6962.js";

const leaves = (count: number) => Array.from({ length: count }, (_, index) => leafOf(String(index)));

/** Writes the tiles of a tree whose entries are the texts of numbers. */
function tilesOf(count: number) {
	const tiles = new Map<string, Buffer>();
	const writer = createTileWriter((path, content) => {
		expect(tiles.has(path)).toBe(false);
		tiles.set(path, content);
	});
	for (let index = 0; index < count; index++) writer.add(leafOf(String(index)), Buffer.from(String(index)));
	return { tiles, ...writer.finish() };
}

describe("the Merkle tree of a log", () => {
	it("has the root that RFC 6962 defines, for every size", () => {
		const all = leaves(300);
		const tree = createMerkleTree();
		for (let size = 0; size <= all.length; size++) {
			expect([size, tree.root().toString("hex")]).toEqual([size, rootOf(all.slice(0, size)).toString("hex")]);
			if (size < all.length) tree.add(all[size]);
		}
		expect(createMerkleTree().root().toString("hex")).toMatch(/^e3b0c442/);
	});

	it("is another one when any leaf is another one", () => {
		fc.assert(
			fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }), fc.nat(), (entries, at) => {
				const rootOver = (values: readonly number[]) => {
					const tree = createMerkleTree();
					for (const value of values) tree.add(leafOf(String(value)));
					return tree.root().toString("hex");
				};
				const index = at % entries.length;
				expect(rootOver(entries.with(index, 51))).not.toBe(rootOver(entries));
				expect(rootOver(entries.toSpliced(index, 1))).not.toBe(rootOver(entries));
			}),
		);
	});
});

describe("the tiles of a log", () => {
	it("are those that the specification counts for 70,000 entries", () => {
		const { tiles, root, size } = tilesOf(70_000);
		const level = (name: string) => [...tiles.keys()].filter((path) => path.startsWith(`tile/${name}/`));
		expect(level("0").filter((path) => !path.includes(".p/"))).toHaveLength(273);
		expect(level("0").filter((path) => path.includes(".p/"))).toEqual(["tile/0/273.p/112"]);
		expect(level("1")).toEqual(["tile/1/000", "tile/1/001.p/17"]);
		expect(level("2")).toEqual(["tile/2/000.p/1"]);
		expect(level("entries")).toHaveLength(274);
		expect([size, root.toString("hex")]).toEqual([70_000, rootOf(leaves(70_000)).toString("hex")]);
	});

	it.each([0, 1, 255, 256, 257, 1000])("say each hash and each entry of %i entries", (count) => {
		const { tiles, root } = tilesOf(count);
		const all = leaves(count);
		expect(root.equals(rootOf(all))).toBe(true);
		for (const [path, content] of tiles) {
			const [, name, digits, width = "256"] = /^tile\/(\w+)\/([x\d/]+?)(?:\.p\/(\d+))?$/.exec(path) ?? [];
			const index = Number(digits.replace(/[x/]/g, ""));
			if (name === "entries") {
				const entries: string[] = [];
				for (let at = 0; at < content.length; at += 2 + content.readUInt16BE(at))
					entries.push(content.toString("utf8", at + 2, at + 2 + content.readUInt16BE(at)));
				expect(entries).toEqual(Array.from({ length: Number(width) }, (_, i) => String(index * 256 + i)));
				continue;
			}
			// MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l])
			const span = 256 ** Number(name);
			const hashes = Array.from({ length: Number(width) }, (_, i) => {
				const start = (index * 256 + i) * span;
				return rootOf(all.slice(start, start + span));
			});
			expect([path, content.toString("hex")]).toEqual([path, Buffer.concat(hashes).toString("hex")]);
		}
		expect(tiles.has("tile/1/000.p/1")).toBe(count >= 256 && count < 512);
	});

	it("leave out a bundle with a line that no bundle can hold, and keep its hashes", () => {
		const paths: string[] = [];
		const writer = createTileWriter((path) => paths.push(path));
		writer.add(leafOf("a"), Buffer.alloc(MAX_ENTRY_BYTES + 1));
		for (let index = 0; index < 256; index++) writer.add(leafOf("b"), Buffer.from("b"));
		expect(writer.finish().missingBundles).toEqual(["tile/entries/000"]);
		expect(paths).toEqual(["tile/0/000", "tile/0/001.p/1", "tile/1/000.p/1", "tile/entries/001.p/1"]);
	});

	it("have the paths of the specification", () => {
		expect(tilePath("0", 1_234_067)).toBe("tile/0/x001/x234/067");
		expect(tilePath("entries", 5, 12)).toBe("tile/entries/005.p/12");
	});
});
