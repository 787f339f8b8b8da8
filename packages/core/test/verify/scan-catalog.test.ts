/** Tests that the search for outer catalogs reads of a catalog no more than it needs, and reads that in pieces. */

import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { claims } from "../../dist/verify/claims.js";
import { findCatalogs } from "../../dist/verify/find-catalogs.js";
import { isOwnCatalog, scanCatalog } from "../../dist/verify/scan-catalog.js";
import { writeHostileCatalog } from "../fileset/hostile-catalog.js";
import { tempTree } from "../fileset/temp-tree.js";

/** Enough members for several pieces of 1 MiB, so that some lie across the end of a piece. */
const MANY = Array.from({ length: 12_000 }, (_, n) => `src/dir-${n % 100}/file-${n}.js`);

/** Returns the number of bytes that this process reads from files while `run` runs. Needs /proc. */
function bytesRead(run: () => unknown): number {
	const before = readCount();
	run();
	return readCount() - before;
}

function readCount(): number {
	return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

describe("scanCatalog()", () => {
	it("reads every path, also those at the end of a piece", async () => {
		const root = tempTree();
		const file = await writeHostileCatalog(root, MANY, {});
		const paths = (start?: string) => {
			const seen: string[] = [];
			scanCatalog(file, ({ eachMemberPath }) => {
				eachMemberPath((path) => {
					seen.push(path);
					return "go on";
				}, start);
			});
			return seen.sort();
		};
		expect(paths()).toEqual([...MANY].sort());
		expect(paths("src")).toEqual([...MANY].sort());
		expect(paths("src/x")).toEqual([]);
	});

	it("reads the facts without the members", async () => {
		const root = tempTree();
		const file = await writeHostileCatalog(root, MANY, { scope: ["src"], ignore: ["*.log"] });
		const count = bytesRead(() => {
			expect(scanCatalog(file, ({ facts }) => facts)).toMatchObject({ scope: ["src"], ignore: ["*.log"] });
			expect(isOwnCatalog(file)).toBe(true);
		});
		expect(count).toBeLessThan(20_000);
	});

	it.each(["signed", "none"] as const)("reads the members once a process (signature: %s)", async (signature) => {
		const root = tempTree({ "lib/x": "1" });
		const file = await writeHostileCatalog(root, MANY, {}, { signature });
		const { length } = readFileSync(file);
		const ask = (name: string) => bytesRead(() => expect(claims(file, name, false)).toBe(false));
		// The piece with the first member is read twice.
		expect(ask("lib")).toBeLessThan(length + 1.1 * 2 ** 20);
		expect(ask("lib")).toBeLessThan(20_000);
		// The name decides for the whole tree, and the path of a member for its directory.
		expect(bytesRead(() => expect(claims(file, "lib", true)).toBe(true))).toBeLessThan(20_000);
		expect(claims(file, "src/dir-7", false)).toBe(true);
		expect(claims(file, "src/dir-", false)).toBe(false);
		writeFileSync(file, readFileSync(await writeHostileCatalog(root, ["lib/x"], {})));
		expect(claims(file, "lib", false)).toBe(true);
	});
});

describe("files that are no catalogs", () => {
	it.each([1.1e9, 2 ** 43])("of %i bytes are not read", (sizeBytes) => {
		const root = tempTree({ "lib/x": "1", "z.cat": "" });
		truncateSync(join(root, "z.cat"), sizeBytes);
		expect(bytesRead(() => expect(findCatalogs(join(root, "lib")).catalogs).toEqual([]))).toBeLessThan(20_000);
	});

	it("because their head is damaged still say that sigtool wrote them, and claim everything", async () => {
		const root = tempTree();
		const file = await writeHostileCatalog(root, MANY, {});
		const bytes = readFileSync(file);
		const atLength = bytes.indexOf(Buffer.from("2b060104018237", "hex"), 40) + 14;
		for (let at = atLength; at < atLength + 100; at++) {
			const damaged = Buffer.from(bytes);
			damaged[at] ^= 0x10;
			writeFileSync(file, damaged);
			expect([at, isOwnCatalog(file)]).toEqual([at, true]);
		}
		writeFileSync(file, bytes.subarray(0, 200));
		expect(claims(file, "lib", false)).toBe(true);
	});
});
