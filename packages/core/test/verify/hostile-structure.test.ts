import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
	context,
	DerReader,
	encode,
	headerSize,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	time,
	writeHeader,
} from "../../dist/asn1/der.js";
import { type ErrorCode, SigtoolError } from "../../dist/errors.js";
import { parseCatalog } from "../../dist/formats/cat.js";
import { signEncoded } from "../../dist/formats/cat-envelope.js";
import { CATALOG_OID } from "../../dist/formats/cat-model.js";
import { parseCertificate } from "../../dist/pki/certificate.js";
import { encodeAttribute, parseSignedData } from "../../dist/pki/cms.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import { type CatalogVerifyOptions, verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { CODE_SIGNER, openWorkshop, type Workshop } from "../pki/openssl.js";
import {
	makeStampedCatalog,
	RFC3161_TOKEN,
	type StampedCatalog,
	UNKNOWN,
	withUnsignedAttributes,
} from "./stamped-catalog.js";

const LEVELS = 100_000;
const PARSERS: [name: string, parse: (bytes: Uint8Array) => unknown][] = [
	["parseSignedData()", (bytes) => parseSignedData(bytes, "catalog")],
	["parseCatalog()", parseCatalog],
	["parseCertificate()", parseCertificate],
];

describe("verifyCatalog() does no work for nesting depth and claimed sizes", () => {
	let workshop: Workshop;
	let catalog: StampedCatalog;
	let options: CatalogVerifyOptions;

	beforeAll(async () => {
		workshop = openWorkshop();
		catalog = await makeStampedCatalog(workshop);
		options = { trust: trustFromCertificates([catalog.root.certificate]) };
	});
	afterAll(() => workshop.remove());

	/** Verifies a catalog and counts its members. Members are parsed only when they are first accessed. */
	const verify = (bytes: Uint8Array) => {
		const verified = verifyCatalog(bytes, options);
		return { ...verified, memberCount: verified.catalog.members.count };
	};
	/** Returns the catalog with another list and a new, valid signature. */
	const signed = async (list: Uint8Array) => Buffer.concat((await signEncoded(list, catalog.signer, {})).pieces);

	/** Requires that reading nested elements takes as many reads as reading an OCTET STRING in the same place. */
	async function expectDepthToBeFree(place: (element: Uint8Array) => Uint8Array | Promise<Uint8Array>): Promise<void> {
		for (const tag of [TAG.SEQUENCE, TAG.SET, context(0)]) {
			const deep = await place(nest(LEVELS, tag));
			const flat = await place(octetString(new Uint8Array(100)));
			expect(reads(() => verify(deep))).toBe(reads(() => verify(flat)));
		}
	}

	it("100,000 levels inside an attribute of the list, of a member, or an unsigned one", async () => {
		await expectDepthToBeFree((element) => signed(listOf({ extension: element })));
		await expectDepthToBeFree((element) => signed(listOf({ memberAttribute: element })));
		await expectDepthToBeFree((element) => {
			return withUnsignedAttributes(catalog.unstamped, [encodeAttribute(UNKNOWN, element)]);
		});
	});

	it("100,000 levels in place of a timestamp, which is not used", () => {
		const bytes = withUnsignedAttributes(catalog.unstamped, [encodeAttribute(RFC3161_TOKEN, nest(LEVELS))]);
		const { judgedAt, warnings } = verify(bytes);
		expect(judgedAt.source).toBe("now");
		expect(warnings).toEqual([expect.stringContaining("a timestamp was not used")]);
		expect(reads(() => verify(bytes))).toBeLessThan(reads(() => verify(catalog.bytes)));
	});

	it("100,000 levels in place of a certificate, which is skipped", () => {
		const bytes = withCertificate(catalog.unstamped, nest(LEVELS));
		expect(verify(bytes).warnings).toEqual([expect.stringContaining("was passed over")]);
		expect(reads(() => verify(bytes))).toBeLessThan(reads(() => verify(withCertificate(catalog.unstamped, NULL))) + 2);
	});

	it("as many levels inside an extension as the largest certificate can have", async () => {
		const { intermediate } = catalog;
		const leafWith = (value: Uint8Array) => {
			const extension = `${UNKNOWN}=DER:${Buffer.from(value).toString("hex")}`;
			return workshop.issue({
				subject: "/CN=Deep",
				issuer: intermediate,
				extensions: [...CODE_SIGNER, extension],
				key: "p256",
			});
		};
		const catalogBy = async ({ keyFile, file }: ReturnType<typeof leafWith>) => {
			const signer = await openPemSigner({ keyFile, certFile: file, chainFiles: [intermediate.file] });
			return Buffer.concat((await signEncoded(listOf({}), signer, {})).pieces);
		};
		const deep = await catalogBy(leafWith(nest(15_000)));
		expect(verify(deep).signer.certificate?.der.length).toBeGreaterThan(50_000);
		const flat = await catalogBy(leafWith(NULL));
		expect(reads(() => verify(deep))).toBe(reads(() => verify(flat)));
	});

	it("10,000 signers, certificates, attributes, values or timestamps", async () => {
		const { unstamped } = catalog;
		const many = (element: Uint8Array) => Array.from({ length: 10_000 }, () => element);
		const { signers } = parts(unstamped);
		const untouched = reads(() => verify(unstamped));
		const cases: [bytes: Uint8Array, code: ErrorCode, extraReads: number][] = [
			[withParts(unstamped, { signers: many(signers[0]) }), "ERR_LIMIT", 16 * untouched],
			[withParts(unstamped, { certificates: many(sequence()) }), "ERR_LIMIT", 0],
			[withParts(unstamped, { digestAlgorithms: many(sequence(oid(UNKNOWN))) }), "ERR_LIMIT", 0],
			[withUnsignedAttributes(unstamped, many(encodeAttribute(UNKNOWN, NULL))), "ERR_LIMIT", 4 * 64],
			[withUnsignedAttributes(unstamped, [encodeAttribute(UNKNOWN, ...many(NULL))]), "ERR_LIMIT", 64],
		];
		for (const [bytes, code, extraReads] of cases) {
			expect(readsUntil(code, () => verify(bytes))).toBeLessThanOrEqual(untouched + extraReads);
		}
		const tokens = withUnsignedAttributes(unstamped, [
			encodeAttribute(RFC3161_TOKEN, ...many(sequence()).slice(0, 64)),
		]);
		expect(verify(tokens).warnings).toHaveLength(9);
		const member = sequence(octetString(new Uint8Array(32)), setOf());
		const long = await signed(listOf({ members: many(member) }));
		expect(verify(long).memberCount).toBe(10_000);
		// Each of the 10,000 members has three elements, which are read once or twice.
		expect(reads(() => verify(long))).toBeGreaterThan(30_000);
		expect(reads(() => verify(long))).toBeLessThan(60_000);
	});
});

describe("parsers refuse immediately", () => {
	it.each(PARSERS)("%s on 10,000 levels of any constructed type", (_, parse) => {
		for (const tag of [TAG.SEQUENCE, TAG.SET, context(0), context(1), 0x24]) {
			expect(readsUntil("ERR_DER", () => parse(nest(10_000, tag)))).toBeLessThan(10);
		}
	});

	it.each(PARSERS)("%s on a length larger than any input", (_, parse) => {
		for (const length of ["80", "81ff", "84 7fffffff", "84 ffffffff", "85 ffffffffff", "88 7fffffffffffffff", "ff"]) {
			const bytes = Buffer.from(`30${length.replace(" ", "")}0603`, "hex");
			expect(readsUntil("ERR_DER", () => parse(bytes))).toBe(1);
		}
	});

	it("parseCatalog() on more members than MAX_MEMBERS", () => {
		const members = Buffer.alloc(2 * (2 ** 21 + 1), Buffer.of(TAG.SEQUENCE, 0));
		expect(readsUntil("ERR_LIMIT", () => parseCatalog(listOf({ members: [members] })).members)).toBeLessThan(
			2 ** 21 + 20,
		);
	});
});

interface ListContent {
	readonly members?: readonly Uint8Array[];
	/** The value of an unknown attribute of the only member. */
	readonly memberAttribute?: Uint8Array;
	/** The value of an unknown attribute of the list. */
	readonly extension?: Uint8Array;
}

/** Returns a certificate trust list of version 2. */
function listOf({ members, memberAttribute = NULL, extension = NULL }: ListContent): Uint8Array {
	const member = sequence(octetString(new Uint8Array(32)), setOf(sequence(oid(UNKNOWN), setOf(memberAttribute))));
	return sequence(
		sequence(oid(CATALOG_OID.catalogList)),
		octetString(new Uint8Array(16)),
		time(0),
		sequence(oid(CATALOG_OID.memberV2), NULL),
		sequence(...(members ?? [member])),
		encode(context(0), sequence(sequence(oid(UNKNOWN), octetString(extension)))),
	);
}

/** Returns `levels` elements, each inside the previous one. */
function nest(levels: number, tag: number = TAG.SEQUENCE): Uint8Array {
	const out = new Uint8Array(levels * 5);
	let start = out.length;
	for (let level = 0; level < levels; level++) {
		const length = out.length - start;
		start -= headerSize(length);
		writeHeader(out, start, tag, length);
	}
	return out.subarray(start);
}

interface SignedDataParts {
	readonly digestAlgorithms: readonly Uint8Array[];
	readonly certificates: readonly Uint8Array[];
	readonly signers: readonly Uint8Array[];
}

/** Returns the elements in the sets of a SignedData. */
function parts(catalog: Uint8Array): SignedDataParts & { readonly encapsulated: Uint8Array } {
	const reader = new DerReader(catalog, "catalog");
	const set = (tag: number) => {
		const elements: Uint8Array[] = [];
		const outer = reader.open(tag);
		while (!reader.done) elements.push(reader.element());
		reader.close(outer);
		return elements;
	};
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.OID);
	reader.open(context(0));
	reader.open(TAG.SEQUENCE);
	reader.next(TAG.INTEGER);
	const digestAlgorithms = set(TAG.SET);
	const encapsulated = reader.element(TAG.SEQUENCE);
	return { digestAlgorithms, encapsulated, certificates: set(context(0)), signers: set(TAG.SET) };
}

function withParts(catalog: Uint8Array, changed: Partial<SignedDataParts>): Uint8Array {
	const { digestAlgorithms, encapsulated, certificates, signers } = { ...parts(catalog), ...changed };
	const signedData = sequence(
		Uint8Array.of(TAG.INTEGER, 1, 1),
		encode(TAG.SET, ...digestAlgorithms),
		encapsulated,
		encode(context(0), ...certificates),
		encode(TAG.SET, ...signers),
	);
	return sequence(oid("1.2.840.113549.1.7.2"), encode(context(0), signedData));
}

function withCertificate(catalog: Uint8Array, certificate: Uint8Array): Uint8Array {
	return withParts(catalog, { certificates: [...parts(catalog).certificates, certificate] });
}

/** Returns the number of elements read while `action` runs, which measures its work. */
function reads(action: () => unknown): number {
	const { next } = DerReader.prototype;
	let count = 0;
	DerReader.prototype.next = function (...tag) {
		count++;
		next.apply(this, tag);
	};
	try {
		action();
		return count;
	} finally {
		DerReader.prototype.next = next;
	}
}

/** Returns the number of elements read until `action` throws a SigtoolError with that code. */
function readsUntil(code: ErrorCode, action: () => unknown): number {
	let caught: unknown;
	const count = reads(() => {
		try {
			action();
		} catch (error) {
			caught = error;
		}
	});
	expect(caught).toBeInstanceOf(SigtoolError);
	expect(caught).toMatchObject({ code });
	return count;
}
