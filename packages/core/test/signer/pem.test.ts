import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { integer, NULL, octetString, oid, sequence } from "../../dist/asn1/der.js";
import { verifyPinned } from "../../dist/pki/chain.js";
import { openCommandSigner } from "../../dist/signer/command.js";
import { certificateToPem, toPem } from "../../dist/signer/identity/issue-certificate.js";
import { openPemSigner, readCertificates } from "../../dist/signer/pem.js";
import { expectError } from "../pki/expect-error.js";
import { openWorkshop } from "../pki/openssl.js";
import { certificateFor, expectRejection, expectToSign, p256, rsa2048 } from "./material.js";

const directory = temporaryDirectory(atEndOfFile);

const PASSPHRASE = "correct horse pä€";
const key = rsa2048();
const pem = String(key.export({ format: "pem", type: "pkcs8" }));
const certFile = write("cert.pem", certificateToPem(certificateFor(key)));

function write(name: string, content: string | Uint8Array): string {
	const file = join(directory, name);
	writeFileSync(file, content);
	chmodSync(file, 0o600);
	return file;
}

function encrypted(type: "pkcs8" | "pkcs1", cipher = "aes-256-cbc"): string {
	return String(key.export({ format: "pem", type, cipher, passphrase: PASSPHRASE }));
}

describe("openPemSigner()", () => {
	it("opens PKCS#8, PKCS#1 and SEC 1 keys without asking for a passphrase", async () => {
		const passphrase = vi.fn(() => "not needed");
		const onWarning = vi.fn();
		for (const type of ["pkcs8", "pkcs1"] as const) {
			const keyFile = write("key.pem", String(key.export({ format: "pem", type })));
			await expectToSign(await openPemSigner({ keyFile, certFile, passphrase, onWarning }));
		}
		const ecKey = p256();
		const keyFile = write("ec.pem", String(ecKey.export({ format: "pem", type: "sec1" })));
		const ecCert = write("ec-cert.pem", certificateToPem(certificateFor(ecKey)));
		await expectToSign(await openPemSigner({ keyFile, certFile: ecCert, passphrase, onWarning }));
		expect(passphrase).not.toHaveBeenCalled();
		expect(onWarning).not.toHaveBeenCalled();
	});

	it.each([
		["PKCS#8", () => encrypted("pkcs8")],
		["traditional AES", () => encrypted("pkcs1", "aes-128-cbc")],
		["traditional 3DES", () => encrypted("pkcs1", "des-ede3-cbc")],
	])("opens an encrypted %s key, asking once; refuses a wrong, an empty and a missing passphrase", async (_, make) => {
		const keyFile = write("encrypted.pem", make());
		const passphrase = vi.fn(async () => PASSPHRASE);
		await expectToSign(await openPemSigner({ keyFile, certFile, passphrase }));
		expect(passphrase).toHaveBeenCalledTimes(1);
		for (const wrong of ["wrong", "", "x".repeat(1024)]) {
			await expectRejection("ERR_KEY_PASSPHRASE", openPemSigner({ keyFile, certFile, passphrase: () => wrong }));
		}
		const tooLong = openPemSigner({ keyFile, certFile, passphrase: () => "x".repeat(1025) });
		expect((await expectRejection("ERR_KEY_PASSPHRASE", tooLong)).message).toMatch(/longer than 1024 bytes$/);
		const missing = await expectRejection("ERR_KEY_PASSPHRASE", openPemSigner({ keyFile, certFile }));
		expect(missing.message).toMatch(/it is encrypted and no passphrase was given$/);
	});

	it("keeps key and passphrase out of errors, whatever is damaged", async () => {
		const text = encrypted("pkcs8");
		const lines = text.split("\n");
		lines[5] = lines[5].split("").reverse().join("");
		const damaged = [lines.join("\n"), text.slice(0, 700), pem.slice(0, 900), pem.replace(/\n[A-Za-z0-9+/]{40}/, "\n")];
		for (const content of damaged) {
			const keyFile = write("damaged.pem", content);
			const failure = openPemSigner({ keyFile, certFile, passphrase: () => PASSPHRASE }).catch((error) => error);
			const { code, message, cause, stack } = await failure;
			expect(["ERR_KEY", "ERR_KEY_PASSPHRASE", "ERR_KEY_MISMATCH"]).toContain(code);
			expect(cause).toBeUndefined();
			expect(`${message}${stack}`).not.toContain(PASSPHRASE);
			expect(`${message}${stack}`).not.toContain(content.split("\n")[2]);
		}
	});

	it("reads the leaf and its chain from one file, in any order, and from chain files", async () => {
		const keyFile = write("key.pem", pem);
		const [one, two] = [certificateFor(p256(), "One"), certificateFor(p256(), "Two")];
		const both = write("both.pem", certificateToPem(one) + readFileSync(certFile, "utf8"));
		const chain = write("chain.der", two.der);
		const { certificates } = await openPemSigner({ keyFile, certFile: both, chainFiles: [chain] });
		expect(certificates.map(({ subject }) => subject.text)).toEqual(["CN=Test Signer", "CN=One", "CN=Two"]);
	});

	it("reads key and certificate from one file", async () => {
		const file = write("all.pem", pem + readFileSync(certFile, "utf8"));
		await expectToSign(await openPemSigner({ keyFile: file, certFile: file }));
	});

	it("warns of a key that other users can read", async () => {
		if (process.platform === "win32") return;
		const keyFile = write("open.pem", pem);
		chmodSync(keyFile, 0o644);
		const warnings: string[] = [];
		await openPemSigner({ keyFile, certFile, onWarning: (text) => warnings.push(text) });
		expect(warnings).toEqual([
			`other users may read the key in "${keyFile}"; \`chmod 600 ${keyFile}\` makes it private`,
		]);
	});

	it("refuses a file without a private key in PEM, with two, and in OpenSSH's form, and names the remedy", async () => {
		const refusal = async (content: string | Uint8Array) => {
			const opening = openPemSigner({ keyFile: write("bad.pem", content), certFile });
			return (await expectRejection("ERR_KEY", opening)).message;
		};
		expect(await refusal("")).toMatch(/: it is empty$/);
		expect(await refusal(key.export({ format: "der", type: "pkcs8" }))).toMatch(
			/: it is a private key in DER; `openssl pkey -inform DER -in FILE -out key.pem` converts it to PEM$/,
		);
		const encrypted = { cipher: "aes-256-cbc", passphrase: PASSPHRASE, format: "der", type: "pkcs8" } as const;
		expect(await refusal(key.export(encrypted))).toMatch(
			/it is an encrypted private key in DER; `openssl pkcs8 -topk8 -inform DER -in FILE -out key.pem` converts it/,
		);
		expect(await refusal(Buffer.from("feedfeed00000002", "hex"))).toMatch(/it is a Java keystore \(JKS\); `keytool /);
		expect(await refusal(pem + pem)).toMatch(/it holds 2 private keys/);
		expect(await refusal("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")).toMatch(/ssh-keygen -p -m PKCS8/);
	});

	it("names a certificate file that holds no certificate, and one that is missing", async () => {
		const keyFile = write("key.pem", pem);
		const error = await expectRejection("ERR_KEY", openPemSigner({ keyFile, certFile: keyFile }));
		expect(error.message).toContain(`Cannot use ${JSON.stringify(keyFile)}: `);
		await expectRejection("ERR_ROOT_MISSING", openPemSigner({ keyFile, certFile: join(directory, "none.pem") }));
		await expectRejection("ERR_ROOT_MISSING", openPemSigner({ keyFile: join(directory, "none.pem"), certFile }));
	});

	describe("an encrypted PKCS#8 key", () => {
		const salt = octetString(Buffer.alloc(8));
		const aes = sequence(oid("2.16.840.1.101.3.4.1.42"), octetString(Buffer.alloc(16)));
		const pbes2 = (derivation: Uint8Array) => sequence(oid("1.2.840.113549.1.5.13"), sequence(derivation, aes));
		const pbkdf2 = (iterations: number, ...more: Uint8Array[]) =>
			pbes2(sequence(oid("1.2.840.113549.1.5.12"), sequence(salt, integer(iterations), ...more)));
		const scrypt = (...numbers: number[]) =>
			pbes2(sequence(oid("1.3.6.1.4.1.11591.4.11"), sequence(salt, ...numbers.map((number) => integer(number)))));
		const pkcs12 = (iterations: number) =>
			sequence(oid("1.2.840.113549.1.12.1.3"), sequence(salt, integer(iterations)));

		const openWith = (algorithm: Uint8Array, passphrase: () => string) => {
			const der = sequence(algorithm, octetString(Buffer.alloc(64)));
			return openPemSigner({ keyFile: write("costly.pem", toPem("ENCRYPTED PRIVATE KEY", der)), certFile, passphrase });
		};

		it.each([
			[
				"PBKDF2 with two blocks of SHA-1",
				pbkdf2(2_500_001),
				/its encryption takes the work of 5000002 iterations or more, at most 5000000 are taken;/,
			],
			["PBKDF2 at its most", pbkdf2(2 ** 31 - 1), /takes the work of 4294967294 iterations/],
			["PBKDF2 with a key of 200 bytes", pbkdf2(500_001, integer(200)), /the work of 5000010 iterations/],
			["PKCS#12's own function", pkcs12(1_666_667), /takes the work of 5000001 iterations/],
			["scrypt's memory", scrypt(2 ** 20, 8, 1), /takes 1024 MiB of memory for scrypt, at most 32 are taken/],
			["scrypt's block size", scrypt(2, 2 ** 30, 1), /takes 262144 MiB of memory/],
			["scrypt's parallelization", scrypt(2 ** 14, 8, 65), /takes N·r·p = 8519680 steps of scrypt, at most 8388608/],
		] as const)("is refused before a passphrase is asked for: %s", async (_, algorithm, message) => {
			const passphrase = vi.fn(() => PASSPHRASE);
			const error = await expectRejection("ERR_KEY", openWith(algorithm, passphrase));
			expect(error.message).toMatch(message);
			expect(error.message).toMatch(/`openssl pkcs8 -topk8` encrypts it anew$/);
			expect(passphrase).not.toHaveBeenCalled();
		});

		it.each([
			["no iterations", pbkdf2(0), /it is damaged/],
			["another function", pbes2(sequence(oid("1.2.3.4"), NULL)), /its encryption is not supported any more/],
			["another scheme", sequence(oid("1.2.840.113549.1.5.12"), sequence(salt, integer(1))), /not supported any more/],
			["no parameters", sequence(oid("1.2.840.113549.1.5.13")), /it is damaged/],
		] as const)("is refused with %s", async (_, algorithm, message) => {
			expect(
				(
					await expectRejection(
						"ERR_KEY",
						openWith(algorithm, () => PASSPHRASE),
					)
				).message,
			).toMatch(message);
		});

		it("is opened up to the limits, where only the passphrase is wrong", async () => {
			for (const algorithm of [pbkdf2(1), pkcs12(1), scrypt(2, 8, 1), scrypt(2 ** 14, 8, 1)]) {
				await expectRejection(
					"ERR_KEY_PASSPHRASE",
					openWith(algorithm, () => PASSPHRASE),
				);
			}
		});
	});

	it("refuses key files of unreasonable size", async () => {
		const keyFile = write("large.pem", pem + " ".repeat(70_000));
		await expectRejection("ERR_LIMIT", openPemSigner({ keyFile, certFile }));
	});
});

describe("openPemSigner() with keys that openssl encrypted", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());

	it.each(["-scrypt", "-v2 aes-128-cbc", "-v2 des3"])("opens `pkcs8 %s`", async (options) => {
		const [input, keyFile] = [workshop.write("in.pem", pem), join(workshop.directory, "out.pem")];
		workshop.openssl(
			"pkcs8",
			"-topk8",
			"-in",
			input,
			"-out",
			keyFile,
			"-passout",
			"pass:secret",
			...options.split(" "),
		);
		await expectToSign(await openPemSigner({ keyFile, certFile, passphrase: () => "secret" }));
	});

	it("says that RC2 is no longer supported", async () => {
		const [input, keyFile] = [workshop.write("in.pem", pem), join(workshop.directory, "rc2.pem")];
		const legacy = ["-provider", "legacy", "-provider", "default"];
		workshop.openssl(
			...["pkcs8", "-topk8", "-in", input, "-out", keyFile, "-passout", "pass:secret"],
			...["-v1", "PBE-SHA1-RC2-40", ...legacy],
		);
		const opening = openPemSigner({ keyFile, certFile, passphrase: () => "secret" });
		expect((await expectRejection("ERR_KEY", opening)).message).toMatch(/its encryption is not supported any more/);
	});
});

describe("openPemSigner() with keys that openssl made", () => {
	const workshop = openWorkshop();
	afterAll(() => workshop.remove());

	/** Makes a key and a certificate for code signing with it. */
	function make(name: string, ...parameters: string[]): { keyFile: string; certFile: string } {
		const [keyFile, certFile] = [join(workshop.directory, `${name}.key`), join(workshop.directory, `${name}.pem`)];
		workshop.openssl("ecparam", "-genkey", "-noout", "-out", keyFile, ...parameters);
		certify(name, keyFile, certFile);
		return { keyFile, certFile };
	}
	function certify(name: string, keyFile: string, certFile: string): void {
		const extensions = ["-addext", "extendedKeyUsage=codeSigning", "-addext", "basicConstraints=critical,CA:FALSE"];
		const subject = ["-subj", `/CN=${name}`];
		workshop.openssl(
			"req",
			"-x509",
			"-new",
			"-key",
			keyFile,
			"-days",
			"9",
			...subject,
			...extensions,
			"-out",
			certFile,
		);
	}

	it("refuses SM2 by name, also as the key of a program that signs", async () => {
		const { keyFile, certFile } = make("SM2", "-name", "SM2");
		const { message } = await expectRejection("ERR_KEY", openPemSigner({ keyFile, certFile }));
		expect(message).toBe("Cannot sign with this key: no verifier of Windows catalogs accepts SM2; use RSA or ECDSA");
		const external = expectError("ERR_KEY", () => openCommandSigner({ program: "/bin/false", certFile }));
		expect(external.message).toContain("accepts SM2;");
		const [certificate] = readCertificates(certFile);
		const requirements = { at: Date.now(), purpose: "codeSigning", profile: "default" } as const;
		expect(expectError("ERR_WEAK_KEY", () => verifyPinned(certificate, requirements)).message).toContain(
			"on curve SM2,",
		);
	});

	it("refuses a certificate whose curve is written out as parameters, and says how to name the curve", async () => {
		const explicit = make("Explicit", "-name", "prime256v1", "-param_enc", "explicit");
		const { message } = await expectRejection("ERR_KEY", openPemSigner(explicit));
		expect(message).toMatch(
			/the certificate of "CN=Explicit": its elliptic curve .*`openssl ec -param_enc named_curve`/,
		);
		const external = { program: "/bin/false", certFile: explicit.certFile };
		expect(expectError("ERR_KEY", () => openCommandSigner(external)).message).toBe(message);
		const [certificate] = readCertificates(explicit.certFile);
		const requirements = { at: Date.now(), purpose: "codeSigning", profile: "default" } as const;
		const weak = expectError("ERR_WEAK_KEY", () => verifyPinned(certificate, requirements));
		expect(weak.message).toContain("its key is on a curve of explicit parameters, which is not accepted");

		const named = { keyFile: join(workshop.directory, "named.key"), certFile: join(workshop.directory, "named.pem") };
		workshop.openssl("ec", "-in", explicit.keyFile, "-param_enc", "named_curve", "-out", named.keyFile);
		certify("Named", named.keyFile, named.certFile);
		await expectToSign(await openPemSigner(named));
		await expectToSign(await openPemSigner({ ...named, certFile: explicit.certFile, chainFiles: [named.certFile] }));
	});

	it("reads key and certificate behind a byte order mark", async () => {
		const { keyFile, certFile } = make("Marked", "-name", "prime256v1");
		const mark = (file: string) => Buffer.concat([Buffer.from("efbbbf", "hex"), readFileSync(file)]);
		const marked = { keyFile: write("marked.key", mark(keyFile)), certFile: write("marked.pem", mark(certFile)) };
		await expectToSign(await openPemSigner(marked));
	});
});
