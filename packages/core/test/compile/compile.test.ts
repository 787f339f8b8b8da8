import { createHash } from "node:crypto";
import {
	existsSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TAG } from "../../dist/asn1/der.js";
import { type CompileOptions, compileTrustIndex } from "../../dist/compile/compile.js";
import type { ErrorCode } from "../../dist/errors.js";
import { hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { encodeSignedData, parseSignedData } from "../../dist/pki/cms.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { TRUST_INDEX_OID } from "../../dist/trust/index-layout.js";
import { parsePolicy } from "../../dist/trust/policy.js";
import type { TrustIndex } from "../../dist/trust/trust-index.js";
import { verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { type TreeEntry, tempTree } from "../fileset/temp-tree.js";
import { expectError } from "../pki/expect-error.js";
import { certificateFor, DAY_MS, expectRejection, p256, rsa2048 } from "../signer/material.js";

const key = rsa2048();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** A PE image with a checksum, which Authenticode does not cover. */
const IMAGE = Buffer.alloc(1001, 1);
IMAGE.write("MZ", 0, "latin1");
IMAGE.writeUInt32LE(64, 60);
IMAGE.write("PE\0\0", 64, "latin1");
IMAGE.writeUInt16LE(0x20b, 88);
IMAGE.writeUInt32LE(16, 196);
IMAGE.fill(0, 232, 240);

const TREE: Readonly<Record<string, TreeEntry>> = {
	"app/main.js": "1",
	"app/lib/empty.js": "",
	"app/lib/native.dll": IMAGE,
	"app/current": { link: "lib" },
};

/** The facts of a catalog that another producer has made. */
const FOREIGN = {
	modes: "none",
	links: "record",
	caseCollisions: "refuse",
	ignore: [],
	include: [],
	scope: "root",
} as const;

/** Creates a directory with the signed directory `app`, and returns the paths of `app` and its index. */
async function signedApp(entries = TREE, options: Partial<Parameters<typeof signPaths>[1]> = {}) {
	const home = tempTree(entries);
	const root = join(home, "app");
	await signPaths([root], { signer, sequence: 7, ...options });
	return { home, root, output: join(home, "app.sigx") };
}

async function compile(
	roots: readonly string[],
	options: Partial<CompileOptions> & { output: string },
): Promise<TrustIndex> {
	await compileTrustIndex(roots, { trust, signer, ...options });
	return verifyTrustIndex(readFileSync(options.output), { trust, development: "allow" }).index;
}

describe("compileTrustIndex()", () => {
	it("records the SHA-256 of whole files, links with their targets, and the signers", async () => {
		const { root, output } = await signedApp();
		const policy = parsePolicy({ version: 1, mode: "strict" });
		const index = await compile([root], { output, policy, notAfter: Date.now() + DAY_MS });
		expect(Object.fromEntries(index.entries("app"))).toEqual({
			current: { kind: "link", target: "lib" },
			"lib/empty.js": { kind: "file", sha256: sha256(""), size: 0 },
			"lib/native.dll": { kind: "file", sha256: sha256(IMAGE), size: IMAGE.length },
			"main.js": { kind: "file", sha256: sha256("1"), size: 1 },
		});
		expect(index.products).toEqual([
			{ name: "app", root, sequence: 7, catalogs: [sha256(readFileSync(join(root, "app.cat")))] },
		]);
		expect(index.signers).toEqual([sha256(certificate.spki)]);
		expect(index.policy).toEqual(policy);
		expect(index.digest).toBe(sha256(readFileSync(output)));
	});

	it("says for which images it vouches, where their catalog has an Authenticode digest alone", async () => {
		const { root, output } = await signedApp();
		const image = Buffer.from(IMAGE);
		image[64 + 88] ^= 1;
		writeFileSync(join(root, "lib/native.dll"), image);
		await expectRejection("ERR_FILE_MODIFIED", compile([root], { output }));
		const catalog = join(root, "app.cat");
		const { wholeFiles: _, ...manifest } = await hashFileSet(root, { skip: new Set(["app.cat"]) });
		const facts = { ...FOREIGN, ...entryFacts(manifest) };
		const list = encodeCatalog(manifest, facts, { thisUpdate: Date.now() });
		writeFileSync(catalog, Buffer.concat((await signEncoded(list, signer, {})).pieces));
		image[64 + 88] ^= 2;
		writeFileSync(join(root, "lib/native.dll"), image);
		expect((await verifyPath(root, { trust })).verdict).toBe("trusted");
		const { warnings } = await compileTrustIndex([root], { trust, signer, output, product: "app" });
		expect(warnings).toEqual([expect.stringMatching(/^in ".*", 1 executable or cabinet is signed by an Authenticode/)]);
		const { index } = verifyTrustIndex(readFileSync(output), { trust, development: "allow" });
		expect(index.find("app", "lib/native.dll")).toMatchObject({ sha256: sha256(image) });
	});

	it("writes equal bytes for equal input and sequence, and at another time differs only in the signature", async () => {
		const { root, output } = await signedApp();
		const time = Date.now();
		const run = async (when: number) => {
			await compile([root], { output, time: when, sequence: 1 });
			return readFileSync(output);
		};
		const [first, second, later] = [await run(time), await run(time), await run(time + 5000)];
		expect(second.equals(first)).toBe(true);
		expect(later.equals(first)).toBe(false);
		const contentBytes = 24 + first.readUInt32LE(12) + 48 * first.readUInt32LE(16) + first.readUInt32LE(20);
		expect(later.subarray(0, contentBytes).equals(first.subarray(0, contentBytes))).toBe(true);
	});

	it("contains several products, each with its own name", async () => {
		const { home, root, output } = await signedApp({ ...TREE, "plugins/main.js": "2" });
		await signPaths([join(home, "plugins")], { signer });
		const index = await compile([root, join(home, "plugins")], { output });
		expect(index.products.map(({ name }) => name)).toEqual(["app", "plugins"]);
		expect(index.find("plugins", "main.js")).toMatchObject({ sha256: sha256("2") });
		expect(index.find("app", "main.js")).toMatchObject({ sha256: sha256("1") });
		await signPaths([join(home, "plugins")], { signer, product: "app" });
		await expectRejection("ERR_USAGE", compile([root, join(home, "plugins")], { output }));
	});

	it.each<[what: string, code: ErrorCode, change: (root: string) => void]>([
		["is modified", "ERR_FILE_MODIFIED", (root) => writeFileSync(join(root, "main.js"), "2")],
		["is missing", "ERR_FILE_MISSING", (root) => unlinkSync(join(root, "lib/empty.js"))],
		["was added", "ERR_FILE_ADDED", (root) => writeFileSync(join(root, "lib/new.js"), "")],
		[
			"is a link in a file's place",
			"ERR_LINK_CHANGED",
			(root) => {
				renameSync(join(root, "main.js"), join(root, "..", "main.js"));
				symlinkSync("../main.js", join(root, "main.js"));
			},
		],
		[
			"leads elsewhere",
			"ERR_LINK_CHANGED",
			(root) => {
				unlinkSync(join(root, "current"));
				symlinkSync("..", join(root, "current"));
			},
		],
		["is in a directory without its catalog", "ERR_CATALOG_NOT_FOUND", (root) => unlinkSync(join(root, "app.cat"))],
	])("writes nothing when an entry %s", async (_, code, change) => {
		const { root, output } = await signedApp();
		change(root);
		await expectRejection(code, compile([root], { output }));
		expect(existsSync(output)).toBe(false);
	});

	it("accepts catalogs of a development identity only with that option", async () => {
		const developerKey = p256();
		const now = Date.now();
		const order = { commonName: "Dev", key: developerKey, notBefore: now - DAY_MS, notAfter: now + 90 * DAY_MS };
		const marked = issueCertificate({ ...order, kind: "development" });
		const { root, output } = await signedApp(TREE, { signer: signerFromKey(developerKey, [marked]) });
		const both = trustFromCertificates([certificate, marked]);
		await expectRejection("ERR_DEVELOPMENT_IDENTITY", compile([root], { output, trust: both }));
		const { warnings } = await compileTrustIndex([root], { output, signer, trust: both, development: "allow" });
		expect(warnings).toEqual([expect.stringContaining("a development identity signed")]);
		await expectRejection("ERR_UNTRUSTED_SIGNER", compile([root], { output, development: "allow" }));
	});

	it("requires a product for a catalog that names none, and the same product of other catalogs", async () => {
		const { root, output } = await signedApp();
		await expectRejection("ERR_PRODUCT_MISMATCH", compile([root], { output, product: "other" }));
		expect((await compile([root], { output, product: "app" })).products[0]?.name).toBe("app");
		const catalog = join(root, "app.cat");
		const manifest = await hashFileSet(root, { skip: new Set(["app.cat"]) });
		const list = encodeCatalog(manifest, { ...FOREIGN, ...entryFacts(manifest) }, { thisUpdate: Date.now() });
		writeFileSync(catalog, Buffer.concat((await signEncoded(list, signer, {})).pieces));
		await expectRejection("ERR_USAGE", compile([root], { output }));
		const [product] = (await compile([root], { output, product: "named" })).products;
		expect(product).toMatchObject({ name: "named", sequence: undefined });
	});

	it("accepts several catalogs outside of the tree, and records the lowest sequence", async () => {
		const { home, root, output } = await signedApp();
		const second = join(home, "second.cat");
		renameSync(join(root, "app.cat"), join(home, "first.cat"));
		await signPaths([root], { signer, output: second, sequence: 5 });
		const index = await compile([root], { output, catalogs: [join(home, "first.cat"), second] });
		expect(index.products[0]).toMatchObject({ name: "app", sequence: 5 });
		expect(index.products[0]?.catalogs).toHaveLength(2);
	});

	it("refuses entries that cannot be identified by their path when they are loaded", async () => {
		const { root, output } = await signedApp();
		await expectRejection("ERR_USAGE", compile([join(root, "lib")], { output }));
		await expectRejection("ERR_USAGE", compile([join(root, "main.js")], { output }));
		await signPaths([root], { signer, links: "follow" });
		await expectRejection("ERR_USAGE", compile([root], { output }));
	});

	it("writes neither into the directory it covers nor over a file that is no index", async () => {
		const { home, root, output } = await signedApp();
		await expectRejection("ERR_USAGE", compile([root], { output: join(root, "app.sigx") }));
		writeFileSync(output, "mine");
		await expectRejection("ERR_OUTPUT_EXISTS", compile([root], { output }));
		expect(readFileSync(output, "utf8")).toBe("mine");
		await compile([root], { output, overwrite: "any" });
		await compile([root], { output });
		mkdirSync(join(home, "folder"));
		await expectRejection("ERR_USAGE", compile([root], { output: join(home, "folder") }));
		rmSync(output);
	});
});

describe("a trust index's signature and a catalog's", () => {
	it("are refused in each other's place", async () => {
		const { root, output } = await signedApp();
		await compile([root], { output });
		const index = readFileSync(output);
		const contentBytes = 24 + index.readUInt32LE(12) + 48 * index.readUInt32LE(16) + index.readUInt32LE(20);
		const content = index.subarray(0, contentBytes);
		const catalog = readFileSync(join(root, "app.cat"));
		expectError("ERR_INDEX_FORMAT", () => verifyTrustIndex(catalog, { trust }));
		expectError("ERR_INDEX_FORMAT", () => verifyTrustIndex(Buffer.concat([content, catalog]), { trust }));
		expectError("ERR_CATALOG_FORMAT", () => verifyCatalog(index.subarray(contentBytes), { trust }));
		expectError("ERR_DER", () => verifyCatalog(index, { trust }));
		// A genuine signature does not become valid for another content type, because it covers the content type.
		const [{ signedAttributesDer = IMAGE, signature }] = parseSignedData(catalog, "catalog").signers;
		const signedAttributes = Buffer.from(signedAttributesDer).fill(TAG.SET, 0, 1);
		const relabelled = encodeSignedData({
			contentType: TRUST_INDEX_OID,
			certificates: [certificate],
			signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature },
		});
		expectError("ERR_SIGNED_ATTRIBUTES", () => verifyTrustIndex(Buffer.concat([content, ...relabelled]), { trust }));
	});
});
