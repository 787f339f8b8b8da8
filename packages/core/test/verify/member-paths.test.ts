/** Tests that one file and the whole tree are judged alike, with catalogs whose member paths have unusual spellings. */

import { renameSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { SigtoolError } from "../../dist/errors.js";
import { hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, p256 } from "../signer/material.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

/** Signs the files of `names`, and then replaces each name by its `spelling`, which must have the same length. */
async function signedAs(names: Readonly<Record<string, string>>): Promise<string> {
	const root = tempTree(Object.fromEntries(Object.keys(names).map((name) => [name, `content of ${name}`])));
	const manifest = await hashFileSet(root, { caseCollisions: "allow" });
	const rules = { ignore: [], include: [], scope: "root", caseCollisions: "refuse", modes: "none" } as const;
	const facts = { ...rules, links: "record", ...entryFacts(manifest) } as const;
	const list = Buffer.from(encodeCatalog(manifest, facts, { thisUpdate: Date.now() }));
	for (const [name, spelling] of Object.entries(names)) {
		const from = Buffer.from(`${name.replaceAll("/", "\\")}\0`, "utf16le");
		Buffer.from(`${spelling}\0`, "utf16le").copy(list, list.indexOf(from));
	}
	const { pieces } = await signEncoded(list, signer, {});
	writeFileSync(join(root, `${basename(root)}.cat`), Buffer.concat(pieces));
	return root;
}

async function outcomeOf(path: string, root: string): Promise<string> {
	try {
		const { verdict } = await verifyPath(path, { trust, root, catalogs: [join(root, `${basename(root)}.cat`)] });
		return verdict;
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
}

describe("one file and its tree are judged by the same paths", () => {
	it.each<[what: string, names: Record<string, string>, expected: string]>([
		["a path with backslashes", { "dir/a.js": "dir\\a.js" }, "trusted"],
		["a path with a slash", { "dir/a.js": "dir/a.js" }, "trusted"],
		["a path with both", { "dir/sub/a.js": "dir/sub\\a.js" }, "trusted"],
		["one path in two spellings", { "dir/a.js": "dir/a.js", "dir/b.js": "dir\\a.js" }, "ERR_PATH_DUPLICATE"],
		["two paths that differ by case", { "dir/a.js": "dir\\a.js", "dir/b.js": "dir\\A.js" }, "ERR_PATH_CASE_COLLISION"],
		[
			"two directories that differ by case",
			{ "dir/a.js": "dir\\a.js", "die/b.js": "DIR\\b.js" },
			"ERR_PATH_CASE_COLLISION",
		],
		["two paths that NFC makes equal", { "é.js": "é.js", abcde: "e\u0301.js" }, "ERR_PATH_NFC_COLLISION"],
		["a file that is a directory too", { "dir/a.js": "dir\\a.js", abc: "dir" }, "ERR_PATH_DUPLICATE"],
		["an illegal path beside it", { "dir/a.js": "dir\\a.js", "b.js": "..\\x" }, "ERR_PATH_PARENT"],
	])("%s", async (_, names, expected) => {
		const root = await signedAs(names);
		const [first = ""] = Object.keys(names);
		expect({ tree: await outcomeOf(root, root), file: await outcomeOf(join(root, first), root) }).toEqual({
			tree: expected,
			file: expected,
		});
	});

	it("a nested catalog is looked up by the same paths", async () => {
		const root = await signedAs({ "dir/dir.cat": "dir/dir.cat" });
		renameSync(join(root, "dir/dir.cat"), join(root, "dir/x.cat"));
		expect(await outcomeOf(join(root, "dir/dir.cat"), root)).toBe("failed");
		expect(await outcomeOf(root, root)).toBe("failed");
	});
});
