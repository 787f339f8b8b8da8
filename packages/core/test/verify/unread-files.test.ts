/** Tests that verification opens no file that no catalog names, unless a digest or a list of denied files needs it. */

import { createHash } from "node:crypto";
import { chmodSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { isRoot } from "../../../../test/outside.js";
import { trustFromCertificates, type VerifyOptions, verifyPath } from "../../dist/read.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { compareEntries } from "../../dist/verify/compare-entries.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, p256 } from "../signer/material.js";

const key = p256();
const signer = signerFromKey(key, [certificateFor(key)]);
const trust = trustFromCertificates(signer.certificates);
/** To hash this many bytes would take hours. */
const HUGE = 2 ** 43;

async function signedTree(options: { readonly links?: "follow" } = {}) {
	const root = tempTree({ "lib/a": "1", empty: "", current: { link: "lib/a" } });
	await signPaths([root], { signer, product: "p", sequence: 1, ...options });
	return root;
}

function huge(path: string): void {
	rmSync(path, { force: true });
	writeFileSync(path, "");
	truncateSync(path, HUGE);
}

async function findingsIn(path: string, options: Partial<VerifyOptions> = {}) {
	const { verdict, findings, notices } = await verifyPath(path, { trust, ...options });
	return [verdict, ...[...findings, ...notices].map(({ code, path: entry }) => `${entry} ${code}`)];
}

describe("a huge file that no catalog names", () => {
	it.each(["record", "follow"] as const)("is an addition, however links were signed (%s)", async (links) => {
		const root = await signedTree(links === "follow" ? { links } : {});
		huge(join(root, "lib/big"));
		huge(join(root, "z"));
		expect(await findingsIn(root)).toEqual(["failed", "lib/big ERR_FILE_ADDED", "z ERR_FILE_ADDED"]);
		expect(await findingsIn(join(root, "lib"))).toEqual(["failed", "lib/big ERR_FILE_ADDED"]);
		expect(await findingsIn(root, { added: "ignore" })).toEqual(["trusted"]);
		expect(await findingsIn(root, { added: "warn" })).toEqual([
			"trusted",
			"lib/big ERR_FILE_ADDED",
			"z ERR_FILE_ADDED",
		]);
		expect(await findingsIn(join(root, "z"))).toEqual(["failed", "z ERR_NOT_A_MEMBER"]);
	});

	it("in the place of a link is a change", async () => {
		const root = await signedTree();
		huge(join(root, "current"));
		expect(await findingsIn(root)).toEqual(["failed", "current ERR_LINK_CHANGED"]);
		expect(await findingsIn(join(root, "current"))).toEqual(["failed", "current ERR_LINK_CHANGED"]);
	});

	it("of another size than a trust index records is a change", async () => {
		const root = await signedTree();
		huge(join(root, "lib/a"));
		const sha256 = createHash("sha256").update("1").digest("hex");
		const findings = await compareEntries(root, new Map([["lib/a", { kind: "file", sha256, size: 1 }]]));
		expect(findings).toMatchObject([{ code: "ERR_FILE_MODIFIED", path: "lib/a" }]);
	});

	it("among several catalogs is named by none of them", async () => {
		const root = await signedTree();
		const other = join(tempTree(), "other.cat");
		writeFileSync(join(root, "more"), "2");
		await signPaths([root], { signer, product: "p", sequence: 2, output: other });
		huge(join(root, "z"));
		const usual = join(root, `${basename(root)}.cat`);
		expect(await findingsIn(root, { catalogs: [usual, other] })).toEqual(["failed", "z ERR_FILE_ADDED"]);
	});
});

describe("a huge file in the place of a signed one", () => {
	it("is not read with a limit, and says so alone, in a tree, a part of it and by itself", async () => {
		const root = await signedTree();
		huge(join(root, "lib/a"));
		for (const path of [root, join(root, "lib"), join(root, "lib/a")])
			expect(await findingsIn(path, { maxFileBytes: 1 })).toEqual(["failed", "lib/a ERR_LIMIT"]);
		huge(join(root, "empty"));
		expect(await findingsIn(join(root, "empty"), { maxFileBytes: 1 })).toEqual(["failed", "empty ERR_LIMIT"]);
		expect(await findingsIn(root, { maxFileBytes: 1, added: "ignore" })).toEqual([
			"failed",
			"empty ERR_LIMIT",
			"lib/a ERR_LIMIT",
		]);
	});

	it("is not read with a limit where digests or a list of denied files need it", async () => {
		const root = await signedTree();
		huge(join(root, "z"));
		const deny = [{ kind: "file", sha256: "0".repeat(64), reason: "worm" }] as const;
		const denying = { trust: { ...trust, deny }, maxFileBytes: 1 };
		expect(await findingsIn(root, denying)).toEqual(["failed", "z ERR_LIMIT", "z ERR_FILE_ADDED"]);
		expect(await findingsIn(root, { ...denying, added: "ignore" })).toEqual(["failed", "z ERR_LIMIT"]);
		const usual = join(root, `${basename(root)}.cat`);
		for (const path of [root, join(root, "z")]) {
			const findings = await findingsIn(path, { match: "digest", catalogs: [usual], maxFileBytes: 1 });
			expect(findings).toContain("z ERR_LIMIT");
			expect(findings[0]).toBe("failed");
		}
	});

	it("counts for nothing below the limit", async () => {
		expect(await findingsIn(await signedTree(), { maxFileBytes: 1 })).toEqual(["trusted"]);
		expect(await findingsIn(await signedTree({ links: "follow" }), { maxFileBytes: 1 })).toEqual(["trusted"]);
	});
});

describe("a file that no catalog names", () => {
	it("is found on a list of denied files, which needs its content", async () => {
		const root = await signedTree();
		writeFileSync(join(root, "worm"), "evil");
		const sha256 = createHash("sha256").update("evil").digest("hex");
		const denying = { ...trust, deny: [{ kind: "file", sha256, reason: "worm" }] } as const;
		expect(await findingsIn(root, { trust: denying })).toEqual(["failed", "worm ERR_DENIED", "worm ERR_FILE_ADDED"]);
		rmSync(join(root, "current"));
		writeFileSync(join(root, "current"), "evil");
		expect(await findingsIn(join(root, "current"), { trust: denying })).toContain("current ERR_DENIED");
	});

	it("is matched by its digest, which needs its content", async () => {
		const root = await signedTree();
		writeFileSync(join(root, "copy"), readFileSync(join(root, "lib/a")));
		writeFileSync(join(root, "other"), "2");
		const findings = await findingsIn(root, { match: "digest" });
		expect(findings).toContain("other ERR_NOT_A_MEMBER");
		expect(findings).not.toContain("copy ERR_NOT_A_MEMBER");
	});

	it.skipIf(isRoot)("is an addition even if it cannot be read", async () => {
		const root = await signedTree();
		writeFileSync(join(root, "secret"), "2");
		chmodSync(join(root, "secret"), 0);
		expect(await findingsIn(root)).toEqual(["failed", "secret ERR_FILE_ADDED"]);
	});
});
