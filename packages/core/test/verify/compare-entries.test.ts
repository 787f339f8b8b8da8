import { createHash } from "node:crypto";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { IndexEntry } from "../../dist/trust/index-entries.js";
import { compareEntries } from "../../dist/verify/compare-entries.js";
import { tempTree } from "../fileset/temp-tree.js";
import { expectRejection } from "../signer/material.js";

const TREE = { "a.js": "a", "lib/b.js": "b", "lib/c.js": "c", latest: { link: "lib/b.js" } } as const;

function fileOf(content: string | Uint8Array): IndexEntry {
	return { kind: "file", sha256: createHash("sha256").update(content).digest("hex"), size: content.length };
}

const ENTRIES = new Map<string, IndexEntry>([
	["a.js", fileOf("a")],
	["lib/b.js", fileOf("b")],
	["lib/c.js", fileOf("c")],
	["latest", { kind: "link", target: "lib/b.js" }],
]);

async function differences(root: string, entries: ReadonlyMap<string, IndexEntry> = ENTRIES) {
	return (await compareEntries(root, entries)).map(({ code, path }) => `${path} ${code}`);
}

describe("compareEntries()", () => {
	it("finds nothing in a tree as it was compiled, and ignores what no entry names", async () => {
		const root = tempTree({ ...TREE, "new.js": "new" });
		expect(await differences(root)).toEqual([]);
		expect(await differences(root, new Map())).toEqual([]);
	});

	it.each<[what: string, spoil: (root: string) => void, finding: string[]]>([
		["other content", (root) => writeFileSync(join(root, "a.js"), "A"), ["a.js ERR_FILE_MODIFIED"]],
		["more content", (root) => writeFileSync(join(root, "lib/b.js"), "bb"), ["lib/b.js ERR_FILE_MODIFIED"]],
		["a missing file", (root) => rmSync(join(root, "a.js")), ["a.js ERR_FILE_MISSING"]],
		[
			"a missing directory",
			(root) => rmSync(join(root, "lib"), { recursive: true }),
			["lib/b.js ERR_FILE_MISSING", "lib/c.js ERR_FILE_MISSING"],
		],
		[
			"a link in place of a file",
			(root) => {
				rmSync(join(root, "a.js"));
				symlinkSync("lib/b.js", join(root, "a.js"));
			},
			["a.js ERR_LINK_CHANGED"],
		],
		[
			"a file in place of a link",
			(root) => {
				rmSync(join(root, "latest"));
				writeFileSync(join(root, "latest"), "b");
			},
			["latest ERR_LINK_CHANGED"],
		],
		[
			"a link to another file",
			(root) => {
				rmSync(join(root, "latest"));
				symlinkSync("lib/c.js", join(root, "latest"));
			},
			["latest ERR_LINK_CHANGED"],
		],
		[
			"a directory in place of a file",
			(root) => {
				rmSync(join(root, "a.js"));
				mkdirSync(join(root, "a.js"));
			},
			["a.js ERR_FILE_TYPE"],
		],
	])("names %s", async (_, spoil, finding) => {
		const root = tempTree(TREE);
		spoil(root);
		expect(await differences(root)).toEqual(finding);
	});

	it("compares every byte of an executable, also those that Authenticode leaves out", async () => {
		const image = Buffer.alloc(1024);
		image.write("MZ");
		image.writeUInt32LE(0x80, 0x3c);
		image.write("PE\0\0", 0x80);
		const root = tempTree({ "a.dll": image });
		const entries = new Map([["a.dll", fileOf(image)]]);
		expect(await differences(root, entries)).toEqual([]);
		image[0xd8] ^= 1; // The checksum, which Authenticode does not cover.
		writeFileSync(join(root, "a.dll"), image);
		expect(await differences(root, entries)).toEqual(["a.dll ERR_FILE_MODIFIED"]);
	});

	it("refuses a directory that is not there", async () => {
		await expectRejection("ERR_ROOT_MISSING", compareEntries(join(tempTree(), "x"), ENTRIES));
	});
});
