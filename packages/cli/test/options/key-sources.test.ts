/** Tests that other programs accept the catalog, wherever the signing key is kept. */

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../test/outside.js";
import { expectAcceptance, hasJudges } from "../catalog-judges.js";
import { canLoadPkcs11, hasSoftToken, makeSoftToken, PIN, SOFTHSM_MODULE } from "../soft-token.js";
import { type Authority, makeAuthority, makeTree, runner, temporaryDirectory } from "../support.js";

const KEYS = ["rsa:2048", "P-256", "P-384"] as const;
const OPENSSL_SIGNER = fileURLToPath(new URL("../../../../examples/signer-command/openssl.sh", import.meta.url));

describe.skipIf(!hasJudges)("openssl, osslsigncode and sigtool accept what was signed (needs both)", () => {
	let home: string;
	let tree: string;
	let catalog: string;
	let authority: Authority;
	let sigtool: ReturnType<typeof runner>;
	beforeEach(() => {
		home = temporaryDirectory();
		tree = makeTree(join(home, "tree"), { "a.js": "1", "b/c.js": "2", l: { link: "a.js" } });
		catalog = join(home, "tree.cat");
		sigtool = runner(home);
	});

	function makeContainer(...options: string[]): string {
		const { keyFile, certFile, caFile } = authority;
		const file = join(home, "key.p12");
		const content = ["-inkey", keyFile, "-in", certFile, "-certfile", caFile, "-passout", "pass:secret"];
		execFileSync("openssl", ["pkcs12", "-export", ...content, ...options, "-out", file], { stdio: "pipe" });
		return file;
	}

	const sign = (args: readonly string[], env: Record<string, string> = {}) =>
		sigtool(["sign", tree, "-o", catalog, ...args], { env });

	describe.each(KEYS)("%s", (key) => {
		beforeEach(() => {
			authority = makeAuthority(join(home, "pki"), key);
		});

		function expectAccepted(args: readonly string[], env: Record<string, string> = {}): void {
			const run = sign(args, env);
			expect([run.stderr, run.status]).toEqual(["", 0]);
			expectAcceptance(sigtool, tree, catalog, authority.caFile);
		}

		it("by a key in a file", () => {
			expectAccepted(["--key", authority.keyFile, "--cert", authority.certFile]);
		});

		it("by a PKCS#12 container of OpenSSL 3", () => {
			expectAccepted(["--p12", makeContainer()], { SIGTOOL_PASSPHRASE: "secret" });
		});

		it("by a PKCS#12 container of OpenSSL 3 with -legacy", () => {
			expectAccepted(["--p12", makeContainer("-legacy")], { SIGTOOL_PASSPHRASE: "secret" });
		});

		it.skipIf(!hasSoftToken || !canLoadPkcs11)("by a key in a token (needs SoftHSM2, @sigtool/native)", () => {
			const token = makeSoftToken(join(home, "token"));
			token.importKey(authority.keyFile, { label: "signer", id: "01" });
			token.importCertificate(authority.certFile, { label: "signer", id: "01" });
			const args = ["--pkcs11", "pkcs11:token=release;object=signer", "--pkcs11-module", SOFTHSM_MODULE];
			expectAccepted(args, { ...token.env, SIGTOOL_PIN: PIN });
		});

		it("by a program", () => {
			const args = ["--signer-command", OPENSSL_SIGNER, "--cert", authority.certFile];
			expectAccepted(args, { SIGN_KEY: authority.keyFile });
		});

		it("on another machine", () => {
			const { digest } = sigtool(["sign", tree, "-o", catalog, "--unsigned", "--json"]).json();
			const keyOptions = ["--key", authority.keyFile, "--cert", authority.certFile];
			expect(sigtool(["finish", catalog, "--expect-digest", digest, ...keyOptions])).toMatchObject({ status: 0 });
			expectAcceptance(sigtool, tree, catalog, authority.caFile);
		});
	});

	it("sigtool refuses Ed25519 keys from every source, and containers without a MAC", () => {
		authority = makeAuthority(join(home, "ed"), "ed25519");
		const cert = ["--cert", authority.certFile];
		const secret = { SIGTOOL_PASSPHRASE: "secret", SIGN_KEY: authority.keyFile };
		const refused = [
			sign(["--key", authority.keyFile, ...cert]),
			sign(["--p12", makeContainer()], secret),
			sign(["--signer-command", OPENSSL_SIGNER, ...cert], secret),
		];
		for (const run of refused)
			expect(run.stderr).toMatch(/no verifier of Windows catalogs accepts Ed25519.*\[ERR_KEY\]/);
		authority = makeAuthority(join(home, "rsa"));
		expect(sign(["--p12", makeContainer("-nomac")], secret).stderr).toContain("[ERR_PKCS12_NO_MAC]");
		writeFileSync(join(home, "noise.p12"), "noise");
		expect(sign(["--p12", join(home, "noise.p12")], secret).stderr).toContain("[ERR_PKCS12]");
		expect(existsSync(catalog)).toBe(false);
	});
});
