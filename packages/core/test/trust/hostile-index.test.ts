import { beforeAll, describe, expect, it } from "vitest";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData } from "../../dist/pki/cms.js";
import type { Signer } from "../../dist/signer/signer.js";
import { encodeIndex } from "../../dist/trust/index-encode.js";
import { HEADER_BYTES, RECORD, RECORD_BYTES, TRUST_INDEX_OID } from "../../dist/trust/index-layout.js";
import { CONTENT, judgeIndex, makeSigner, NOW, signed, trustIn } from "./make-index.js";

let signer: Signer;

beforeAll(() => {
	signer = makeSigner();
});

const judge = (bytes: Uint8Array) => judgeIndex(bytes, { trust: trustIn(signer), at: NOW });

describe("a signed index that no compiler wrote", () => {
	/** Changes the content of a small index, signs it again, and returns the result of verification. */
	async function judgeChanged(change: (content: Buffer) => Buffer | undefined): Promise<string> {
		const content = Buffer.from(encodeIndex(CONTENT));
		return judge(await signed(change(content) ?? content, signer));
	}
	const headBytes = () => Buffer.from(encodeIndex(CONTENT)).readUInt32LE(12);
	const record = (index: number) => HEADER_BYTES + headBytes() + index * RECORD_BYTES;
	/** Returns the content with another head. */
	function withHead(content: Buffer, change: (head: Record<string, unknown>) => unknown): Buffer {
		const end = HEADER_BYTES + headBytes();
		const text = JSON.stringify(change(JSON.parse(content.toString("utf8", HEADER_BYTES, end))));
		const header = Buffer.from(content.subarray(0, HEADER_BYTES));
		header.writeUInt32LE(Buffer.byteLength(text), 12);
		return Buffer.concat([header, Buffer.from(text), content.subarray(end)]);
	}

	it("is accepted without a change, so that the following ones are refused because of their change", async () => {
		expect(await judgeChanged(() => undefined)).toContain("main.js");
		expect(await judgeChanged((content) => withHead(content, (head) => head))).toContain("main.js");
	});

	it.each<[name: string, at: number]>([
		["head", 12],
		["entries", 16],
		["names", 20],
	])("is refused with another size of its %s, however large", async (_, at) => {
		for (const change of [-1, 1, 48, 2 ** 20, 2 ** 31]) {
			const verdict = await judgeChanged((content) => {
				content.writeUInt32LE((content.readUInt32LE(at) + change) >>> 0, at);
				return content;
			});
			expect(["ERR_INDEX_FORMAT", "ERR_LIMIT", "ERR_DER", "ERR_SIGNED_ATTRIBUTES"]).toContain(verdict);
		}
	});

	it.each<[name: string, at: number, value: number]>([
		["name that overlaps another", RECORD.nameStart, 1],
		["name far away", RECORD.nameStart, 0xffff_fff0],
		["path of no bytes", RECORD.pathBytes, 0],
		["kind nobody knows", RECORD.kind, 2],
		["size beyond 2^53", RECORD.size + 4, 0xffff_ffff],
	])("is refused with an entry with a %s", async (_, at, value) => {
		const verdict = await judgeChanged((content) => {
			if (at === RECORD.pathBytes || at === RECORD.kind) content.writeUInt16LE(value, record(1) + at);
			else content.writeUInt32LE(value, record(1) + at);
			return content;
		});
		expect(verdict).toBe("ERR_INDEX_FORMAT");
	});

	it("is refused with unsorted or duplicate entries, so that no look-up has two results", async () => {
		/**
		 * Returns the index with exactly these paths, in this order, which need not be sorted. Each path has 8 bytes.
		 */
		const withPaths = (...paths: string[]) => {
			const entries = new Map([...paths.keys()].map((index) => [`${"0".repeat(7)}${index}`, { ...first }]));
			const [product] = CONTENT.products;
			const content = Buffer.from(encodeIndex({ ...CONTENT, products: [{ ...product, entries }] }));
			content.write(paths.join(""), content.length - 8 * paths.length);
			return content;
		};
		const first = { kind: "file", sha256: "a".repeat(64), size: 1 } as const;
		expect(judge(await signed(withPaths("aaaa.cjs", "bbbb.cjs"), signer))).toContain("bbbb.cjs");
		expect(judge(await signed(withPaths("bbbb.cjs", "aaaa.cjs"), signer))).toBe("ERR_INDEX_FORMAT");
		expect(judge(await signed(withPaths("aaaa.cjs", "aaaa.cjs"), signer))).toBe("ERR_INDEX_FORMAT");
	});

	it.each<[name: string, code: string, change: (head: Record<string, unknown>) => unknown]>([
		["no policy", "ERR_POLICY", ({ policy: _, ...head }) => head],
		["a policy from the future", "ERR_POLICY", (head) => ({ ...head, policy: { version: 2 } })],
		["an unknown member", "ERR_INDEX_FORMAT", (head) => ({ ...head, extra: 1 })],
		["a list for a head", "ERR_INDEX_FORMAT", (head) => [head]],
		["a relative root", "ERR_INDEX_FORMAT", (head) => productWith(head, { root: "srv" })],
		["more entries than there are", "ERR_INDEX_FORMAT", (head) => productWith(head, { entries: 7 })],
		["one product twice", "ERR_INDEX_FORMAT", (head) => productWith(head, { name: "other" })],
	])("is refused with %s", async (_, code, change) => {
		expect(await judgeChanged((content) => withHead(content, change))).toBe(code);
	});

	function productWith(head: Record<string, unknown>, change: object): unknown {
		// The type assertion is safe: encodeHead() wrote an array of objects.
		const [first, ...others] = head.products as object[];
		return { ...head, products: [{ ...first, ...change }, ...others] };
	}

	it("is refused without a signer, without a signing time, or with another content type", async () => {
		const content = encodeIndex(CONTENT);
		const [, ...signature] = await signedWith(TRUST_INDEX_OID, []);
		expect(judge(Buffer.concat([content, ...signature]))).toBe("ERR_SIGNED_ATTRIBUTES");
		const unsigned = encodeSignedData({
			contentType: TRUST_INDEX_OID,
			certificates: [],
		});
		expect(judge(Buffer.concat([content, ...unsigned]))).toBe("ERR_INDEX_FORMAT");
		const other = await signedWith("1.2.840.113549.1.7.1", []);
		expect(judge(Buffer.concat(other))).toBe("ERR_INDEX_FORMAT");

		async function signedWith(contentType: string, attributes: readonly Uint8Array[]): Promise<Uint8Array[]> {
			const signedAttributes = encodeSignedAttributes([...attributes, encodeAttribute("1.2.3", Buffer.of(5, 0))]);
			const [certificate] = signer.certificates;
			const signature = await signer.sign(signedAttributes);
			const pieces = encodeSignedData({
				contentType,
				certificates: signer.certificates,
				signer: { algorithm: signer.algorithm, certificate, signedAttributes, signature },
			});
			return [content, ...pieces];
		}
	});
});
