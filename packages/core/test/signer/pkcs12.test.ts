import { chmodSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DerReader, integer, sequence, TAG } from "../../dist/asn1/der.js";
import { certificatesFromPem } from "../../dist/pki/certificate.js";
import { openPkcs12Signer } from "../../dist/signer/pkcs12.js";
import { corpusPem, hasCorpus } from "../pki/corpus.js";
import { CODE_SIGNER, hasOpenssl, type Issued, openWorkshop } from "../pki/openssl.js";
import { expectRejection, expectToSign } from "./material.js";

const PASSPHRASE = "correct horse";

describe.skipIf(!hasOpenssl)("openPkcs12Signer()", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());

	const leaves = new Map<string, Issued>();
	let root: Issued;
	beforeAll(() => {
		root = workshop.issue({ subject: "/O=Example/CN=Root" });
		for (const key of ["rsa2048", "p256", "p384", "ed25519"] as const) {
			leaves.set(key, workshop.issue({ subject: `/O=Example/CN=${key}`, issuer: root, extensions: CODE_SIGNER, key }));
		}
	});

	let count = 0;
	/** A container with the leaf of that kind, its key and the root. */
	function exportContainer(kind: string, options: readonly string[] = [], passphrase = PASSPHRASE): string {
		const leaf = leaves.get(kind) ?? root;
		const file = join(workshop.directory, `${++count}.p12`);
		workshop.openssl(
			...["pkcs12", "-export", "-inkey", leaf.keyFile, "-in", leaf.file, "-certfile", root.file, "-out", file],
			...["-passout", `pass:${passphrase}`, ...options],
		);
		return file;
	}
	const open = (file: string, passphrase = PASSPHRASE) => openPkcs12Signer({ file, passphrase: () => passphrase });

	it.each([
		["rsa2048", "as OpenSSL 3 writes by default", []],
		["rsa2048", "with -legacy (RC2-40, 3DES, SHA-1)", ["-legacy"]],
		["rsa2048", "with 3DES for both", ["-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"]],
		["rsa2048", "with SHA-512 in the MAC", ["-macalg", "sha512"]],
		["rsa2048", "with SHA-384 in the MAC and many iterations", ["-macalg", "sha384", "-iter", "100000"]],
		["rsa2048", "with AES-128", ["-certpbe", "AES-128-CBC", "-keypbe", "AES-128-CBC"]],
		["rsa2048", "with nothing encrypted but a MAC", ["-certpbe", "NONE", "-keypbe", "NONE"]],
		["p256", "as OpenSSL 3 writes by default", []],
		["p256", "with -legacy", ["-legacy"]],
		["p384", "as OpenSSL 3 writes by default", []],
	] as const)("opens %s %s", async (kind, _, options) => {
		const signer = await open(exportContainer(kind, options));
		expect(signer.certificates.map(({ der }) => der)).toEqual(
			[leaves.get(kind), root].map((made) => made?.certificate.der),
		);
		await expectToSign(signer);
	});

	it("opens an Ed25519 container and refuses the key with the reason", async () => {
		const error = await expectRejection("ERR_KEY", open(exportContainer("ed25519")));
		expect(error.message).toMatch(/no verifier of Windows catalogs accepts Ed25519/);
	});

	it("opens one with an empty passphrase", async () => {
		await expectToSign(await open(exportContainer("rsa2048", [], ""), ""));
		await expectToSign(await open(exportContainer("rsa2048", ["-legacy"], ""), ""));
	});

	it("opens one with a passphrase outside ASCII where node-forge can, and says so where it cannot", async () => {
		await expectToSign(await open(exportContainer("rsa2048", ["-legacy"], "pässword €"), "pässword €"));
		const error = await expectRejection("ERR_PKCS12", open(exportContainer("rsa2048", [], "pässword €"), "pässword €"));
		expect(error.message).toMatch(/does not go together with a passphrase outside ASCII, export it again/);
		expect(error.message).not.toContain("pässword");
	});

	it.each([
		["default", []],
		["-legacy", ["-legacy"]],
		["without encryption", ["-certpbe", "NONE", "-keypbe", "NONE"]],
	] as const)("says that the passphrase is wrong (%s)", async (_, options) => {
		const file = exportContainer("rsa2048", options);
		for (const wrong of ["wrong", "", "wröng"]) {
			const error = await expectRejection("ERR_KEY_PASSPHRASE", open(file, wrong));
			expect(error.message).toBe(`Cannot open "${file}": the passphrase is wrong`);
		}
		await expectRejection("ERR_KEY_PASSPHRASE", open(file, "x".repeat(1025)));
	});

	it("refuses one without a MAC, whatever the passphrase, without asking for it", async () => {
		const file = exportContainer("rsa2048", ["-nomac"]);
		const passphrase = () => expect.fail("asked for the passphrase");
		await expectRejection("ERR_PKCS12_NO_MAC", openPkcs12Signer({ file, passphrase }));
	});

	it("refuses one whose MAC was cut off", async () => {
		const { version, authSafe } = partsOf(readFileSync(exportContainer("rsa2048")));
		const file = workshop.write("cut.p12", sequence(version, authSafe));
		await expectRejection("ERR_PKCS12_NO_MAC", open(file));
	});

	it("refuses PBMAC1 by its own code", async () => {
		const error = await expectRejection("ERR_PKCS12_PBMAC1", open(exportContainer("rsa2048", ["-pbmac1_pbkdf2"])));
		expect(error.message).toMatch(/it uses PBMAC1, which is not supported; export it again/);
	});

	it("refuses MD5 in the MAC, RC2-128, and a MAC of absurd cost", async () => {
		await expectRejection("ERR_PKCS12", open(exportContainer("rsa2048", ["-macalg", "md5"])));
		await expectRejection("ERR_PKCS12", open(exportContainer("rsa2048", ["-legacy", "-certpbe", "PBE-SHA1-RC2-128"])));
		const { version, authSafe, mac, salt } = partsOf(readFileSync(exportContainer("rsa2048")));
		const costly = sequence(version, authSafe, sequence(mac, salt, integer(2 ** 31 - 1)));
		const error = await expectRejection("ERR_PKCS12", open(workshop.write("costly.p12", costly)));
		expect(error.message).toMatch(/takes 2147483647 iterations/);
	});

	it("refuses containers without a key and without its certificate", async () => {
		const leaf = leaves.get("rsa2048") as Issued; // Made above.
		const file = join(workshop.directory, "part.p12");
		const common = ["pkcs12", "-export", "-out", file, "-passout", `pass:${PASSPHRASE}`];
		workshop.openssl(...common, "-nokeys", "-in", leaf.file);
		expect((await expectRejection("ERR_PKCS12", open(file))).message).toMatch(/it holds 0 private keys/);
		workshop.openssl(...common, "-nocerts", "-inkey", leaf.keyFile);
		await expectRejection("ERR_KEY_MISMATCH", open(file));
		const withChain = { file, chainFiles: [leaf.file], passphrase: () => PASSPHRASE };
		await expectToSign(await openPkcs12Signer(withChain));
	});

	it("warns of a container that others can read", async () => {
		if (process.platform === "win32") return;
		const file = exportContainer("rsa2048");
		const warnings: string[] = [];
		const options = { file, passphrase: () => PASSPHRASE, onWarning: (text: string) => warnings.push(text) };
		chmodSync(file, 0o644);
		await openPkcs12Signer(options);
		chmodSync(file, 0o600);
		await openPkcs12Signer(options);
		expect(warnings).toHaveLength(1);
	});

	it("refuses PEM, BER with indefinite length, bytes behind the end, and oversized files", async () => {
		await expectRejection("ERR_PKCS12", open(root.file));
		const bytes = readFileSync(exportContainer("p256"));
		const ber = Buffer.concat([Buffer.from([0x30, 0x80]), bytes.subarray(4), Buffer.from([0, 0])]);
		await expectRejection("ERR_PKCS12", open(workshop.write("ber.p12", ber)));
		await expectRejection("ERR_PKCS12", open(workshop.write("long.p12", Buffer.concat([bytes, Buffer.from([0])]))));
		await expectRejection("ERR_LIMIT", open(workshop.write("big.p12", Buffer.alloc(2 ** 20 + 1))));
	});

	it("ends in an error of ours for every truncation", { timeout: 120_000 }, async () => {
		const bytes = readFileSync(exportContainer("p256"));
		for (let length = 0; length < bytes.length; length++) {
			await expectRejection("ERR_PKCS12", open(workshop.write("cut.p12", bytes.subarray(0, length))));
		}
	});

	it("ends in an error of ours, or opens the same, for a flip in every third octet", { timeout: 120_000 }, async () => {
		const bytes = readFileSync(exportContainer("p256", ["-iter", "1"]));
		for (let at = 0; at < bytes.length; at += 3) {
			const flipped = Buffer.from(bytes);
			flipped[at] ^= 1 << (at % 8);
			const outcome = await open(workshop.write("flip.p12", flipped)).catch((error: unknown) => error);
			if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "SigtoolError" });
			else expect(outcome).toMatchObject({ algorithm: "ecdsa-sha256" });
		}
	});
});

describe.skipIf(!hasCorpus)("node-forge", () => {
	it("gives back every certificate of the corpus octet for octet", () => {
		const forge = createRequire(import.meta.url)("node-forge") as typeof import("node-forge"); // As its types say.
		const certificates = certificatesFromPem(corpusPem("CAfile-all.pem"));
		expect(certificates.length).toBeGreaterThan(20);
		for (const { der } of certificates) {
			const structure = forge.asn1.fromDer(Buffer.from(der).toString("latin1"));
			let kept = structure;
			try {
				kept = forge.pki.certificateToAsn1(forge.pki.certificateFromAsn1(structure, true));
			} catch {
				// Not an RSA key: containers hand such certificates over as the structure that was read.
			}
			expect(Buffer.from(forge.asn1.toDer(kept).getBytes(), "latin1").equals(der)).toBe(true);
		}
	});
});

/** The elements of a PFX with a MAC. */
function partsOf(pfx: Uint8Array) {
	const reader = new DerReader(pfx, "container");
	reader.open(TAG.SEQUENCE);
	const [version, authSafe] = [reader.element(), reader.element()];
	reader.open(TAG.SEQUENCE);
	return { version, authSafe, mac: reader.element(), salt: reader.element() };
}
