/** Tests that hashEntry() returns the manifest that hashFileSet() makes of a list with one path. */

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { hashEntry } from "../../../dist/fileset/hash/hash-entry.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { plain, tempTree } from "../temp-tree.js";

const pe = Buffer.alloc(512);
pe.write("MZ");

const TREE = {
	"file.txt": "text",
	empty: "",
	"sub/tool": { content: "#!/bin/sh", mode: 0o755 },
	"maybe.exe": pe,
	"big.bin": Buffer.alloc(300_000, 7),
	link: { link: "file.txt" },
	"link-to-directory": { link: "sub" },
	"link-outside": { link: "../nowhere" },
	"dangling link": { link: "missing" },
	"été/ü.txt": "ü",
	"back\\slash": "x",
	"trailing.": "x",
	fifo: (path: string) => execFileSync("mkfifo", [path]),
};

const ENTRIES = [...Object.keys(TREE), "missing", "sub", "link-to-directory/tool", "file.txt/below", "../file.txt", ""];

describe.skipIf(process.platform === "win32")("hashEntry() finds what hashFileSet() finds", () => {
	for (const links of ["record", "follow", "reject"] as const) {
		for (const linksOutside of ["record", "refuse"] as const) {
			test.each(["sha256", "sha1"] as const)(`links ${links}, outside ${linksOutside}, %s`, async (digest) => {
				const root = tempTree(TREE);
				for (const path of ENTRIES) {
					const options = { links, linksOutside, digest };
					const expected = await hashFileSet(root, { ...options, only: [path], onProblem: "collect" });
					expect([path, plain(await hashEntry(root, path, options))]).toEqual([path, plain(expected)]);
				}
			});
		}
	}
});

test("hashEntry() names the root as it was given", async () => {
	const root = tempTree({ "a/b": "c" });
	const options = { links: "record", linksOutside: "record", digest: "sha256" } as const;
	expect(await hashEntry(join(root, "a"), "b", options)).toMatchObject({ root: join(root, "a"), count: 1 });
});
