import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { type SignOptions, signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, expectRejection, rsa2048 } from "../signer/material.js";

const key = rsa2048();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

const TREE = { "app/main.src": "1", "app/lib/a.src": "2", "app/old.out": "stale", "app/ignored/b.src": "3" };

/** Removes an old .out file, and makes an .out file from each .src file. */
const prepare: NonNullable<SignOptions["prepare"]> = (root, files) => {
	rmSync(join(root, "old.out"));
	return files
		.filter((file) => file.endsWith(".src"))
		.map((file) => {
			const made = file.replace(/src$/, "out");
			writeFileSync(join(root, made), readFileSync(join(root, file), "utf8").repeat(2));
			return made;
		});
};

describe("signPaths() with something to prepare", () => {
	it("signs the files that were made of the selected ones, and not those that were removed", async () => {
		const app = join(tempTree(TREE), "app");
		const { fileCount } = await signPaths([app], { signer, prepare, exclude: ["ignored"] });
		expect(fileCount).toBe(4);
		expect(readFileSync(join(app, "lib/a.out"), "utf8")).toBe("22");
		expect(existsSync(join(app, "ignored/b.out"))).toBe(false);
		expect((await verifyPath(app, { trust })).verdict).toBe("trusted");
		writeFileSync(join(app, "main.out"), "3");
		expect((await verifyPath(app, { trust })).findings).toMatchObject([
			{ code: "ERR_FILE_MODIFIED", path: "main.out" },
		]);
	});

	it.each<[what: string, options: Partial<SignOptions>]>([
		["by a pattern", { exclude: ["*.out"] }],
		["with its directory", { exclude: ["/lib"], prepare: () => ["lib/a.out"] }],
		["by an include glob", { include: ["**/*.src"] }],
		["by a list", { files: ["main.src"], prepare: () => ["main.out"] }],
	])("refuses %s that leaves out a prepared file, and signs nothing", async (_, options) => {
		const app = join(tempTree(TREE), "app");
		await expectRejection("ERR_USAGE", signPaths([app], { signer, prepare, ...options }));
		expect(existsSync(join(app, "app.cat"))).toBe(false);
	});
});
