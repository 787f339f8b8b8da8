import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { octetString } from "../../dist/asn1/der.js";
import { spkiSha256 } from "../../dist/pki/certificate.js";
import { encodeAttribute, parseSignedData, withUnsignedAttributes } from "../../dist/pki/cms.js";
import type { TrustPolicy } from "../../dist/pki/trust-policy.js";
import { openPemSigner } from "../../dist/signer/pem.js";
import type { Signer } from "../../dist/signer/signer.js";
import { encodeIndex, signIndex } from "../../dist/trust/index-encode.js";
import { parseTrustIndex } from "../../dist/trust/trust-index.js";
import { type TrustIndexVerifyOptions, verifyTrustIndex } from "../../dist/trust/verify-index.js";
import { verdictOf } from "../pki/expect-error.js";
import { TIME_STAMPER } from "../pki/local-tsa.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "../pki/openssl.js";
import { tokenAt } from "../pki/token-at.js";
import { CONTENT, DAY_MS, makeSigner, NOW, trustIn } from "./make-index.js";

/** At this time every signer's certificate has expired, and every authority's is still valid. */
const LATER = NOW + 1000 * DAY_MS;
const TOKEN = "1.3.6.1.4.1.311.3.3.1";
const COUNTERSIGNATURE = "1.2.840.113549.1.9.6";

describe("a timestamp on a trust index", () => {
	let workshop: Workshop;
	let timeRoot: Issued;
	let authority: Issued;
	let signer: Signer;
	const content = encodeIndex({ ...CONTENT, notAfter: undefined });

	beforeAll(() => {
		workshop = openWorkshop();
		timeRoot = workshop.issue({ subject: "/CN=Time root", key: "p256" });
		authority = stamper("/CN=Time");
		signer = makeSigner();
	});
	afterAll(() => workshop.remove());

	const stamper = (subject: string, extensions = TIME_STAMPER) =>
		workshop.issue({ subject, issuer: timeRoot, extensions, key: "p256" });

	async function stamped(
		time = NOW,
		{ by = signer, over, stamper = authority }: { by?: Signer; over?: Uint8Array; stamper?: Issued } = {},
	): Promise<Buffer> {
		const stamp = async (signature: Uint8Array) => tokenAt(over ?? signature, time, stamper);
		return Buffer.concat(await signIndex(content, by, NOW, stamp));
	}
	const options = (more: Partial<TrustIndexVerifyOptions> = {}): TrustIndexVerifyOptions => ({
		trust: trustIn(signer),
		timestampAnchors: [timeRoot.certificate],
		at: LATER,
		...more,
	});
	const verdict = (bytes: Uint8Array, more: Partial<TrustIndexVerifyOptions> = {}) =>
		verdictOf(() => verifyTrustIndex(bytes, options(more)));

	it("lets the index outlive its signer's certificate", async () => {
		const bytes = await stamped();
		const { judgedAt, warnings } = verifyTrustIndex(bytes, options());
		expect(judgedAt).toEqual({ at: NOW, source: "rfc3161", authority: "CN=Time" });
		expect(warnings).toEqual([]);
		expect(verdict(Buffer.concat(await signIndex(content, signer, NOW)))).toBe("ERR_CERTIFICATE_EXPIRED");
	});

	it("is accepted by openssl ts", async () => {
		const bytes = await stamped();
		const { signature, unsignedAttributes } = signerOf(bytes);
		const [token, data] = [join(workshop.directory, "token"), join(workshop.directory, "data")];
		writeFileSync(token, unsignedAttributes[0].values[0]);
		writeFileSync(data, signature);
		const args = ["ts", "-verify", "-data", data, "-in", token, "-token_in", "-CAfile", timeRoot.file];
		const at = ["-attime", String(NOW / 1000)];
		expect(String(execFileSync("openssl", [...args, ...at], { stdio: "pipe" }))).toContain("Verification: OK");
	});

	it("is for a signer that an authority issued as for one whose key is pinned", async () => {
		const root = workshop.issue({ subject: "/CN=Root", key: "p256" });
		const leaf = workshop.issue({
			...{ subject: "/CN=Signer", issuer: root, extensions: CODE_SIGNER, key: "p256" },
			...{ notBefore: "20260101000000Z", notAfter: "20270101000000Z" },
		});
		const by = await openPemSigner({ keyFile: leaf.keyFile, certFile: leaf.file, unfit: "allow" });
		const label = "Root";
		const trust: TrustPolicy = {
			pins: new Map(),
			authorities: [{ certificate: root.certificate, subject: "CN=Signer", label, source: "option" }],
			timestampAuthorities: [timeRoot.certificate],
		};
		const bytes = await stamped(NOW, { by });
		expect(verdict(bytes, { trust, timestampAnchors: undefined })).toBe("ok");
		expect(verdict(bytes, { trust: { ...trust, timestampAuthorities: [] }, timestampAnchors: undefined })).toBe(
			"ERR_CERTIFICATE_EXPIRED",
		);
	});

	it("does not prolong the index itself", async () => {
		const stamp = async (signature: Uint8Array) => tokenAt(signature, NOW, authority);
		const ends = encodeIndex({ ...CONTENT, notAfter: LATER - 1 });
		const bytes = Buffer.concat(await signIndex(ends, signer, NOW, stamp));
		expect(verdict(bytes)).toBe("ERR_INDEX_EXPIRED");
		expect(verdict(bytes, { at: LATER - 1 })).toBe("ok");
	});

	it("proves nothing by an unknown authority, over another signature, or at another time", async () => {
		const cases: [string, Promise<Buffer>, Partial<TrustIndexVerifyOptions>, string][] = [
			["unknown authority", stamped(), { timestampAnchors: [] }, "ERR_CERTIFICATE_EXPIRED"],
			["another signature", stamped(NOW, { over: Buffer.from("x") }), {}, "ERR_CERTIFICATE_EXPIRED"],
			["after the end", stamped(NOW + 31 * DAY_MS), {}, "ERR_CERTIFICATE_EXPIRED"],
			["before the beginning", stamped(NOW - 2 * DAY_MS), {}, "ERR_CERTIFICATE_NOT_YET_VALID"],
		];
		for (const [what, bytes, more, expected] of cases) expect(verdict(await bytes, more), what).toBe(expected);
		const message = /its timestamp was not used: .*it was issued for another signature/;
		const other = await cases[1][1];
		expect(() => verifyTrustIndex(other, options())).toThrow(message);
	});

	it("is by an authority as RFC 3161 demands it, and no countersignature", async () => {
		const tolerated = TIME_STAMPER.map((line) => line.replace("critical,timeStamping", "timeStamping"));
		const lax = stamper("/CN=Lax", tolerated);
		expect(verdict(await stamped(NOW, { stamper: lax }))).toBe("ERR_CERTIFICATE_EXPIRED");
		const bytes = await stamped();
		const [{ values }] = signerOf(bytes).unsignedAttributes;
		expect(verdict(withAttributes(bytes, [encodeAttribute(COUNTERSIGNATURE, ...values)]))).toBe(
			"ERR_CERTIFICATE_EXPIRED",
		);
	});

	it("is refused by a denied authority", async () => {
		const deny = [{ kind: "key", sha256: spkiSha256(authority.certificate), reason: "lost" }] as const;
		expect(verdict(await stamped(), { trust: { ...trustIn(signer), deny } })).toBe("ERR_CERTIFICATE_EXPIRED");
	});

	it("changes no verdict while the certificate is valid, whatever it is", async () => {
		const bytes = await stamped();
		for (const value of [octetString(Buffer.from("noise")), Buffer.from("3000", "hex"), ...manyDamaged(bytes)]) {
			const damaged = withAttributes(bytes, [encodeAttribute(TOKEN, value)]);
			const { judgedAt, warnings } = verifyTrustIndex(damaged, options({ at: NOW }));
			expect(judgedAt).toEqual({ at: NOW, source: "given", without: "unusable-timestamp" });
			expect(warnings).toEqual([expect.stringMatching(/^a timestamp was not used: /)]);
			expect(verdict(damaged)).toBe("ERR_CERTIFICATE_EXPIRED");
		}
	});

	it("leaves the index one that readers without timestamps accept: version 1, all signed bytes the same", async () => {
		const bytes = await stamped();
		expect(bytes.subarray(0, content.length)).toEqual(Buffer.from(content));
		expect(verdict(bytes, { timestampAnchors: [], at: NOW })).toBe("ok");
	});

	it("is shown, unverified, by parseTrustIndex()", async () => {
		expect(parseTrustIndex(await stamped()).timestamps).toMatchObject([
			{ kind: "rfc3161", time: NOW, signer: "CN=Time" },
		]);
		expect(parseTrustIndex(Buffer.concat(await signIndex(content, signer, NOW))).timestamps).toEqual([]);
	});

	it("of more than 1 MiB is not written, because no reader would accept the index", async () => {
		const stamp = async () => octetString(Buffer.alloc(2 ** 20));
		await expect(signIndex(content, signer, NOW, stamp)).rejects.toMatchObject({ code: "ERR_LIMIT" });
	});

	/** Returns copies of the index's token, each with one bit of its signature or TSTInfo changed. */
	function manyDamaged(bytes: Buffer): Buffer[] {
		const [{ values }] = signerOf(bytes).unsignedAttributes;
		const token = Buffer.from(values[0]);
		const places = Array.from({ length: 8 }, (_, index) => token.length - 1 - index * 3);
		const imprint = token.indexOf(Buffer.from("0420", "hex")) + 2;
		return [...places, imprint].map((place) => {
			const copy = Buffer.from(token);
			copy[place] ^= 1;
			return copy;
		});
	}

	const signerOf = (bytes: Uint8Array) => parseSignedData(bytes.subarray(content.length), "index").signers[0];
	const withAttributes = (bytes: Uint8Array, attributes: readonly Uint8Array[]) =>
		Buffer.concat([content, ...withUnsignedAttributes(bytes.subarray(content.length), attributes)]);
});
