import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { attributeKeys, keyIdOf, type TrustedKey } from "../../dist/pki/attribute-keys.js";
import { type Certificate, publicKeyOf, spkiSha256 } from "../../dist/pki/certificate.js";
import { createContentVerifier } from "../../dist/pki/signature-algorithm.js";
import { type TrustPolicy, trustFromCertificates } from "../../dist/pki/trust-policy.js";
import { issueCertificate } from "../../dist/signer/identity/issue-certificate.js";
import { certificateFor, DAY_MS, p256, p384, rsa2048 } from "../signer/material.js";
import { CODE_SIGNER, type Issued, openWorkshop } from "./openssl.js";

const NOBODY: TrustPolicy = { pins: new Map(), authorities: [] };
const UNKNOWN = "00000000";
const leaf = certificateFor(p256(), "Leaf");

function pinOf(certificate: Certificate, known?: Certificate): TrustPolicy {
	const pin = {
		label: "pinned",
		source: "store",
		...(known === undefined ? {} : { certificate: known }),
	} as const;
	return { pins: new Map([[spkiSha256(certificate), pin]]), authorities: [] };
}

function subjects(keys: readonly TrustedKey[]): string[] {
	return keys.map(({ certificate }) => certificate.subject.text);
}

describe("attributeKeys()", () => {
	it("finds the key of a pinned certificate", () => {
		const keys = attributeKeys(trustFromCertificates([leaf]), []);
		const [key, ...others] = keys.candidatesFor(keyIdOf(leaf));
		expect(others).toEqual([]);
		expect(key).toMatchObject({
			spkiSha256: spkiSha256(leaf),
			development: false,
			trustedBy: { kind: "pin", label: "CN=Leaf", source: "option" },
		});
		expect(key.publicKey.equals(publicKeyOf(leaf))).toBe(true);
	});

	it("finds the key of a pin in the trust store by the certificate kept with it", () => {
		const keys = attributeKeys(pinOf(leaf, leaf), []);
		expect(keys.candidatesFor(keyIdOf(leaf))).toMatchObject([{ trustedBy: { label: "pinned", source: "store" } }]);
	});

	it("finds the key of a pin that is only a hash when its certificate is given", () => {
		expect(attributeKeys(pinOf(leaf), []).candidatesFor(keyIdOf(leaf))).toEqual([]);
		expect(subjects(attributeKeys(pinOf(leaf), [leaf]).candidatesFor(keyIdOf(leaf)))).toEqual(["CN=Leaf"]);
	});

	it("reports that a key known by its hash alone cannot check an attribute", () => {
		const error = attributeKeys(pinOf(leaf), []).refusalFor(keyIdOf(leaf));
		expect(error.code).toBe("ERR_UNTRUSTED_SIGNER");
		expect(error.message).toMatch(/; 1 pinned key is known by hash alone, which cannot check an attribute$/);
	});

	it("finds no key for an unknown id, and names the remedy", () => {
		const keys = attributeKeys(trustFromCertificates([leaf]), []);
		expect(keys.candidatesFor(UNKNOWN)).toEqual([]);
		const error = keys.refusalFor(UNKNOWN);
		expect(error.code).toBe("ERR_UNTRUSTED_SIGNER");
		expect(error.message).toMatch(
			/^Cannot trust key 00000000: no trusted certificate goes by that id; .*--trust.*trust add`.*--cert.*authority$/,
		);
	});

	it("does not trust a certificate because it is given", () => {
		const keys = attributeKeys(NOBODY, [leaf]);
		expect(keys.candidatesFor(keyIdOf(leaf))).toEqual([]);
		expect(keys.refusalFor(keyIdOf(leaf)).code).toBe("ERR_UNTRUSTED_SIGNER");
		expect(keys.refusalFor(keyIdOf(leaf)).message).toContain(spkiSha256(leaf));
	});

	it("refuses a key whose certificate has expired, unless it is judged for a time when it was valid", () => {
		const keys = (at: number) => attributeKeys(pinOf(leaf, leaf), [], { at });
		const later = leaf.notAfter + DAY_MS;
		expect(keys(later).candidatesFor(keyIdOf(leaf))).toEqual([]);
		expect(keys(later).refusalFor(keyIdOf(leaf)).code).toBe("ERR_CERTIFICATE_EXPIRED");
		expect(keys(Date.now()).candidatesFor(keyIdOf(leaf))).toHaveLength(1);
	});

	it("refuses a pinned key whose pinned certificate has expired, whatever other certificate is given", () => {
		const key = p256();
		const now = Date.now();
		const order = { commonName: "Old", key, kind: "release" } as const;
		const expired = issueCertificate({ ...order, notBefore: now - 9 * DAY_MS, notAfter: now - DAY_MS });
		const renewed = certificateFor(key, "New");
		const keys = attributeKeys(pinOf(expired, expired), [renewed]);
		expect(keys.candidatesFor(keyIdOf(expired))).toEqual([]);
		expect(keys.refusalFor(keyIdOf(expired)).code).toBe("ERR_CERTIFICATE_EXPIRED");
		expect(keys.refusalFor(keyIdOf(expired)).message).toMatch(/`sigtool trust add` replaces it by a renewed one$/);
		expect(attributeKeys(pinOf(renewed, renewed), []).candidatesFor(keyIdOf(renewed))).toHaveLength(1);
	});

	it("finds a key once, however many of its certificates are given", () => {
		const key = p256();
		const [one, two] = [certificateFor(key, "One"), certificateFor(key, "Two")];
		const keys = attributeKeys(trustFromCertificates([one]), [one, two]);
		expect(keys.candidatesFor(keyIdOf(one))).toHaveLength(1);
	});

	it("marks the key of a development identity as such", () => {
		const now = Date.now();
		const period = { notBefore: now - DAY_MS, notAfter: now + DAY_MS };
		const marked = issueCertificate({ commonName: "Dev", key: p256(), kind: "development", ...period });
		const [key] = attributeKeys(trustFromCertificates([marked]), []).candidatesFor(keyIdOf(marked));
		expect(key.development).toBe(true);
	});
});

describe("attributeKeys(), with authorities and chosen key identifiers", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());
	const authority: Issued = workshop.issue({ subject: "/CN=Root" });

	/** Issues a code signer whose subject key identifier ends in these bytes. */
	function signerNamed(subject: string, identifier: string): Issued {
		const extensions = [...CODE_SIGNER.slice(0, 3), `subjectKeyIdentifier=${identifier}`];
		return workshop.issue({ subject, extensions, key: "p256", issuer: authority });
	}

	it("finds the keys that an authority vouches for, through given intermediates", () => {
		const extensions = [
			"basicConstraints=critical,CA:TRUE",
			"keyUsage=critical,keyCertSign",
			"subjectKeyIdentifier=hash",
		];
		const middle = workshop.issue({ subject: "/CN=Middle", issuer: authority, extensions });
		const issued = workshop.issue({ subject: "/CN=Signer", issuer: middle, extensions: CODE_SIGNER });
		const trust = trustFromCertificates([authority.certificate]);
		const keyId = keyIdOf(issued.certificate);
		const keys = attributeKeys(trust, [issued.certificate, middle.certificate]);
		expect(keys.candidatesFor(keyId)).toMatchObject([{ trustedBy: { kind: "authority", label: "CN=Root" } }]);
		expect(keys.candidatesFor(keyId)[0].chain).toHaveLength(3);
		expect(attributeKeys(trust, [issued.certificate]).refusalFor(keyId).code).toBe("ERR_UNTRUSTED_SIGNER");
	});

	it("lets an authority vouch only for its one subject", () => {
		const issued = workshop.issue({ subject: "/CN=Signer", issuer: authority, extensions: CODE_SIGNER });
		const keysFor = (subject: string) => {
			const { certificate } = authority;
			const policy: TrustPolicy = {
				pins: new Map(),
				authorities: [{ certificate, subject, label: "root", source: "store" }],
			};
			return attributeKeys(policy, [issued.certificate]).candidatesFor(keyIdOf(issued.certificate));
		};
		expect(keysFor("CN=Signer")).toHaveLength(1);
		expect(keysFor("CN=Another")).toEqual([]);
	});

	it("refuses a certificate that is not for code signing", () => {
		const extensions = [
			"keyUsage=critical,digitalSignature",
			"extendedKeyUsage=serverAuth",
			"subjectKeyIdentifier=hash",
		];
		const server = workshop.issue({ subject: "/CN=Server", issuer: authority, extensions });
		const keys = attributeKeys(trustFromCertificates([authority.certificate]), [server.certificate]);
		expect(keys.candidatesFor(keyIdOf(server.certificate))).toEqual([]);
		expect(keys.refusalFor(keyIdOf(server.certificate)).code).toBe("ERR_CERTIFICATE_PURPOSE");
	});

	it("finds every key that shares an id, of which the one that signed verifies", () => {
		const [one, two] = ["/CN=One", "/CN=Two"].map((subject) => signerNamed(subject, "0102c0ffee02"));
		const trust = trustFromCertificates([authority.certificate]);
		const candidates = attributeKeys(trust, [one.certificate, two.certificate]).candidatesFor("c0ffee02");
		expect(subjects(candidates)).toEqual(["CN=One", "CN=Two"]);
		const signature = sign("sha256", Buffer.from("content"), createPrivateKey(readFileSync(two.keyFile)));
		const verdicts = candidates.map(({ publicKey }) => {
			const verifier = createContentVerifier(publicKey, "sha256");
			verifier.update(Buffer.from("content"));
			return verifier.verify(signature);
		});
		expect(verdicts).toEqual([false, true]);
	});

	it("finds at most eight keys for an id", () => {
		const many = Array.from({ length: 10 }, (_, i) => signerNamed(`/CN=Signer ${i}`, "0102c0ffee00"));
		const trust = trustFromCertificates([authority.certificate]);
		const keys = attributeKeys(
			trust,
			many.map(({ certificate }) => certificate),
		);
		expect(keys.candidatesFor("c0ffee00")).toHaveLength(8);
	});

	it("finds a key by the hash of its bits too, as evmctl names keys without a certificate", () => {
		const named = signerNamed("/CN=Named", "0102c0ffee01");
		const hashed = workshop.issue({
			subject: "/CN=Hashed",
			issuer: authority,
			extensions: CODE_SIGNER,
			sameKeyAs: named,
		});
		const keys = attributeKeys(trustFromCertificates([authority.certificate]), [named.certificate]);
		expect(keyIdOf(named.certificate)).toBe("c0ffee01");
		expect(keyIdOf(hashed.certificate)).not.toBe("c0ffee01");
		expect(subjects(keys.candidatesFor(keyIdOf(hashed.certificate)))).toEqual(["CN=Named"]);
	});

	it("names a certificate without a usable key identifier by its key", () => {
		const extensions = CODE_SIGNER.slice(0, 3);
		const short = signerNamed("/CN=Short", "ab");
		const without = workshop.issue({
			subject: "/CN=None",
			issuer: authority,
			extensions: [...extensions, "subjectKeyIdentifier=none"],
			sameKeyAs: short,
		});
		const hashed = workshop.issue({
			subject: "/CN=Hash",
			issuer: authority,
			extensions: CODE_SIGNER,
			sameKeyAs: short,
		});
		expect(keyIdOf(short.certificate)).toBe(keyIdOf(hashed.certificate));
		expect(keyIdOf(without.certificate)).toBe(keyIdOf(hashed.certificate));
	});
});

describe("createContentVerifier()", () => {
	const content = Buffer.from("what is signed");

	function verdict(key: KeyObject, signature: Uint8Array, digest: "sha256" | "sha384" | "sha512" = "sha256"): boolean {
		const verifier = createContentVerifier(publicKeyOf(certificateFor(key)), digest);
		for (const byte of content) verifier.update(Uint8Array.of(byte));
		return verifier.verify(signature);
	}

	it.each([
		["RSA 2048", rsa2048],
		["P-256", p256],
		["P-384", p384],
	] as const)("accepts what %s signed, in pieces of any size, and under no other digest", (_, newKey) => {
		const key = newKey();
		for (const digest of ["sha256", "sha384", "sha512"] as const) {
			expect(verdict(key, sign(digest, content, key), digest)).toBe(true);
			expect(verdict(key, sign("sha1", content, key), digest)).toBe(false);
		}
		expect(verdict(key, sign("sha512", content, key), "sha384")).toBe(false);
	});

	it("accepts no signature that is shorter, longer or changed in any byte", () => {
		for (const key of [rsa2048(), p256()]) {
			const signature = sign("sha256", content, key);
			expect(verdict(key, signature.subarray(1))).toBe(false);
			expect(verdict(key, signature.subarray(0, -1))).toBe(false);
			expect(verdict(key, Buffer.concat([signature, Buffer.of(0)]))).toBe(false);
			expect(verdict(key, Buffer.concat([Buffer.of(0), signature]))).toBe(false);
			for (let i = 0; i < signature.length; i += 7) {
				expect(verdict(key, Buffer.from(signature).fill(signature[i] ^ 1, i, i + 1))).toBe(false);
			}
		}
	});

	it("accepts ECDSA only in DER: no padded integer, no long form of a length, no r and s without DER", () => {
		const key = p256();
		const signature = sign("sha256", content, key);
		const rLength = signature[3];
		const r = signature.subarray(4, 4 + rLength);
		const rest = signature.subarray(4 + rLength);
		const padded = Buffer.concat([Buffer.of(0x30, signature[1] + 1, 2, rLength + 1, 0), r, rest]);
		const longForm = Buffer.concat([Buffer.of(0x30, 0x81, signature[1]), signature.subarray(2)]);
		const pair = sign("sha256", content, { key, dsaEncoding: "ieee-p1363" });
		expect(verdict(key, signature)).toBe(true);
		for (const other of [padded, longForm, pair, Buffer.alloc(0)]) expect(verdict(key, other)).toBe(false);
	});

	it("accepts nothing from a key that is neither RSA nor EC, and not RSA-PSS", () => {
		const { publicKey } = generateKeyPairSync("ed25519");
		expect(createContentVerifier(publicKey, "sha256").verify(new Uint8Array(64))).toBe(false);
		const pss = generateKeyPairSync("rsa-pss", { modulusLength: 2048 });
		const signature = sign("sha256", Buffer.alloc(0), pss.privateKey);
		expect(createContentVerifier(pss.publicKey, "sha256").verify(signature)).toBe(false);
	});
});
