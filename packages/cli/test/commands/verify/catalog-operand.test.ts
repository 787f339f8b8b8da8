/** Tests that `verify X.cat` compares the files of the catalog's tree, unless --signature-only is given. */

import { copyFileSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hashFileSet } from "../../../../core/dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../../../core/dist/formats/cat-encode.js";
import { signEncoded } from "../../../../core/dist/formats/cat-envelope.js";
import { parseFacts } from "../../../../core/dist/formats/cat-facts.js";
import { openPemSigner } from "../../../../core/dist/signer/pem.js";
import { makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";

function signedTree() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "d"), { a: "1", "sub/b": "2", "sub/c": "3" });
	const sigtool = runner(home);
	expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
	return { home, root, sigtool, catalog: join(root, "d.cat"), at: (path: string) => join(root, path) };
}

describe("a catalog as operand verifies its tree", () => {
	const changes: [name: string, change: (at: (path: string) => string) => void][] = [
		["a changed", (at) => writeFileSync(at("sub/b"), "x")],
		["an added", (at) => writeFileSync(at("sub/new"), "x")],
		["a missing", (at) => unlinkSync(at("sub/c"))],
	];
	const forms: [name: string, args: string[], cwd: string][] = [
		["alone", ["d/d.cat"], "."],
		["with -q", ["-q", "d/d.cat"], "."],
		["with --root", ["d/d.cat", "--root", "d"], "."],
		["with --root and -q", ["d/d.cat", "--root", "d", "-q"], "."],
		["from its directory", ["d.cat"], "d"],
		["from below it", ["../d.cat", "--root", ".."], "d/sub"],
	];
	it.each(changes)("%s file fails in every form", (_, change) => {
		const { home, sigtool, at } = signedTree();
		for (const [form, args, cwd] of forms) {
			expect([form, sigtool(["verify", ...args], { cwd: join(home, cwd) }).status]).toEqual([form, 0]);
		}
		change(at);
		for (const [form, args, cwd] of forms) {
			expect([form, sigtool(["verify", ...args], { cwd: join(home, cwd) }).status]).toEqual([form, 1]);
		}
	});

	it("says which directory was compared, in text and JSON", () => {
		const { root, sigtool, catalog } = signedTree();
		expect(sigtool(["verify", catalog]).stdout).toMatch(
			/^trusted .*d\.cat\n(.*\n)*.* tree +.*\n(.*\n)*.* checked +3 entries/,
		);
		expect(sigtool(["verify", catalog, "--json"]).json().results[0]).toMatchObject({
			...{ path: catalog, verdict: "trusted", match: "path", checked: 3, root },
		});
	});

	it("a catalog outside of its tree needs --root", () => {
		const { home, root, sigtool, catalog } = signedTree();
		mkdirSync(join(home, "sigs"));
		sigtool(["sign", root, "-o", join(home, "sigs/ada.cat")]);
		sigtool(["sign", root, "-o", join(home, "sigs/bob.cat")]);
		unlinkSync(catalog);
		const ada = join(home, "sigs/ada.cat");
		const bare = sigtool(["verify", ada]);
		expect(bare).toMatchObject({
			status: 2,
			stdout: "",
			stderr: expect.stringMatching(/--root.*--signature-only.*\[ERR_USAGE\]/),
		});
		expect(bare.stderr).toContain("several catalogs lie beside it, and none is named after their directory");
		expect(bare.stderr).not.toContain("bob.cat");
		expect(sigtool(["verify", ada, "--root", root])).toMatchObject({ status: 0 });
		writeFileSync(join(root, "a"), "changed");
		expect(sigtool(["verify", ada, "--root", root])).toMatchObject({ status: 1 });
	});

	it("with --root, a catalog that another one signs is held against its tree, not judged as a file", () => {
		const { home, root, sigtool, at } = signedTree();
		const inner = at("sub/inner.cat");
		sigtool(["sign", root, "-o", join(home, "inner.cat"), "--exclude", "/sub/inner.cat"]);
		renameSync(join(home, "inner.cat"), inner);
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", inner])).toMatchObject({ status: 2, stdout: "" });
		expect(sigtool(["verify", inner, "--root", root, "--catalog", at("d.cat")])).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("1 entry"),
		});
		writeFileSync(at("a"), "changed");
		expect(sigtool(["verify", inner, "--root", root])).toMatchObject({
			status: 1,
			stdout: expect.stringContaining('"a" was modified'),
		});
	});

	it("a catalog of an inner tree counts only if the outer tree signs it", () => {
		const { sigtool, at } = signedTree();
		sigtool(["sign", at("sub")]);
		expect(sigtool(["verify", at("sub/sub.cat")])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("[ERR_NESTED_CATALOG]"),
		});
		sigtool(["sign", at(".")]);
		expect(sigtool(["verify", at("sub/sub.cat")])).toMatchObject({ status: 0 });
	});
});

describe("--signature-only", () => {
	it("has a verdict of its own, in text and JSON, and compares no files", () => {
		const { sigtool, catalog, at } = signedTree();
		writeFileSync(at("a"), "changed");
		const { status, stdout } = sigtool(["verify", "--signature-only", catalog]);
		expect(status).toBe(0);
		expect(stdout).toMatch(/^signed .*d\.cat: its signature alone; no files were compared\n/);
		expect(stdout).not.toMatch(/^trusted/m);
		const [result] = sigtool(["verify", "--signature-only", catalog, "--json"]).json().results;
		expect(result).toMatchObject({ verdict: "signed", match: "none", checked: 0, root: null, findings: [] });
	});

	it("still fails for a signature that does not hold", () => {
		const { home, sigtool, catalog } = signedTree();
		const elsewhere = runner(join(home, "elsewhere"), { identity: "none" });
		expect(elsewhere(["verify", "--signature-only", catalog]).stderr).toContain("[ERR_UNTRUSTED_SIGNER]");
		const bytes = readFileSync(catalog);
		bytes[bytes.length - 1] ^= 1;
		writeFileSync(catalog, bytes);
		expect(sigtool(["verify", "--signature-only", catalog])).toMatchObject({ status: 1 });
	});

	it.each([
		[["d"], "name a catalog"],
		[["d/a"], "[ERR_DER]"],
		[["d/d.cat", "--root", "d"], "Leave --root out"],
		[["d/d.cat", "--catalog", "d/d.cat"], "Leave --catalog out"],
		[["d/d.cat", "--added", "warn"], "Leave --added out"],
		[["d/d.cat", "--match", "path"], "Leave --match out"],
		[["d/d.cat", "--no-ignore"], "Leave --no-ignore out"],
		[["d/d.cat", "--format", "ima"], "Leave --signature-only out"],
	])("is refused with %j", (args, message) => {
		const { home, sigtool } = signedTree();
		const run = sigtool(["verify", "--signature-only", ...args], { cwd: home });
		expect(run.stderr).toContain(message);
		expect(run.status).not.toBe(0);
		expect(run.stdout).toBe("");
	});
});

describe("a catalog without names", () => {
	/** Writes a catalog in the form of driver tools: its members have digests and no names. */
	async function nameless() {
		const { home, root, sigtool, at } = signedTree();
		unlinkSync(at("d.cat"));
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"), "P-256");
		const facts = { ...parseFacts([]), modes: "none" } as const;
		const list = Buffer.from(encodeCatalog(await hashFileSet(root), facts, { thisUpdate: Date.now() }));
		rename(list, "FilePath", "FilePatz");
		rename(list, "Sigtool", "Another");
		const { pieces } = await signEncoded(list, await openPemSigner({ keyFile, certFile }), {});
		writeFileSync(at("d.cat"), Buffer.concat(pieces));
		return { at, root, sigtool, verify: (...args: string[]) => sigtool(["verify", ...args, "--trust", caFile]) };
	}

	it("is not trusted as one entry of a tree that we signed", async () => {
		const { at, sigtool, verify } = await nameless();
		const names = ["driver.cat", "DRIVER2.CAT", "driver.sig"];
		mkdirSync(at("vendor"));
		for (const name of names) copyFileSync(at("d.cat"), at(`vendor/${name}`));
		expect(sigtool(["sign", at("."), "--force"])).toMatchObject({ status: 0 });
		for (const name of names) {
			const driver = at(`vendor/${name}`);
			const run = sigtool(["verify", driver]);
			expect([name, run.status, run.stdout]).toEqual([name, 2, ""]);
			expect(run.stderr).toMatch(/d\.cat" applies to .*--root.*--signature-only.*--catalog/);
			expect(sigtool(["verify", driver, "--catalog", at("d.cat")])).toMatchObject({ status: 0 });
			expect(verify(driver, "--root", at("vendor"))).toMatchObject({ status: 1 });
		}
	});

	it("needs --root or --signature-only, and says so", async () => {
		const { at, root, verify } = await nameless();
		const bare = verify(at("d.cat"));
		expect(bare.stderr).toMatch(/its members have no names.*--root.*--signature-only.*\[ERR_USAGE\]/);
		expect(bare).toMatchObject({ status: 2, stdout: "" });
		expect(verify(at("d.cat"), "--match", "digest").status).toBe(2);
		expect(verify(at("d.cat"), "--signature-only")).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/^signed /),
		});
		expect(verify(at("d.cat"), "--root", root)).toMatchObject({
			status: 0,
			stdout: expect.stringContaining("by digest"),
		});
		writeFileSync(at("a"), "changed");
		expect(verify(at("d.cat"), "--root", root)).toMatchObject({ status: 1 });
	});
});

/** Replaces a BMPString, or its beginning, wherever it occurs. The two texts must have the same length. */
function rename(list: Buffer, from: string, to: string): void {
	const [old, other] = [from, to].map((text) => Buffer.from(text, "utf16le").swap16());
	for (let at = list.indexOf(old); at !== -1; at = list.indexOf(old)) other.copy(list, at);
}
