import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Signer } from "../../dist/signer/signer.js";
import { encodeIndex } from "../../dist/trust/index-encode.js";
import { type IndexEntry, parseTrustIndex, parseUnsignedIndex } from "../../dist/trust/trust-index.js";
import { type TrustIndexVerifyOptions, verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { expectError } from "../pki/expect-error.js";
import { CONTENT, DAY_MS, judgeIndex, makeIndex, makeSigner, NOW, trustIn } from "./make-index.js";

let signer: Signer;
let bytes: Buffer;
let trusted: TrustIndexVerifyOptions;

beforeAll(async () => {
	signer = makeSigner();
	bytes = await makeIndex(signer);
	trusted = { trust: trustIn(signer), at: NOW };
});

const judge = (bytes: Uint8Array, options = trusted) => judgeIndex(bytes, options);

describe("verifyTrustIndex()", () => {
	it("returns the compiled content", () => {
		const { index, signer: who } = verifyTrustIndex(bytes, trusted);
		expect(who.development).toBe(false);
		expect(index).toMatchObject({
			policy: CONTENT.policy,
			notAfter: CONTENT.notAfter,
			compiledAt: NOW,
			signers: CONTENT.signers,
			entryCount: 7,
		});
		expect(index.products.map(({ name, root, sequence }) => [name, root, sequence])).toEqual([
			["app", "/srv/app", 42],
			["other", "/srv/other", undefined],
		]);
		for (const { name, entries } of CONTENT.products) {
			expect(new Map(index.entries(name))).toEqual(entries);
			for (const [path, entry] of entries) expect(index.find(name, path)).toEqual(entry);
		}
	});

	it("returns texts in order and once, and without texts the head has no such member", async () => {
		const [low, high] = ["1".repeat(64), "e".repeat(64)];
		const pairs = [high, low, high].map((text) => ({ text, file: high }));
		const fileTexts = [...pairs, { text: low, file: low }];
		const { index } = verifyTrustIndex(await makeIndex(signer, { ...CONTENT, fileTexts }), trusted);
		expect(index.texts).toEqual([low, high]);
		expect(index.fileTexts).toEqual([
			{ text: low, file: low },
			{ text: low, file: high },
			{ text: high, file: high },
		]);
		expect(index.hasContent(low)).toBe(false);
		expect(verifyTrustIndex(bytes, trusted).index.texts).toEqual([]);
		const without = Buffer.from(encodeIndex(CONTENT));
		expect(without.equals(encodeIndex({ ...CONTENT, fileTexts: [] }))).toBe(true);
		const head = without.subarray(24, 24 + without.readUInt32LE(12)).toString();
		expect(Object.keys(JSON.parse(head))).toEqual(["notAfter", "policy", "signers", "products"]);
	});

	it("holds 8192 texts, and encodeIndex() refuses more with their number", () => {
		const fileTexts = Array.from({ length: 8193 }, (_, index) => {
			return { text: index.toString(16).padStart(64, "0"), file: "e".repeat(64) };
		});
		expect(parseUnsignedIndex(encodeIndex({ ...CONTENT, fileTexts: fileTexts.slice(1) })).texts).toHaveLength(8192);
		expectError("ERR_LIMIT", () => encodeIndex({ ...CONTENT, fileTexts }));
		expect(() => encodeIndex({ ...CONTENT, fileTexts })).toThrow(/8193 texts .* at most 8192; sign the JavaScript/);
	});

	it("finds no entry at another path, in another product, or in an unknown one", () => {
		const { index } = verifyTrustIndex(bytes, trusted);
		for (const path of ["", "main", "main.jsx", "Main.js", "lib", "lib/", "lib/größ", "./main.js", "x".repeat(9000)]) {
			expect(index.find("app", path)).toBeUndefined();
		}
		expect(index.find("other", "current")).toBeUndefined();
		expect(index.find("toString", "main.js")).toBeUndefined();
		expect([...index.entries("toString")]).toEqual([]);
	});

	it("knows the content of files at any path, but not of links", async () => {
		const { index } = verifyTrustIndex(bytes, trusted);
		for (const digit of "abdef0") expect(index.hasContent(digit.repeat(64))).toBe(true);
		for (const text of ["1".repeat(64), "A".repeat(64), "a".repeat(63), `${"a".repeat(64)}a`, "aa", ""]) {
			expect(index.hasContent(text)).toBe(false);
		}
		const link: IndexEntry = { kind: "link", target: "t" };
		const products = [{ ...CONTENT.products[1], entries: new Map([["l", link]]) }];
		const onlyLink = parseTrustIndex(await makeIndex(signer, { ...CONTENT, products }));
		expect(onlyLink.hasContent("0".repeat(64))).toBe(false);
	});

	it("returns all entries of any index", async () => {
		const path = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
		const digest = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));
		const entry = fc.oneof(
			fc.record({ kind: fc.constant("file" as const), sha256: digest, size: fc.maxSafeNat() }),
			fc.record({ kind: fc.constant("link" as const), target: path }),
		);
		const paths = fc.uniqueArray(fc.tuple(path, entry), { selector: ([name]) => name, maxLength: 60 });
		const product = CONTENT.products[1];
		await fc.assert(
			fc.asyncProperty(paths, paths, async (first, second) => {
				const products = [first, second].map((entries, index) => {
					return { ...product, name: `p${index}`, entries: new Map(entries) };
				});
				const index = parseTrustIndex(await makeIndex(signer, { ...CONTENT, products }));
				for (const { name, entries } of products) {
					expect(new Map(index.entries(name))).toEqual(entries);
					for (const [path, entry] of entries) expect(index.find(name, path)).toEqual(entry);
				}
				for (const [path] of second) {
					if (!products[0].entries.has(path)) expect(index.find("p0", path)).toBeUndefined();
				}
			}),
		);
	});

	it("refuses an unknown signer, a development identity unless allowed, and an expired index", async () => {
		expect(judge(bytes, { ...trusted, trust: trustIn(makeSigner()) })).toBe("ERR_UNTRUSTED_SIGNER");
		expect(judge(bytes, { ...trusted, trust: trustIn() })).toBe("ERR_UNTRUSTED_SIGNER");
		expect(judge(bytes, { ...trusted, at: NOW + 8 * DAY_MS })).toBe("ERR_INDEX_EXPIRED");
		expect(judge(bytes, { ...trusted, at: NOW + 31 * DAY_MS })).toBe("ERR_CERTIFICATE_EXPIRED");
		const developer = makeSigner("development");
		const theirs = await makeIndex(developer);
		expect(judge(theirs, { trust: trustIn(developer), at: NOW })).toBe("ERR_DEVELOPMENT_IDENTITY");
		expect(judge(theirs, { trust: trustIn(developer), at: NOW, development: "allow" })).toContain("main.js");
	});

	it("refuses every truncation, and bytes behind the end", () => {
		for (let length = 0; length < bytes.length; length++) {
			const verdict = judge(bytes.subarray(0, length));
			if (!verdict.startsWith("ERR_")) expect.fail(`${length} of ${bytes.length} bytes`);
		}
		expect(judge(Buffer.concat([bytes, Buffer.of(0)]))).toBe("ERR_DER");
	});

	it("refuses a changed digest of a file, which parseTrustIndex() accepts", () => {
		const swapped = Buffer.from(bytes);
		const at = swapped.indexOf(Buffer.alloc(32, 0xaa));
		swapped.fill(0xee, at, at + 32);
		expect(parseTrustIndex(swapped).find("app", "main.js")).toMatchObject({ sha256: "e".repeat(64) });
		expect(judge(swapped)).toBe("ERR_SIGNED_ATTRIBUTES");
	});

	it("never returns other content after a bit flip", () => {
		const { length: contentBytes } = encodeIndex(CONTENT);
		const original = judge(bytes);
		const stride = process.env.SIGTOOL_FULL ? 1 : 7;
		for (let position = 0; position < bytes.length * 8; position += stride) {
			const at = position >> 3;
			bytes[at] ^= 1 << (position & 7);
			const verdict = judge(bytes);
			bytes[at] ^= 1 << (position & 7);
			// A few bits of the signature have no meaning for its verification. But every bit changes the file's
			// digest.
			const same = at >= contentBytes && withoutDigest(verdict) === withoutDigest(original);
			if (!verdict.startsWith("ERR_") && !same) expect.fail(`bit ${position & 7} of byte ${at}: ${verdict}`);
		}
	});
});

function withoutDigest(verdict: string): string {
	return verdict.replace(/"digest":"[0-9a-f]{64}"/, "");
}

describe("parseTrustIndex()", () => {
	it("parses an index without verifying its signer", async () => {
		expect(parseTrustIndex(await makeIndex(makeSigner("development"))).products[0]?.name).toBe("app");
		expect(() => parseTrustIndex(Buffer.alloc(0))).toThrow("it is truncated");
	});
});
