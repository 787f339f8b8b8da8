/** Tests that parsing takes little time and memory. Unverified input is parsed before any signature is checked. */

import crypto, { createHash, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { describe, expect, it, vi } from "vitest";
import {
	bitString,
	context,
	DerReader,
	encode,
	integer,
	NULL,
	octetString,
	oid,
	sequence,
	setOf,
	TAG,
	time,
} from "../../dist/asn1/der.js";
import { type Certificate, parseCertificate, publicKeyOf } from "../../dist/pki/certificate.js";
import { encodeAttribute, encodeSignedAttributes, encodeSignedData, parseSignedData } from "../../dist/pki/cms.js";
import { MAX_SIGNER_CANDIDATES, verifySigner } from "../../dist/pki/cms-verify.js";
import { MAX_NAME_ATTRIBUTES, MAX_NAME_SIZE, parseName } from "../../dist/pki/name.js";
import { checkNameConstraints } from "../../dist/pki/name-constraints.js";
import { RSA_ENCRYPTION } from "../../dist/pki/signature-algorithm.js";
import { describeTimestamps, MAX_TIMESTAMPS, verifyTimestamps } from "../../dist/pki/timestamp.js";
import { parseTstInfo } from "../../dist/pki/tst-info.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { expectError, verdictOf } from "./expect-error.js";

/** The built files import the function by its name, so the name is bound to the spy. */
const signatureChecks = vi.spyOn(crypto, "verify");
syncBuiltinESMExports();

const UNKNOWN = "1.2.3.4";
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

describe("a name", () => {
	const commonName = (text: Uint8Array) => sequence(oid("2.5.4.3"), encode(TAG.UTF8_STRING, text));
	const nameOf = (count: number, perSet = 1) => {
		return sequence(...times(count / perSet, () => setOf(...times(perSet, () => commonName(Buffer.of(0x41))))));
	};

	it("with more attributes than the limit is refused, however they are distributed", () => {
		expect(parseName(nameOf(MAX_NAME_ATTRIBUTES)).text).toHaveLength(64 * "CN=A,".length - 1);
		expectError("ERR_LIMIT", () => parseName(nameOf(MAX_NAME_ATTRIBUTES + 1)));
		expectError("ERR_LIMIT", () => parseName(nameOf(MAX_NAME_ATTRIBUTES + 2, MAX_NAME_ATTRIBUTES + 2)));
	});

	it("with more bytes than the limit is refused", () => {
		const empty = sequence(setOf(commonName(new Uint8Array(5000)))).length - 5000;
		const sized = (size: number) => sequence(setOf(commonName(new Uint8Array(size - empty))));
		expect(parseName(sized(MAX_NAME_SIZE)).text).toBe(`CN=${"\\00".repeat(MAX_NAME_SIZE - empty)}`);
		expectError("ERR_LIMIT", () => parseName(sized(MAX_NAME_SIZE + 1)));
	});

	it("has control characters escaped as their bytes", () => {
		const text = Buffer.from("a\n\u0085\u0000b\u007f", "utf8");
		expect(parseName(sequence(setOf(commonName(text)))).text).toBe("CN=a\\0A\\C2\\85\\00b\\7F");
	});

	it("that names a signer has the same limits", () => {
		const bytes = signedBy(sequence(oid(UNKNOWN)), { issuer: nameOf(65) });
		expectError("ERR_LIMIT", () => parseSignedData(bytes, "test"));
	});
});

describe("a certificate", () => {
	const uri = encode(0x86, Buffer.from("a:b"));
	it.each([
		["extensions", (count: number) => times(count, (i) => extension(`1.2.3.${i}`, NULL)), 64],
		["extended key usages", (count) => [extension("2.5.29.37", sequence(...times(count, () => oid(UNKNOWN))))], 64],
		["alternative names", (count) => [extension("2.5.29.17", sequence(...times(count, () => uri)))], 256],
		[
			"name constraints",
			(count) => [extension("2.5.29.30", sequence(encode(context(1), ...times(count, () => sequence(uri)))))],
			256,
		],
	] as [string, (count: number) => Uint8Array[], number][])("of too many %s is refused", (_, extensions, most) => {
		expect(verdictOf(() => certificateWith({ extensions: extensions(most) }))).toBe("ok");
		expectError("ERR_LIMIT", () => certificateWith({ extensions: extensions(most + 1) }));
	});

	it("with an RSA key above 8192 bits is read, but its key is never used", () => {
		const bits = (size: number) => certificateWith({ key: rsaKey(size) });
		expect(publicKeyOf(bits(8192)).asymmetricKeyDetails?.modulusLength).toBe(8192);
		expect(bits(8193).keyAlgorithm).toEqual({ kind: "rsa", bits: 8193 });
		const { message } = expectError("ERR_WEAK_KEY", () => publicKeyOf(bits(8193)));
		expect(message).toBe('Cannot use the public key of "CN=Test": its RSA key has 8193 bits, more than 8192');
		expectError("ERR_WEAK_KEY", () => publicKeyOf(bits(16_384)));
	});

	it("with an RSA exponent of more than 32 bits is refused", () => {
		expect(verdictOf(() => certificateWith({ key: rsaKey(2048, 2n ** 32n - 1n) }))).toBe("ok");
		expectError("ERR_CERTIFICATE_FORMAT", () => certificateWith({ key: rsaKey(2048, 2n ** 32n + 1n) }));
	});

	it("with an RSA key in a second encoding, whose hash would be another pin, is refused although OpenSSL accepts it", () => {
		const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
		const reader = new DerReader(publicKey.export({ type: "pkcs1", format: "der" }), "key");
		reader.open(TAG.SEQUENCE);
		const modulus = reader.integerBytes();
		const numbers = (value: Uint8Array) => sequence(encode(TAG.INTEGER, value), integer(65_537));
		const encodings = [
			numbers(modulus),
			numbers(modulus.subarray(1)), // Without its first byte, which is zero, the number is negative.
			Buffer.concat([numbers(modulus), NULL]),
		].map((key) => Buffer.from(sequence(sequence(oid(RSA_ENCRYPTION), NULL), bitString(key))));
		for (const key of encodings) {
			expect(createPublicKey({ key, format: "der", type: "spki" }).equals(publicKey)).toBe(true);
		}
		const verdicts = encodings.map((key) => verdictOf(() => certificateWith({ key })));
		expect(verdicts).toEqual(["ok", "ERR_CERTIFICATE_FORMAT", "ERR_CERTIFICATE_FORMAT"]);
	});

	it("with a curve of its own is read, but its key is never used", () => {
		const key = sequence(sequence(oid("1.2.840.10045.2.1"), sequence(integer(1))), bitString(Buffer.of(4)));
		const certificate = certificateWith({ key });
		expect(certificate.keyAlgorithm).toEqual({ kind: "ec", curve: "explicit" });
		expectError("ERR_WEAK_KEY", () => publicKeyOf(certificate));
	});

	it("is refused when checking its name constraints would take too many comparisons", () => {
		const dns = (index: number) => encode(0x82, Buffer.from(`h${index}.example`));
		const constraints = encode(context(1), ...times(256, (index) => sequence(dns(index + 1000))));
		const authority = certificateWith({ extensions: [extension("2.5.29.30", sequence(constraints))] });
		const named = (count: number) => {
			return certificateWith({ extensions: [extension("2.5.29.17", sequence(...times(count, dns)))] });
		};
		expect(verdictOf(() => checkNameConstraints(named(10), authority))).toBe("ok");
		expectError("ERR_CERTIFICATE_CONSTRAINTS", () => checkNameConstraints(named(20), authority));
		const long = encode(0x82, Buffer.alloc(30_000, "a"));
		const longAuthority = certificateWith({
			extensions: [extension("2.5.29.30", sequence(encode(context(1), sequence(long))))],
		});
		expect(verdictOf(() => checkNameConstraints(named(5), longAuthority))).toBe("ok");
		expectError("ERR_CERTIFICATE_CONSTRAINTS", () => checkNameConstraints(named(10), longAuthority));
	});

	it("cannot insert lines into a message", () => {
		const email = (text: string) => {
			return sequence(
				setOf(sequence(oid("1.2.840.113549.1.9.1"), encode(TAG.UTF8_STRING, Buffer.from(text, "latin1")))),
			);
		};
		const bases = (tag: number) => {
			const base = encode(context(tag), sequence(encode(0x81, Buffer.from("example.com"))));
			return certificateWith({ extensions: [extension("2.5.29.30", sequence(base))] });
		};
		const permitted = expectError("ERR_CERTIFICATE_CONSTRAINTS", () => {
			checkNameConstraints(certificateWith({ subject: email(`\n${"x".repeat(7000)}@evil.example`) }), bases(0));
		});
		expect(permitted.message).toMatch(/its email name "\\nx{400,499}…" is not printable ASCII/);
		const excluded = expectError("ERR_CERTIFICATE_CONSTRAINTS", () => {
			checkNameConstraints(certificateWith({ subject: email("a\u009b\n@example.com") }), bases(1));
		});
		expect(excluded.message).toMatch(/its email name "a\\u009b\\n@example\.com" is not printable ASCII/);
	});
});

describe("a signer", () => {
	const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const genuine = issueCertificate({
		commonName: "Signer",
		key: privateKey,
		notBefore: 0,
		notAfter: 1,
		kind: "release",
	});
	const CONTENT = octetString(Buffer.from("content"));

	function signedData(attributes: readonly Uint8Array[] = [], unsignedAttributes: readonly Uint8Array[] = []) {
		const signedAttributes = encodeSignedAttributes([
			encodeAttribute("1.2.840.113549.1.9.3", oid(UNKNOWN)),
			encodeAttribute(
				"1.2.840.113549.1.9.4",
				octetString(createHash("sha256").update(Buffer.from("content")).digest()),
			),
			...attributes,
		]);
		const pieces = encodeSignedData({
			contentType: UNKNOWN,
			content: CONTENT,
			certificates: [genuine],
			signer: {
				algorithm: "ecdsa-sha256",
				certificate: genuine,
				signedAttributes,
				signature: sign("sha256", signedAttributes, privateKey),
				unsignedAttributes,
			},
		});
		return parseSignedData(Buffer.concat(pieces), "test");
	}

	function verify(certificates: readonly Certificate[]): Certificate {
		const { signers, contentType, contentValue = new Uint8Array() } = signedData();
		return verifySigner(signers[0], { contentType, contentValue, certificates, profile: "default" }).certificate;
	}

	/** Makes a certificate with another key, but with the issuer and serial number of the genuine one. */
	const decoy = (key: Uint8Array) => certificateWith({ serial: genuine.serial, issuer: genuine.issuer.der, key });

	it("may match a few certificates, but not many", () => {
		const decoys = times(MAX_SIGNER_CANDIDATES - 1, () => decoy(newKey()));
		signatureChecks.mockClear();
		expect(verify([...decoys, genuine])).toBe(genuine);
		expect(signatureChecks).toHaveBeenCalledTimes(MAX_SIGNER_CANDIDATES);
		signatureChecks.mockClear();
		expectError("ERR_LIMIT", () => verify([decoys[0], ...decoys, genuine]));
		expect(signatureChecks).not.toHaveBeenCalled();
	});

	it("with a key that is slow to check is refused without a check, and does not hide another", () => {
		const costly = decoy(rsaKey(16_384));
		signatureChecks.mockClear();
		expectError("ERR_WEAK_KEY", () => verify([costly]));
		expect(signatureChecks).not.toHaveBeenCalled();
		expect(verify([costly, genuine])).toBe(genuine);
	});

	it("has limits on its attributes, on all their values, and on the signed bytes", () => {
		const attribute = (index: number, values: number) => encodeAttribute(`1.2.3.${index}`, ...times(values, integer));
		expect(verdictOf(() => signedData([], [attribute(1, 32), attribute(2, 32)]))).toBe("ok");
		expectError("ERR_LIMIT", () => signedData([], [attribute(1, 32), attribute(2, 33)]));
		expectError("ERR_LIMIT", () =>
			signedData(
				[],
				times(65, (index) => attribute(index, 0)),
			),
		);
		expect(verdictOf(() => signedData([encodeAttribute(UNKNOWN, octetString(new Uint8Array(65_000)))]))).toBe("ok");
		expectError("ERR_LIMIT", () => signedData([encodeAttribute(UNKNOWN, octetString(new Uint8Array(65_536)))]));
	});

	it("has limits on the number and the size of the timestamps that are judged", () => {
		const options = { certificates: [], anchors: [], profile: "default" as const };
		const stamped = (...values: Uint8Array[]) => {
			const [signer] = signedData([], [encodeAttribute("1.3.6.1.4.1.311.3.3.1", ...values)]).signers;
			return { failures: verifyTimestamps(signer, options).failures, described: describeTimestamps(signer) };
		};
		const many = stamped(...times(60, () => sequence()));
		const reason = `Cannot judge all 60 timestamps: only the first ${MAX_TIMESTAMPS} are looked at`;
		expect(many.failures).toHaveLength(MAX_TIMESTAMPS + 1);
		expect(many.failures.at(-1)).toMatchObject({ code: "ERR_LIMIT", message: reason });
		expect(many.described).toHaveLength(MAX_TIMESTAMPS + 1);
		expect(many.described.at(-1)).toMatchObject({ time: undefined, problem: reason });
		const large = stamped(sequence(octetString(new Uint8Array(2 ** 20))));
		expect(large.failures).toMatchObject([{ code: "ERR_LIMIT" }]);
		expect(large.described).toMatchObject([{ problem: "Cannot parse timestamp: it is larger than 1048576 bytes" }]);
	});
});

describe("a timestamp", () => {
	it("has a limit on the size of its TSTInfo", () => {
		const algorithm = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL);
		const info = (size: number) => {
			return sequence(
				...[integer(1), oid(UNKNOWN), sequence(algorithm, octetString(new Uint8Array(32))), integer(1)],
				encode(TAG.GENERALIZED_TIME, Buffer.from("20260101000000Z")),
				encode(context(0), octetString(new Uint8Array(size))),
			);
		};
		expect(parseTstInfo(info(16_000)).time).toBe(Date.UTC(2026, 0, 1));
		expectError("ERR_LIMIT", () => parseTstInfo(info(16_384)));
	});

	it("has a limit on the size of its time", () => {
		const long = encode(TAG.GENERALIZED_TIME, Buffer.alloc(2 ** 20, "0"));
		expectError("ERR_DER", () => new DerReader(long, "test").time());
	});
});

interface CertificateParts {
	readonly subject?: Uint8Array;
	readonly issuer?: Uint8Array;
	readonly serial?: Uint8Array;
	/** The SubjectPublicKeyInfo. */
	readonly key?: Uint8Array;
	readonly extensions?: readonly Uint8Array[];
}

const TEST_NAME = sequence(setOf(sequence(oid("2.5.4.3"), encode(TAG.UTF8_STRING, Buffer.from("Test")))));
const RSA_SHA256 = sequence(oid("1.2.840.113549.1.1.11"), NULL);

/** Makes a certificate without a valid signature. */
function certificateWith(parts: CertificateParts): Certificate {
	const { subject = TEST_NAME, issuer = TEST_NAME, serial = Buffer.of(1), key = rsaKey(2048), extensions = [] } = parts;
	const tbs = sequence(
		...[encode(context(0), integer(2)), encode(TAG.INTEGER, serial), RSA_SHA256, issuer],
		...[sequence(time(0), time(1)), subject, key],
		...(extensions.length === 0 ? [] : [encode(context(3), sequence(...extensions))]),
	);
	return parseCertificate(sequence(tbs, RSA_SHA256, bitString(new Uint8Array(256))));
}

function extension(type: string, value: Uint8Array): Uint8Array {
	return sequence(oid(type), octetString(value));
}

/** Encodes a SubjectPublicKeyInfo with a modulus of that many bits, which need not be a product of two primes. */
function rsaKey(bits: number, exponent = 65_537n): Uint8Array {
	const key = sequence(integer(2n ** BigInt(bits) - 1n), integer(exponent));
	return sequence(sequence(oid("1.2.840.113549.1.1.1"), NULL), bitString(key));
}

function newKey(): Uint8Array {
	return generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "der" });
}

/** Encodes a SignedData with one signer, whose certificate this issuer issued. */
function signedBy(encapsulated: Uint8Array, { issuer }: { readonly issuer: Uint8Array }): Uint8Array {
	const algorithm = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL);
	const signer = sequence(
		integer(1),
		sequence(issuer, integer(1)),
		algorithm,
		RSA_SHA256,
		octetString(new Uint8Array(8)),
	);
	const signedData = sequence(integer(1), setOf(algorithm), encapsulated, setOf(signer));
	return sequence(oid("1.2.840.113549.1.7.2"), encode(context(0), signedData));
}
