import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DerReader, encode, isSortedSet, TAG } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import { ENTRY_KIND, type Manifest } from "../../dist/fileset/manifest.js";
import { parseCatalog } from "../../dist/formats/cat.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { entriesByPath, evidenceSize, naturalMatch } from "../../dist/formats/cat-entries.js";
import { type CatalogFacts, encodeFacts, parseFacts } from "../../dist/formats/cat-facts.js";
import { memberAttributes, memberDigest, memberFilePath } from "../../dist/formats/cat-member.js";
import { expectError } from "../pki/expect-error.js";

interface Entry {
	path: string;
	content?: string;
	mode?: number;
	kind?: keyof typeof ENTRY_KIND;
}

function manifestOf(entries: readonly Entry[], twins = false): Manifest {
	const sorted = [...entries].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
	const paths = sorted.map(({ path }) => Buffer.from(path));
	const offsets = new Uint32Array(sorted.length + 1);
	paths.forEach((path, i) => {
		offsets[i + 1] = offsets[i] + path.length;
	});
	const hash = (algorithm: string) => sorted.map(({ content = "x" }) => createHash(algorithm).update(content).digest());
	return {
		root: "/",
		count: sorted.length,
		pathBytes: Buffer.concat(paths),
		pathOffsets: offsets,
		kinds: Uint8Array.from(sorted, ({ kind = "file" }) => ENTRY_KIND[kind]),
		modes: Uint16Array.from(sorted, ({ mode = 0o644 }) => mode),
		sizes: Float64Array.from(sorted, ({ content = "x" }) => content.length),
		digestBytes: 32,
		digests: Buffer.concat(hash("sha256")),
		...(twins ? { sha1Digests: Buffer.concat(hash("sha1")) } : {}),
		linkTargets: new Map(),
		ignoredCount: 0,
		problems: [],
	};
}

const FACTS: CatalogFacts = {
	product: "demo",
	sequence: 42,
	modes: "posix",
	links: "record",
	caseCollisions: "refuse",
	ignore: [],
	include: [],
	scope: "root",
	emptyFiles: new Map(),
	symbolicLinks: new Map(),
};
const TIME = { thisUpdate: Date.parse("2026-01-02T03:04:05Z") };

function roundTrip(entries: readonly Entry[], facts: Partial<CatalogFacts> = {}, twins = false) {
	return parseCatalog(encodeCatalog(manifestOf(entries, twins), { ...FACTS, ...facts }, TIME));
}

/**
 * Returns the list of one member, with a second value in the SET that follows `oidBytes`. All lengths are encoded anew.
 */
function withSecondValue(list: Uint8Array, oidBytes: Uint8Array, value: Uint8Array): Uint8Array {
	function rebuilt(bytes: Uint8Array): Uint8Array[] {
		const reader = new DerReader(bytes, "list");
		const elements: Uint8Array[] = [];
		let isBehindOid = false;
		while (!reader.done) {
			const element = reader.element(reader.peek());
			const isConstructed = (element[0] & 0x20) !== 0;
			if (!isConstructed) elements.push(element);
			else {
				const inner = new DerReader(element, "element").value(element[0]);
				const added = isBehindOid ? [value] : [];
				elements.push(encode(element[0], Buffer.concat([...rebuilt(inner), ...added])));
			}
			isBehindOid = Buffer.compare(element, oidBytes) === 0;
		}
		return elements;
	}
	return Buffer.concat(rebuilt(list));
}

describe("encodeCatalog()", () => {
	test("writes members that parseCatalog() parses, also where DER lengths change their size", () => {
		const lengths = [1, 5, 6, 7, 19, 20, 21, 22, 40, 41, 42, 43, 44, 60, 61, 62, 63, 64, 100, 120, 127, 128, 200, 4000];
		for (const mode of [0o644, 0o755, 0o4755]) {
			const entries = lengths.map((length) => ({ path: "p".repeat(length), content: `content ${length}`, mode }));
			const catalog = roundTrip(entries);
			expect(catalog.members.count).toBe(entries.length);
			const signed = entriesByPath(catalog, parseFacts(catalog.attributes), 32);
			for (const { path, content } of entries) {
				const file = signed.files.get(path);
				expect(Buffer.from(file?.digest ?? []).toString("hex")).toBe(
					createHash("sha256").update(content).digest("hex"),
				);
				expect(file?.mode).toBe(mode);
			}
		}
	});

	test("sorts members by tag and every attribute SET OF by encoding", () => {
		const entries = Array.from({ length: 300 }, (_, i) => {
			return { path: `${"d/".repeat(i % 40)}f${i}`, content: `c${i % 50}`, mode: [0o644, 0o755, 0o4755][i % 3] };
		});
		const catalog = roundTrip(entries, {}, true);
		expect(catalog.members.order).toBe("sorted");
		expect(catalog.members.count).toBe(600);
		for (let row = 0; row < catalog.members.count; row++) {
			const reader = new DerReader(catalog.bytes, "member", catalog.members.attributeStarts[row]);
			reader.open(TAG.SET);
			const attributes: Uint8Array[] = [];
			while (!reader.done) attributes.push(reader.element(TAG.SEQUENCE));
			expect(isSortedSet(attributes)).toBe(true);
		}
	});

	test("writes every path of files with equal content", () => {
		const catalog = roundTrip([{ path: "a" }, { path: "b" }, { path: "dir/c" }]);
		const paths = [0, 1, 2].map((row) => memberFilePath(catalog, row));
		expect(paths).toEqual(["a", "b", "dir\\c"]);
		expect(new Set([0, 1, 2].map((row) => Buffer.from(memberDigest(catalog.members, row)).toString("hex"))).size).toBe(
			1,
		);
	});

	test("marks PE images and cabinets", () => {
		const catalog = roundTrip([
			{ path: "a.exe", kind: "pe", content: "1" },
			{ path: "b.cab", kind: "cab", content: "2" },
			{ path: "c.js", content: "3" },
		]);
		const kinds = new Map([0, 1, 2].map((row) => [memberFilePath(catalog, row), catalog.members.subjectKinds[row]]));
		expect(kinds).toEqual(
			new Map([
				["a.exe", 2],
				["b.cab", 3],
				["c.js", 1],
			]),
		);
	});

	describe("SpcIndirectData", () => {
		const list = Buffer.from(encodeCatalog(manifestOf([{ path: "a" }]), FACTS, TIME));
		const sha256Oid = Buffer.from("0609608648016503040201", "hex");
		/** The bytes before the only SpcIndirectData: the OID of its attribute. */
		const indirectOid = Buffer.from("060a2b060104018237020104", "hex");

		test("a digest algorithm that is not the digest's is refused", () => {
			const other = Buffer.from(list);
			other[other.indexOf(sha256Oid) + sha256Oid.length - 1] = 2; // This byte becomes the last arc of SHA-384.
			expectError("ERR_CATALOG_FORMAT", () => parseCatalog(other).members);
		});

		test("a second value is refused", () => {
			expect(parseCatalog(list).members.count).toBe(1);
			const values = list.indexOf(indirectOid) + indirectOid.length;
			const reader = new DerReader(list, "values", values);
			const value = reader.value(TAG.SET);
			expectError("ERR_CATALOG_FORMAT", () => parseCatalog(withSecondValue(list, indirectOid, value)).members);
		});
	});

	test("signs the SHA-256 of whole images and cabinets, not in their SHA-1 twins", () => {
		const entries = [{ path: "a.exe", kind: "pe", mode: 0o755 }, { path: "b" }] as const;
		const wholeFiles = new Map([[0, { sha256: Buffer.alloc(32, 0xab), signatures: "well-formed" as const }]]);
		const catalog = parseCatalog(encodeCatalog({ ...manifestOf(entries, true), wholeFiles }, FACTS, TIME));
		const { files } = entriesByPath(catalog, parseFacts(catalog.attributes), 32);
		expect(files.get("a.exe")).toMatchObject({ mode: 0o755, wholeSha256: Buffer.alloc(32, 0xab) });
		expect(files.get("b")).not.toHaveProperty("wholeSha256");
		const named = [0, 1, 2, 3].filter((row) => {
			return memberAttributes(catalog, row).some(({ name }) => name === "SigtoolSha256");
		});
		expect(named.map((row) => catalog.members.digestSizes[row])).toEqual([32]);
	});

	test("refuses the SHA-256 of a whole file beside a digest that covers it, and one that is no digest", () => {
		const sha256 = Buffer.alloc(32, 0xab);
		const listOf = (kind: "file" | "pe") => {
			const wholeFiles = new Map([[0, { sha256, signatures: "well-formed" as const }]]);
			return encodeCatalog({ ...manifestOf([{ path: "a", kind }]), wholeFiles }, FACTS, TIME);
		};
		expect(parseCatalog(listOf("pe")).members.count).toBe(1);
		expectError("ERR_CATALOG_FORMAT", () => parseCatalog(listOf("file")).members);
		const list = Buffer.from(listOf("pe"));
		list.write("X", list.indexOf(Buffer.from("abab", "utf16le")), "utf16le");
		expectError("ERR_CATALOG_FORMAT", () => parseCatalog(list).members);
	});

	test("adds SHA-1 twins with the path and without a mode, and they are no evidence", () => {
		const catalog = roundTrip([{ path: "a", mode: 0o755 }], {}, true);
		const twin = catalog.members.digestSizes.indexOf(20);
		expect(memberAttributes(catalog, twin).map(({ name }) => name)).toEqual(["FilePath"]);
		expect(evidenceSize(catalog, "default")).toBe(32);
		expect(evidenceSize(catalog, "windows-legacy")).toBe(32);
		expect(entriesByPath(catalog, FACTS, 32).files.size).toBe(1);
	});

	test("is deterministic, and its list id changes with every input", () => {
		const encodeOne = (file: Parameters<typeof manifestOf>[0][number], facts = FACTS) =>
			encodeCatalog(manifestOf([file]), facts, TIME);
		const first = encodeOne({ path: "a" });
		expect(Buffer.compare(first, encodeOne({ path: "a" }))).toBe(0);
		const others = [
			encodeOne({ path: "b" }),
			encodeOne({ path: "a", content: "other" }),
			encodeOne({ path: "a" }, { ...FACTS, product: "other" }),
		];
		const ids = [first, ...others].map((list) => Buffer.from(parseCatalog(list).listId).toString("hex"));
		expect(new Set(ids).size).toBe(4);
	});

	test("round-trips any legal path through UTF-16", () => {
		const paths = ["ünï/çödé.js", "日本/語.txt", "emoji/😀.md", "a\ue000b", "tab\tnew\nline"];
		const catalog = roundTrip(paths.map((path) => ({ path, content: path })));
		expect([...entriesByPath(catalog, FACTS, 32).files.keys()].sort()).toEqual([...paths].sort());
	});

	test("round-trips any set of paths and contents", () => {
		const segment = fc
			.string({ unit: "grapheme", minLength: 1, maxLength: 12 })
			.filter((s) => !/[\\/:\0]|[. ]$/.test(s));
		const entry = fc.record({
			path: fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join("/").normalize("NFC")),
			content: fc.string({ minLength: 1 }),
			mode: fc.constantFrom(0o644, 0o600, 0o755, 0o4755),
		});
		const key = ({ path }: Entry) => path.toLowerCase();
		fc.assert(
			fc.property(fc.uniqueArray(entry, { selector: key, maxLength: 20 }), (entries) => {
				const signed = entriesByPath(
					roundTrip(entries, { caseCollisions: "allow" }),
					{ ...FACTS, caseCollisions: "allow" },
					32,
				);
				expect(signed.files.size).toBe(entries.length);
				for (const { path, mode } of entries) expect(signed.files.get(path)?.mode).toBe(mode);
			}),
		);
	});
});

describe("facts", () => {
	test("round-trip through a catalog", () => {
		const facts: CatalogFacts = {
			...FACTS,
			links: "follow",
			caseCollisions: "allow",
			ignore: ["*.log", "!keep.log"],
			include: ["src/**"],
			scope: ["bin", "lib"],
			emptyFiles: new Map([
				["a/empty", 0o644],
				["b/run", 0o755],
			]),
			symbolicLinks: new Map([
				["bin/tsc", "../lib/tsc.js"],
				["odd", 'a"b//\n'],
			]),
		};
		const catalog = roundTrip([{ path: "lib/x" }], facts);
		expect(parseFacts(catalog.attributes)).toEqual(facts);
		expect(parseFacts(encodeFacts({ ...FACTS, scope: "listed" })).scope).toBe("listed");
	});

	const attribute = (name: string, value: string) => ({ name, value, flags: 0x10010001 });
	test.each([
		["a repeated product", [attribute("SigtoolProduct", "a"), attribute("SigtoolProduct", "b")]],
		["a format from the future", [attribute("SigtoolVersion", "2")]],
		["a sequence that is no number", [attribute("SigtoolSequence", "1e3")]],
		["a sequence with a leading zero", [attribute("SigtoolSequence", "007")]],
		["a link that is not a pair", [attribute("SigtoolLink", '["a"]')]],
		["a link with white space", [attribute("SigtoolLink", '["a", "b"]')]],
		["a link that is not JSON", [attribute("SigtoolLink", "a -> b")]],
		["a link of numbers", [attribute("SigtoolLink", "[1,2]")]],
		["a mode that is not octal", [attribute("SigtoolMode", '["a","999"]')]],
		["a repeated empty file", [attribute("FilePath", "a\\b"), attribute("FilePath", "a/b")]],
	])("refuse %s", (_, attributes) => {
		expect(() => parseFacts(attributes)).toThrowError(expect.objectContaining({ code: "ERR_CATALOG_FORMAT" }));
	});
});

describe("entriesByPath() refuses hostile names", () => {
	test.each([
		["/etc/passwd", "ERR_PATH_ABSOLUTE"],
		["../outside", "ERR_PATH_PARENT"],
		["a/../../b", "ERR_PATH_PARENT"],
		["./a", "ERR_PATH_PARENT"],
		["C:/Windows", "ERR_PATH_DRIVE"],
		["a\0b", "ERR_PATH_NUL"],
		["a//b", "ERR_PATH_EMPTY"],
		["a/", "ERR_PATH_EMPTY"],
		["name.", "ERR_PATH_TRAILING_DOT"],
		["dir /a", "ERR_PATH_TRAILING_DOT"],
	])("%j with %s", (path, code) => {
		const catalog = roundTrip([{ path }]);
		expect(() => entriesByPath(catalog, FACTS, 32)).toThrowError(expect.objectContaining({ code }));
	});

	test.each([
		[["a", "a"], "ERR_PATH_DUPLICATE"],
		[["Lib/a", "lib/A"], "ERR_PATH_CASE_COLLISION"],
		[["é", "e\u0301"], "ERR_PATH_NFC_COLLISION"],
	])("%j with %s", (paths, code) => {
		const catalog = roundTrip(paths.map((path, i) => ({ path, content: `c${i}` })));
		expect(() => entriesByPath(catalog, FACTS, 32)).toThrowError(expect.objectContaining({ code }));
	});

	test("a link and a file of one name with ERR_PATH_DUPLICATE", () => {
		const facts = { ...FACTS, symbolicLinks: new Map([["a", "b"]]) };
		expect(() => entriesByPath(roundTrip([{ path: "a" }]), facts, 32)).toThrowError(
			expect.objectContaining({ code: "ERR_PATH_DUPLICATE" }),
		);
	});
});

describe("parseCatalog()", () => {
	test("gives a catalog or a SigtoolError for every truncation and bit flip", () => {
		const facts = { ...FACTS, emptyFiles: new Map([["empty", 0o755]]), symbolicLinks: new Map([["l", "a"]]) };
		const list = encodeCatalog(manifestOf([{ path: "a" }, { path: "b/c", mode: 0o755, kind: "pe" }]), facts, TIME);
		for (let length = 0; length < list.length; length++) {
			expect(() => parseCatalog(list.subarray(0, length))).toThrowError(SigtoolError);
		}
		for (let bit = 0; bit < list.length * 8; bit++) {
			const flipped = Uint8Array.from(list);
			flipped[bit >> 3] ^= 1 << (bit & 7);
			try {
				const catalog = parseCatalog(flipped);
				entriesByPath(catalog, parseFacts(catalog.attributes), 32);
			} catch (error) {
				expect(error).toBeInstanceOf(SigtoolError);
			}
		}
	});

	test("refuses a member whose tag is not its digest", () => {
		const list = Buffer.from(encodeCatalog(manifestOf([{ path: "a" }]), FACTS, TIME));
		const digest = createHash("sha256").update("x").digest();
		list[list.indexOf(digest)] ^= 1;
		expect(() => parseCatalog(list).members).toThrowError(expect.objectContaining({ code: "ERR_CATALOG_FORMAT" }));
	});

	test("matches by path when every member has one", () => {
		expect(naturalMatch(roundTrip([{ path: "a" }]), 32)).toBe("path");
	});
});
