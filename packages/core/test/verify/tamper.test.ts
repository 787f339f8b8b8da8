import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SigtoolError } from "../../dist/errors.js";
import { entriesByPath } from "../../dist/formats/cat-entries.js";
import { parseSignedData } from "../../dist/pki/cms.js";
import { type TrustPolicy, trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { type CatalogVerifyOptions, verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { openWorkshop, type Workshop } from "../pki/openssl.js";
import { makeStampedCatalog, type StampedCatalog } from "./stamped-catalog.js";

/** The step between flipped bits, 1 in the full run. It is odd, so that each bit of a byte is flipped equally often. */
const STRIDE = process.env.SIGTOOL_FULL ? { closely: 1, widely: 1 } : { closely: 37, widely: 149 };
const FLIPS_TIMEOUT_MS = 1_800_000;
/** A time at which every certificate has expired, so that only a valid token makes the signature valid. */
const AFTERWARDS = Date.UTC(2041, 0, 1);

describe("verifyCatalog() of a damaged catalog", () => {
	let workshop: Workshop;
	let catalog: StampedCatalog;
	let trusted: CatalogVerifyOptions;

	beforeAll(async () => {
		workshop = openWorkshop();
		catalog = await makeStampedCatalog(workshop);
		trusted = {
			trust: trustFromCertificates([catalog.root.certificate]),
			timestampAnchors: [catalog.timeRoot.certificate],
			at: AFTERWARDS,
			product: "demo",
		};
	});
	afterAll(() => workshop.remove());

	it("accepts the undamaged catalog of about 30 KB with its token, and refuses it without", () => {
		const { bytes, unstamped } = catalog;
		expect(bytes.length).toBeGreaterThan(28_000);
		expect(bytes.length).toBeLessThan(36_000);
		expect(parseSignedData(bytes, "catalog").certificates).toHaveLength(3);
		const { judgedAt, catalog: list, warnings } = verifyCatalog(bytes, trusted);
		expect(judgedAt.source).toBe("rfc3161");
		expect(list.members.count).toBe(100);
		expect(warnings).toEqual([]);
		expect(judge(unstamped, trusted)).toBe("ERR_CERTIFICATE_EXPIRED");
	});

	it("refuses every truncation", () => {
		const whole = catalog.bytes;
		for (let length = 0; length < whole.length; length++) {
			const verdict = judge(whole.subarray(0, length), trusted);
			if (!verdict.startsWith("ERR_")) expect.fail(`${length} of ${whole.length} bytes: ${verdict}`);
		}
	});

	it("refuses every flip of a covered bit; a flip elsewhere changes nothing or is refused", {
		timeout: FLIPS_TIMEOUT_MS,
	}, () => {
		const { bytes } = catalog;
		const covered = coverOf(catalog);
		const original = judge(bytes, trusted);
		expect(original).not.toMatch(/^ERR_/);
		const counts = { covered: 0, harmless: 0, refused: 0 };
		flipEach(bytes, STRIDE.closely, (at, bit) => {
			const verdict = judge(bytes, trusted);
			const refused = verdict.startsWith("ERR_");
			if (!refused && (verdict !== original || covered[at] === 1)) expect.fail(`bit ${bit} of byte ${at}`);
			counts[covered[at] === 1 ? "covered" : refused ? "refused" : "harmless"]++;
		});
		expect(counts.covered).toBeGreaterThan(counts.harmless + counts.refused);
		expect(counts.harmless).toBeGreaterThan(0);
		expect(counts.refused).toBeGreaterThan(0);
	});

	it("never returns other entries, facts or keys with a pinned key", { timeout: FLIPS_TIMEOUT_MS }, () => {
		const { bytes, leaf } = catalog;
		const pinned = { trust: trustFromCertificates([leaf.certificate]) };
		const original = judge(bytes, pinned, "signed");
		expect(original).not.toMatch(/^ERR_/);
		flipEach(bytes, STRIDE.widely, (at, bit) => {
			const verdict = judge(bytes, pinned, "signed");
			if (!verdict.startsWith("ERR_") && verdict !== original) expect.fail(`bit ${bit} of byte ${at}`);
		});
	});

	/**
	 * Returns a trust policy whose pin is not the signer's. Each of its authorities differs from the catalog's root in
	 * one respect.
	 */
	function otherTrust(): TrustPolicy {
		const { impostor, root } = catalog;
		const { authorities } = trustFromCertificates([impostor.certificate, root.certificate]);
		const pins = new Map([["0".repeat(64), { label: "nobody", source: "option" } as const]]);
		return { pins, authorities: [authorities[0], { ...authorities[1], subject: "CN=Another leaf" }] };
	}

	it.each<[name: string, given: () => Uint8Array, options: () => Partial<CatalogVerifyOptions>]>([
		["of a signer that is not trusted", () => catalog.bytes, () => ({ trust: otherTrust() })],
		["that expired, its token gone", () => catalog.unstamped, () => ({})],
		["that expired, its token by a stranger", () => catalog.bytes, () => ({ timestampAnchors: [] })],
		["of another product", () => catalog.bytes, () => ({ product: "demon" })],
	])("never trusts one %s, whichever bit is flipped", { timeout: FLIPS_TIMEOUT_MS }, (_, given, options) => {
		const bytes = given();
		const refusing = { ...trusted, ...options() };
		expect(judge(bytes, refusing)).toMatch(/^ERR_/);
		flipEach(bytes, STRIDE.widely, (at, bit) => {
			if (!judge(bytes, refusing).startsWith("ERR_")) expect.fail(`bit ${bit} of byte ${at}`);
		});
	});
});

/** Flips every `stride`-th bit, one at a time, and flips it back after `visit`. */
function flipEach(bytes: Uint8Array, stride: number, visit: (at: number, bit: number) => void): void {
	for (let position = 0; position < bytes.length * 8; position += stride) {
		const [at, bit] = [position >> 3, position & 7];
		bytes[at] ^= 1 << bit;
		visit(at, bit);
		bytes[at] ^= 1 << bit;
	}
}

/**
 * Returns the code of the refusal, or the verdict as text. With `signed`, the text has only the facts that the
 * signature covers.
 */
function judge(bytes: Uint8Array, options: CatalogVerifyOptions, extent: "all" | "signed" = "all"): string {
	try {
		const { catalog, facts, signer, judgedAt } = verifyCatalog(bytes, options);
		const { files, links } = entriesByPath(catalog, facts, 32);
		const signed = [
			[...files].map(([path, { digest, mode }]) => [path, hex(digest), mode]),
			[...links],
			{ ...facts, emptyFiles: [...facts.emptyFiles], symbolicLinks: [...facts.symbolicLinks] },
			[catalog.version, hex(catalog.listId), catalog.thisUpdate, catalog.attributes, signer.spkiSha256],
		];
		const unsigned = [signer.chain.map(({ der }) => hex(der)), signer.trustedBy, signer.development, judgedAt];
		return JSON.stringify(extent === "all" ? [signed, unsigned] : signed);
	} catch (error) {
		if (error instanceof SigtoolError) return error.code;
		throw error;
	}
}

/**
 * Returns an array with 1 for each byte that the signature or the chain covers, or that names the signer or the type.
 */
function coverOf({ bytes, leaf, intermediate }: StampedCatalog): Uint8Array {
	const { content, certificates, signers } = parseSignedData(bytes, "catalog");
	const [{ identifier, signedAttributesDer, signature }] = signers;
	if (identifier.kind !== "issuerAndSerial") throw new Error("the signer is named otherwise");
	const path = certificates.filter(({ der }) => {
		return [leaf, intermediate].some(({ certificate }) => Buffer.compare(certificate.der, der) === 0);
	});
	const cover = new Uint8Array(bytes.length);
	const ranges = [content, signedAttributesDer, signature, identifier.issuer.der, identifier.serial];
	for (const range of [...ranges, ...path.map(({ der }) => der)]) {
		if (range === undefined || range.buffer !== bytes.buffer) throw new Error("a range is missing");
		const start = range.byteOffset - bytes.byteOffset;
		cover.fill(1, start, start + range.length);
	}
	return cover;
}

function hex(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
