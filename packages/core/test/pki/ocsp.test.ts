import { createHash, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bitString, DerReader, encode, integer, NULL, octetString, oid, sequence, TAG } from "../../dist/asn1/der.js";
import { statementOfResponse } from "../../dist/pki/ocsp.js";
import { CODE_SIGNER, type Issued, openWorkshop, type Workshop } from "./openssl.js";

/** `openssl ocsp` does not make the responses that these tests need. */
describe("statementOfResponse()", () => {
	let workshop: Workshop;
	let issuer: Issued;
	let signer: Issued;

	beforeAll(() => {
		workshop = openWorkshop();
		issuer = workshop.issue({ subject: "/CN=Root", key: "p256" });
		signer = workshop.issue({ subject: "/CN=Signer", key: "p256", issuer, extensions: CODE_SIGNER });
	});
	afterAll(() => workshop.remove());

	const NOW = Date.UTC(2026, 0, 2);
	const at = (text: string) => encode(TAG.GENERALIZED_TIME, Buffer.from(text));
	const GOOD = encode(0x80);
	const REVOKED = encode(0xa1, at("20260101000000Z"));

	/** Makes a response of the issuer about the signer, with a SingleResponse for each status. */
	function response(...statuses: readonly Uint8Array[]): Uint8Array {
		return responseNamingBy("sha1", ...statuses);
	}

	/** Makes a response like `response`, which identifies the certificate by this hash. */
	function responseNamingBy(hashName: "sha1" | "sha256", ...statuses: readonly Uint8Array[]): Uint8Array {
		const reader = new DerReader(issuer.certificate.spki, "key");
		reader.open(TAG.SEQUENCE);
		reader.next(TAG.SEQUENCE);
		const hash = (bytes: Uint8Array) => octetString(createHash(hashName).update(bytes).digest());
		const key = hash(reader.bitStringBytes());
		const { subject } = issuer.certificate;
		const serial = encode(TAG.INTEGER, signer.certificate.serial);
		const id = sequence(sequence(oid(OIDS[hashName]), NULL), hash(subject.der), key, serial);
		const singles = statuses.map((status) => sequence(id, status, at("20260102000000Z")));
		const data = sequence(encode(0xa2, key), at("20260102000000Z"), sequence(...singles));
		const signature = sign("sha256", data, readFileSync(issuer.keyFile));
		const basic = sequence(data, sequence(oid("1.2.840.10045.4.3.2")), bitString(signature));
		const bytes = sequence(oid("1.3.6.1.5.5.7.48.1.1"), octetString(basic));
		return sequence(encode(TAG.ENUMERATED, integer(0).subarray(2)), encode(0xa0, bytes));
	}

	const OIDS = { sha1: "1.3.14.3.2.26", sha256: "2.16.840.1.101.3.4.2.1" };

	it("counts a revocation that names the certificate by SHA-256", () => {
		expect(statusIn(responseNamingBy("sha256", REVOKED))).toBe("revoked");
		expect(statusIn(responseNamingBy("sha256", GOOD))).toBe("good");
	});

	const statusIn = (der: Uint8Array) => {
		const question = { certificate: signer.certificate, issuer: issuer.certificate, nonce: Buffer.of(1) };
		return statementOfResponse(der, question, { source: "test", now: NOW, profile: "default" }).status;
	};

	it("returns revoked for a certificate that one response calls both good and revoked, in either order", () => {
		expect(statusIn(response(GOOD))).toBe("good");
		expect(statusIn(response(GOOD, REVOKED))).toBe("revoked");
		expect(statusIn(response(REVOKED, GOOD))).toBe("revoked");
	});
});
