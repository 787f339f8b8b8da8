/** Tests that no passphrase, PIN or key, right or wrong, leaks from a command, whether it succeeds or fails. */

import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { hasLauncher } from "../../../../test/launcher.js";
import { hasProgram, needs, spawnSync } from "../../../../test/outside.js";
import { canLoadPkcs11, hasSoftToken, makeSoftToken, PIN, SOFTHSM_MODULE, type SoftToken } from "../soft-token.js";
import {
	type Authority,
	atEndOfFile,
	encryptKeyFile,
	MAIN,
	makeAuthority,
	makeTree,
	temporaryDirectory,
	writeContainer,
} from "../support.js";
import { hasTerminal, onTerminal } from "../terminal.js";

const PASSPHRASE = "passphrase-c3a1";
const WRONG = "wrong-secret-77e0";

describe.skipIf(!canTrace())("no secret leaks (needs strace)", () => {
	let home: string;
	let authority: Authority;
	/** The texts that must not appear anywhere. */
	let secrets: readonly string[];
	const at = (name: string) => join(home, name);

	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		makeTree(at("tree"), { "a.js": "1" });
		authority = makeAuthority(at("pki"));
		const { keyFile } = authority;
		const [, ...lines] = readFileSync(keyFile, "utf8").split("\n");
		// The lines are from the middle of the key file, because the first lines contain the header and the public modulus.
		secrets = [PASSPHRASE, PIN, WRONG, lines[12], lines[20]];
		encryptKeyFile(keyFile, at("encrypted.pem"), PASSPHRASE);
		writeContainer(at("key.p12"), authority, PASSPHRASE);
		writeFileSync(at("passphrase"), `${PASSPHRASE}\n`, { mode: 0o600 });
		writeFileSync(at("wrong"), `${WRONG}\n`, { mode: 0o600 });
		writeFileSync(at("signer.sh"), `#!/bin/sh\nexec openssl dgst -sha256 -sign "$SIGN_KEY"\n`);
		chmodSync(at("signer.sh"), 0o755);
	});

	interface Traced {
		readonly status: number | null;
		/**
		 * The output and the arguments of the command, and the arguments and the environment of every child process. Some
		 * tests add files.
		 */
		readonly traces: Readonly<Record<string, string>>;
	}

	function traced(args: readonly string[], env: Readonly<Record<string, string>> = {}): Traced {
		const log = at("strace.log");
		const strace = ["-f", "-qq", "-v", "-s", "100000", "-e", "trace=execve", "-o", log, "--"];
		const { status, stdout, stderr } = spawnSync("strace", [...strace, process.execPath, MAIN, ...args], {
			env: { PATH: process.env.PATH, NO_COLOR: "1", XDG_CONFIG_HOME: at("config"), ...env },
			encoding: "utf8",
		});
		const [own, ...children] = readFileSync(log, "utf8").split("\n");
		// The test itself puts secrets into the command's environment. So the command's environment is not searched.
		return {
			status,
			traces: { stdout, stderr, arguments: own.replace(/\], \[.*/, ""), children: children.join("\n") },
		};
	}

	function expectSilence({ traces }: Traced): void {
		for (const [where, text] of Object.entries(traces)) {
			for (const secret of secrets) expect(unescaped(text), where).not.toContain(secret);
		}
	}

	const cert = () => ["--cert", authority.certFile];
	const sign = (...args: string[]) => ["sign", at("tree"), "--verbose", ...args];

	/**
	 * Expects exit status 0 with the right secret and 2 with the wrong one, with and without --json, and no secret in any
	 * output.
	 */
	function expectDiscretion(
		args: readonly string[],
		right: Record<string, string>,
		wrong: Record<string, string>,
	): void {
		for (const json of [[], ["--json"]]) {
			const [good, bad] = [right, wrong].map((env) => traced([...args, ...json], env));
			expect([good.traces.stderr, good.status]).toEqual([expect.not.stringContaining("error"), 0]);
			expect(bad.status).toBe(2);
			for (const run of [good, bad]) expectSilence(run);
		}
	}

	const passphrase = (value: string) => ({ SIGTOOL_PASSPHRASE: value });

	it("the test finds a secret in arguments, in output, and in the environment of a child process", () => {
		needs("openssl");
		const env = { SIGN_KEY: authority.keyFile, NOT_A_SECRET: PIN };
		const { traces } = traced(sign("--signer-command", at("signer.sh"), ...cert(), "--description", WRONG), env);
		expect(traces.arguments).toContain(WRONG);
		expect(unescaped(traces.children)).toContain(PIN);
		expect(traced(["verify", PASSPHRASE]).traces.stderr).toContain(PASSPHRASE);
	});

	it("of encrypted keys and containers, given in the environment", () => {
		const key = sign("--key", at("encrypted.pem"), ...cert());
		expectDiscretion(key, passphrase(PASSPHRASE), passphrase(WRONG));
		expectDiscretion(sign("--p12", at("key.p12")), passphrase(PASSPHRASE), passphrase(WRONG));
	});

	it("of containers, given in a file", () => {
		for (const [file, status] of [
			["passphrase", 0],
			["wrong", 2],
		] as const) {
			const run = traced(sign("--p12", at("key.p12"), "--passphrase-file", at(file)));
			expect(run.status).toBe(status);
			expectSilence(run);
		}
	});

	it("of signing programs, which get none of the variables", () => {
		needs("openssl");
		const env = { ...passphrase(PASSPHRASE), SIGTOOL_PIN: PIN, SIGN_KEY: authority.keyFile };
		for (const key of [authority.keyFile, at("pki/ca.key"), at("missing")]) {
			const run = traced(sign("--signer-command", at("signer.sh"), ...cert()), { ...env, SIGN_KEY: key });
			expect(run.traces.children).toContain("SIGTOOL_SIGNER_PROTOCOL=1");
			expectSilence(run);
		}
	});

	it("of identities that are imported, requested and exported, also in the files left behind", () => {
		const right = passphrase(PASSPHRASE);
		const steps: [string[], Record<string, string>, number][] = [
			[["identity", "import", "a", "--p12", at("key.p12")], passphrase(WRONG), 2],
			[["identity", "import", "a", "--p12", at("key.p12")], right, 0],
			[["identity", "csr", "a"], passphrase(WRONG), 2],
			[["identity", "csr", "a"], right, 0],
			[["identity", "export", "a", "--to-p12", at("exported.p12"), "--json"], right, 0],
			[["identity", "list", "--json"], right, 0],
			[["identity", "show", "a"], right, 0],
		];
		for (const [args, env, status] of steps) {
			const run = traced(args, env);
			expect([args, run.status]).toEqual([args, status]);
			expectSilence(run);
		}
		const written = [at("exported.p12"), ...filesBelow(at("config")), at("tree/tree.cat")];
		expect(written.length).toBeGreaterThan(3);
		for (const file of written) {
			for (const secret of secrets) expect(readFileSync(file, "latin1"), file).not.toContain(secret);
		}
	});

	it.skipIf(!hasLauncher)("in the environment of a program that `run` starts (needs the launcher built)", () => {
		makeTree(at("app"), { "main.js": "console.log(JSON.stringify(process.env))" });
		const env = { ...passphrase(PASSPHRASE), SIGTOOL_PIN: PIN, KEPT: "kept" };
		expect(traced(["sign", at("app")]).status).toBe(0);
		const run = spawnSync(process.execPath, [MAIN, "run", "--allow-development", at("app/main.js")], {
			env: { PATH: process.env.PATH, XDG_CONFIG_HOME: at("config"), ...env },
			encoding: "utf8",
		});
		expect(run.stdout).toContain('"KEPT":"kept"');
		expectSilence({ status: run.status, traces: { stdout: run.stdout, stderr: run.stderr } });
	});

	describe.skipIf(!hasSoftToken || !canLoadPkcs11)("of tokens (needs SoftHSM2, @sigtool/native)", () => {
		let token: SoftToken;
		beforeAll(() => {
			token = makeSoftToken(at("token"));
			token.importKey(authority.keyFile, { label: "signer", id: "01" });
		});
		const key = () => sign("--pkcs11", "pkcs11:id=%01", "--pkcs11-module", SOFTHSM_MODULE, ...cert());

		it("from the environment", () => {
			const pin = (value: string) => ({ ...token.env, SIGTOOL_PIN: value });
			expectDiscretion(key(), pin(PIN), pin(WRONG));
		});

		it("from a file, and from the URI, where a PIN is refused and not repeated", () => {
			const run = traced([...key(), "--pin-file", token.pinFile], token.env);
			expect(run.status).toBe(0);
			expect(run.traces.children).toContain("pkcs11-process.cjs");
			expectSilence(run);
			const inUri = traced(sign("--pkcs11", `pkcs11:id=%01?pin-value=${WRONG}`, "--pkcs11-module", SOFTHSM_MODULE));
			expect(inUri.status).toBe(2);
			expectSilence({ ...inUri, traces: { ...inUri.traces, arguments: "" } });
		});

		it.skipIf(!hasTerminal)("typed on a terminal, which does not show it (needs script)", async () => {
			for (const [answer, status] of [
				[PIN, 0],
				[WRONG, 2],
			] as const) {
				const shown = await onTerminal(key(), { ...token.env, XDG_CONFIG_HOME: at("config") }, [answer]);
				expect(shown.text).toContain('PIN of the token "release": ');
				expect([shown.text, shown.status]).toEqual([shown.text, status]);
				expectSilence({ status, traces: { terminal: shown.text } });
			}
		});
	});
});

/** Decodes the octal escapes that strace prints for bytes beyond ASCII. */
function unescaped(text: string): string {
	const bytes = text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
	return bytes === text ? text : Buffer.from(bytes, "latin1").toString("utf8");
}

function filesBelow(directory: string): string[] {
	return readdirSync(directory, { recursive: true, encoding: "utf8" })
		.map((name) => join(directory, name))
		.filter((file) => statSync(file).isFile());
}

/** Tells whether strace works here. Some containers do not allow ptrace. */
function canTrace(): boolean {
	return hasProgram("strace") && spawnSync("strace", ["-f", "-qq", "-e", "trace=execve", "true"]).status === 0;
}
