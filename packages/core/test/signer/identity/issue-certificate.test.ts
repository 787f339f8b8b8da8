import { createPrivateKey, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { TAG } from "../../../dist/asn1/der.js";
import { DEVELOPMENT_MARKER_OID, isDevelopmentCertificate, publicKeyOf } from "../../../dist/pki/certificate.js";
import { verifyChain, verifyPinned } from "../../../dist/pki/chain.js";
import { KEY_USAGE } from "../../../dist/pki/extensions.js";
import {
	certificateToPem,
	issueCertificate,
	requestCertificate,
	toPem,
} from "../../../dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../../../dist/signer/signer.js";
import { expectError } from "../../pki/expect-error.js";
import { openWorkshop } from "../../pki/openssl.js";
import { DAY_MS, p256, p384, rsa2048 } from "../material.js";

const now = Date.now();
const validity = { notBefore: now - DAY_MS, notAfter: now + DAY_MS };
const judgement = { at: now, purpose: "codeSigning", profile: "default" } as const;

describe("issueCertificate()", () => {
	const key = p256();
	const order = { commonName: "Jané, Ltd.", key, ...validity, kind: "release" } as const;

	it("writes exactly the extensions that a code-signing leaf needs", () => {
		const certificate = issueCertificate(order);
		const { extensions } = certificate;
		expect(certificate.version).toBe(3);
		expect(certificate.subject.text).toBe("CN=Jané\\, Ltd.");
		expect(certificate.subject.der).toEqual(certificate.issuer.der);
		expect(certificate.notAfter).toBe(Math.floor(validity.notAfter / 1000) * 1000);
		expect(extensions.all.size).toBe(5);
		expect(extensions.basicConstraints).toEqual({ isAuthority: false, maxPathLength: undefined });
		expect(extensions.keyUsage).toBe(KEY_USAGE.digitalSignature);
		expect(extensions.extendedKeyUsage?.oids).toEqual(["1.3.6.1.5.5.7.3.3"]);
		expect(extensions.authorityKeyId).toEqual(extensions.subjectKeyId);
		expect(publicKeyOf(certificate).equals(publicKeyOf(issueCertificate(order)))).toBe(true);
		verifyPinned(certificate, judgement);
	});

	it("makes different positive serial numbers of 16 bytes", () => {
		const serials = Array.from({ length: 20 }, () => Buffer.from(issueCertificate(order).serial).toString("hex"));
		expect(new Set(serials).size).toBe(20);
		for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/);
	});

	it("marks development identities with a non-critical NULL", () => {
		const certificate = issueCertificate({ ...order, kind: "development" });
		expect(isDevelopmentCertificate(certificate)).toBe(true);
		const marker = certificate.extensions.all.get(DEVELOPMENT_MARKER_OID);
		expect(marker?.critical).toBe(false);
		expect([...(marker?.value ?? [])]).toEqual([TAG.NULL, 0]);
		expect(isDevelopmentCertificate(issueCertificate(order))).toBe(false);
	});

	it("refuses a name that is empty or longer than 64 characters", () => {
		expectError("ERR_USAGE", () => issueCertificate({ ...order, commonName: "" }));
		expectError("ERR_USAGE", () => issueCertificate({ ...order, commonName: "é".repeat(65) }));
		expect(issueCertificate({ ...order, commonName: "é".repeat(64) }).subject.text).toBe(`CN=${"é".repeat(64)}`);
	});
});

describe("issueCertificate(), judged by openssl", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());
	const verifyArguments = ["verify", "-x509_strict", "-auth_level", "2", "-purpose", "codesign"];

	it.each([
		["RSA", rsa2048],
		["P-256", p256],
		["P-384", p384],
	] as const)("a self-signed certificate with %s is accepted and has the intended fields", (_, newKey) => {
		const certificate = issueCertificate({ commonName: "Leaf", key: newKey(), ...validity, kind: "development" });
		const file = workshop.write("leaf.pem", certificateToPem(certificate));
		expect(String(workshop.openssl(...verifyArguments, "-check_ss_sig", "-CAfile", file, file))).toContain(": OK");
		const text = String(workshop.openssl("x509", "-in", file, "-noout", "-text"));
		for (const part of [
			"Version: 3 (0x2)",
			"X509v3 Basic Constraints: critical\n                CA:FALSE",
			"X509v3 Key Usage: critical\n                Digital Signature\n",
			"X509v3 Extended Key Usage: \n                Code Signing\n",
			"X509v3 Subject Key Identifier:",
			"X509v3 Authority Key Identifier:",
			`${DEVELOPMENT_MARKER_OID}: \n                ..`,
		]) {
			expect(text).toContain(part);
		}
		expect(workshop.openssl("x509", "-in", file)).toEqual(readFileSync(join(workshop.directory, "leaf.pem")));
	});

	it("a certificate issued by an authority that openssl made is accepted by openssl and verifyChain()", () => {
		const authority = workshop.issue({ subject: "/O=Example/CN=Root" });
		const certificate = issueCertificate({
			commonName: "Leaf",
			key: p384(),
			issuer: { certificate: authority.certificate, key: createPrivateKey(readFileSync(authority.keyFile)) },
			...validity,
			kind: "release",
		});
		const file = workshop.write("leaf.pem", certificateToPem(certificate));
		expect(String(workshop.openssl(...verifyArguments, "-CAfile", authority.file, file))).toContain(": OK");
		const chain = verifyChain(certificate, { intermediates: [], anchors: [authority.certificate], ...judgement });
		expect(chain.anchor).toBe(authority.certificate);
	});
});

describe("authorities and requests, judged by openssl", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());
	const at = (name: string) => join(workshop.directory, name);

	it.each([
		["RSA", rsa2048],
		["P-256", p256],
		["P-384", p384],
	])(
		"an authority issues leaves that openssl and verifyChain() accept, and no authority below it: %s",
		(_, makeKey) => {
			const key = makeKey();
			const root = issueCertificate({ commonName: "Root", key, ...validity, kind: "authority" });
			expect(root.extensions.basicConstraints).toEqual({ isAuthority: true, maxPathLength: 0 });
			expect(root.extensions.keyUsage).toBe(KEY_USAGE.keyCertSign | (1 << 6));
			const issuer = { certificate: root, key };
			const leaf = issueCertificate({ commonName: "Leaf", key: p256(), issuer, ...validity, kind: "release" });
			verifyChain(leaf, { ...judgement, anchors: [root], intermediates: [] });
			const files = [
				workshop.write("root.pem", certificateToPem(root)),
				workshop.write("leaf.pem", certificateToPem(leaf)),
			];
			workshop.openssl("verify", "-x509_strict", "-purpose", "codesign", "-CAfile", ...files);

			const below = issueCertificate({ commonName: "Below", key, issuer, ...validity, kind: "authority" });
			const deep = { certificate: below, key };
			const deepLeaf = issueCertificate({
				commonName: "Deep",
				key: p256(),
				issuer: deep,
				...validity,
				kind: "release",
			});
			const chain = { ...judgement, anchors: [root], intermediates: [below] };
			expectError("ERR_CERTIFICATE_CONSTRAINTS", () => verifyChain(deepLeaf, chain));
			expectError("ERR_CERTIFICATE_PURPOSE", () => verifyPinned(root, judgement));
		},
	);

	it.each([
		["RSA", rsa2048],
		["P-384", p384],
	])("a request has subject, key and the extensions of a code signer: %s", async (_, makeKey) => {
		const key = makeKey();
		const certificate = issueCertificate({ commonName: "Jané", key, ...validity, kind: "release" });
		const { sign } = signerFromKey(key, [certificate]);
		workshop.write("request.pem", toPem("CERTIFICATE REQUEST", await requestCertificate(certificate, sign)));
		const args = ["req", "-in", at("request.pem"), "-verify", "-noout", "-text", "-nameopt", "utf8"];
		const text = workshop.openssl(...args).toString();
		expect(text).toContain("Subject: CN=Jané");
		expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
		expect(text).toMatch(/Key Usage: critical\s+Digital Signature\n/);
		expect(text).toMatch(/Extended Key Usage: *\s+Code Signing\n/);
		const publicKey = workshop.openssl("req", "-in", at("request.pem"), "-noout", "-pubkey");
		expect(createPublicKey(publicKey).equals(publicKeyOf(certificate))).toBe(true);
	});
});
