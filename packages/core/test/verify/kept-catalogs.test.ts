/** Tests that one run of a program verifies each catalog once, and again after the file was exchanged. */

import { copyFileSync, readFileSync, renameSync, utimesSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { trustFromCertificates, type VerifyOptions } from "../../dist/read.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import type { KeepingCatalogs } from "../../dist/verify/sources.js";
import { verifyKeeping } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, p256 } from "../signer/material.js";

const key = p256();
const signer = signerFromKey(key, [certificateFor(key)]);
const trust = trustFromCertificates(signer.certificates);

async function signedTree() {
	const root = tempTree({ a: "1", "lib/b": "2" });
	await signPaths([root], { signer, product: "p", sequence: 1 });
	return { root, catalog: join(root, `${basename(root)}.cat`), keptCatalogs: new Map() };
}

async function outcome(path: string, options: Partial<VerifyOptions> & KeepingCatalogs) {
	try {
		const { verdict, catalogs, findings } = await verifyKeeping(path, { trust, ...options });
		return { verdict, list: catalogs[0].catalog, codes: findings.map(({ code }) => code) };
	} catch (error) {
		return { verdict: "failed", list: undefined, codes: [(error as { code: string }).code] };
	}
}

describe("catalogs that are kept", () => {
	it("are verified once for many paths, and for each path without that option", async () => {
		const { root, keptCatalogs } = await signedTree();
		const lists = async (options: Partial<VerifyOptions> & KeepingCatalogs) => {
			const paths = [join(root, "a"), join(root, "lib/b"), root];
			const lists = new Set<unknown>();
			for (const path of paths) {
				const { verdict, list } = await outcome(path, options);
				expect(verdict).toBe("trusted");
				lists.add(list);
			}
			return lists.size;
		};
		expect(await lists({ keptCatalogs })).toBe(1);
		expect(await lists({})).toBe(3);
	});

	it("are read again after the file was exchanged or written to, also with its former times", async () => {
		const { root, catalog, keptCatalogs } = await signedTree();
		const file = join(root, "a");
		expect(await outcome(file, { keptCatalogs })).toMatchObject({ verdict: "trusted" });
		const times = [new Date(0), new Date(0)] as const;
		utimesSync(catalog, ...times);
		expect(await outcome(file, { keptCatalogs })).toMatchObject({ verdict: "trusted" });

		const bytes = readFileSync(catalog);
		copyFileSync(catalog, `${catalog}.genuine`);
		bytes[bytes.length - 1] ^= 1;
		writeFileSync(catalog, bytes);
		utimesSync(catalog, ...times);
		expect(await outcome(file, { keptCatalogs })).toMatchObject({ verdict: "failed", codes: ["ERR_SIGNATURE"] });

		renameSync(`${catalog}.genuine`, catalog);
		utimesSync(catalog, ...times);
		expect(await outcome(file, { keptCatalogs })).toMatchObject({ verdict: "trusted" });
	});

	it("count only for the trust, the time and the product for which they were verified", async () => {
		const { root, keptCatalogs } = await signedTree();
		const file = join(root, "a");
		const codes = async (options: Partial<VerifyOptions> & KeepingCatalogs) =>
			(await outcome(file, { keptCatalogs, ...options })).codes;
		expect(await codes({ product: "p" })).toEqual([]);
		expect(await codes({ product: "q" })).toEqual(["ERR_PRODUCT_MISMATCH"]);
		const other = p256();
		expect(await codes({ trust: trustFromCertificates([certificateFor(other)]) })).toEqual(["ERR_UNTRUSTED_SIGNER"]);
		expect(await codes({ at: 0 })).toEqual(["ERR_CERTIFICATE_NOT_YET_VALID"]);
		expect(await codes({})).toEqual([]);
	});
});
