import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { type Certificate, certificatesFromPem, parseCertificate, publicKeyOf } from "../../dist/pki/certificate.js";
import { trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { signPaths } from "../../dist/sign/sign.js";
import { certificateToPem } from "../../dist/signer/identity/issue-certificate.js";
import { openPemSigner, readCertificates } from "../../dist/signer/pem.js";
import { verifyCatalog } from "../../dist/verify/verify-catalog.js";
import { expectRejection, rsa2048 } from "../signer/material.js";
import { CONTENT, judgeIndex, makeIndex } from "../trust/make-index.js";
import { certificateWithKey, rsaSpki, signatureOfNobody, signerWithoutKey, usualModulus } from "./degenerate-key.js";
import { expectError, verdictOf } from "./expect-error.js";

const directory = temporaryDirectory(atEndOfFile);

const modulus = usualModulus();
const FORGED = certificateWithKey(rsaSpki(modulus, 1n));

describe("an RSA key with the exponent 1", () => {
	it("verifies in OpenSSL, through node:crypto, what no key signed", () => {
		const bytes = Buffer.from("anything");
		const key = createPublicKey({ key: Buffer.from(FORGED.spki), format: "der", type: "spki" });
		expect(verify("sha256", bytes, key, signatureOfNobody(bytes))).toBe(true);
	});

	it("signs no catalog that is accepted, although it is pinned", async () => {
		const [file, output] = [join(directory, "file"), join(directory, "forged.cat")];
		writeFileSync(file, "1");
		await signPaths([file], { signer: signerWithoutKey(FORGED), output });
		const trust = trustFromCertificates([FORGED]);
		const error = expectError("ERR_SIGNER_CERTIFICATE", () => verifyCatalog(readFileSync(output), { trust }));
		expect(error.message).toMatch(/public exponent is below 3 or even/);
	});

	it("signs no trust index that is accepted, although it is pinned", async () => {
		const index = await makeIndex(signerWithoutKey(FORGED), { ...CONTENT, notAfter: undefined });
		const options = { trust: trustFromCertificates([FORGED]), at: Date.now() };
		expect(judgeIndex(index, options)).toBe("ERR_SIGNER_CERTIFICATE");
	});

	it("is refused wherever a certificate is read: as an anchor, a pin, a signer's own, and one in a chain", async () => {
		const certFile = join(directory, "forged.pem");
		writeFileSync(certFile, certificateToPem(FORGED));
		expectError("ERR_CERTIFICATE_FORMAT", () => parseCertificate(FORGED.der));
		expectError("ERR_CERTIFICATE_FORMAT", () => certificatesFromPem(certificateToPem(FORGED)));
		expectError("ERR_KEY", () => readCertificates(certFile));
		const keyFile = join(directory, "some.key");
		writeFileSync(keyFile, rsa2048().export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
		await expectRejection("ERR_KEY", openPemSigner({ keyFile, certFile }));
	});
});

describe("parseCertificate()", () => {
	const verdict = (spki: Uint8Array) => verdictOf(() => parseCertificate(certificateWithKey(spki).der));

	it.each([
		["the exponent 3", 3n, "ok"],
		["the exponent 17", 17n, "ok"],
		["the exponent 65537", 65_537n, "ok"],
		["the exponent 0", 0n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 1", 1n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 2", 2n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 4", 4n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 65536", 65_536n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 2^32", 2n ** 32n, "ERR_CERTIFICATE_FORMAT"],
		["the exponent 2^64 + 1", 2n ** 64n + 1n, "ERR_CERTIFICATE_FORMAT"],
		["an exponent as long as the modulus", modulus - 2n, "ERR_CERTIFICATE_FORMAT"],
	] as const)("%s: %s", (_, exponent, expected) => {
		expect(verdict(rsaSpki(modulus, exponent))).toBe(expected);
	});

	it.each([
		["an even modulus", modulus - 1n],
		["the modulus 0", 0n],
		["the modulus 1", 1n],
		["a modulus below the exponent", 65_535n],
	])("refuses %s", (_, number) => {
		expect(verdict(rsaSpki(number, 65_537n))).toBe("ERR_CERTIFICATE_FORMAT");
	});
});

describe("an EC key is never used", () => {
	const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const usual = publicKey.export({ format: "der", type: "spki" });
	const withPoint = (point: Uint8Array): Certificate => {
		const spki = Buffer.concat([usual.subarray(0, usual.length - 64), point]);
		return { ...certificateWithKey(spki), keyAlgorithm: { kind: "ec", curve: "P-256" } };
	};
	/** The prime of P-256, FIPS 186-4 §D.1.2.3. */
	const PRIME = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
	const number = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
	const [x, y] = [usual.subarray(-64, -32), usual.subarray(-32)];

	it.each([
		["whose point is not on the curve", Buffer.concat([x, Buffer.alloc(32, 1)])],
		["whose point is (0, 0)", Buffer.alloc(64)],
		["whose coordinate is not below the prime", Buffer.concat([number(PRIME), y])],
	])("%s", (_, point) => {
		expect(publicKeyOf(withPoint(usual.subarray(-64))).equals(publicKey)).toBe(true);
		expectError("ERR_CERTIFICATE_FORMAT", () => publicKeyOf(withPoint(point)));
	});

	it("whose point is the one at infinity", () => {
		const reader = usual.subarray(0, usual.length - 68); // `usual` without its last element, the BIT STRING.
		const spki = Buffer.concat([reader, Buffer.of(0x03, 0x02, 0x00, 0x00)]);
		spki[1] = spki.length - 2;
		expectError("ERR_CERTIFICATE_FORMAT", () => parseCertificate(certificateWithKey(spki).der));
	});
});
