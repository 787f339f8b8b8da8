import { createHash } from "node:crypto";
import {
	chmodSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import type { SignedFile } from "../../dist/fileset/compare/compare.js";
import { restoreFile } from "../../dist/fileset/compare/restore-file.js";
import { hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { ENTRY_KIND, entryPathAt } from "../../dist/fileset/manifest.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { type RestoreOptions, restoreAttributes } from "../../dist/rewrite/restore.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import type { AttributeAccess } from "../../dist/system/attributes.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { type TreeEntry, tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { certificateFor, expectRejection, p256 } from "../signer/material.js";
import { userAttributes, withFile } from "../system/user-attributes.js";

const access = await userAttributes();

const key = p256();
const certificate = certificateFor(key);
const options: RestoreOptions = { trust: trustFromCertificates([certificate]) };

const valueFor = (path: string, name: string) => Buffer.from(`\x03\x02${name} of ${path}`);

interface CarryingOptions {
	/** The entries that get no attributes. */
	readonly without?: readonly string[];
	readonly names?: readonly string[];
	readonly links?: "record" | "follow";
	readonly product?: string;
	readonly catalog?: string;
}

/** Signs the tree at `root` with a `user.ima` for each file, and writes nothing to the files. */
async function signCarrying(root: string, carrying: CarryingOptions = {}): Promise<string> {
	const { without = [], names = ["user.ima"], links = "record", product = "demo" } = carrying;
	const catalog = carrying.catalog ?? join(root, `${basename(root)}.cat`);
	const hashed = await hashFileSet(root, { links, linksOutside: "record", skip: new Set([basename(catalog)]) });
	const rows = Array.from({ length: hashed.count }, (_, row) => row).filter((row) => {
		return hashed.kinds[row] !== ENTRY_KIND.link && !without.includes(entryPathAt(hashed, row));
	});
	const carried = new Map(
		rows.map((row) => [row, names.map((name) => ({ name, value: valueFor(entryPathAt(hashed, row), name) }))]),
	);
	const manifest = { ...hashed, carried };
	const rules = { ignore: [], include: [], scope: "root", caseCollisions: "refuse", modes: "posix" } as const;
	const followed = links === "follow" ? "follow-outside" : links;
	const facts = { ...rules, product, sequence: 1, links: followed, ...entryFacts(manifest) } as const;
	const list = encodeCatalog(manifest, facts, { thisUpdate: Date.now() });
	writeFileSync(catalog, Buffer.concat((await signEncoded(list, signerFromKey(key, [certificate]), {})).pieces));
	return catalog;
}

const LIBRARY: Record<string, TreeEntry> = {
	"a.js": "export const a = 1;\n",
	"lib/b.js": "export const b = 2;\n",
	"lib/large.bin": "M large file that begins like an image\n".repeat(20_000),
	"lib/empty.js": "",
	run: { content: "#!/bin/sh\n", mode: 0o755 },
	"link.js": { link: "a.js" },
};
const FILES = ["a.js", "lib/b.js", "lib/empty.js", "lib/large.bin", "run"];

describe.skipIf(access === undefined)(
	"restoreAttributes() (needs @sigtool/native or fs-xattr and a file system with user.*)",
	() => {
		const attributes = access as AttributeAccess; // The tests are skipped if it is undefined.
		const get = (root: string, path: string, name = "user.ima") => {
			return withFile(join(root, path), (descriptor) => attributes.read(descriptor, name));
		};
		const set = (root: string, path: string, value: Uint8Array, name = "user.ima") => {
			withFile(join(root, path), (descriptor) => attributes.write(descriptor, name, value));
		};
		const codes = (findings: readonly { code: string; path: string }[]) =>
			findings.map(({ code, path }) => [path, code]);

		test("writes what was lost, and a second run writes nothing", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			const first = await restoreAttributes(root, options);
			expect(first).toMatchObject({ verdict: "restored", fileCount: 5, writtenFileCount: 5, writtenCount: 5 });
			for (const path of FILES) expect(get(root, path), path).toEqual(valueFor(path, "user.ima"));
			const second = await restoreAttributes(root, options);
			expect(second).toMatchObject({ verdict: "restored", writtenFileCount: 0, writtenCount: 0, unchangedCount: 5 });
		});

		test("does not restore a denied file", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			const sha256 = createHash("sha256").update("export const a = 1;\n").digest("hex");
			const trust = { ...options.trust, deny: [{ kind: "file", sha256, reason: "worm" }] } as const;
			const restored = await restoreAttributes(root, { trust });
			expect(codes(restored.findings)).toEqual([["a.js", "ERR_DENIED"]]);
			expect(restored).toMatchObject({ verdict: "failed", writtenFileCount: 4 });
			expect(get(root, "a.js")).toBeUndefined();
		});

		test("replaces values that differ from the signed ones, and keeps attributes that are not carried", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root, { without: ["run"] });
			set(root, "a.js", valueFor("a.js", "user.ima"));
			set(root, "lib/b.js", Buffer.from("stale"));
			set(root, "lib/b.js", Buffer.from("mine"), "user.comment");
			set(root, "run", Buffer.from("not carried"));
			const restored = await restoreAttributes(root, options);
			expect(restored).toMatchObject({ fileCount: 4, writtenCount: 3, unchangedCount: 1, findings: [] });
			expect(get(root, "lib/b.js")).toEqual(valueFor("lib/b.js", "user.ima"));
			expect(get(root, "lib/b.js", "user.comment")).toEqual(Buffer.from("mine"));
			expect(get(root, "run")).toEqual(Buffer.from("not carried"));
		});

		test("writes and counts both the IMA and the EVM signature of a file", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root, { names: ["user.evm", "user.ima"] });
			set(root, "a.js", valueFor("a.js", "user.evm"), "user.evm");
			const restored = await restoreAttributes(root, options);
			expect(restored).toMatchObject({ writtenFileCount: 5, writtenCount: 9, unchangedCount: 1 });
			expect(get(root, "run", "user.evm")).toEqual(valueFor("run", "user.evm"));
		});

		test("reports files that changed since signing without touching them, and restores the others", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			writeFileSync(join(root, "a.js"), "export const a = 2;\n");
			writeFileSync(join(root, "lib/empty.js"), "no longer");
			unlinkSync(join(root, "lib/large.bin"));
			unlinkSync(join(root, "run"));
			execFileSync("mkfifo", [join(root, "run")]);
			const restored = await restoreAttributes(root, options);
			expect(codes(restored.findings)).toEqual([
				["a.js", "ERR_FILE_MODIFIED"],
				["lib/empty.js", "ERR_FILE_MODIFIED"],
				["lib/large.bin", "ERR_FILE_MISSING"],
				["run", "ERR_FILE_TYPE"],
			]);
			expect(restored).toMatchObject({ verdict: "failed", fileCount: 5, writtenFileCount: 1 });
			expect(get(root, "lib/b.js")).toEqual(valueFor("lib/b.js", "user.ima"));
			expect(get(root, "a.js")).toBeUndefined();
			expect(get(root, "lib/empty.js")).toBeUndefined();
		});

		test("does not follow links that replaced a file or directory", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			const elsewhere = tempTree();
			renameSync(join(root, "lib"), join(elsewhere, "lib"));
			symlinkSync(join(elsewhere, "lib"), join(root, "lib"));
			copyFileSync(join(root, "run"), join(elsewhere, "run"));
			unlinkSync(join(root, "run"));
			symlinkSync(join(elsewhere, "run"), join(root, "run"));
			const restored = await restoreAttributes(root, options);
			expect(codes(restored.findings)).toEqual([
				["lib/b.js", "ERR_LINK_CHANGED"],
				["lib/empty.js", "ERR_LINK_CHANGED"],
				["lib/large.bin", "ERR_LINK_CHANGED"],
				["run", "ERR_LINK_CHANGED"],
			]);
			for (const path of ["run", "lib/b.js", "lib/empty.js"]) expect(get(elsewhere, path), path).toBeUndefined();
		});

		test("follows links if signing followed them, and only inside the tree", async () => {
			const root = tempTree({ "real/a.js": "1", inside: { link: "real" }, "alias.js": { link: "real/a.js" } });
			const elsewhere = tempTree({ "a.js": "2" });
			symlinkSync(elsewhere, join(root, "outside"));
			await signCarrying(root, { links: "follow" });
			const restored = await restoreAttributes(root, options);
			expect(codes(restored.findings)).toEqual([["outside/a.js", "ERR_LINK_OUTSIDE"]]);
			expect(get(elsewhere, "a.js")).toBeUndefined();
			expect(get(root, "real/a.js")).toBeDefined();
		});

		test("restores a directory of a signed tree, also with a catalog outside of it", async () => {
			const root = tempTree(LIBRARY);
			const catalog = await signCarrying(root);
			expect(await restoreAttributes(join(root, "lib"), options)).toMatchObject({ fileCount: 3, writtenCount: 3 });
			expect(get(root, "a.js")).toBeUndefined();
			const elsewhere = join(tempTree(), "moved.cat");
			renameSync(catalog, elsewhere);
			await expectRejection("ERR_CATALOG_NOT_FOUND", restoreAttributes(root, options));
			const given = { ...options, catalogs: [elsewhere] };
			expect(await restoreAttributes(root, given)).toMatchObject({ writtenCount: 2, unchangedCount: 3 });
			const within = { ...given, root };
			expect(await restoreAttributes(join(root, "lib"), within)).toMatchObject({ fileCount: 3, unchangedCount: 3 });
		});

		test("uses several catalogs, and for a file the first that carries its attributes", async () => {
			const root = tempTree(LIBRARY);
			const catalogs = [join(root, "1.cat"), join(root, "2.cat")];
			await signCarrying(root, { without: ["a.js"], catalog: catalogs[0] });
			const other = tempTree({ "a.js": readFileSync(join(root, "a.js")), run: LIBRARY.run });
			await signCarrying(other, { names: ["user.evm"], catalog: catalogs[1] });
			expect((await restoreAttributes(root, { ...options, catalogs })).fileCount).toBe(5);
			expect(get(root, "a.js", "user.evm")).toBeDefined();
			expect(get(root, "run", "user.evm")).toBeUndefined();
			expect(get(root, "run", "user.ima")).toBeDefined();
		});

		test("writes nothing for an untrusted or damaged catalog, or one for another product", async () => {
			const root = tempTree(LIBRARY);
			const catalog = await signCarrying(root);
			const stranger = { trust: trustFromCertificates([certificateFor(p256())]) };
			await expectRejection("ERR_UNTRUSTED_SIGNER", restoreAttributes(root, stranger));
			await expectRejection("ERR_PRODUCT_MISMATCH", restoreAttributes(root, { ...options, product: "other" }));
			const damaged = readFileSync(catalog);
			damaged[damaged.indexOf(Buffer.from("user.ima=0s", "utf16le")) + 24] ^= 1;
			writeFileSync(catalog, damaged);
			await expectRejection("ERR_SIGNED_ATTRIBUTES", restoreAttributes(root, options));
			for (const path of FILES) expect(get(root, path), path).toBeUndefined();
		});

		test("refuses a path without carried attributes, or one that is no directory", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root, { without: FILES });
			const nothing = await expectRejection("ERR_USAGE", restoreAttributes(root, options));
			expect(nothing.message).toContain("--carry ima");
			await signCarrying(root, { without: ["lib/b.js", "lib/empty.js", "lib/large.bin"] });
			await expectRejection("ERR_USAGE", restoreAttributes(join(root, "lib"), options));
			await expectRejection("ERR_USAGE", restoreAttributes(join(root, "a.js"), options));
			await expectRejection("ERR_ROOT_MISSING", restoreAttributes(join(root, "nowhere"), options));
		});

		test("reports progress up to the last file", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			const seen: number[] = [];
			await restoreAttributes(root, {
				...options,
				onProgress: ({ files, totalFiles }) => seen.push(files / totalFiles),
			});
			expect(seen).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
		});

		test("a tree whose catalog carries attributes is trusted, and verification reports each change", async () => {
			const root = tempTree(LIBRARY);
			await signCarrying(root);
			expect(await verifyPath(root, options)).toMatchObject({ verdict: "trusted", checkedCount: 6, findings: [] });
			await restoreAttributes(root, options);
			expect(await verifyPath(root, options)).toMatchObject({ verdict: "trusted" });
			writeFileSync(join(root, "a.js"), "changed");
			writeFileSync(join(root, "lib/empty.js"), "filled");
			rmSync(join(root, "link.js"));
			mkdirSync(join(root, "new"));
			writeFileSync(join(root, "new/file"), "");
			expect(codes((await verifyPath(root, options)).findings)).toEqual([
				["a.js", "ERR_FILE_MODIFIED"],
				["lib/empty.js", "ERR_FILE_MODIFIED"],
				["link.js", "ERR_FILE_MISSING"],
				["new/file", "ERR_FILE_ADDED"],
			]);
		});
	},
);

describe("restoreFile()", () => {
	const content = "what was signed";
	const carried = [
		{ name: "user.ima", value: Buffer.from("new ima") },
		{ name: "user.evm", value: Buffer.from("new evm") },
	];

	/** Makes a file whose attributes are kept in memory. `onWrite` does what another process could do meanwhile. */
	function memory(onWrite: (name: string, held: Map<string, Uint8Array>) => void = () => {}) {
		const held = new Map<string, Uint8Array>([["user.ima", Buffer.from("old ima")]]);
		const inMemory: AttributeAccess = {
			read: (_, name) => held.get(name),
			write(_, name, value) {
				held.set(name, value);
				onWrite(name, held);
			},
			remove: (_, name) => held.delete(name),
		};
		const texts = () => Object.fromEntries([...held].map(([name, value]) => [name, String(value)]));
		return { access: inMemory, texts };
	}

	async function signedFile(root: string): Promise<SignedFile> {
		const { digests } = await hashFileSet(root);
		return { kind: ENTRY_KIND.file, digest: Buffer.from(digests.subarray(0, 32)), mode: -1, carried };
	}

	test("restores the old attributes of a file that is modified while they are written", async () => {
		const root = tempTree({ file: content });
		const signed = await signedFile(root);
		const { access, texts } = memory((name) => {
			if (name === "user.evm") writeFileSync(join(root, "file"), "what was not signed");
		});
		expectError("ERR_FILE_CHANGED", () => restoreFile(root, "file", signed, access, { links: "refuse" }));
		expect(texts()).toEqual({ "user.ima": "old ima" });
	});

	test("restores the old attributes of a file whose mode changes while they are written", async () => {
		const root = tempTree({ file: { content, mode: 0o644 } });
		const signed = { ...(await signedFile(root)), mode: 0o644 };
		const { access, texts } = memory((name) => {
			if (name === "user.evm") chmodSync(join(root, "file"), 0o755);
		});
		expectError("ERR_FILE_CHANGED", () => restoreFile(root, "file", signed, access, { links: "refuse" }));
		expect(texts()).toEqual({ "user.ima": "old ima" });
		expectError("ERR_MODE_CHANGED", () => restoreFile(root, "file", signed, access, { links: "refuse" }));
		expect(texts()).toEqual({ "user.ima": "old ima" });
	});

	test.each([
		["none was signed", -1, 0o755],
		["others than execute and set-id bits differ", 0o1644, 0o600],
	])("passes over modes where %s", async (_, signedMode, mode) => {
		const root = tempTree({ file: { content, mode } });
		const signed = { ...(await signedFile(root)), mode: signedMode };
		const { access } = memory();
		expect(restoreFile(root, "file", signed, access, { links: "refuse" })).toMatchObject({ writtenCount: 2 });
	});

	test("refuses when another process replaces a value that was just written", async () => {
		const root = tempTree({ file: content });
		const signed = await signedFile(root);
		const { access } = memory((name, held) => {
			if (name === "user.evm") held.set("user.ima", Buffer.from("theirs"));
		});
		expectError("ERR_FILE_CHANGED", () => restoreFile(root, "file", signed, access, { links: "refuse" }));
	});

	test("refuses content with the right digest of another kind, and content with another digest", async () => {
		const root = tempTree({ file: content });
		const signed = await signedFile(root);
		const { access, texts } = memory();
		const asImage = { ...signed, kind: ENTRY_KIND.pe };
		expectError("ERR_FILE_MODIFIED", () => restoreFile(root, "file", asImage, access, { links: "refuse" }));
		const asOther = { ...signed, digest: Buffer.alloc(32, 7) };
		expectError("ERR_FILE_MODIFIED", () => restoreFile(root, "file", asOther, access, { links: "refuse" }));
		expect(texts()).toEqual({ "user.ima": "old ima" });
	});

	test("refuses content whose uncovered bytes are not as signed", async () => {
		const root = tempTree({ file: content });
		const signed = await signedFile(root);
		const { access, texts } = memory();
		const other = { ...signed, wholeSha256: Buffer.alloc(32, 7) };
		expectError("ERR_FILE_MODIFIED", () => restoreFile(root, "file", other, access, { links: "refuse" }));
		expect(texts()).toEqual({ "user.ima": "old ima" });
		const same = { ...signed, wholeSha256: signed.digest };
		expect(restoreFile(root, "file", same, access, { links: "refuse" }).writtenCount).toBeGreaterThan(0);
	});

	test.each([
		["EPERM", "ERR_ATTRIBUTE_DENIED"],
		["ENOTSUP", "ERR_ATTRIBUTE_UNSUPPORTED"],
		["ENOSPC", "ERR_ATTRIBUTE_SPACE"],
		["EROFS", "ERR_IO"],
	] as const)("says of %s which file and attribute it is about: %s", async (errno, code) => {
		const root = tempTree({ file: content });
		const signed = await signedFile(root);
		const { access } = memory(() => {
			throw Object.assign(new Error(errno), { code: errno });
		});
		const error = expectError(code, () => restoreFile(root, "file", signed, access, { links: "refuse" }));
		expect(error.message).toContain('attribute "user.ima" of "file"');
		expect(error.message).not.toMatch(/--namespace|--format/);
	});
});
