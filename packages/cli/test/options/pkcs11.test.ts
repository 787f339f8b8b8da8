import { createPublicKey, verify, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openPkcs11Signer, parsePkcs11Uri } from "@sigtool/core";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { execFileSync, hasProgram } from "../../../../test/outside.js";
import {
	canLoadPkcs11,
	hasSoftToken,
	makeShim,
	makeSoftToken,
	PIN,
	SOFTHSM_MODULE,
	type SoftToken,
} from "../soft-token.js";
import {
	type Authority,
	atEndOfFile,
	canWriteAttributes,
	issueByAuthority,
	makeAuthority,
	makeTree,
	runner,
	temporaryDirectory,
} from "../support.js";

describe.skipIf(!hasSoftToken || !canLoadPkcs11)("--pkcs11 (needs SoftHSM2, opensc, @sigtool/native)", () => {
	let home: string;
	let tree: string;
	let token: SoftToken;
	let rsa: Authority;
	let ec: Authority;
	let sigtool: ReturnType<typeof runner>;
	beforeAll(() => {
		home = temporaryDirectory(atEndOfFile);
		tree = makeTree(join(home, "tree"), { "a.js": "1", "b.js": "2" });
		sigtool = runner(home);
		token = makeSoftToken(join(home, "token"));
		rsa = makeAuthority(join(home, "rsa"));
		ec = makeAuthority(join(home, "ec"), "P-384");
		for (const [label, id, { keyFile, certFile, caFile }] of [
			["signer rsa", "01", rsa],
			["signer ec", "02", ec],
		] as const) {
			token.importKey(keyFile, { label, id });
			token.importCertificate(certFile, { label, id });
			token.importCertificate(caFile, { label: `authority of ${label}`, id: `f${id[1]}` });
		}
		token.importKey(join(home, "rsa/ca.key"), { label: "bare", id: "0a" });
		token.importKey(join(home, "ec/ca.key"), { label: "twice", id: "0b" });
		token.importKey(join(home, "ec/leaf.key"), { label: "twice", id: "0c" });
	});

	const module = ["--pkcs11-module", SOFTHSM_MODULE];
	const environment = (env: Record<string, string> = {}) => ({ env: { ...token.env, ...env } });
	/** Signs with a key in the token. `key` is the PKCS#11 URI of that key without `pkcs11:`. */
	const sign = (key: string, options: readonly string[] = [], env: Record<string, string> = { SIGTOOL_PIN: PIN }) =>
		sigtool(["sign", tree, "--pkcs11", `pkcs11:${key}`, ...module, ...options], environment(env));

	it.each([
		["RSA", "object=signer%20rsa", () => rsa],
		["ECDSA P-384", "token=release;id=%02;type=private", () => ec],
	])("signs with %s, with the certificates of the token", (_, key, authority) => {
		const run = sign(key);
		expect([run.stderr, run.status]).toEqual(["", 0]);
		expect(sigtool(["verify", tree, "--trust", authority().caFile])).toMatchObject({ status: 0 });
		const { signer } = sigtool(["inspect", join(tree, "tree.cat"), "--json"]).json();
		expect(JSON.stringify(signer ?? "")).not.toContain(PIN);
	});

	it("puts only the key's certificate and its issuers into the catalog", () => {
		expect(sign("id=%01")).toMatchObject({ status: 0 });
		const { certificates } = sigtool(["inspect", join(tree, "tree.cat"), "--json"]).json();
		const subjects = certificates.map(({ subject }: { subject: string }) => subject).sort();
		expect(subjects).toEqual(["CN=Test Root", "CN=Test Signer,O=Example"]);
	});

	it("takes the PIN from a file, from pin-source, or from the environment", () => {
		expect(sign("id=%01", ["--pin-file", token.pinFile], {})).toMatchObject({ status: 0 });
		expect(sign("id=%01", ["--pin-file", token.pinFile], { SIGTOOL_PIN: "wrong" })).toMatchObject({ status: 0 });
		expect(sign(`id=%01?pin-source=file:${token.pinFile}`, [], {})).toMatchObject({ status: 0 });
		expect(sign("id=%01")).toMatchObject({ status: 0 });
	});

	it("takes the module from the URI, and the certificate from --cert and --chain", () => {
		const uri = `pkcs11:token=release;id=%0A?module-path=${SOFTHSM_MODULE}`;
		const bare = ["sign", tree, "--pkcs11", uri];
		expect(sigtool(bare, environment({ SIGTOOL_PIN: PIN })).stderr).toContain("give it with --cert [ERR_PKCS11]");
		token.importKey(rsa.keyFile, { label: "cert elsewhere", id: "0d" });
		const named = ["sign", tree, "--pkcs11", uri.replace("%0A", "%0D"), "--cert", rsa.certFile, "--chain", rsa.caFile];
		expect(sigtool(named, environment({ SIGTOOL_PIN: PIN }))).toMatchObject({ status: 0 });
		expect(sigtool(["verify", tree, "--trust", rsa.caFile])).toMatchObject({ status: 0 });
	});

	it("takes the URI that pkcs11-tool prints", () => {
		const listed = token.tool("--token-label", "release", "--login", "--pin", PIN, "--list-objects");
		const [, uri] = /uri: +pkcs11:(\S*;id=%01;\S*type=private)/.exec(listed) ?? [];
		expect(sign(uri ?? "none")).toMatchObject({ status: 0 });
	});

	it("finishes and compiles", () => {
		const unsigned = join(home, "unsigned.cat");
		const index = join(home, "tree.sigx");
		const key = ["--pkcs11", "pkcs11:id=%02", ...module];
		const env = environment({ SIGTOOL_PIN: PIN });
		expect(sigtool(["sign", tree, "--unsigned", "-o", unsigned])).toMatchObject({ status: 0 });
		expect(sigtool(["finish", unsigned, ...key], env)).toMatchObject({ status: 0 });
		expect(sigtool(["verify", tree, "--catalog", unsigned, "--trust", ec.caFile])).toMatchObject({ status: 0 });
		expect(sign("id=%02")).toMatchObject({ status: 0 });
		expect(sigtool(["compile", tree, "-o", index, "--trust", ec.caFile, ...key], env)).toMatchObject({ status: 0 });
		expect(sigtool(["verify", index, "--signature-only", "--trust", ec.caFile])).toMatchObject({ status: 0 });
	});

	it.skipIf(!canWriteAttributes("user"))("signs attributes of every digest (needs attributes)", () => {
		const plain = makeTree(join(home, "plain"), { "a.js": "1" });
		for (const [id, { caFile, certFile }] of [["01", rsa] as const, ["02", ec] as const]) {
			for (const digest of ["sha256", "sha384", "sha512"]) {
				const attributes = ["--format", "ima", "--namespace", "user"];
				const key = ["--pkcs11", `pkcs11:id=%${id}`, ...module, "--digest", digest];
				const env = environment({ SIGTOOL_PIN: PIN });
				expect(sigtool(["sign", plain, ...attributes, ...key], env)).toMatchObject({ status: 0 });
				const verify = ["verify", plain, ...attributes, "--cert", certFile, "--trust", caFile];
				expect(sigtool(verify)).toMatchObject({ status: 0 });
			}
		}
	});

	it("lets two signers of one process share a token, and closes each separately", async () => {
		process.env.SOFTHSM2_CONF = token.env.SOFTHSM2_CONF; // This process loads the module itself.
		onTestFinished(() => {
			delete process.env.SOFTHSM2_CONF;
		});
		const open = (uri: string, pin: string) =>
			openPkcs11Signer({ uri: parsePkcs11Uri(uri), modulePath: SOFTHSM_MODULE, pin: () => pin });
		const content = Buffer.from("content");
		const first = await open("pkcs11:token=release;id=%01", PIN);
		const second = await open("pkcs11:token=release;id=%02", PIN);
		await expect(open("pkcs11:token=release;id=%09", PIN)).rejects.toMatchObject({ code: "ERR_PKCS11" });
		first.close();
		const [leaf] = second.certificates;
		expect(verify("sha256", content, publicKey(leaf.der), await second.sign(content))).toBe(true);
		second.close();
		await expect(second.sign(content)).rejects.toMatchObject({ code: "ERR_PKCS11" });
		await expect(open("pkcs11:token=release;id=%01", "wrong")).rejects.toMatchObject({ code: "ERR_PIN" });
		const again = await open("pkcs11:token=release;id=%01", PIN);
		expect(await again.sign(content)).toHaveLength(256);
		again.close();
	});

	describe("refuses, and leaves the old catalog,", () => {
		it.each<[string, string, Record<string, string>, number, string]>([
			["a wrong PIN", "id=%01", { SIGTOOL_PIN: "0000" }, 2, 'token "release": the PIN is wrong [ERR_PIN]'],
			[
				"an empty PIN",
				"id=%01",
				{ SIGTOOL_PIN: "" },
				2,
				"the PIN is empty; it was not tried, because wrong PINs lock the token [ERR_PIN]",
			],
			["no PIN and no terminal", "id=%01", {}, 2, "use --pin-file or SIGTOOL_PIN [ERR_PIN]"],
			["a missing token", "token=other;id=%01", { SIGTOOL_PIN: PIN }, 2, 'the module has "release" [ERR_PKCS11]'],
			["a token of another maker", "token=release;model=x", { SIGTOOL_PIN: PIN }, 2, "Cannot find the token"],
			["another slot", "slot-id=4000000000", { SIGTOOL_PIN: PIN }, 2, "Cannot find the token"],
			["a missing key", "object=nobody", { SIGTOOL_PIN: PIN }, 2, "it holds no such private key; it has "],
			["a label with another id", "object=bare;id=%01", { SIGTOOL_PIN: PIN }, 2, "no such private key"],
			["a public key's place", "id=%F1", { SIGTOOL_PIN: PIN }, 2, "no such private key"],
			["an ambiguous key", "object=twice", { SIGTOOL_PIN: PIN }, 2, "2 such private keys; name one: id=%0"],
		])("%s", (_, key, env, status, message) => {
			expect(sigtool(["sign", tree, "--key", rsa.keyFile, "--cert", rsa.certFile])).toMatchObject({ status: 0 });
			const before = readFileSync(join(tree, "tree.cat"));
			const run = spawnDetached(["sign", tree, "--pkcs11", `pkcs11:${key}`, ...module], env);
			expect(run).toContain(message);
			expect(run).toContain(`status ${status}`);
			expect(readFileSync(join(tree, "tree.cat"))).toEqual(before);
		});

		it("two certificates of one key", () => {
			token.importKey(rsa.keyFile, { label: "renewed", id: "1a" });
			for (const label of ["old", "new"]) token.importCertificate(rsa.certFile, { label, id: "1a" });
			expect(sign("token=release;id=%1A").stderr).toContain(
				"it holds 2 certificates of that key; give the one to use with --cert [ERR_PKCS11]",
			);
			expect(sign("token=release;id=%1A", ["--cert", rsa.certFile])).toMatchObject({ status: 0 });
		});

		it("an ambiguous token", () => {
			token.addToken("pair");
			token.addToken("pair");
			expect(sign("token=pair").stderr).toMatch(
				/choose among 2 tokens: name one by serial=\w+, serial=\w+ \[ERR_PKCS11\]/,
			);
			expect(sign("id=%01").stderr).toContain("choose among 3 tokens");
		});

		it("a certificate of another key, which the signature shows", () => {
			expect(sign("token=release;id=%0A", ["--cert", rsa.certFile]).stderr).toContain("[ERR_KEY_MISMATCH]");
			expect(sign("token=release;id=%02", ["--cert", rsa.certFile]).stderr).toMatch(
				/of another kind than the key of .*\[ERR_KEY_MISMATCH\]/,
			);
		});

		it("files that are no module, and PINs in arguments", () => {
			const run = (uri: string, ...options: string[]) =>
				sigtool(["sign", tree, "--pkcs11", uri, ...options], environment({ SIGTOOL_PIN: PIN })).stderr;
			expect(run("pkcs11:")).toContain("Name the PKCS#11 module with --pkcs11-module");
			expect(run("pkcs11:", "--pkcs11-module", join(home, "missing.so"))).toContain("[ERR_PKCS11]");
			writeFileSync(join(home, "text.so"), "text");
			expect(run("pkcs11:", "--pkcs11-module", join(home, "text.so"))).toContain("[ERR_PKCS11]");
			expect(run("pkcs11:?pin-value=4711", ...module)).toMatch(/pin-source or --pin-file \[ERR_USAGE\]/);
			expect(run("pkcs11:?pin-value=4711", ...module)).not.toContain("4711");
		});
	});

	describe.skipIf(!hasProgram("gcc"))("with a token in states that SoftHSM2 does not have (needs gcc)", () => {
		let shim: string;
		beforeAll(() => {
			shim = makeShim(home);
		});

		function shimmed(mode: string, env: Record<string, string>, key = "token=release;id=%01") {
			const log = join(home, "shim.log");
			rmSync(log, { force: true });
			const run = sigtool(["sign", tree, "--pkcs11", `pkcs11:${key}`, "--pkcs11-module", shim], {
				env: { ...token.env, SHIM: mode, SHIM_MODULE: SOFTHSM_MODULE, SHIM_LOG: log, ...env },
			});
			return { ...run, log: existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [] };
		}

		it("opens one session, closes it and finalizes the module, whether it signs or fails", () => {
			expect(shimmed("", { SIGTOOL_PIN: PIN })).toMatchObject({
				status: 0,
				log: ["open", "login", "close", "finalize"],
			});
			expect(shimmed("", { SIGTOOL_PIN: "1" })).toMatchObject({
				status: 2,
				log: ["open", "login", "close", "finalize"],
			});
			expect(shimmed("", { SIGTOOL_PIN: PIN }, "token=none").log).toEqual(["finalize"]);
			const mismatched = shimmed("", { SIGTOOL_PIN: PIN }, "token=release;id=%0A");
			expect(mismatched).toMatchObject({ status: 2, log: ["open", "login", "close", "finalize"] });
		});

		it("refuses a locked PIN, and does not ask for one when the token says so", () => {
			const locked = shimmed("locked", { SIGTOOL_PIN: PIN });
			expect(locked.stderr).toContain("its PIN is locked after too many wrong attempts");
			expect(locked.stderr).toContain("[ERR_PIN]");
			expect(shimmed("locked-flag", {})).toMatchObject({ status: 2, log: ["finalize"], stderr: locked.stderr });
		});

		it("warns of the last attempt", () => {
			const run = shimmed("final-try", { SIGTOOL_PIN: PIN });
			expect(run).toMatchObject({ status: 0 });
			expect(run.stderr).toContain('the next wrong PIN locks the token "release"');
		});

		it("refuses a reader with its own PIN pad, and names the way out", () => {
			const run = shimmed("reader", {});
			expect(run).toMatchObject({ status: 2, log: ["finalize"] });
			expect(run.stderr).toContain("use --signer-command [ERR_PKCS11]");
		});

		it("gives the PIN again for each signature if the key demands it", () => {
			const login = ["--token-label", "release", "--login", "--pin", PIN];
			const generate = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "0e", "--always-auth"];
			token.tool(...login, ...generate);
			const at = (name: string) => join(home, name);
			token.tool("--token-label", "release", "--read-object", "--type", "pubkey", "--id", "0e", "-o", at("0e.der"));
			const key = createPublicKey({ key: readFileSync(at("0e.der")), format: "der", type: "spki" });
			issueByAuthority(at("rsa"), at("0e.pem"), { subject: "/CN=Always", key });
			token.importCertificate(at("0e.pem"), { label: "always", id: "0e" });
			const run = shimmed("", { SIGTOOL_PIN: PIN }, "token=release;id=%0E");
			const log = ["open", "login", "login for one signature", "close", "finalize"];
			expect(run).toMatchObject({ stderr: "", status: 0, log });
			expect(sigtool(["verify", tree, "--trust", rsa.caFile])).toMatchObject({ status: 0 });
		});
	});

	const publicKey = (der: Uint8Array) => new X509Certificate(der).publicKey;

	/** Runs the command line without a terminal. Returns its output, then its exit status. */
	function spawnDetached(args: readonly string[], env: Record<string, string>): string {
		const command = [
			"setsid",
			"--wait",
			process.execPath,
			fileURLToPath(new URL("../../dist/main.cjs", import.meta.url)),
		];
		const script = '"$@" </dev/null; echo "status $?"';
		return execFileSync("sh", ["-c", `(${script}) 2>&1`, "sh", ...command, ...args], {
			env: { ...process.env, ...token.env, XDG_CONFIG_HOME: join(home, "config"), ...env },
			encoding: "utf8",
		});
	}
});
