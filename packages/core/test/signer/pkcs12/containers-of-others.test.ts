/** Opens PKCS#12 containers that other programs have written with their defaults. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasProgram, spawnSync } from "../../../../../test/outside.js";
import { openPkcs12Signer } from "../../../dist/signer/pkcs12/pkcs12.js";
import { CODE_SIGNER, type Issued, openWorkshop } from "../../pki/openssl.js";
import { expectRejection, expectToSign } from "../material.js";

const PASSPHRASE = "correct horse";
const hasCerttool = hasProgram("certtool");
const hasPk12util = spawnSync("pk12util", ["-H"]).error === undefined;

const workshop = openWorkshop();
afterAll(() => workshop.remove());

const open = (file: string, passphrase = PASSPHRASE) => openPkcs12Signer({ file, passphrase: () => passphrase });

function execute(program: string, ...args: readonly string[]): void {
	const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
	if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

async function expectToOpen(file: string, passphrase = PASSPHRASE): Promise<void> {
	const signer = await open(file, passphrase);
	expect(signer.certificates[0].subject.text).toBe("CN=Leaf");
	await expectToSign(signer);
}

describe("openPkcs12Signer() opens the containers of", () => {
	const leaves = new Map<string, Issued>();
	beforeAll(() => {
		for (const key of ["rsa2048", "p256"] as const) {
			leaves.set(key, workshop.issue({ subject: "/CN=Leaf", extensions: CODE_SIGNER, key }));
		}
	});
	// The type assertion is safe: `beforeAll` made these leaves.
	const leafOf = (kind: string) => leaves.get(kind) as Issued;
	let count = 0;
	const newFile = () => join(workshop.directory, `${++count}.p12`);

	describe.skipIf(!hasCerttool)("GnuTLS, written by certtool", () => {
		function write(kind: string, options: readonly string[], passphrase = PASSPHRASE): string {
			const { keyFile, file: certificate } = leafOf(kind);
			const file = newFile();
			const content = ["--load-privkey", keyFile, "--load-certificate", certificate, "--p12-name", "leaf"];
			const protection = passphrase === "" ? [] : ["--password", passphrase];
			execute("certtool", "--to-p12", "--outder", "--outfile", file, ...content, ...protection, ...options);
			return file;
		}

		it.each([
			["rsa2048", "by default", []],
			["p256", "by default", []],
			["p256", "with 3DES of PKCS#12", ["--pkcs-cipher", "3des-pkcs12"]],
			["p256", "with RC2-40", ["--pkcs-cipher", "rc2-40"]],
		] as const)("%s %s", async (kind, _, options) => {
			await expectToOpen(write(kind, options));
		});

		it("a passphrase outside ASCII", async () => {
			await expectToOpen(write("p256", [], "pässword €"), "pässword €");
		});

		it("the empty passphrase", async () => {
			await expectToSign(await open(write("p256", ["--empty-password"], ""), ""));
		});
	});

	describe.skipIf(!hasPk12util)("NSS, written by pk12util", () => {
		function write(kind: string, options: readonly string[], passphrase = PASSPHRASE): string {
			const { keyFile, file: certificate } = leafOf(kind);
			const [file, input, database] = [newFile(), newFile(), join(workshop.directory, `nss-${count}`)];
			mkdirSync(database);
			const content = ["-inkey", keyFile, "-in", certificate, "-name", "leaf", "-passout", "pass:x"];
			workshop.openssl("pkcs12", "-export", ...content, "-out", input);
			execute("certutil", "-N", "-d", database, "--empty-password");
			execute("pk12util", "-i", input, "-d", database, "-W", "x");
			execute("pk12util", "-o", file, "-d", database, "-n", "leaf", "-W", passphrase, ...options);
			return file;
		}

		it.each([
			["rsa2048", "by default", []],
			["p256", "by default", []],
			["p256", "with 3DES of PKCS#12", ["-c", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC"]],
		] as const)("%s %s", async (kind, _, options) => {
			await expectToOpen(write(kind, options));
		});

		it("a passphrase outside ASCII", async () => {
			await expectToOpen(write("p256", [], "pässword €"), "pässword €");
		});
	});
});

/**
 * `keytool` of OpenJDK 21 wrote these containers. It is too large to be installed for one test, so
 * `containers/make-keytool.sh` made them once.
 */
describe("openPkcs12Signer() opens the containers of Java, written by keytool", () => {
	it.each(["default", "legacy"])("%s", async (name) => {
		const file = fileURLToPath(new URL(`containers/keytool-${name}.p12`, import.meta.url));
		const options = { file, passphrase: () => PASSPHRASE, unfit: "allow" } as const;
		await expectToSign(await openPkcs12Signer(options));
		await expectRejection("ERR_KEY_PASSPHRASE", openPkcs12Signer({ ...options, passphrase: () => "wrong" }));
	});
});
