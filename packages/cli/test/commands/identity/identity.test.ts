import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { execFileSync } from "../../../../../test/outside.js";
import { encryptKeyFile, makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";
import { hasTerminal, onTerminal } from "../../terminal.js";

const PASSPHRASE = { env: { SIGTOOL_PASSPHRASE: "correct horse" } };

describe("sigtool identity", () => {
	let home: string;
	let tree: string;
	let sigtool: ReturnType<typeof runner>;
	beforeEach(() => {
		home = temporaryDirectory();
		tree = makeTree(join(home, "tree"), { "a.js": "1" });
		sigtool = runner(home, { identity: "none" });
	});
	const at = (name: string) => join(home, name);
	const keyFile = (name: string) => at(`config/sigtool/identities/${name}/key.pem`);
	const certificateFile = (name: string) => at(`config/sigtool/identities/${name}/certificate.pem`);
	const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe", encoding: "utf8" });
	/** Runs a command that must succeed, and returns its JSON document. */
	function done(args: readonly string[], options = {}) {
		const run = sigtool([...args, "--json"], options);
		expect([args, run.status, run.stderr]).toEqual([args, 0, ""]);
		return run.json();
	}
	const sign = (name: string) => ["sign", tree, "--key", keyFile(name), "--cert", certificateFile(name)];

	it("makes an authority, and identities that it issues, which are trusted through it", () => {
		done(["identity", "new", "test-ca", "--ca", "--key-type", "p384", "--days", "50"]);
		const made = done(["identity", "new", "test", "--issued-by", "test-ca", "--key-type", "p256"]);
		expect(made).toMatchObject({ subject: "CN=test", issuer: "CN=test-ca", issuers: ["CN=test-ca"] });
		expect(made.notAfter).toBe(done(["identity", "show", "test-ca"]).notAfter);
		done(sign("test"));
		expect(sigtool(["verify", tree, "--trust", certificateFile("test-ca")])).toMatchObject({ status: 0 });
		done(["trust", "add", certificateFile("test-ca"), "--subject", "CN=test"]);
		expect(sigtool(["verify", tree])).toMatchObject({ status: 0 });
		done(["identity", "new", "other", "--issued-by", "test-ca"]);
		done(sign("other"));
		expect(sigtool(["verify", tree])).toMatchObject({ status: 1 });
	});

	it("refuses to sign with an authority, and to issue with an identity that is none", () => {
		done(["identity", "new", "ca", "--ca", "--key-type", "p256"]);
		done(["identity", "new", "plain", "--key-type", "p256"]);
		expect(sigtool(sign("ca")).stderr).toContain("[ERR_KEY]");
		const refused = [
			["identity", "new", "x", "--issued-by", "plain"],
			["identity", "new", "x", "--issued-by", "nobody"],
			["identity", "new", "x", "--issued-by", "ca", "--ca"],
			["identity", "new", "ca", "--ca"],
		];
		for (const args of refused)
			expect([args, sigtool(args).stderr]).toEqual([args, expect.stringMatching(/ERR_USAGE/)]);
		expect(sigtool(["identity", "new", "plain"]).stderr).toMatch(
			/"plain": it exists already; `sigtool identity show plain`/,
		);
		expect(done(["identity", "list"]).identities.map(({ name }: { name: string }) => name)).toEqual(["ca", "plain"]);
	});

	it("warns from 30 days before the end: new, list, show, sign and verify", () => {
		const made = sigtool(["identity", "new", "short", "--key-type", "p256", "--days", "29"]);
		const notice = /^warning: the certificate of "CN=short" expires in 28 days, at \S+Z/;
		expect(made.stderr).toMatch(notice);
		expect(sigtool(["identity", "list"]).stderr).toMatch(notice);
		expect(sigtool(["identity", "show", "short"]).stderr).toMatch(notice);
		expect(sigtool(sign("short")).stderr).toMatch(notice);
		const verified = sigtool(["verify", tree, "--trust", certificateFile("short"), "--json"]).json();
		expect(verified.warnings.join()).toContain("28 days");
		const [keyOptions, index] = [sign("short").slice(2), at("tree.sigx")];
		const trust = ["--trust", certificateFile("short")];
		expect(sigtool(["compile", tree, "-o", index, ...trust, ...keyOptions])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", index, "--signature-only", ...trust]).stderr).toMatch(notice);
		expect(sigtool(["identity", "new", "long", "--key-type", "p256", "--days", "31"]).stderr).toBe("");
		done(sign("long"));
		expect(sigtool(["verify", tree, "--trust", certificateFile("long")]).stderr).toBe("");
	});

	it("keeps the marker of the development identity", () => {
		expect(sigtool(["sign", tree])).toMatchObject({ status: 0 });
		const before = readFileSync(certificateFile("development"));
		const unmarked = ["identity", "import", "development", "--cert", certificateFile("development")];
		expect(sigtool(unmarked).stderr).toContain("stays marked as one [ERR_USAGE]");
		const other = ["identity", "import", "development", "--key", keyFile("development")];
		expect(sigtool([...other, "--cert", certificateFile("development")]).stderr).toContain("[ERR_USAGE]");
		expect(readFileSync(certificateFile("development"))).toEqual(before);
	});

	it.skipIf(!hasTerminal)("asks twice for the passphrase of an export (needs script)", async () => {
		done(["identity", "new", "release", "--key-type", "p256"]);
		const env = { XDG_CONFIG_HOME: at("config") };
		const type = (...answers: string[]) =>
			onTerminal(["identity", "export", "release", "--to-p12", at("release.p12")], env, answers);
		const differing = await type("correct horse", "correct horsf");
		expect(differing.text).toContain("the two passphrases differ [ERR_KEY_PASSPHRASE]");
		expect(differing.status).toBe(2);
		const shown = await type("correct horse", "correct horse");
		expect([shown.text, shown.status]).toEqual([expect.not.stringContaining("correct"), 0]);
		done(["identity", "import", "again", "--p12", at("release.p12")], PASSPHRASE);
	});

	describe("keys and certificates of others", () => {
		it("prints a request that an authority answers, and imports the answer", () => {
			done(["identity", "new", "release", "--common-name", "Release Team"]);
			const request = sigtool(["identity", "csr", "release"]);
			expect(request).toMatchObject({ status: 0, stderr: "" });
			writeFileSync(at("release.csr"), request.stdout);
			expect(done(["identity", "csr", "release"]).request).toContain("-----BEGIN CERTIFICATE REQUEST-----");
			openssl("req", "-in", at("release.csr"), "-verify", "-noout");
			const { caFile } = makeAuthority(at("pki"));
			const ca = ["-CA", caFile, "-CAkey", at("pki/ca.key"), "-copy_extensions", "copy", "-days", "90"];
			openssl("x509", "-req", "-in", at("release.csr"), ...ca, "-out", at("answer.crt"));

			const answer = ["identity", "import", "release", "--cert", at("answer.crt"), "--chain", caFile];
			expect(done(answer)).toMatchObject({ issuer: "CN=Test Root", issuers: ["CN=Test Root"] });
			done(sign("release"));
			expect(sigtool(["verify", tree, "--trust", caFile])).toMatchObject({ status: 0 });
			const before = readFileSync(certificateFile("release"));
			const wrong = ["identity", "import", "release", "--cert", at("pki/leaf.pem")];
			expect(sigtool(wrong).stderr).toContain("[ERR_KEY_MISMATCH]");
			expect(readFileSync(certificateFile("release"))).toEqual(before);
		});

		it.each(["rsa:2048", "P-256"] as const)("exports a container that openssl opens, and imports it: %s", (key) => {
			const { keyFile: pem, certFile, caFile } = makeAuthority(at("pki"), key);
			const from = ["--key", pem, "--cert", certFile, "--chain", caFile];
			done(["identity", "import", "release", ...from]);
			if (process.platform !== "win32") expect(statSync(keyFile("release")).mode & 0o777).toBe(0o600);
			expect(readFileSync(keyFile("release"), "utf8")).toBe(readFileSync(pem, "utf8"));
			done(["identity", "export", "release", "--to-p12", at("release.p12")], PASSPHRASE);
			if (process.platform !== "win32") expect(statSync(at("release.p12")).mode & 0o777).toBe(0o600);
			const opened = openssl("pkcs12", "-in", at("release.p12"), "-passin", "pass:correct horse", "-nodes");
			expect(opened.match(/-----BEGIN (PRIVATE KEY|CERTIFICATE)-----/g)).toHaveLength(3);

			done(["identity", "import", "again", "--p12", at("release.p12")], PASSPHRASE);
			expect(readFileSync(keyFile("again"), "utf8")).toContain("BEGIN ENCRYPTED PRIVATE KEY");
			expect(readFileSync(certificateFile("again"))).toEqual(readFileSync(certificateFile("release")));
			done(sign("again"), PASSPHRASE);
			expect(sigtool(["verify", tree, "--trust", caFile])).toMatchObject({ status: 0 });
			expect(sigtool(sign("again"), { env: { SIGTOOL_PASSPHRASE: "wrong" } }).stderr).toContain("[ERR_KEY_PASSPHRASE]");
			const twice = ["identity", "export", "release", "--to-p12", at("release.p12")];
			expect(sigtool(twice, PASSPHRASE).stderr).toContain("--force replaces it [ERR_OUTPUT_EXISTS]");
		});

		it("keeps an imported key encrypted as it was", () => {
			const { keyFile: pem, certFile } = makeAuthority(at("pki"));
			encryptKeyFile(pem, at("encrypted.pem"), "correct horse");
			const from = ["identity", "import", "release", "--key", at("encrypted.pem"), "--cert", certFile];
			expect(sigtool(from, { env: { SIGTOOL_PASSPHRASE: "wrong" } }).stderr).toContain("[ERR_KEY_PASSPHRASE]");
			expect(done(["identity", "list"]).identities).toEqual([]);
			const { warnings } = sigtool([...from, "--json"], PASSPHRASE).json();
			expect(warnings).toEqual([]);
			expect(readFileSync(keyFile("release"), "utf8")).toBe(readFileSync(at("encrypted.pem"), "utf8"));
			done(sign("release"), PASSPHRASE);
			done(["identity", "csr", "release"], PASSPHRASE);
		});

		it("refuses options that do not go together, and keys that cannot sign catalogs", () => {
			const { keyFile: pem, certFile, caFile } = makeAuthority(at("pki"));
			const ed = makeAuthority(at("ed"), "ed25519");
			const refused: [string, string[]][] = [
				["ERR_USAGE", []],
				["ERR_USAGE", ["--key", pem]],
				["ERR_USAGE", ["--p12", "x", "--cert", certFile]],
				["ERR_USAGE", ["--cert", certFile]],
				["ERR_KEY_MISMATCH", ["--key", pem, "--cert", caFile]],
				["ERR_KEY", ["--key", ed.keyFile, "--cert", ed.certFile]],
				["ERR_ROOT_MISSING", ["--p12", at("none.p12")]],
			];
			for (const [code, args] of refused) {
				const { stderr } = sigtool(["identity", "import", "new", ...args], PASSPHRASE);
				expect([args, stderr]).toEqual([args, expect.stringContaining(`[${code}]`)]);
			}
			expect(done(["identity", "list"]).identities).toEqual([]);
			expect(sigtool(["identity", "export", "nobody", "--to-p12", at("x")]).stderr).toContain("[ERR_USAGE]");
		});
	});
});
