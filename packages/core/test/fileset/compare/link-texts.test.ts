import { createHash } from "node:crypto";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareByPath, type SignedSet } from "../../../dist/fileset/compare/compare.js";
import { hashFileSet } from "../../../dist/fileset/hash/hash-files.js";
import { ENTRY_KIND } from "../../../dist/fileset/manifest.js";
import { tempTree } from "../temp-tree.js";

const HINT = "the file has the link's target as its text, as git writes it without core.symlinks=true";
const RECORDED = { links: "record", linksOutside: "record" } as const;

async function messageFor(root: string, signed: Partial<SignedSet>): Promise<string> {
	const manifest = await hashFileSet(root, RECORDED);
	const [finding, ...others] = compareByPath(
		manifest,
		{ files: new Map(), links: new Map(), ...signed },
		{ modes: "ignore" },
	);
	expect([finding.code, others]).toEqual(["ERR_LINK_CHANGED", []]);
	return finding.message;
}

describe("compareByPath() of a link that git wrote as a file", () => {
	it("says so if the link was signed", async () => {
		const links = new Map([["current", "../lib/ü.js"]]);
		expect(await messageFor(tempTree({ current: "../lib/ü.js" }), { links })).toContain(HINT);
		for (const content of ["../lib/ü.js\n", "../lib/u.js", ""]) {
			expect(await messageFor(tempTree({ current: content }), { links })).not.toContain(HINT);
		}
	});

	it.skipIf(process.platform === "win32")("says so if the file was signed", async () => {
		const root = tempTree();
		symlinkSync("lib", join(root, "current"));
		const fileWith = (content: string) => {
			const digest = createHash("sha256").update(content).digest();
			return { files: new Map([["current", { kind: ENTRY_KIND.file, digest, mode: 0o644 }]]) };
		};
		expect(await messageFor(root, fileWith("lib"))).toContain(HINT);
		expect(await messageFor(root, fileWith("lib\n"))).not.toContain(HINT);
	});
});
