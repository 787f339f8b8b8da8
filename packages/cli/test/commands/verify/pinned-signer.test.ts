/**
 * Puts another certificate of the pinned key into a catalog and into an index. The signatures of both stay valid,
 * because they do not cover the certificate.
 */

import type { KeyObject } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TAG } from "../../../../core/dist/asn1/der.js";
import { compileTrustIndex } from "../../../../core/dist/compile/compile.js";
import { type Certificate, spkiSha256 } from "../../../../core/dist/pki/certificate.js";
import { encodeSignedData, parseSignedData } from "../../../../core/dist/pki/cms.js";
import { trustFromCertificates } from "../../../../core/dist/pki/trust-policy.js";
import { signPaths } from "../../../../core/dist/sign/sign.js";
import { issueCertificate } from "../../../../core/dist/signer/identity/issue-certificate.js";
import { type Signer, signerFromKey } from "../../../../core/dist/signer/signer.js";
import { p256 } from "../../../../core/test/signer/material.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const DAY_MS = 86_400_000;
/** The forged certificates contain this text. Nobody signed them, so no output may contain the text. */
const CLAIM = "Microsoft";

function issue(key: KeyObject, commonName: string, days: number): Certificate {
	const now = Date.now();
	return issueCertificate({ commonName, key, notBefore: now - DAY_MS, notAfter: now + days * DAY_MS, kind: "release" });
}

function pemOf({ der }: Certificate): string {
	return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

/**
 * Returns the SignedData with another certificate. The signature stays valid, because it does not cover the
 * certificate.
 */
function reissued(bytes: Uint8Array, certificate: Certificate, { algorithm }: Signer): Uint8Array {
	const { contentType, content, signers } = parseSignedData(bytes, "catalog");
	const [{ signedAttributesDer = new Uint8Array(), signature }] = signers;
	const signedAttributes = Buffer.from(signedAttributesDer).fill(TAG.SET, 0, 1);
	const signer = { algorithm, certificate, signedAttributes, signature };
	return Buffer.concat(encodeSignedData({ contentType, content, certificates: [certificate], signer }));
}

/** Returns the time in so many days, as --at accepts it. */
function atDays(days: number): string {
	return new Date(Date.now() + days * DAY_MS).toISOString();
}

async function claimed(claimedDays = 10, genuineDays = 300) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), { "a.js": "1" });
	const key = p256();
	const genuine = issue(key, "Genuine", genuineDays);
	const signer = signerFromKey(key, [genuine]);
	await signPaths([root], { signer });
	const index = join(home, "app.sigx");
	await compileTrustIndex([root], { trust: trustFromCertificates([genuine]), signer, output: index });
	const catalog = join(root, "app.cat");
	// The forged certificate expires soon by default. A warning about that would show the name in it.
	const claim = issue(key, `${CLAIM} Corporation`, claimedDays);
	writeFileSync(catalog, reissued(readFileSync(catalog), claim, signer));
	mkdirSync(join(home, "pki"));
	const certificate = join(home, "pki/genuine.crt");
	writeFileSync(certificate, pemOf(genuine));
	return { root, catalog, certificate, pin: spkiSha256(genuine), sigtool: runner(home) };
}

describe("a pinned key, and a certificate in the catalog that nobody signed", () => {
	test.each([
		["given with --trust", "given", "CN=Genuine"],
		["pinned with its certificate", "stored", "CN=Genuine"],
		["pinned by its hash", "hash", null],
	] as const)("a key %s is shown by what is pinned", async (_, kind, subject) => {
		const { root, catalog, certificate, pin, sigtool } = await claimed();
		if (kind === "stored") expect(sigtool(["trust", "add", certificate])).toMatchObject({ status: 0 });
		if (kind === "hash") expect(sigtool(["trust", "add", pin, "--label", "CI"])).toMatchObject({ status: 0 });
		const trust = kind === "given" ? ["--trust", certificate] : [];
		for (const path of [root, catalog]) {
			for (const form of [["--verbose"], ["--json"], ["--quiet"], ["--ocsp", "prefer"]]) {
				const run = sigtool(["verify", path, ...trust, ...form]);
				expect(run).toMatchObject({ status: 0 });
				expect(run.stdout + run.stderr).not.toContain(CLAIM);
			}
		}
		const text = sigtool(["verify", root, ...trust]);
		expect(text.stdout).toContain(pin);
		expect(/^ {2}signer .*$/m.exec(text.stdout)?.[0] ?? null).toEqual(
			subject === null ? null : expect.stringContaining(subject),
		);
		const [result] = sigtool(["verify", root, ...trust, "--json"]).json().results;
		const [{ signer }] = result.catalogs;
		expect(signer).toMatchObject({ subject, issuer: subject, spkiSha256: pin });
		expect(signer.notAfter === null).toBe(subject === null);
		expect(signer.notBefore === null).toBe(subject === null);
	});

	test("a warning about a key that is pinned by its hash tells whose dates it shows", async () => {
		const { root, pin, sigtool } = await claimed();
		expect(sigtool(["trust", "add", pin, "--label", "CI"])).toMatchObject({ status: 0 });
		const { stdout, stderr } = sigtool(["verify", root]);
		expect(stdout).toContain(`${pin}  (the key alone, without dates)`);
		expect(stderr).toMatch(/the certificate that came with the signature \(pin "CI" has no dates\) expires in 9 days/);
		const refused = sigtool(["verify", root, "--at", atDays(20)]);
		expect(refused).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(/it came with the signature, and only its key is pinned, as "CI"/),
		});
	});

	test.each([
		["given with --trust", true],
		["pinned in the store", false],
	])("the dates of a certificate %s alone are judged and shown", async (_, isGiven) => {
		// The certificate in the catalog ends before the pinned one, or after it.
		for (const exchangedDays of [10, 7000]) {
			const { root, certificate, sigtool } = await claimed(exchangedDays);
			if (!isGiven) expect(sigtool(["trust", "add", certificate])).toMatchObject({ status: 0 });
			const verify = (...args: string[]) =>
				sigtool(["verify", root, ...(isGiven ? ["--trust", certificate] : []), ...args]);
			expect(verify()).toMatchObject({ status: 0, stderr: expect.not.stringContaining("expires") });
			expect(verify("--at", atDays(200))).toMatchObject({ status: 0 });
			const expired = verify("--at", atDays(400));
			expect(expired).toMatchObject({ status: 1 });
			expect(expired.stderr).toMatch(
				/Cannot trust certificate "CN=Genuine": it expired on .*\[ERR_CERTIFICATE_EXPIRED\]/,
			);
		}
	});

	test("a certificate in the trust store that expires soon is warned of, whatever lies in the catalog", async () => {
		const { root, certificate, sigtool } = await claimed(7000, 5);
		expect(sigtool(["trust", "add", certificate])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", root]).stderr).toMatch(/the certificate of "CN=Genuine" expires in 4 days/);
	});
});
