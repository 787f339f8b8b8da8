import { createPrivateKey, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openPkcs12Signer } from "../../../dist/signer/pkcs12/pkcs12.js";
import { encodePkcs12 } from "../../../dist/signer/pkcs12/pkcs12-encode.js";
import { expectError } from "../../pki/expect-error.js";
import { openWorkshop } from "../../pki/openssl.js";
import { certificateFor, expectRejection, expectToSign, p256, p384, rsa2048 } from "../material.js";

const PASSPHRASE = "correct horse";
const KEYS: readonly (readonly [string, () => KeyObject])[] = [
	["RSA", rsa2048],
	["P-256", p256],
	["P-384", p384],
];

function content(key: KeyObject, passphrase = PASSPHRASE) {
	const certificates = [certificateFor(key, "Leaf"), certificateFor(p256(), "Issuer")];
	return { key, certificates, friendlyName: "rélease", passphrase };
}

describe("encodePkcs12()", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());
	const write = (bytes: Uint8Array) => {
		const file = join(workshop.directory, "x.p12");
		writeFileSync(file, bytes, { mode: 0o600 });
		return file;
	};

	it.each(KEYS)("openPkcs12Signer() opens the container: %s", async (_, makeKey) => {
		const written = content(makeKey());
		const file = write(encodePkcs12(written));
		const signer = await openPkcs12Signer({ file, passphrase: () => PASSPHRASE });
		await expectToSign(signer);
		expect(signer.certificates.map(({ der }) => Buffer.from(der))).toEqual(
			written.certificates.map(({ der }) => Buffer.from(der)),
		);
	});

	it.each(KEYS)("openssl opens the container without -legacy: %s", (_, makeKey) => {
		const written = content(makeKey());
		const file = write(encodePkcs12(written));
		const args = ["pkcs12", "-in", file, "-passin", `pass:${PASSPHRASE}`];
		const key = workshop.openssl(...args, "-nodes", "-nocerts").toString();
		expect(createPrivateKey(key.slice(key.indexOf("-----BEGIN"))).equals(written.key)).toBe(true);
		const leaf = workshop.openssl(...args, "-nokeys", "-clcerts").toString("latin1");
		expect(leaf).toContain("friendlyName: rélease");
		expect(leaf.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
		expect(workshop.openssl(...args, "-nokeys", "-cacerts").toString()).toContain("CN=Issuer");
		expect(() => workshop.openssl("pkcs12", "-in", file, "-passin", "pass:wrong", "-nodes")).toThrow();
	});

	it("no other passphrase opens the container", async () => {
		const file = write(encodePkcs12(content(p256())));
		await expectRejection("ERR_KEY_PASSPHRASE", openPkcs12Signer({ file, passphrase: () => "correct horsf" }));
	});

	it("writes different bytes each time, and nothing unencrypted", () => {
		const written = content(rsa2048());
		const [one, other] = [encodePkcs12(written), encodePkcs12(written)].map((bytes) => Buffer.from(bytes));
		expect(one.equals(other)).toBe(false);
		expect(one.includes(Buffer.from(written.certificates[0].spki))).toBe(false);
		expect(one.includes(Buffer.from(PASSPHRASE))).toBe(false);
	});

	it("refuses passphrases that programs would encode differently", () => {
		const key = p256();
		for (const passphrase of ["", "pässphrase", "tab\t", "nul\0"]) {
			expectError("ERR_KEY_PASSPHRASE", () => encodePkcs12(content(key, passphrase)));
		}
	});
});
