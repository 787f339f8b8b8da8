/** Tests that the content of an operand decides its kind, and that no content makes the decision fail. */

import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileTrustIndex } from "../../dist/compile/compile.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { convertCatalog } from "../../dist/rewrite/convert.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { startsAsCatalog } from "../../dist/verify/catalog-file.js";
import { operandKind } from "../../dist/verify/operand.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { corpusCatalogs, hasCorpus } from "../pki/corpus.js";
import { certificateFor, p256 } from "../signer/material.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

async function signedTree() {
	const root = tempTree({ a: "1", "sub/b": "2" });
	const at = (path: string) => join(root, path);
	await signPaths([root], { signer, output: at("t.cat") });
	const catalog = readFileSync(at("t.cat"));
	const copied = (name: string, bytes: Uint8Array = catalog) => {
		writeFileSync(at(name), bytes);
		return at(name);
	};
	return { root, at, catalog, copied };
}

describe("operandKind()", () => {
	it("recognises a catalog under any name, whole or cut off, signed or not", async () => {
		const { at, catalog, copied } = await signedTree();
		for (const name of ["x", "x.CAT", "x.sig", "x.sigx"]) expect(operandKind(copied(name))).toBe("catalog");
		for (const size of [100, 500, catalog.length - 1]) {
			expect(operandKind(copied("x", catalog.subarray(0, size)))).toBe("catalog");
		}
		for (const name of ["x.cat", "x.CAT", "x.CaT"])
			expect(operandKind(copied(name, Buffer.from("text")))).toBe("catalog");
		symlinkSync("x", at("link"));
		copied("x");
		expect(operandKind(at("link"))).toBe("catalog");
		await signPaths([at("sub")], { signer: "none", output: at("unsigned") });
		expect(operandKind(at("unsigned"))).toBe("catalog");
	});

	it("recognises a trust index under any name, and tells both from other files", async () => {
		const { root, at, catalog, copied } = await signedTree();
		const index = join(tempTree({ unused: "" }), "index");
		await compileTrustIndex([root], { trust, signer, output: index, catalogs: [at("t.cat")] });
		expect(operandKind(index)).toBe("index");
		expect(operandKind(copied("x.SIGX", Buffer.from("text")))).toBe("index");
		convertCatalog(at("t.cat"), { trust, output: at("t.p7") });
		expect(operandKind(at("t.p7"))).toBe("file");
		expect(operandKind(copied("x", Buffer.alloc(0)))).toBe("file");
		expect(operandKind(copied("x", catalog.subarray(0, 20)))).toBe("file");
		expect([operandKind(root), operandKind(at("a")), operandKind(at("none"))]).toEqual([
			"directory",
			"file",
			"missing",
		]);
	});

	it("verifyPath() compares no index, and no catalog as a mere file", async () => {
		const { root, at, copied } = await signedTree();
		await signPaths([root], { signer, output: at("inner"), overwrite: "any" });
		await signPaths([root], { signer, output: at("t.cat") });
		await expect(verifyPath(at("inner"), { trust })).rejects.toMatchObject({ code: "ERR_USAGE" });
		await expect(verifyPath(at("inner"), { trust, catalogs: [at("t.cat")] })).resolves.toMatchObject({
			...{ verdict: "trusted", checkedCount: 1 },
		});
		await expect(verifyPath(copied("x.sigx", Buffer.from("x")), { trust })).rejects.toMatchObject({
			...{ code: "ERR_USAGE", message: expect.stringContaining("it is a trust index") },
		});
	});

	it.skipIf(!hasCorpus)("recognises the catalogs of other producers by their content", () => {
		const catalogs = corpusCatalogs();
		expect(catalogs.length).toBeGreaterThan(10);
		expect(catalogs.filter(({ bytes }) => !startsAsCatalog(bytes)).map(({ name }) => name)).toEqual([]);
	});

	it("decides about any bytes", async () => {
		const { catalog } = await signedTree();
		const damaged = fc.tuple(fc.nat(60), fc.integer({ min: 0, max: 255 }), fc.nat(200)).map(([at, byte, size]) => {
			const bytes = Buffer.from(catalog.subarray(0, size));
			if (at < size) bytes[at] = byte;
			return bytes;
		});
		fc.assert(fc.property(fc.oneof(damaged, fc.uint8Array()), (bytes) => typeof startsAsCatalog(bytes) === "boolean"));
	});
});
