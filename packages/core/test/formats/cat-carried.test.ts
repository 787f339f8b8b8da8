import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DerReader, isSortedSet, TAG } from "../../dist/asn1/der.js";
import { SigtoolError } from "../../dist/errors.js";
import type { CarriedAttribute, Manifest } from "../../dist/fileset/manifest.js";
import { parseCatalog } from "../../dist/formats/cat.js";
import { CARRIED_NAMES, carriedText, MAX_CARRIED_BYTES, parseCarried } from "../../dist/formats/cat-carried.js";
import { encodeCatalog } from "../../dist/formats/cat-encode.js";
import { entriesByPath, entryByPath } from "../../dist/formats/cat-entries.js";
import { type CatalogFacts, encodeFacts, entryFacts, parseFacts } from "../../dist/formats/cat-facts.js";
import { memberAttributes, memberDigest, memberFilePath } from "../../dist/formats/cat-member.js";
import { expectError } from "../pki/expect-error.js";

interface Entry {
	readonly path: string;
	readonly content: string;
	readonly carried?: readonly CarriedAttribute[];
}

/** Makes a manifest. `entries` must be in the order of their paths. */
function manifestOf(entries: readonly Entry[], twins: "twins" | "no twins" = "no twins"): Manifest {
	const paths = entries.map(({ path }) => Buffer.from(path));
	const pathOffsets = new Uint32Array(entries.length + 1);
	for (const [index, path] of paths.entries()) pathOffsets[index + 1] = pathOffsets[index] + path.length;
	const digests = (algorithm: string) => {
		return Buffer.concat(entries.map(({ content }) => createHash(algorithm).update(content).digest()));
	};
	const carried = entries.flatMap(({ carried }, row): [number, readonly CarriedAttribute[]][] =>
		carried === undefined ? [] : [[row, carried]],
	);
	return {
		root: "/",
		count: entries.length,
		pathBytes: Buffer.concat(paths),
		pathOffsets,
		kinds: new Uint8Array(entries.length),
		modes: new Uint16Array(entries.length).fill(0o644),
		sizes: Float64Array.from(entries, ({ content }) => Buffer.byteLength(content)),
		digestBytes: 32,
		digests: digests("sha256"),
		...(twins === "twins" ? { sha1Digests: digests("sha1") } : {}),
		linkTargets: new Map(),
		...(carried.length === 0 ? {} : { carried: new Map(carried) }),
		ignoredCount: 0,
		problems: [],
	};
}

const FACTS: CatalogFacts = {
	product: "demo",
	sequence: 1,
	modes: "posix",
	links: "record",
	caseCollisions: "allow",
	ignore: [],
	include: [],
	scope: "root",
	emptyFiles: new Map(),
	symbolicLinks: new Map(),
};
const TIME = { thisUpdate: Date.parse("2026-01-02T03:04:05Z") };

function listOf(manifest: Manifest): Uint8Array {
	return encodeCatalog(manifest, { ...FACTS, ...entryFacts(manifest) }, TIME);
}

/** Parses a list and returns its carried attributes by path, with hexadecimal values. */
function carriedIn(list: Uint8Array): Record<string, Record<string, string>> {
	const catalog = parseCatalog(list);
	const { files } = entriesByPath(catalog, parseFacts(catalog.attributes), 32);
	return Object.fromEntries([...files].map(([path, { carried = [] }]) => [path, hexOf(carried)]));
}

function hexOf(attributes: readonly CarriedAttribute[]): Record<string, string> {
	return Object.fromEntries(attributes.map(({ name, value }) => [name, Buffer.from(value).toString("hex")]));
}

const attribute = (name: string, length: number, fill = 3): CarriedAttribute => {
	return { name, value: new Uint8Array(length).fill(fill) };
};

describe("attributes carried in a catalog", () => {
	test("are parsed for their files, also for zero-length files and files of equal content", () => {
		const entries: Entry[] = [
			{ path: "a", content: "same", carried: [attribute("security.ima", 264, 1), attribute("security.evm", 264, 2)] },
			{ path: "b", content: "same", carried: [attribute("security.ima", 264, 9)] },
			{ path: "c", content: "other" },
			{ path: "empty", content: "", carried: [attribute("user.ima", 72), attribute("user.evm", 71)] },
			{ path: "void", content: "" },
		];
		const expected = Object.fromEntries(entries.map(({ path, carried = [] }) => [path, hexOf(carried)]));
		expect(carriedIn(listOf(manifestOf(entries)))).toEqual(expected);
	});

	test("round-trip with any values and lengths, and leave members in DER order", () => {
		const value = fc.uint8Array({ minLength: 1, maxLength: MAX_CARRIED_BYTES });
		const attributes = fc
			.uniqueArray(fc.record({ name: fc.constantFrom(...CARRIED_NAMES), value }), { selector: ({ name }) => name })
			.filter(({ length }) => length > 0);
		const entry = fc.record({
			path: fc.stringMatching(/^[a-zé]{1,40}$/),
			content: fc.string({ maxLength: 3 }),
			carried: fc.option(attributes, { nil: undefined }),
		});
		fc.assert(
			fc.property(fc.uniqueArray(entry, { selector: ({ path }) => path, minLength: 1, maxLength: 8 }), (entries) => {
				entries.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
				const list = listOf(manifestOf(entries));
				expect(carriedIn(list)).toEqual(
					Object.fromEntries(entries.map(({ path, carried = [] }) => [path, hexOf(carried)])),
				);
				const { members, bytes } = parseCatalog(list);
				for (const start of members.attributeStarts) {
					const reader = new DerReader(bytes, "member", start);
					reader.open(TAG.SET);
					const attributes: Uint8Array[] = [];
					while (!reader.done) attributes.push(reader.element());
					expect(isSortedSet(attributes)).toBe(true);
				}
			}),
			{ numRuns: 60 },
		);
	});

	test("are in the order in which they must be written, IMA before EVM", () => {
		const carried = [...CARRIED_NAMES].reverse().map((name) => attribute(name, 8));
		const catalog = parseCatalog(listOf(manifestOf([{ path: "a", content: "1", carried }])));
		const { files } = entriesByPath(catalog, parseFacts(catalog.attributes), 32);
		expect(files.get("a")?.carried?.map(({ name }) => name)).toEqual(CARRIED_NAMES);
		expect(entryByPath(catalog, parseFacts(catalog.attributes), 32, "a").files.get("a")).toEqual(files.get("a"));
	});

	test("are in the SHA-256 member, not in its SHA-1 twin", () => {
		const catalog = parseCatalog(
			listOf(manifestOf([{ path: "a", content: "1", carried: [attribute("user.ima", 8)] }], "twins")),
		);
		for (let row = 0; row < catalog.members.count; row++) {
			const texts = memberAttributes(catalog, row).filter(({ name }) => name === "SigtoolXattr");
			expect(texts.length).toBe(memberDigest(catalog.members, row).length === 32 ? 1 : 0);
			expect(memberFilePath(catalog, row)).toBe("a");
		}
	});

	test("are announced by the list, and a catalog without any is unchanged byte for byte", () => {
		const entries = [
			{ path: "a", content: "1" },
			{ path: "e", content: "" },
		];
		const bare = manifestOf(entries);
		const list = listOf({ ...bare, carried: new Map() });
		expect(Buffer.compare(list, listOf(bare))).toBe(0);
		expect(parseFacts(parseCatalog(list).attributes).carried).toBeUndefined();
		const carrying = listOf({ ...bare, carried: new Map([[0, [attribute("user.ima", 1)]]]) });
		expect(parseFacts(parseCatalog(carrying).attributes).carried).toEqual(new Map());
	});

	test("give a catalog or a SigtoolError for every bit flip", () => {
		const carried = [attribute("security.ima", 7)];
		const list = listOf(
			manifestOf([
				{ path: "a", content: "1", carried },
				{ path: "e", content: "", carried },
			]),
		);
		for (let bit = 0; bit < list.length * 8; bit++) {
			const flipped = Uint8Array.from(list);
			flipped[bit >> 3] ^= 1 << (bit & 7);
			try {
				carriedIn(flipped);
			} catch (error) {
				expect(error).toBeInstanceOf(SigtoolError);
			}
		}
	});
});

describe("encodeCatalog() refuses to carry", () => {
	test.each<[what: string, attributes: CarriedAttribute[]]>([
		["an attribute that is neither IMA's nor EVM's", [attribute("security.capability", 20)]],
		["a bare hash for spython", [attribute("user.org.python.x-spython-hash", 64)]],
		["an empty value", [attribute("security.ima", 0)]],
		["a value that is too long", [attribute("security.ima", MAX_CARRIED_BYTES + 1)]],
		["one name twice", [attribute("user.ima", 8), attribute("user.ima", 8)]],
	])("%s", (_, carried) => {
		for (const content of ["1", ""]) {
			const error = expectError("ERR_ATTRIBUTE_FORMAT", () => listOf(manifestOf([{ path: "a/b", content, carried }])));
			expect(error.path).toBe("a/b");
			expect(error.message).toMatch(/^Cannot carry attributes of "a\/b": "/);
		}
	});
});

describe("parseCarried() refuses", () => {
	test.each<[what: string, texts: string[]]>([
		["an unknown name", ["security.capability=0sAAAA"]],
		["a name in another case", ["Security.ima=0sAAAA"]],
		["no name", ["=0sAAAA"]],
		["no mark", ["security.ima:AAAA"]],
		["hexadecimal", ["security.ima=0x030204"]],
		["an empty text", [""]],
		["an empty value", ["security.ima=0s"]],
		["base64 without its padding", ["security.ima=0sAw"]],
		["base64 with stray bits behind it", ["security.ima=0sAx=="]],
		["base64 of the other alphabet", ["security.ima=0s_-_-"]],
		["white space", ["security.ima=0sAAAA "]],
		["a NUL", ["security.ima\0=0sAAAA"]],
		["a value that is too long", [carriedText(attribute("security.ima", MAX_CARRIED_BYTES + 1))]],
		["a megabyte", [`security.ima=0s${"A".repeat(2 ** 20)}`]],
		["one name twice", ["user.ima=0sAAAA", "user.ima=0sAAAB"]],
	])("%s", (_, texts) => {
		expectError("ERR_CATALOG_FORMAT", () => parseCarried(texts, "a"));
	});

	test("no text that carriedText() wrote", () => {
		const written = [...CARRIED_NAMES].map((name, index) => attribute(name, MAX_CARRIED_BYTES - index, 0xff));
		expect(parseCarried(written.map(carriedText), "a").map(carriedText)).toEqual(written.map(carriedText));
	});
});

describe("facts refuse", () => {
	const fact = (name: string, value: string) => ({ name, value, flags: 0x10010001 });
	const carries = fact("SigtoolCarries", "attributes");
	const empty = fact("FilePath", "e");
	const value = fact("SigtoolXattr", '["e","user.ima=0sAAAA"]');
	test.each([
		["attributes that the list does not announce", [empty, value]],
		["attributes of what is no zero-length file", [carries, value]],
		["one attribute twice", [carries, empty, value, value]],
		["attributes that are not a pair", [carries, empty, fact("SigtoolXattr", "user.ima=0sAAAA")]],
		["another thing that is carried", [fact("SigtoolCarries", "everything")]],
		["a repeated announcement", [carries, carries]],
	])("%s", (_, attributes) => {
		const all = [...encodeFacts(FACTS), ...attributes];
		expectError("ERR_CATALOG_FORMAT", () => parseFacts(all));
	});

	test("attributes of a member without SigtoolCarries", () => {
		const manifest = manifestOf([{ path: "a", content: "1", carried: [attribute("user.ima", 8)] }]);
		const catalog = parseCatalog(encodeCatalog(manifest, FACTS, TIME));
		expectError("ERR_CATALOG_FORMAT", () => entriesByPath(catalog, parseFacts(catalog.attributes), 32));
	});
});
