import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it, test } from "vitest";
import { needs } from "../../../../test/outside.js";
import { hasSoftToken, makeSoftToken, SOFTHSM_MODULE } from "../soft-token.js";
import { type Authority, canWriteAttributes, makeAuthority, makeTree, runner, temporaryDirectory } from "../support.js";

const EXAMPLES = fileURLToPath(new URL("../../../../examples/signer-command", import.meta.url));
const PROVIDER = "/usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so";

describe("--signer-command", () => {
	let home: string;
	let tree: string;
	let authority: Authority;
	let sigtool: ReturnType<typeof runner>;
	beforeEach(() => {
		home = temporaryDirectory();
		tree = makeTree(join(home, "tree"), { "a.js": "1", "b.js": "2" });
		authority = makeAuthority(join(home, "pki"));
		sigtool = runner(home);
	});

	/** Makes a program from shell text. Skips the test if the text calls openssl, and there is none. */
	function program(text: string): string {
		if (text.includes("openssl")) needs("openssl");
		const file = join(home, "signer.sh");
		writeFileSync(file, `#!/bin/sh\n${text}\n`);
		chmodSync(file, 0o755);
		return file;
	}

	const catalog = () => join(tree, "tree.cat");
	const sign = (file: string, ...options: string[]) =>
		sigtool(["sign", tree, "--signer-command", file, "--cert", authority.certFile, ...options]);

	it.each(["rsa:2048", "P-256", "P-384"] as const)("signs with %s by the openssl example", (key) => {
		needs("openssl");
		const { keyFile, certFile, caFile } = makeAuthority(join(home, key), key);
		const args = ["--signer-command", join(EXAMPLES, "openssl.sh"), "--cert", certFile];
		const run = sigtool(["sign", tree, ...args], { env: { SIGN_KEY: keyFile } });
		expect([run.stderr, run.status]).toEqual(["", 0]);
		expect(sigtool(["verify", tree, "--trust", caFile])).toMatchObject({ status: 0 });
	});

	it.skipIf(!hasSoftToken || !existsSync(PROVIDER)).each(["rsa:2048", "P-256"] as const)(
		"signs with %s by the PKCS#11 example (needs SoftHSM2, pkcs11-provider)",
		(key) => {
			needs("openssl");
			const { keyFile, certFile, caFile } = makeAuthority(join(home, key), key);
			const token = makeSoftToken(join(home, "token"));
			token.importKey(keyFile, { label: "key", id: "01" });
			const run = sigtool(["sign", tree, "--signer-command", join(EXAMPLES, "pkcs11.sh"), "--cert", certFile], {
				env: {
					...token.env,
					PKCS11_MODULE: SOFTHSM_MODULE,
					SIGN_URI: `pkcs11:token=release;id=%01;type=private?pin-source=file:${token.pinFile}`,
				},
			});
			expect([run.stderr, run.status]).toEqual(["", 0]);
			expect(sigtool(["verify", tree, "--trust", caFile])).toMatchObject({ status: 0 });
		},
	);

	it("passes arguments on unchanged, without a shell", () => {
		needs("openssl");
		const given = ["dgst", "-sha256", "-sign", authority.keyFile];
		const args = given.flatMap((argument) => ["--signer-argument", argument]);
		expect(sign("openssl", ...args)).toMatchObject({ status: 0 });
		const run = sign(program('printf "%s\\n" "$@" >&2; exit 1'), "--signer-argument", `$(touch ${home}/evil) ; *`);
		expect(run.stderr).toContain(`$(touch ${home}/evil) ; *\n`);
		expect(existsSync(join(home, "evil"))).toBe(false);
	});

	it("passes version, algorithm and pin to the program, and works with sign, finish and compile", () => {
		const log = join(home, "log");
		const signer = program(
			`echo "$SIGTOOL_SIGNER_PROTOCOL $SIGTOOL_SIGNER_ALGORITHM $SIGTOOL_SIGNER_KEY" >>${log}
			exec openssl dgst -sha256 -sign ${authority.keyFile}`,
		);
		const key = ["--signer-command", signer, "--cert", authority.certFile];
		const unsigned = join(home, "unsigned.cat");
		const signed = sign(signer, "--json").json();
		expect(sigtool(["sign", tree, "--unsigned", "-o", unsigned])).toMatchObject({ status: 0 });
		expect(sigtool(["finish", unsigned, ...key])).toMatchObject({ status: 0 });
		const index = join(home, "tree.sigx");
		expect(sigtool(["compile", tree, "-o", index, "--trust", authority.caFile, ...key])).toMatchObject({ status: 0 });
		const line = `1 rsa-pkcs1-sha256 ${signed.signer.spkiSha256}`;
		expect(readFileSync(log, "utf8")).toBe(`${line}\n`.repeat(3));
		expect(sigtool(["verify", tree, "--catalog", unsigned, "--trust", authority.caFile])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", index, "--signature-only", "--trust", authority.caFile])).toMatchObject({ status: 0 });
	});

	const ima = "gets each file's content for IMA, with the digest asked for (needs attributes)";
	it.skipIf(!canWriteAttributes("user"))(ima, () => {
		const signer = program(
			`case $SIGTOOL_SIGNER_ALGORITHM in rsa-pkcs1-sha512) ;; *) exit 9;; esac
			exec openssl dgst -sha512 -sign ${authority.keyFile}`,
		);
		const attributes = ["--format", "ima", "--digest", "sha512", "--namespace", "user"];
		expect(sign(signer, ...attributes)).toMatchObject({ status: 0 });
		const verify = ["verify", tree, "--format", "ima", "--namespace", "user", "--cert", authority.certFile];
		expect(sigtool([...verify, "--trust", authority.caFile])).toMatchObject({ status: 0 });
	});

	describe("leaves the old catalog and says why, when the program", () => {
		let before: Buffer;
		beforeEach(() => {
			expect(sigtool(["sign", tree, "--key", authority.keyFile, "--cert", authority.certFile]).status).toBe(0);
			before = readFileSync(catalog());
		});

		const sound = () => `openssl dgst -sha256 -sign ${authority.keyFile}`;
		test.each<[string, () => string, number, string]>([
			[
				"fails",
				() => "cat >/dev/null; echo no such key >&2; exit 3",
				3,
				"ended with exit status 3 [ERR_SIGNER_COMMAND]",
			],
			["signs and then fails", () => `${sound()}; exit 1`, 3, "ended with exit status 1 [ERR_SIGNER_COMMAND]"],
			["gives up before it has read", () => "kill -9 $$", 3, "ended by SIGKILL [ERR_SIGNER_COMMAND]"],
			["is killed", () => "cat >/dev/null; kill -9 $$", 3, "ended by SIGKILL [ERR_SIGNER_COMMAND]"],
			["writes nothing", () => "cat >/dev/null", 3, "wrote no signature"],
			["writes without end", () => "cat >/dev/null; yes", 3, "more than 1024 bytes"],
			["hangs", () => "cat >/dev/null; exec sleep 600", 3, "took longer than 1 s"],
			["leaves a child that holds its output", () => "cat >/dev/null; sleep 20 & exit 0", 3, "took longer than 1 s"],
			["writes noise", () => "cat >/dev/null; head -c 256 /dev/zero", 2, "[ERR_KEY_MISMATCH]"],
			["writes base64", () => `${sound()} | base64`, 2, "[ERR_KEY_MISMATCH]"],
			["writes more behind the signature", () => `${sound()}; echo`, 2, "[ERR_KEY_MISMATCH]"],
			["signs something else", () => `(cat; echo) | ${sound()}`, 2, "[ERR_KEY_MISMATCH]"],
			["has another key", () => `openssl dgst -sha256 -sign ${join(home, "pki/ca.key")}`, 2, "[ERR_KEY_MISMATCH]"],
			["hashes with another digest", () => `openssl dgst -sha512 -sign ${authority.keyFile}`, 2, "[ERR_KEY_MISMATCH]"],
		])("%s", (_, text, status, message) => {
			const run = sign(program(text()), "--signer-timeout", message.includes("longer") ? "1" : "60");
			expect(run.stderr).toContain(message);
			expect(run.status).toBe(status);
			expect(readFileSync(catalog())).toEqual(before);
		});

		test("is missing", () => {
			expect(sign(join(home, "missing")).stderr).toContain("no such file or directory (ENOENT) [ERR_SIGNER_COMMAND]");
			expect(readFileSync(catalog())).toEqual(before);
		});
	});

	it("refuses key options that do not go together", () => {
		const cert = ["--cert", authority.certFile];
		const command = ["--signer-command", "true"];
		for (const args of [
			command,
			[...command, ...cert, "--key", authority.keyFile],
			[...command, ...cert, "--p12", "x"],
			["--key", authority.keyFile, ...cert, "--signer-argument", "x"],
			["--signer-timeout", "5"],
			["--signer-command", "", ...cert],
			[...command, ...cert, "--signer-timeout", "0"],
			[...command, ...cert, "--signer-timeout", "1e3"],
		]) {
			const run = sigtool(["sign", tree, ...args]);
			expect([args, run.status]).toEqual([args, 2]);
			expect(run.stderr).toContain("[ERR_USAGE]");
		}
	});

	it("names the least and the most for --signer-timeout", () => {
		const key = ["--signer-command", "true", "--cert", authority.certFile];
		const run = sigtool(["sign", tree, ...key, "--signer-timeout", "0"]);
		expect([run.status, run.stderr]).toEqual([2, expect.stringContaining('whole seconds from 1 to 99999, not "0"')]);
	});

	it("passes neither passphrase nor PIN to the program", () => {
		const signer = program(`env >${home}/env; exec openssl dgst -sha256 -sign ${authority.keyFile}`);
		const secrets = { SIGTOOL_PASSPHRASE: "secret-1", SIGTOOL_PIN: "secret-2" };
		const key = ["--signer-command", signer, "--cert", authority.certFile];
		expect(sigtool(["sign", tree, ...key], { env: { ...secrets, KEPT: "kept" } })).toMatchObject({ status: 0 });
		expect(readFileSync(join(home, "env"), "utf8")).toMatch(/^KEPT=kept$/m);
		expect(readFileSync(join(home, "env"), "utf8")).not.toMatch(/secret-|SIGTOOL_P(IN|ASS)/);
	});
});
