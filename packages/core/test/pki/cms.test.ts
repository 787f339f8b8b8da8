import { createHash, createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { context, encode, integer, NULL, octetString, oid, sequence, setOf, TAG } from "../../dist/asn1/der.js";
import type { Certificate } from "../../dist/pki/certificate.js";
import {
	encodeAttribute,
	encodeSignedAttributes,
	encodeSignedData,
	parseSignedData,
	type SignedData,
} from "../../dist/pki/cms.js";
import { verifySigner } from "../../dist/pki/cms-verify.js";
import { corpusCatalogs, hasCorpus } from "./corpus.js";
import { expectError, verdictOf } from "./expect-error.js";
import type { KeyType } from "./make-certificate.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";

const CONTENT_TYPE = "1.3.6.1.4.1.311.10.1";
const CONTENT = sequence(octetString(Buffer.from("what is signed")));
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL);

const contentType = (type = CONTENT_TYPE) => encodeAttribute("1.2.840.113549.1.9.3", oid(type));
const messageDigest = (value = CONTENT.subarray(2)) =>
	encodeAttribute("1.2.840.113549.1.9.4", octetString(createHash("sha256").update(value).digest()));

describe("encodeSignedData()", () => {
	it("writes an unsigned catalog with empty sets and no certificates", () => {
		const der = Buffer.concat(encodeSignedData({ contentType: CONTENT_TYPE, content: CONTENT, certificates: [] }));
		const parsed = parseSignedData(der, "test");
		expect(parsed).toMatchObject({
			contentType: CONTENT_TYPE,
			digestAlgorithms: [],
			certificates: [],
			signers: [],
			anomalies: [],
		});
		expect(parsed.content).toEqual(Buffer.from(CONTENT));
		expect(parsed.contentValue).toEqual(Buffer.from(CONTENT.subarray(2)));
		expect(Buffer.from(der).includes(Buffer.from("0201013100", "hex"))).toBe(true);
		expect(Buffer.from(der).subarray(-2)).toEqual(Buffer.from("3100", "hex"));
	});
});

describe("parseSignedData()", () => {
	it("refuses another type, another version, bytes behind the end and sets beyond the limits", () => {
		const wrap = (...fields: Uint8Array[]) =>
			sequence(oid("1.2.840.113549.1.7.2"), encode(context(0), sequence(...fields)));
		const encapsulated = sequence(oid(CONTENT_TYPE));
		expect(parseSignedData(wrap(integer(1), setOf(), encapsulated, setOf()), "test").content).toBeUndefined();
		expectError("ERR_CMS_FORMAT", () => parseSignedData(sequence(oid("1.2.840.113549.1.7.1")), "test"));
		expectError("ERR_CMS_FORMAT", () => parseSignedData(wrap(integer(9), setOf(), encapsulated, setOf()), "test"));
		const whole = wrap(integer(1), setOf(), encapsulated, setOf());
		expectError("ERR_DER", () => parseSignedData(Buffer.concat([whole, NULL]), "test"));
		const crowd = encode(context(0), ...Array.from({ length: 257 }, () => sequence()));
		expectError("ERR_LIMIT", () => parseSignedData(wrap(integer(1), setOf(), encapsulated, crowd, setOf()), "test"));
	});

	it("skips a certificate that does not parse and reports it", () => {
		const bag = encode(context(0), sequence(integer(1)), encode(context(1), NULL));
		const fields = [integer(1), setOf(), sequence(oid(CONTENT_TYPE)), bag, setOf()];
		const der = sequence(oid("1.2.840.113549.1.7.2"), encode(context(0), sequence(...fields)));
		const { certificates, anomalies } = parseSignedData(der, "test");
		expect(certificates).toEqual([]);
		expect(anomalies).toHaveLength(2);
		expect(anomalies[0]).toContain("certificate 1 of 2");
	});
});

describe("verifySigner()", () => {
	let workshop: Workshop;
	let rsa: Issued;
	let ec: Issued;

	beforeAll(() => {
		workshop = openWorkshop();
		rsa = self("rsa2048");
		ec = self("p256");
	});
	afterAll(() => workshop.remove());

	function self(key: KeyType): Issued {
		return workshop.issue({ subject: "/CN=Signer", extensions: CODE_SIGNER.slice(0, 4), key });
	}

	const key = ({ keyFile }: Issued) => createPrivateKey(readFileSync(keyFile));

	function signed(
		issued: Issued,
		attributes = [contentType(), messageDigest()],
		certificates = [issued.certificate],
	): Uint8Array {
		const signedAttributes = encodeSignedAttributes(attributes);
		return Buffer.concat(
			encodeSignedData({
				contentType: CONTENT_TYPE,
				content: CONTENT,
				certificates,
				signer: {
					algorithm: issued.certificate.keyAlgorithm.kind === "rsa" ? "rsa-pkcs1-sha256" : "ecdsa-sha256",
					certificate: issued.certificate,
					signedAttributes,
					signature: sign("sha256", signedAttributes, key(issued)),
				},
			}),
		);
	}

	function verify(der: Uint8Array, change: (data: SignedData) => SignedData = (data) => data): Certificate {
		const { signers, contentType, contentValue, certificates } = change(parseSignedData(der, "test"));
		if (contentValue === undefined) throw new Error("no content");
		return verifySigner(signers[0], { contentType, contentValue, certificates, profile: "default" }).certificate;
	}

	/** Encodes a SignedData with the given SignerInfo, for cases that `encodeSignedData` does not write. */
	function handmade(
		issued: Issued,
		parts: {
			identifier?: Uint8Array;
			digest?: Uint8Array;
			algorithm: Uint8Array;
			attributes?: Uint8Array;
			signature: Uint8Array;
		},
	): Uint8Array {
		const { issuer, serial, der } = issued.certificate;
		const identifier = parts.identifier ?? sequence(issuer.der, encode(TAG.INTEGER, serial));
		const implicit = parts.attributes && Uint8Array.of(context(0), ...parts.attributes.subarray(1));
		const fields = [
			integer(3),
			identifier,
			parts.digest ?? SHA256,
			...(implicit ? [implicit] : []),
			parts.algorithm,
			octetString(parts.signature),
		];
		const content = sequence(oid(CONTENT_TYPE), encode(context(0), CONTENT));
		const signedData = sequence(
			integer(1),
			setOf(SHA256),
			content,
			encode(context(0), der),
			setOf(sequence(...fields)),
		);
		return sequence(oid("1.2.840.113549.1.7.2"), encode(context(0), signedData));
	}

	it("accepts the output of encodeSignedData() for RSA and P-256, as openssl does", () => {
		for (const issued of [rsa, ec]) {
			const der = signed(issued, [contentType(), messageDigest()], [rsa.certificate, ec.certificate]);
			const { signers, certificates, contentValue = new Uint8Array() } = parseSignedData(der, "test");
			const { certificate } = verifySigner(signers[0], {
				contentType: CONTENT_TYPE,
				contentValue,
				certificates,
				profile: "default",
			});
			expect(certificate.der).toEqual(issued.certificate.der);
			const file = workshop.write("signed.der", der);
			const oracle = ["smime", "-verify", "-inform", "DER", "-in", file, "-noverify", "-out", `${file}.out`];
			expect(spawnSync("openssl", oracle).status).toBe(0);
		}
	});

	it("writes the certificates in DER order", () => {
		const orders = [
			[rsa, ec],
			[ec, rsa],
		].map((bag) =>
			signed(
				rsa,
				undefined,
				bag.map(({ certificate }) => certificate),
			),
		);
		expect(orders[0]).toEqual(orders[1]);
	});

	it("refuses changed content, attributes and signature", () => {
		const der = Buffer.from(signed(rsa));
		const flip = (position: number) => {
			const altered = Buffer.from(der);
			altered[position] ^= 1;
			return altered;
		};
		expectError("ERR_SIGNED_ATTRIBUTES", () => verify(flip(der.indexOf("what is signed"))));
		expectError("ERR_SIGNATURE", () =>
			verify(flip(der.indexOf(createHash("sha256").update(CONTENT.subarray(2)).digest()))),
		);
		expectError("ERR_SIGNATURE", () => verify(flip(der.length - 1)));
	});

	it("refuses attributes that are missing, repeated, out of order, of another type or with several values", () => {
		const refuses = (...attributes: Uint8Array[]) =>
			expectError("ERR_SIGNED_ATTRIBUTES", () => verify(signed(rsa, attributes)));
		refuses(messageDigest());
		refuses(contentType());
		refuses(contentType("1.2.840.113549.1.7.1"), messageDigest());
		refuses(contentType(), messageDigest(), encodeAttribute("1.2.3", NULL), encodeAttribute("1.2.3", NULL));
		refuses(contentType(), encodeAttribute("1.2.840.113549.1.9.4"));
		refuses(contentType(), messageDigest(), messageDigest(Buffer.from("another")));
		const unsorted = encode(TAG.SET, messageDigest(), contentType());
		const signature = sign("sha256", unsorted, key(rsa));
		const algorithm = sequence(oid("1.2.840.113549.1.1.1"), NULL);
		expectError("ERR_SIGNED_ATTRIBUTES", () => verify(handmade(rsa, { attributes: unsorted, algorithm, signature })));
		expectError("ERR_SIGNED_ATTRIBUTES", () =>
			verify(handmade(rsa, { algorithm, signature: sign("sha256", CONTENT, key(rsa)) })),
		);
	});

	it("finds the signer by its key identifier, and by the combined algorithm name", () => {
		const { subjectKeyId = new Uint8Array() } = rsa.certificate.extensions;
		const attributes = encodeSignedAttributes([contentType(), messageDigest()]);
		const identifier = encode(context(0, "primitive"), subjectKeyId);
		const signature = sign("sha256", attributes, key(rsa));
		verify(
			handmade(rsa, { identifier, attributes, algorithm: sequence(oid("1.2.840.113549.1.1.11"), NULL), signature }),
		);
	});

	it("is not misled by another certificate of the same issuer and serial number", () => {
		const order = {
			subject: "/CN=Signer",
			extensions: [],
			serial: `${Buffer.from(rsa.certificate.serial).toString("hex")}`,
		};
		const decoy = workshop.issue(order).certificate;
		const der = signed(rsa);
		verify(der, (data) => ({ ...data, certificates: [decoy, ...data.certificates] }));
		expectError("ERR_SIGNATURE", () => verify(der, (data) => ({ ...data, certificates: [decoy] })));
	});

	it("reports that the signer's certificate is missing", () => {
		expectError("ERR_SIGNER_CERTIFICATE", () => verify(signed(rsa, undefined, [ec.certificate])));
	});

	it.each([
		["RSA-PSS", "1.2.840.113549.1.1.10", "ERR_UNSUPPORTED_ALGORITHM"],
		["Ed25519", "1.3.101.112", "ERR_UNSUPPORTED_ALGORITHM"],
		[
			"a signature algorithm with another digest than the digest algorithm",
			"1.2.840.113549.1.1.12",
			"ERR_UNSUPPORTED_ALGORITHM",
		],
		["an unknown algorithm", "1.2.3", "ERR_UNSUPPORTED_ALGORITHM"],
		["MD5", "1.2.840.113549.1.1.4", "ERR_WEAK_DIGEST"],
		["SHA-1", "1.2.840.113549.1.1.5", "ERR_WEAK_DIGEST"],
		["ECDSA under an RSA key", "1.2.840.10045.4.3.2", "ERR_SIGNATURE"],
	] as const)("refuses %s", (_, algorithm, code) => {
		const attributes = encodeSignedAttributes([contentType(), messageDigest()]);
		const signature = sign("sha256", attributes, key(rsa));
		expectError(code, () => verify(handmade(rsa, { attributes, algorithm: sequence(oid(algorithm)), signature })));
	});

	it("refuses MD5 as the digest under every profile and SHA-1 by default", () => {
		const attributes = encodeSignedAttributes([contentType(), messageDigest()]);
		const algorithm = sequence(oid("1.2.840.113549.1.1.1"), NULL);
		const judge = (digest: string, profile: "default" | "windows-legacy") => {
			const der = handmade(rsa, {
				attributes,
				algorithm,
				digest: sequence(oid(digest), NULL),
				signature: new Uint8Array(256),
			});
			const { signers, certificates } = parseSignedData(der, "test");
			return verdictOf(() =>
				verifySigner(signers[0], { contentType: CONTENT_TYPE, contentValue: CONTENT, certificates, profile }),
			);
		};
		expect(judge("1.2.840.113549.2.5", "windows-legacy")).toBe("ERR_WEAK_DIGEST");
		expect(judge("1.3.14.3.2.26", "default")).toBe("ERR_WEAK_DIGEST");
		expect(judge("1.3.14.3.2.26", "windows-legacy")).toBe("ERR_SIGNATURE");
	});

	it("ends in a SigtoolError for every truncation", () => {
		const der = signed(ec);
		for (let length = 0; length < der.length; length++)
			expectError("ERR_DER", () => parseSignedData(der.subarray(0, length), "test"));
	});

	it("refuses every bit flip in the signed part; a flip elsewhere never gives another signer", () => {
		const der = signed(ec);
		const parsed = parseSignedData(der, "test");
		const [{ signature, signedAttributesDer }] = parsed.signers;
		const covered = [parsed.contentValue, signedAttributesDer, signature].map((range) => {
			const start = (range?.byteOffset ?? Number.NaN) - der.byteOffset;
			return { start, end: start + (range?.length ?? 0) };
		});
		for (let position = 0; position < der.length; position++) {
			for (let bit = 0; bit < 8; bit++) {
				const altered = Buffer.from(der);
				altered[position] ^= 1 << bit;
				let certificate: Certificate | undefined;
				if (verdictOf(() => (certificate = verify(altered))) !== "ok") continue;
				expect(
					covered.some(({ start, end }) => position >= start && position < end),
					`byte ${position}`,
				).toBe(false);
				expect(certificate?.spki).toEqual(ec.certificate.spki);
			}
		}
	});

	it("altered bytes parse or end in a SigtoolError, and so does verification", () => {
		const der = signed(ec);
		fc.assert(
			fc.property(
				fc.array(fc.tuple(fc.nat(der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
				(changes) => {
					const altered = Buffer.from(der);
					for (const [position, byte] of changes) altered[position] = byte;
					verdictOf(() =>
						verify(altered, (data) => ({ ...data, contentValue: data.contentValue ?? new Uint8Array() })),
					);
				},
			),
			{ numRuns: 2000 },
		);
	});
});

describe.skipIf(!hasCorpus)("catalogs of the corpus", () => {
	const signed = corpusCatalogs().filter(({ signature }) => signature !== "-");

	it("17 of them are signed", () => {
		expect(signed).toHaveLength(17);
	});

	it.each(signed)("$name: the signature verifies over the bytes received, and not over others", ({ bytes }) => {
		const { signers, contentType, contentValue, certificates, anomalies } = parseSignedData(bytes, "catalog");
		expect(signers).toHaveLength(1);
		expect(anomalies).toEqual([]);
		if (contentValue === undefined) throw new Error("no content");
		const profile = "windows-legacy";
		verifySigner(signers[0], { contentType, contentValue, certificates, profile });
		const altered = Buffer.from(contentValue);
		altered[altered.length >> 1] ^= 1;
		expectError("ERR_SIGNED_ATTRIBUTES", () =>
			verifySigner(signers[0], { contentType, contentValue: altered, certificates, profile }),
		);
	});
});
