import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { type AuthenticodeParts, authenticodeParts } from "../../dist/digest/authenticode.js";
import { hashWithOtherLineEnds } from "../../dist/fileset/compare/line-ends.js";
import type { DigestChoice } from "../../dist/fileset/hash/hash-file.js";
import { ENTRY_KIND } from "../../dist/fileset/manifest.js";
import { certificateToPem } from "../../dist/signer/identity/issue-certificate.js";
import { hashSingleFile } from "../fileset/hash/hash-single-file.js";
import { tempTree } from "../fileset/temp-tree.js";
import { toPem } from "../kept-keys.js";
import { CODE_SIGNER, makeCertificate, newPrivateKey } from "../pki/make-certificate.js";

const CORPUS = join(import.meta.dirname, "../../../../../shared/corpus");
const hasCorpus = existsSync(join(CORPUS, "index.json"));
const hasTools = hasProgram("osslsigncode") && hasProgram("gcab");

function partsOf(file: Uint8Array): AuthenticodeParts | undefined {
	return authenticodeParts(file.length, (offset, length) => file.subarray(offset, offset + length));
}

interface ImageShape {
	readonly peOffset?: number;
	readonly magic?: number;
	readonly directoryEntries?: number;
	readonly table?: readonly [start: number, size: number];
	readonly size?: number;
}

/** Returns the headers of a PE image, followed by bytes of the value 1. */
function image({ peOffset = 64, magic = 0x20b, directoryEntries = 16, table, size = 1000 }: ImageShape): Buffer {
	const file = Buffer.alloc(Math.max(size, 1000), 1);
	const wide = magic === 0x20b ? 16 : 0;
	file.write("MZ", 0, "latin1");
	file.writeUInt32LE(peOffset, 60);
	file.write("PE\0\0", peOffset, "latin1");
	file.writeUInt16LE(magic, peOffset + 24);
	file.writeUInt32LE(directoryEntries, peOffset + 116 + wide);
	file.writeUInt32LE(table?.[0] ?? 0, peOffset + 152 + wide);
	file.writeUInt32LE(table?.[1] ?? 0, peOffset + 156 + wide);
	return file.subarray(0, size);
}

describe("authenticodeParts() of a PE image", () => {
	it("excludes checksum and security directory entry, and pads an unsigned image to eight bytes", () => {
		expect(partsOf(image({ size: 1001 }))).toEqual({
			kind: "pe",
			ranges: [
				[0, 152],
				[156, 232],
				[240, 1001],
			],
			padding: 7,
		});
		expect(partsOf(image({ magic: 0x10b }))).toEqual({
			kind: "pe",
			ranges: [
				[0, 152],
				[156, 216],
				[224, 1000],
			],
			padding: 0,
		});
	});

	it("excludes a certificate table at the end of the file", () => {
		const parts = partsOf(image({ table: [901, 99] }));
		expect(parts?.ranges.at(-1)).toEqual([240, 901]);
		expect(parts?.padding).toBe(0);
	});

	it.each([
		["that ends before the file", [800, 100]],
		["that ends behind the file", [900, 200]],
		["of no size", [900, 0]],
		["without an address", [0, 1000]],
		["whose end overflows 32 bits", [0xffffffff, 1001]],
	] as const)("covers a certificate table %s", (_, table) => {
		expect(partsOf(image({ table }))?.ranges.at(-1)).toEqual([240, 1000]);
	});

	it.each([
		["too short for its headers", image({ size: 239 })],
		["with a header offset inside the DOS header", image({}).fill(0, 60, 64)],
		["with a header offset behind its end", Buffer.from(image({})).fill(0xff, 60, 64)],
		["without PE signature", image({}).fill(0, 64, 66)],
		["with a ROM image's magic", image({ magic: 0x107 })],
		["without room for a security directory", image({ directoryEntries: 4 })],
		["whose certificate table overlaps its headers", image({ table: [100, 900] })],
		["that is a DOS stub", Buffer.from("MZ")],
	])("does not recognise an image %s", (_, file) => {
		expect(partsOf(file)).toBeUndefined();
	});
});

describe("authenticodeParts() of a cabinet", () => {
	function cabinet(reserve?: { readonly signature: readonly [number, number]; readonly sizes?: number }): Buffer {
		const file = Buffer.alloc(500, 1);
		file.write("MSCF\0\0\0\0", 0, "latin1");
		file.writeUInt32LE(reserve ? 68 : 44, 16);
		file.writeUInt16LE(reserve ? 4 : 0, 30);
		if (reserve === undefined) return file;
		file.writeUInt32LE(reserve.sizes ?? 20, 36);
		file.writeUInt32LE(0x00100000, 40);
		file.writeUInt32LE(reserve.signature[0], 44);
		file.writeUInt32LE(reserve.signature[1], 48);
		return file;
	}

	it("excludes reserved1; in a signed one also iCabinet, the reserve and the signature", () => {
		expect(partsOf(cabinet())?.ranges).toEqual([
			[0, 4],
			[8, 500],
		]);
		expect(partsOf(cabinet({ signature: [400, 100] }))?.ranges).toEqual([
			[0, 4],
			[8, 34],
			[56, 400],
		]);
	});

	it.each([
		["that follows another", cabinet().fill(1, 30, 31)],
		["with something in reserved1", cabinet().fill(1, 4, 5)],
		["with a reserve of another kind", cabinet({ signature: [400, 100], sizes: 24 })],
		["whose signature is not at the end", cabinet({ signature: [400, 99] })],
		["without a signature in the reserve", cabinet({ signature: [500, 0] })],
		["whose signature overlaps the files", cabinet({ signature: [60, 440] })],
	])("does not recognise one %s", (_, file) => {
		expect(partsOf(file)).toBeUndefined();
	});
});

describe("authenticodeParts() of hostile headers", () => {
	it("covers every byte except the fields that signing changes and a signature at the end", () => {
		const start = fc.constantFrom(image({}), image({ magic: 0x10b, table: [900, 100] }), image({ table: [900, 100] }));
		const edits = fc.array(fc.tuple(fc.nat(999), fc.nat(255)), { maxLength: 4 });
		fc.assert(
			fc.property(start, edits, (file, changes) => {
				const hostile = Buffer.from(file);
				for (const [offset, value] of changes) hostile[offset] = value;
				const parts = partsOf(hostile);
				if (parts === undefined) return;
				let covered = 0;
				let last = 0;
				for (const [from, to] of parts.ranges) {
					expect(from).toBeGreaterThanOrEqual(last);
					expect(to).toBeGreaterThanOrEqual(from);
					covered += to - from;
					last = to;
				}
				expect(last).toBeLessThanOrEqual(hostile.length);
				expect(last - covered).toBe(12);
			}),
		);
	});
});

interface Member {
	readonly tag: string;
	readonly how?: string;
	readonly local?: string;
}

describe.skipIf(!hasCorpus)("digests of the files of real catalogs (../shared/corpus)", () => {
	const names = hasCorpus ? readdirSync(CORPUS).filter((name) => existsSync(join(CORPUS, name, "meta.json"))) : [];

	it("finds the twenty catalogs", () => expect(names).toHaveLength(20));

	it.each(names)("%s", (name) => {
		const { members } = JSON.parse(readFileSync(join(CORPUS, name, "meta.json"), "utf8")) as { members: Member[] };
		for (const { tag, how, local } of members) {
			if (how === undefined || local === undefined) continue;
			const [what, algorithm] = how.split("-") as [string, "sha1" | "sha256"]; // `how` is a text such as `pe-sha1`.
			const path = join(CORPUS, name, local);
			const { kind, digest } = hashSingleFile(path, algorithm);
			expect([kind, Buffer.from(digest).toString("hex")], local).toEqual([
				what === "pe" ? ENTRY_KIND.pe : ENTRY_KIND.file,
				tag,
			]);
			if (what !== "crlf") continue;
			const changed = join(tempTree({ text: readFileSync(path, "latin1").replaceAll("\r\n", "\n") }), "text");
			expect(Buffer.from(hashWithOtherLineEnds(changed, algorithm).crlf ?? []).toString("hex"), local).toBe(tag);
		}
	});

	it("has 69 members whose files are there", () => {
		const all = names.flatMap((name) => JSON.parse(readFileSync(join(CORPUS, name, "meta.json"), "utf8")).members);
		expect(all.filter(({ local }: Member) => local !== undefined)).toHaveLength(69);
	});
});

describe.skipIf(!hasTools)("digests of signed files, as osslsigncode computes them (osslsigncode, gcab)", () => {
	let root = "";

	function sign(input: string, output: string): string {
		const options = ["-certs", "c.pem", "-key", "k.pem", "-h", "sha256", "-in", input, "-out", output];
		execFileSync("osslsigncode", ["sign", ...options], { cwd: root, stdio: "ignore" });
		const { stdout } = spawnSync("osslsigncode", ["verify", "-in", output], { cwd: root, encoding: "latin1" });
		return /Calculated message digest *: *([0-9A-F]+)/.exec(stdout)?.[1]?.toLowerCase() ?? stdout;
	}
	const digestOf = (name: string, choice: DigestChoice = "sha256") => {
		return Buffer.from(hashSingleFile(join(root, name), choice).digest).toString("hex");
	};

	it("PE: the unsigned image, padded, and the signed one have the same digest", () => {
		root = makeKey();
		writeFileSync(join(root, "a.exe"), image({ size: 5003 }));
		const digest = sign("a.exe", "signed.exe");
		expect(digestOf("a.exe")).toBe(digest);
		expect(digestOf("signed.exe")).toBe(digest);
		expect(hashSingleFile(join(root, "signed.exe")).kind).toBe(ENTRY_KIND.pe);
	});

	it("CAB: the signed cabinet has another digest than the unsigned one", () => {
		root = makeKey();
		execFileSync("gcab", ["-c", "a.cab", "k.pem", "c.pem"], { cwd: root });
		const digest = sign("a.cab", "signed.cab");
		expect(digestOf("signed.cab")).toBe(digest);
		expect(hashSingleFile(join(root, "signed.cab")).kind).toBe(ENTRY_KIND.cab);
		const unsigned = readFileSync(join(root, "a.cab")).fill(0, 4, 8);
		const covered = Buffer.concat([unsigned.subarray(0, 4), unsigned.subarray(8)]);
		expect(digestOf("a.cab")).toBe(createHash("sha256").update(covered).digest("hex"));
	});
});

/** Makes a directory with a self-signed certificate and its key. */
function makeKey(): string {
	const root = tempTree();
	const key = newPrivateKey("rsa2048");
	const validity = { notBefore: Date.now(), notAfter: Date.now() + 9 * 86_400_000 };
	const certificate = makeCertificate({ subject: "/CN=t", key, extensions: CODE_SIGNER, ...validity });
	writeFileSync(join(root, "k.pem"), toPem(key), { mode: 0o600 });
	writeFileSync(join(root, "c.pem"), certificateToPem(certificate));
	return root;
}
