/**
 * Appends bytes that Authenticode does not cover. They are appended to members of sigtool's catalogs, and of catalogs
 * that other producers have made.
 */

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { execFileSync, spawnSync } from "../../../../test/outside.js";
import { encode, octetString, oid, sequence, setOf } from "../../dist/asn1/der.js";
import { compileTrustIndex } from "../../dist/compile/compile.js";
import { judgeSignatures } from "../../dist/fileset/hash/embedded-signatures.js";
import { hashFileSet } from "../../dist/fileset/hash/hash-files.js";
import { entryPathAt, type Manifest } from "../../dist/fileset/manifest.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { entryFacts } from "../../dist/formats/cat-facts.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../../dist/pki/cms.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { verifyPath } from "../../dist/verify/verify.js";
import { tempTree } from "../fileset/temp-tree.js";
import { certificateFor, expectRejection, p256 } from "../signer/material.js";

const key = p256();
const certificate = certificateFor(key);
const signer = signerFromKey(key, [certificate]);
const trust = trustFromCertificates([certificate]);

const IMAGE = imageOf(1000);
const CABINET = cabinetOf(500);
const ZIP = Buffer.concat([Buffer.from("PK\x05\x06"), Buffer.alloc(20)]);
const SIGNED_DATA_OID = oid("1.2.840.113549.1.7.2");
const SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4";
const SIGNED_DATA = await signedDataOf(SPC_INDIRECT_DATA);

/** Returns a SignedData in the form of an Authenticode signature, with this content type. */
async function signedDataOf(contentType: string): Promise<Buffer> {
	const signedAttributes = encodeSignedAttributes([
		encodeAttribute("1.2.840.113549.1.9.3", oid(contentType)),
		encodeAttribute("1.2.840.113549.1.9.4", octetString(Buffer.alloc(32))),
	]);
	const signature = await signer.sign(signedAttributes);
	const content = sequence(sequence(), sequence());
	const certificates = [certificate];
	const { algorithm } = signer;
	return Buffer.concat(
		encodeSignedData({
			contentType,
			content,
			certificates,
			signer: { algorithm, certificate, signedAttributes, signature },
		}),
	);
}

/** Returns a SignedData without signers, with these bytes in the place of its certificates. */
function signedDataWith(certificates: Uint8Array): Buffer {
	const one = Buffer.from("020101", "hex");
	const content = sequence(oid(SPC_INDIRECT_DATA), encode(0xa0, sequence()));
	const body = sequence(one, setOf(), content, encode(0xa0, certificates), setOf());
	return Buffer.from(sequence(SIGNED_DATA_OID, encode(0xa0, body)));
}

function imageOf(size: number): Buffer {
	const image = Buffer.alloc(size, 1);
	image.write("MZ", 0, "latin1");
	image.writeUInt32LE(64, 60);
	image.write("PE\0\0", 64, "latin1");
	image.writeUInt16LE(0x20b, 88);
	image.writeUInt32LE(16, 196);
	image.fill(0, 232, 240);
	return image;
}

function cabinetOf(size: number): Buffer {
	const cabinet = Buffer.alloc(size, 1);
	cabinet.write("MSCF\0\0\0\0", 0, "latin1");
	cabinet.writeUInt32LE(68, 16);
	cabinet.writeUInt16LE(4, 30);
	cabinet.writeUInt32LE(20, 36);
	cabinet.writeUInt32LE(0x00100000, 40);
	return cabinet;
}

/** Appends the certificate table `table` to an image. The image's security directory then points to this table. */
function imageWith(table: Uint8Array): Buffer {
	const image = Buffer.concat([IMAGE, table]);
	image.writeUInt32LE(IMAGE.length, 232);
	image.writeUInt32LE(table.length, 236);
	return image;
}

function cabinetWith(signature: Uint8Array): Buffer {
	const cabinet = Buffer.concat([CABINET, signature]);
	cabinet.writeUInt32LE(CABINET.length, 44);
	cabinet.writeUInt32LE(signature.length, 48);
	return cabinet;
}

/**
 * Encodes a WIN_CERTIFICATE: length, revision 2.0, type PKCS_SIGNED_DATA, content, and zeros up to a multiple of eight.
 */
function winCertificate(content: Uint8Array, { length = content.length + 8, revision = 0x200, type = 2 } = {}): Buffer {
	const head = Buffer.alloc(8);
	head.writeUInt32LE(length, 0);
	head.writeUInt16LE(revision, 4);
	head.writeUInt16LE(type, 6);
	return Buffer.concat([head, content, Buffer.alloc((8 - (content.length % 8)) % 8)]);
}

/** Signs a tree as another producer does, whose catalogs have no attribute `SigtoolSha256`. */
async function signForeign(root: string, match: "path" | "digest" = "path"): Promise<string> {
	const { wholeFiles: _, ...manifest }: Manifest = await hashFileSet(root);
	const rules = { ignore: [], include: [], scope: "root", caseCollisions: "refuse", modes: "none" } as const;
	const facts = { ...rules, links: "record", ...entryFacts(manifest) } as const;
	const { pieces } = await signEncoded(encodeCatalog(manifest, facts, { thisUpdate: Date.now() }), signer, {});
	const catalog = join(tempTree({}), `${match}-${basename(root)}.cat`);
	writeFileSync(catalog, Buffer.concat(pieces));
	return catalog;
}

const ZERO = Buffer.alloc(1);
const OTHER_SIGNED_DATA = await signedDataOf("1.2.840.113549.1.7.1");

function wrapped(bytes: Uint8Array): Uint8Array {
	return sequence(SIGNED_DATA_OID, encode(0xa0, octetString(bytes)));
}

const CORPUS = join(import.meta.dirname, "../../../../../shared/corpus");
const withMembers = existsSync(CORPUS)
	? readdirSync(CORPUS).filter((name) => existsSync(join(CORPUS, name, "members")))
	: [];

describe.skipIf(withMembers.length === 0)("signatures in real images (../shared/corpus)", () => {
	it("all of them are well-formed", async () => {
		const malformed: string[] = [];
		let signed = 0;
		for (const name of withMembers) {
			const manifest = await hashFileSet(join(CORPUS, name, "members"), { workers: 0 });
			for (const [row, { signatures }] of manifest.wholeFiles ?? []) {
				if (signatures !== "well-formed") malformed.push(`${name}/${entryPathAt(manifest, row)}`);
				signed++;
			}
		}
		expect(malformed).toEqual([]);
		expect(signed).toBe(48);
	});
});

it("does not read signatures that are larger than those of any image", () => {
	const sizeBytes = 2 ** 25 + 1;
	const head = Buffer.concat([Buffer.from("3084", "hex"), Buffer.alloc(4), SIGNED_DATA_OID]);
	head.writeUInt32BE(sizeBytes - 6, 2);
	const parts = { kind: "cab", ranges: [], padding: 0, signatures: [0, sizeBytes] } as const;
	let read = 0;
	const judged = judgeSignatures(parts, (offset, length) => {
		read += length;
		return head.subarray(offset, offset + length);
	});
	expect([judged, read]).toEqual(["malformed", head.length]);
});

describe("bytes behind the signature of other programs", () => {
	const hasOsslsigncode = spawnSync("osslsigncode", ["--version"]).error === undefined;
	it.skipIf(!hasOsslsigncode)("accepts an image that osslsigncode signed (osslsigncode)", async () => {
		const root = tempTree({ "a.exe": imageOf(5003) });
		const pki = tempTree({
			"k.pem": key.export({ format: "pem", type: "pkcs8" }).toString(),
			"c.pem": `-----BEGIN CERTIFICATE-----\n${Buffer.from(certificate.der).toString("base64")}\n-----END CERTIFICATE-----\n`,
		});
		const options = ["-certs", "c.pem", "-key", "k.pem", "-h", "sha256", "-in", join(root, "a.exe"), "-out", "b.exe"];
		execFileSync("osslsigncode", ["sign", ...options], { cwd: pki, stdio: "ignore" });
		writeFileSync(join(root, "a.exe"), readFileSync(join(pki, "b.exe")));
		const catalogs = [await signForeign(root)];
		expect((await verifyPath(root, { trust, catalogs, root })).verdict).toBe("trusted");
	});
});

describe("bytes behind the signature of an executable or a cabinet, signed by us", () => {
	it.each<[what: string, name: string, signed: Buffer, changed: Buffer]>([
		["a zip in an unsigned .exe's new certificate table", "a.exe", IMAGE, imageWith(ZIP)],
		["a well-formed certificate in a new certificate table", "a.exe", IMAGE, imageWith(winCertificate(SIGNED_DATA))],
		["another certificate table", "a.exe", imageWith(winCertificate(SIGNED_DATA)), imageWith(ZIP)],
		["another checksum", "a.exe", IMAGE, withByte(IMAGE, 64 + 88)],
		["another signature of a cabinet", "a.cab", cabinetWith(SIGNED_DATA), cabinetWith(ZIP)],
		["another cabinet number", "a.cab", cabinetWith(SIGNED_DATA), withByte(cabinetWith(SIGNED_DATA), 34)],
	])("reports %s", async (_, name, signed, changed) => {
		const root = tempTree({ [name]: signed, "b.js": "1" });
		await signPaths([root], { signer });
		const catalogs = [join(root, `${basename(root)}.cat`)];
		for (const path of [root, join(root, name)]) expect((await verifyPath(path, { trust })).verdict).toBe("trusted");
		writeFileSync(join(root, name), changed);
		for (const path of [root, join(root, name)]) {
			for (const match of ["path", "digest"] as const) {
				const { verdict, findings } = await verifyPath(path, { trust, catalogs, root, match });
				expect([verdict, findings.map(({ code, path }) => [code, path])]).toEqual([
					"failed",
					[["ERR_FILE_MODIFIED", name]],
				]);
				expect(findings[0]?.message).toContain("Authenticode does not cover");
				expect(findings[0]?.expected).toMatch(/^[0-9a-f]{64}$/);
			}
		}
		await expectRejection("ERR_FILE_MODIFIED", compileTrustIndex([root], { trust, signer, output: `${root}.sigx` }));
	});

	it("tells two files with one Authenticode digest from each other", async () => {
		const twin = withByte(IMAGE, 64 + 88);
		const root = tempTree({ "a.exe": IMAGE, "b.exe": twin });
		await signPaths([root], { signer });
		const verdictOf = async (match: "path" | "digest") => (await verifyPath(root, { trust, match })).verdict;
		expect([await verdictOf("path"), await verdictOf("digest")]).toEqual(["trusted", "trusted"]);
		writeFileSync(join(root, "a.exe"), twin);
		writeFileSync(join(root, "b.exe"), IMAGE);
		expect(await verdictOf("path")).toBe("failed");
	});
});

describe("bytes behind the signature of an executable or a cabinet, signed by others", () => {
	const twoCertificates = Buffer.concat([winCertificate(SIGNED_DATA), winCertificate(SIGNED_DATA)]);

	it.each<[what: string, name: string, file: Buffer]>([
		["an image without signature", "a.exe", IMAGE],
		["one certificate", "a.exe", imageWith(winCertificate(SIGNED_DATA))],
		["two certificates", "a.exe", imageWith(twoCertificates)],
		["revision 1.0", "a.exe", imageWith(winCertificate(SIGNED_DATA, { revision: 0x100 }))],
		["a cabinet's signature", "a.cab", cabinetWith(SIGNED_DATA)],
		["a padded cabinet's signature", "a.cab", cabinetWith(Buffer.concat([SIGNED_DATA, Buffer.alloc(7)]))],
	])("accepts %s", async (_, name, file) => {
		const root = tempTree({ [name]: file });
		const catalogs = [await signForeign(root)];
		for (const match of ["path", "digest"] as const) {
			for (const path of [root, join(root, name)]) {
				const { verdict } = await verifyPath(path, { trust, catalogs, root, match });
				expect(verdict).toBe("trusted");
			}
		}
	});

	it.each<[what: string, name: string, file: Buffer]>([
		["a zip in place of certificates", "a.exe", imageWith(ZIP)],
		["a zip behind a certificate", "a.exe", imageWith(Buffer.concat([winCertificate(SIGNED_DATA), ZIP]))],
		["a certificate that ends behind the file", "a.exe", imageWith(winCertificate(SIGNED_DATA, { length: 4096 }))],
		["a certificate shorter than its header", "a.exe", imageWith(winCertificate(SIGNED_DATA, { length: 7 }))],
		["a certificate of another type", "a.exe", imageWith(winCertificate(ZIP, { type: 3 }))],
		["a certificate of another revision", "a.exe", imageWith(winCertificate(SIGNED_DATA, { revision: 0x300 }))],
		["a zip inside a certificate", "a.exe", imageWith(winCertificate(Buffer.concat([SIGNED_DATA, ZIP])))],
		["a zip behind the header of a SignedData", "a.exe", imageWith(winCertificate(sequence(SIGNED_DATA_OID, ZIP)))],
		["a zip as the only element of a SignedData", "a.exe", imageWith(winCertificate(wrapped(ZIP)))],
		[
			"a zip in place of certificates of a SignedData",
			"a.exe",
			imageWith(winCertificate(signedDataWith(octetString(ZIP)))),
		],
		["a SignedData without signers", "a.exe", imageWith(winCertificate(signedDataWith(certificate.der)))],
		["a SignedData of another type", "a.exe", imageWith(winCertificate(OTHER_SIGNED_DATA))],
		["a zip behind the header of a cabinet's SignedData", "a.cab", cabinetWith(sequence(SIGNED_DATA_OID, ZIP))],
		["a zip alone in a certificate", "a.exe", imageWith(winCertificate(ZIP))],
		["padding that is not zero", "a.exe", withLastByte(imageWith(winCertificate(Buffer.concat([SIGNED_DATA, ZERO]))))],
		[
			"more certificates than anyone writes",
			"a.exe",
			imageWith(Buffer.concat(Array(65).fill(winCertificate(SIGNED_DATA)))),
		],
		["a zip in place of a cabinet's signature", "a.cab", cabinetWith(ZIP)],
		["a zip behind a cabinet's signature", "a.cab", cabinetWith(Buffer.concat([SIGNED_DATA, ZIP]))],
	])("reports %s", async (_, name, file) => {
		const root = tempTree({ [name]: file });
		const catalogs = [await signForeign(root)];
		for (const match of ["path", "digest"] as const) {
			for (const path of [root, join(root, name)]) {
				const { verdict, findings } = await verifyPath(path, { trust, catalogs, root, match });
				expect([verdict, findings.map(({ code, path }) => [code, path])]).toEqual([
					"failed",
					[["ERR_UNSIGNED_BYTES", name]],
				]);
			}
		}
	});
});

function withByte(file: Buffer, offset: number): Buffer {
	const changed = Buffer.from(file);
	changed[offset] ^= 1;
	return changed;
}

function withLastByte(file: Buffer): Buffer {
	return withByte(file, file.length - 1);
}
