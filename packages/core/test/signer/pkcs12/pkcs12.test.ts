import { createCipheriv, createHash, createHmac, createPrivateKey } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { temporaryDirectory } from "../../../../../test/temporary.js";
import { context, DerReader, encode, integer, NULL, octetString, oid, sequence, TAG } from "../../../dist/asn1/der.js";
import { certificatesFromPem } from "../../../dist/pki/certificate.js";
import { deriveKey as deriveByCore } from "../../../dist/signer/pbe/pkcs12-derivation.js";
import { openContainerFile, openPkcs12Signer } from "../../../dist/signer/pkcs12/pkcs12.js";
import { encodePkcs12 } from "../../../dist/signer/pkcs12/pkcs12-encode.js";
import { toBer } from "../../asn1/to-ber.js";
import { corpusPem, hasCorpus } from "../../pki/corpus.js";
import { CODE_SIGNER, type Issued, openWorkshop } from "../../pki/openssl.js";
import { expectRejection, expectToSign, p256 } from "../material.js";

const PASSPHRASE = "correct horse";
const NO_BYTES = { utf8: new Uint8Array(), bmp: new Uint8Array() };

describe("openPkcs12Signer()", () => {
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
	/** Makes a container with the leaf of that kind, its key and the root. */
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
		["rsa2048", "with RC2-128 for both", ["-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"]],
		["p256", "with RC2-40 by PBES2", ["-legacy", "-certpbe", "rc2-40-cbc", "-keypbe", "rc2-40-cbc"]],
		["p256", "with RC2-64 by PBES2", ["-legacy", "-certpbe", "rc2-64-cbc", "-keypbe", "rc2-64-cbc"]],
		["p256", "with RC2-128 by PBES2", ["-legacy", "-certpbe", "rc2-cbc", "-keypbe", "rc2-cbc"]],
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

	it.each([
		["not for AES", [], PASSPHRASE, false],
		["for RC2", ["-legacy"], PASSPHRASE, true],
		["not before the MAC of a container with RC2 is right", ["-legacy"], "wrong", false],
	] as const)("loads node-forge %s", (_, options, passphrase, isLoaded) => {
		const file = exportContainer("p256", options);
		const code = `
			const { openContainerFile } = await import(${JSON.stringify(new URL("../../../dist/signer/pkcs12/pkcs12.js", import.meta.url))});
			const { _cache } = (await import("node:module")).default;
			await openContainerFile({ file: ${JSON.stringify(file)}, passphrase: () => "${passphrase}" }).catch(() => {});
			console.log(Object.keys(_cache).some((path) => path.includes("node-forge")));`;
		const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { encoding: "utf8" });
		expect(stdout.trim()).toBe(String(isLoaded));
	});

	it("opens an Ed25519 container and refuses the key with the reason", async () => {
		const error = await expectRejection("ERR_KEY", open(exportContainer("ed25519")));
		expect(error.message).toMatch(/no verifier of Windows catalogs accepts Ed25519/);
	});

	it("opens a container with an empty passphrase whose MAC key comes from no bytes at all", async () => {
		const file = exportContainer("p256", ["-certpbe", "NONE", "-keypbe", "NONE"], "");
		const { version, authSafe } = partsOf(readFileSync(file));
		const reader = new DerReader(authSafe, "content");
		reader.open(TAG.SEQUENCE);
		reader.next();
		reader.open(context(0));
		const salt = Buffer.alloc(8, 1);
		const key = deriveByCore({ kind: "pkcs12", hash: "sha256", salt, iterations: 1 }, NO_BYTES, "mac", 32);
		const mac = createHmac("sha256", key).update(reader.value(TAG.OCTET_STRING)).digest();
		const digestInfo = sequence(sequence(oid("2.16.840.1.101.3.4.2.1"), NULL), octetString(mac));
		const macData = sequence(digestInfo, octetString(salt));
		await expectToSign(await open(workshop.write("null.p12", sequence(version, authSafe, macData)), ""));
	});

	it("opens a container with an empty passphrase", async () => {
		await expectToSign(await open(exportContainer("rsa2048", [], ""), ""));
		await expectToSign(await open(exportContainer("rsa2048", ["-legacy"], ""), ""));
	});

	it.each([
		["as OpenSSL 3 writes by default", []],
		["with -legacy", ["-legacy"]],
		["with PBMAC1", ["-pbmac1_pbkdf2"]],
		["with 3DES for both", ["-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"]],
	] as const)("opens a container with a passphrase outside ASCII %s", async (_, options) => {
		for (const passphrase of ["pässword €", "🔑 ключ"]) {
			const file = exportContainer("p256", options, passphrase);
			await expectToSign(await open(file, passphrase));
			const error = await expectRejection("ERR_KEY_PASSPHRASE", open(file, `${passphrase}!`));
			expect(error.message).not.toContain(passphrase);
		}
	});

	it.each([
		["as OpenSSL 3 writes by default", []],
		["with PBMAC1", ["-pbmac1_pbkdf2"]],
	] as const)("opens a container with 600,000 iterations %s", async (_, options) => {
		await expectToSign(await open(exportContainer("p256", ["-iter", "600000", ...options])));
	});

	it.each(["sha256", "sha384", "sha512"])("opens PBMAC1 with HMAC of %s", async (name) => {
		const file = exportContainer("p256", ["-pbmac1_pbkdf2", "-pbmac1_pbkdf2_md", name, "-macalg", name]);
		await expectToSign(await open(file));
		await expectRejection("ERR_KEY_PASSPHRASE", open(file, "wrong"));
	});

	it("judges certificates by the bytes in the container, not by an encoding of its own", async () => {
		const leaf = leaves.get("rsa2048") as Issued; // The type assertion is safe: `beforeAll` made it.
		const { der, tbs } = leaf.certificate;
		const sha256WithRsa = oid("1.2.840.113549.1.1.11");
		const reader = new DerReader(der, "certificate");
		reader.open(TAG.SEQUENCE);
		reader.next();
		expect(Buffer.from(reader.element()).equals(sequence(sha256WithRsa, NULL))).toBe(true);
		const withoutNull = { ...leaf.certificate, der: sequence(tbs, sequence(sha256WithRsa), reader.element()) };
		const key = createPrivateKey(readFileSync(leaf.keyFile));
		const content = { key, certificates: [withoutNull], friendlyName: "x", passphrase: PASSPHRASE };
		const file = workshop.write("without-null.p12", encodePkcs12(content));
		const error = await expectRejection("ERR_PKCS12", open(file));
		expect(error.message).toMatch(/its two signature algorithms differ/);
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

	it("refuses a container without a MAC, and does not ask for the passphrase", async () => {
		const file = exportContainer("rsa2048", ["-nomac"]);
		const passphrase = () => expect.fail("asked for the passphrase");
		await expectRejection("ERR_PKCS12_NO_MAC", openPkcs12Signer({ file, passphrase }));
	});

	it("refuses a container whose MAC was removed", async () => {
		const { version, authSafe } = partsOf(readFileSync(exportContainer("rsa2048")));
		const file = workshop.write("cut.p12", sequence(version, authSafe));
		await expectRejection("ERR_PKCS12_NO_MAC", open(file));
	});

	it("refuses PBMAC1 with a key that is short or of a length not stated, and with another function", async () => {
		const { version, authSafe } = partsOf(readFileSync(exportContainer("p256")));
		const hmac = sequence(oid("1.2.840.113549.2.9"), NULL);
		const macOf = (derivation: Uint8Array) => {
			const algorithm = sequence(oid("1.2.840.113549.1.5.14"), sequence(derivation, hmac));
			return sequence(sequence(algorithm, octetString(Buffer.alloc(32))), octetString(Buffer.alloc(8)));
		};
		const pbkdf2 = (...keyLength: Uint8Array[]) => {
			const salt = octetString(Buffer.alloc(8));
			return sequence(oid("1.2.840.113549.1.5.12"), sequence(salt, integer(1), ...keyLength, hmac));
		};
		for (const derivation of [
			pbkdf2(),
			pbkdf2(integer(19)),
			pbkdf2(integer(65)),
			pbkdf2(integer(2 ** 20)),
			sequence(oid("1.2.840.113549.1.5.12")),
			sequence(oid("1.2.3.4"), NULL),
		]) {
			const file = workshop.write("pbmac1.p12", sequence(version, authSafe, macOf(derivation)));
			const error = await expectRejection("ERR_PKCS12_PBMAC1", open(file));
			expect(error.message).toMatch(/uses PBMAC1 in a form that is not supported .*; export it again with `openssl/);
		}
		await expectRejection(
			"ERR_KEY_PASSPHRASE",
			open(workshop.write("pbmac1.p12", sequence(version, authSafe, macOf(pbkdf2(integer(20)))))),
		);
	});

	it("refuses MD5 in the MAC, RC2-64 of PKCS#5, and a MAC with too many iterations", async () => {
		await expectRejection("ERR_PKCS12", open(exportContainer("rsa2048", ["-macalg", "md5"])));
		await expectRejection("ERR_PKCS12", open(exportContainer("rsa2048", ["-legacy", "-certpbe", "PBE-SHA1-RC2-64"])));
		const { version, authSafe, mac, salt } = partsOf(readFileSync(exportContainer("rsa2048")));
		const costly = sequence(version, authSafe, sequence(mac, salt, integer(2 ** 31 - 1)));
		const error = await expectRejection("ERR_PKCS12", open(workshop.write("costly.p12", costly)));
		expect(error.message).toMatch(/its MAC takes the work of 2147483647 iterations or more, at most 5000000 are taken/);
		const none = sequence(version, authSafe, sequence(mac, salt, integer(0)));
		await expectRejection("ERR_PKCS12", open(workshop.write("none.p12", none)));
	});

	it("counts PBMAC1 by the blocks of its key, before the passphrase is asked for", async () => {
		const { version, authSafe } = partsOf(readFileSync(exportContainer("p256")));
		const prf = sequence(oid("1.2.840.113549.2.7"), NULL); // this OID is HMAC with SHA-1
		const fileWith = (iterations: number, keyBytes: number) => {
			const parameters = sequence(octetString(Buffer.alloc(8)), integer(iterations), integer(keyBytes), prf);
			const derivation = sequence(oid("1.2.840.113549.1.5.12"), parameters);
			const algorithm = sequence(oid("1.2.840.113549.1.5.14"), sequence(derivation, prf));
			const mac = sequence(sequence(algorithm, octetString(Buffer.alloc(20))), octetString(Buffer.alloc(8)));
			return workshop.write("work.p12", sequence(version, authSafe, mac));
		};
		const passphrase = vi.fn(() => "");
		for (const [keyBytes, work] of [
			[21, 5_000_002],
			[64, 10_000_004],
		]) {
			const file = fileWith(2_500_001, keyBytes);
			const error = await expectRejection("ERR_PKCS12", openPkcs12Signer({ file, passphrase }));
			expect(error.message).toContain(`its MAC takes the work of ${work} iterations or more`);
		}
		expect(passphrase).not.toHaveBeenCalled();
	});

	it.each([
		["sha512", "2.16.840.1.101.3.4.2.3", 4],
		["sha384", "2.16.840.1.101.3.4.2.2", 4],
		["sha1", "1.3.14.3.2.26", 1],
	] as const)("weighs the iterations of a MAC with %s", async (_, name, weight) => {
		const { version, authSafe } = partsOf(readFileSync(exportContainer("p256")));
		const iterations = 5_000_000 / weight + 1;
		const digestInfo = sequence(sequence(oid(name), NULL), octetString(Buffer.alloc(20)));
		const mac = sequence(digestInfo, octetString(Buffer.alloc(8)), integer(iterations));
		const error = await expectRejection(
			"ERR_PKCS12",
			open(workshop.write("work.p12", sequence(version, authSafe, mac))),
		);
		expect(error.message).toContain(`its MAC takes the work of ${5_000_000 + weight} iterations or more`);
	});

	it("counts each encoding of the passphrase that it tries, of which PBMAC1 has one", async () => {
		const data = oid("1.2.840.113549.1.7.1");
		// The work for the key of this part is counted. The key is never derived, because the MAC is wrong.
		const pbe = sequence(oid("1.2.840.113549.1.12.1.3"), sequence(octetString(Buffer.alloc(8)), integer(1_666_000)));
		const content = sequence(data, pbe, encode(context(0, "primitive"), Buffer.alloc(16)));
		const part = sequence(oid("1.2.840.113549.1.7.6"), encode(context(0), sequence(integer(0), content)));
		const authSafe = sequence(data, encode(context(0), octetString(sequence(part))));
		const fileWith = (options: readonly string[]) => {
			const { mac, salt } = partsOf(readFileSync(exportContainer("p256", ["-iter", "1500", ...options])));
			return workshop.write("work.p12", sequence(integer(3), authSafe, sequence(mac, salt, integer(1500))));
		};
		await expectRejection("ERR_KEY_PASSPHRASE", open(fileWith([]), "one encoding"));
		await expectRejection("ERR_KEY_PASSPHRASE", open(fileWith(["-pbmac1_pbkdf2"]), ""));
		const error = await expectRejection("ERR_PKCS12", open(fileWith([]), ""));
		expect(error.message).toContain(
			"for another encoding of the passphrase its MAC takes the work of 5001000 iterations",
		);
	});

	it.each([
		["PBES2", [], 5_000_002],
		["the older ciphers", ["-legacy"], 10_000_003],
		["nothing but the key encrypted", ["-certpbe", "NONE"], 5_000_002],
		["nothing but the certificates encrypted", ["-keypbe", "NONE"], 5_000_002],
	] as const)("refuses encryption with too many iterations (%s)", async (_, options, work) => {
		const file = exportContainer("p256", ["-iter", "5000001", "-nomaciter", ...options]);
		const error = await expectRejection("ERR_PKCS12", open(file));
		expect(error.message).toContain(`its encryption takes the work of ${work} iterations or more, at most 5000000 are`);
	});

	it("counts the iterations of a key inside an encrypted part, and of all parts together", async () => {
		for (const [outer, inner] of [
			[1, 1_666_666],
			[1000, 1_665_667],
		]) {
			const file = workshop.write("nested.p12", nestedContainer(outer, inner));
			const error = await expectRejection("ERR_PKCS12", open(file));
			expect(error.message).toMatch(new RegExp(`takes the work of ${3 * (outer + inner) + 1} iterations`));
		}
		expect(
			(await expectRejection("ERR_PKCS12", open(workshop.write("nested.p12", nestedContainer(1, 1))))).message,
		).toMatch(
			/damaged or not supported/, // The decrypted content is not a key.
		);
		await expectToSign(await open(exportContainer("p256", ["-legacy"])));
	});

	it("refuses containers without a key and without its certificate, and names the way out", async () => {
		const leaf = leaves.get("rsa2048") as Issued; // The type assertion is safe: `beforeAll` made it.
		const file = join(workshop.directory, "part.p12");
		const common = ["pkcs12", "-export", "-out", file, "-passout", `pass:${PASSPHRASE}`];
		workshop.openssl(...common, "-nokeys", "-in", leaf.file);
		expect((await expectRejection("ERR_PKCS12", open(file))).message).toMatch(/it holds 0 private keys/);
		workshop.openssl(...common, "-nocerts", "-inkey", leaf.keyFile);
		expect((await expectRejection("ERR_KEY_MISMATCH", open(file))).message).toMatch(
			/there is no certificate; name the certificate of the key with --chain$/,
		);
		const withChain = { file, chainFiles: [leaf.file], passphrase: () => PASSPHRASE };
		await expectToSign(await openPkcs12Signer(withChain));
	});

	it.each([
		["JKS", "feedfeed00000002"],
		["JCEKS", "cececece00000002"],
	])("names the way out for a %s keystore", async (name, magic) => {
		const error = await expectRejection("ERR_PKCS12", open(workshop.write("key.jks", Buffer.from(magic, "hex"))));
		expect(error.message).toContain(`it is a Java keystore (${name}); \`keytool -importkeystore -srckeystore FILE`);
		expect(error.message).not.toContain("openssl");
	});

	it("warns of a container that other users can read", async () => {
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

	it.each([
		["as OpenSSL 3 writes by default", []],
		["with -legacy", ["-legacy"]],
		["with nothing encrypted", ["-certpbe", "NONE", "-keypbe", "NONE"]],
	] as const)("opens BER with indefinite lengths and octet strings in pieces %s", async (_, options) => {
		const bytes = readFileSync(exportContainer("p256", options));
		const outermost = Buffer.concat([Buffer.from([0x30, 0x80]), bytes.subarray(4), Buffer.from([0, 0])]);
		await expectToSign(await open(workshop.write("outermost.p12", outermost)));
		await expectToSign(await open(workshop.write("ber.p12", toBer(bytes, 100))));
	});

	it("refuses PEM, bytes behind the end, and oversized files", async () => {
		await expectRejection("ERR_PKCS12", open(root.file));
		const bytes = readFileSync(exportContainer("p256"));
		await expectRejection("ERR_PKCS12", open(workshop.write("long.p12", Buffer.concat([bytes, Buffer.from([0])]))));
		await expectRejection("ERR_LIMIT", open(workshop.write("big.p12", Buffer.alloc(2 ** 20 + 1))));
		const error = await expectRejection("ERR_PKCS12", open(workshop.write("odd.p12", sequence(integer(3), NULL))));
		expect(error.message).toMatch(/`openssl pkcs12 -in FILE -out all\.pem`/);
	});

	it("ends in a SigtoolError for every truncation", async () => {
		const bytes = readFileSync(exportContainer("p256"));
		for (let length = 0; length < bytes.length; length++) {
			await expectRejection("ERR_PKCS12", open(workshop.write("cut.p12", bytes.subarray(0, length))));
		}
	});

	it("ends in a SigtoolError, or in the same content, for a flip in every third byte", async () => {
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

describe.skipIf(!hasCorpus)("openContainerFile()", () => {
	it("returns every certificate of the corpus byte for byte", async () => {
		const certificates = certificatesFromPem(corpusPem("CAfile-all.pem"));
		expect(certificates.length).toBeGreaterThan(20);
		const directory = temporaryDirectory();
		const file = join(directory, "corpus.p12");
		writeFileSync(file, encodePkcs12({ key: p256(), certificates, friendlyName: "x", passphrase: PASSPHRASE }));
		chmodSync(file, 0o600);
		const opened = await openContainerFile({ file, passphrase: () => PASSPHRASE });
		expect(opened.certificates.map(({ der }) => Buffer.from(der))).toEqual(
			certificates.map(({ der }) => Buffer.from(der)),
		);
	});
});

/**
 * Makes a PFX whose encrypted part contains an encrypted key bag. The bag's 16 zero bytes decrypt to no key, so opening
 * it always fails. The part and the bag each have a number of iterations.
 */
function nestedContainer(outerIterations: number, innerIterations: number): Uint8Array {
	const salt = Buffer.alloc(8, 1);
	const data = oid("1.2.840.113549.1.7.1");
	const pbe = (iterations: number) => {
		return sequence(oid("1.2.840.113549.1.12.1.3"), sequence(octetString(salt), integer(iterations)));
	};
	const keyBag = sequence(
		oid("1.2.840.113549.1.12.10.1.2"),
		encode(context(0), sequence(pbe(innerIterations), octetString(Buffer.alloc(16)))),
	);
	const passphrase = Buffer.from(`${PASSPHRASE}\0`, "utf16le").swap16();
	const derive = (id: number, iterations: number, size: number) => deriveKey(passphrase, salt, id, iterations, size);
	const cipher = createCipheriv("des-ede3-cbc", derive(1, outerIterations, 24), derive(2, outerIterations, 8));
	const encrypted = Buffer.concat([cipher.update(sequence(keyBag)), cipher.final()]);
	const content = sequence(data, pbe(outerIterations), encode(context(0, "primitive"), encrypted));
	const part = sequence(oid("1.2.840.113549.1.7.6"), encode(context(0), sequence(integer(0), content)));
	const authSafe = sequence(part);
	const mac = createHmac("sha1", derive(3, 1, 20))
		.update(authSafe)
		.digest();
	const digestInfo = sequence(sequence(oid("1.3.14.3.2.26"), NULL), octetString(mac));
	return sequence(
		integer(3),
		sequence(data, encode(context(0), octetString(authSafe))),
		sequence(digestInfo, octetString(salt)),
	);
}

/** Derives a key by RFC 7292 appendix B with SHA-1, for a salt and a passphrase of at most 64 bytes. */
function deriveKey(passphrase: Buffer, salt: Buffer, id: number, iterations: number, size: number): Buffer {
	const input = Buffer.concat([Buffer.alloc(64, salt), Buffer.alloc(64, passphrase)]);
	const blocks: Buffer[] = [];
	for (let done = 0; done < size; done += 20) {
		let block = createHash("sha1").update(Buffer.alloc(64, id)).update(input).digest();
		for (let i = 1; i < iterations; i++) block = createHash("sha1").update(block).digest();
		blocks.push(block);
		const addend = BigInt(`0x${Buffer.alloc(64, block).toString("hex")}`) + 1n;
		for (let at = 0; at < input.length; at += 64) {
			const sum = BigInt(`0x${input.toString("hex", at, at + 64)}`) + addend;
			input.write(BigInt.asUintN(512, sum).toString(16).padStart(128, "0"), at, "hex");
		}
	}
	return Buffer.concat(blocks).subarray(0, size);
}

/** Returns the elements of a PFX that has a MAC. */
function partsOf(pfx: Uint8Array) {
	const reader = new DerReader(pfx, "container");
	reader.open(TAG.SEQUENCE);
	const [version, authSafe] = [reader.element(), reader.element()];
	reader.open(TAG.SEQUENCE);
	return { version, authSafe, mac: reader.element(), salt: reader.element() };
}
