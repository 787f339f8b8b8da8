import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { signerFromKey } from "../../dist/signer/signer.js";
import { expectError } from "../pki/expect-error.js";
import { certificateFor, DAY_MS, expectRejection, expectToSign, p256, p384, rsa2048 } from "./material.js";

describe("signerFromKey()", () => {
	it.each([
		["RSA 2048", rsa2048, "rsa-pkcs1-sha256"],
		["P-256", p256, "ecdsa-sha256"],
		["P-384", p384, "ecdsa-sha256"],
	] as const)("signs with %s", async (_, newKey, algorithm) => {
		const key = newKey();
		const signer = signerFromKey(key, [certificateFor(key)]);
		expect(signer.algorithm).toBe(algorithm);
		expect(signer.development).toBe(false);
		await expectToSign(signer);
	});

	it("gives the same RSA signature for the same bytes", async () => {
		const key = rsa2048();
		const signer = signerFromKey(key, [certificateFor(key)]);
		const bytes = Buffer.from("deterministic");
		expect(await signer.sign(bytes)).toEqual(await signer.sign(bytes));
	});

	it("never returns a signature that does not verify", async () => {
		const key = rsa2048();
		const { d, dp, dq, ...rest } = key.export({ format: "jwk" });
		const damaged = createPrivateKey({ key: { ...rest, d: dp, dp: dq, dq: dp }, format: "jwk" });
		const signer = signerFromKey(damaged, [certificateFor(key)]);
		await expectRejection("ERR_KEY", signer.sign(Buffer.from("content")));
	});

	it.each([
		["RSA 2048", rsa2048],
		["P-256", p256],
		["P-384", p384],
	] as const)("signs content in pieces with %s, under every digest", (_, newKey) => {
		const key = newKey();
		const signer = signerFromKey(key, [certificateFor(key)]);
		for (const digest of ["sha256", "sha384", "sha512"] as const) {
			const signing = signer.begin(digest);
			for (const piece of ["what", " is ", "", "signed"]) signing.update(Buffer.from(piece));
			expect(verify(digest, Buffer.from("what is signed"), createPublicKey(key), signing.sign())).toBe(true);
		}
	});

	it("gives the same signature for content as a whole and in pieces", async () => {
		const key = rsa2048();
		const signer = signerFromKey(key, [certificateFor(key)]);
		const signing = signer.begin("sha256");
		signing.update(Buffer.from("two "));
		signing.update(Buffer.from("pieces"));
		expect(signing.sign()).toEqual(await signer.sign(Buffer.from("two pieces")));
	});

	it("begins no signature with a key that is damaged", () => {
		const key = rsa2048();
		const { d, dp, dq, ...rest } = key.export({ format: "jwk" });
		const damaged = createPrivateKey({ key: { ...rest, d: dp, dp: dq, dq: dp }, format: "jwk" });
		const signer = signerFromKey(damaged, [certificateFor(key)]);
		for (const _ of [1, 2]) expectError("ERR_KEY", () => signer.begin("sha256"));
	});

	const leafKey = p256();
	const leaf = certificateFor(leafKey, "Leaf");

	it.each<[string, () => KeyObject, RegExp]>([
		[
			"Ed25519",
			() => generateKeyPairSync("ed25519").privateKey,
			/no verifier of Windows catalogs accepts Ed25519; use/,
		],
		["Ed448", () => generateKeyPairSync("ed448").privateKey, /accepts Ed448/],
		["X25519", () => generateKeyPairSync("x25519").privateKey, /accepts X25519, which cannot sign/],
		["RSA-PSS", () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).privateKey, /accepts RSA-PSS/],
		["RSA 1024", () => generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey, /1024 bits is too short, 2048/],
		["P-521", () => generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey, /curve secp521r1 is not accepted/],
		["secp256k1", () => generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey, /curve secp256k1/],
	])("refuses %s with the reason", (_, newKey, reason) => {
		expect(expectError("ERR_KEY", () => signerFromKey(newKey(), [leaf])).message).toMatch(reason);
	});

	it("refuses DSA", () => {
		const { privateKey } = generateKeyPairSync("dsa", { modulusLength: 2048, divisorLength: 256 });
		expect(expectError("ERR_KEY", () => signerFromKey(privateKey, [leaf])).message).toMatch(/accepts DSA/);
	});

	it("throws a TypeError for a public key", () => {
		expect(() => signerFromKey(createPublicKey(leafKey), [leaf])).toThrow(TypeError);
	});

	it("refuses a certificate of another key, and no certificate at all", () => {
		const error = expectError("ERR_KEY_MISMATCH", () => signerFromKey(p256(), [leaf]));
		expect(error.message).toBe('Cannot sign with this key: it does not belong to "CN=Leaf"');
		expectError("ERR_KEY_MISMATCH", () => signerFromKey(rsa2048(), [leaf]));
		expectError("ERR_KEY_MISMATCH", () => signerFromKey(leafKey, []));
	});

	it("puts the key's certificate first, keeps the order of the others and removes duplicates", () => {
		const [first, second] = [certificateFor(rsa2048(), "First"), certificateFor(p256(), "Second")];
		const { certificates } = signerFromKey(leafKey, [first, leaf, second, first, leaf]);
		expect(certificates.map(({ subject }) => subject.text)).toEqual(["CN=Leaf", "CN=First", "CN=Second"]);
	});

	it("refuses a certificate that has expired or is not yet valid, unless told to allow it", () => {
		const now = Date.now();
		const order = { commonName: "Old", key: leafKey, kind: "release" } as const;
		const expired = issueCertificate({ ...order, notBefore: now - 9 * DAY_MS, notAfter: now - DAY_MS });
		expect(expectError("ERR_KEY", () => signerFromKey(leafKey, [expired])).message).toMatch(/it expired on/);
		const future = issueCertificate({ ...order, notBefore: now + DAY_MS, notAfter: now + 9 * DAY_MS });
		expect(expectError("ERR_KEY", () => signerFromKey(leafKey, [future])).message).toMatch(/it is not valid before/);
		expect(signerFromKey(leafKey, [expired], { unfit: "allow" }).certificates).toEqual([expired]);
	});

	it("recognises a development identity by its certificate's marker", () => {
		const now = Date.now();
		const order = { commonName: "Dev", key: leafKey, notBefore: now - DAY_MS, notAfter: now + DAY_MS };
		expect(signerFromKey(leafKey, [issueCertificate({ ...order, kind: "development" })]).development).toBe(true);
	});
});
