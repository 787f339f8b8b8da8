import { createHash, X509Certificate } from "node:crypto";
import { chmodSync, existsSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { bitString, DerReader, integer, oid, sequence, TAG } from "../../../../core/dist/asn1/der.js";
import { parseCertificate } from "../../../../core/dist/pki/certificate.js";
import { MAIN, makeAuthority, makeTree, type Run, type RunOptions, runner, temporaryDirectory } from "../../support.js";

/** The order of P-256's group. SEC 2 §2.4.2. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/**
 * Replaces the issuer's signature (r, s) on P-256 by (r, n - s). Anybody can compute the new signature, which is valid
 * too.
 */
function withOtherSignature(der: Uint8Array): Uint8Array {
	const { tbs, signatureAlgorithm, signature } = parseCertificate(der);
	const reader = new DerReader(signature, "signature");
	reader.open(TAG.SEQUENCE);
	const [r, s] = [1, 2].map(() => BigInt(`0x${Buffer.from(reader.integerBytes()).toString("hex")}`));
	return sequence(tbs, sequence(oid(signatureAlgorithm.oid)), bitString(sequence(integer(r), integer(P256_ORDER - s))));
}

describe("trust deny", () => {
	let home: string;
	let lib: string;
	let catalog: string;
	let sigtool: (args: readonly string[], options?: RunOptions) => Run;
	let caFile: string;
	let certFile: string;
	let key: string[];

	beforeEach(() => {
		home = temporaryDirectory();
		sigtool = runner(home, { identity: "none" });
		const authority = makeAuthority(join(home, "ca"), "P-256");
		({ caFile, certFile } = authority);
		key = ["--key", authority.keyFile, "--cert", certFile];
		lib = makeTree(join(home, "lib"), { "index.js": "1\n", "more/a.js": "2\n" });
		catalog = join(lib, "lib.cat");
		sigtool(["sign", lib, ...key, "--product", "lib"]);
		expect(sigtool(["verify", lib, "--trust", caFile]).status).toBe(0);
	});

	const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
	/** Expects a refusal in two cases: --trust names the authority, and --trust names the signer's own certificate. */
	function expectRefused(args: readonly string[], reason: string): void {
		for (const trust of [
			["--trust", caFile],
			["--trust", certFile],
		]) {
			const { status, stdout, stderr } = sigtool([...args, ...trust]);
			expect(status).toBe(1);
			// The refusal of a signer is printed as an error. The refusal of a file is part of the report.
			expect(stdout + stderr).toMatch(new RegExp(`${reason}.*\\[ERR_DENIED\\]`));
		}
	}

	test("is not undone by trust add, which says so", () => {
		const added = (...args: string[]) => {
			const { status, stdout, stderr } = sigtool(["trust", "add", ...args]);
			expect(status).toBe(0);
			return { stdout, stderr };
		};
		sigtool(["trust", "deny", certFile, "--as", "key", "--reason", "key stolen"]);
		const [{ id: pin }] = sigtool(["trust", "list", "--json"]).json().trusted;
		const says =
			/^warning: this key stays denied, because "key stolen": nothing that it signs is trusted until `sigtool trust remove ([0-9a-f]+)`\n$/;
		const { stdout, stderr } = added(certFile);
		expect(stdout).toMatch(/^added pin CN=.*, which stays denied\n(?:.*\n){2} {2}denied {2}key stolen\n/);
		expect(stderr).toMatch(says);
		const { trusted } = sigtool(["trust", "list", "--json"]).json();
		const { sha256 } = trusted.find((entry: { kind: string }) => entry.kind === "denied");
		expect(added(sha256).stderr).toMatch(says);
		expect(sigtool(["trust", "add", certFile, "--json"]).json().denials).toMatchObject([
			{ id: pin, reason: "key stolen" },
		]);
		expectRefused(["verify", lib], "key stolen");

		expect(sigtool(["trust", "remove", says.exec(stderr)?.[1] ?? ""])).toMatchObject({ status: 0 });
		expect(added(certFile)).toEqual({ stdout: expect.stringMatching(/^trusted pin /), stderr: "" });
		expect(sigtool(["verify", lib])).toMatchObject({ status: 0 });

		sigtool(["trust", "deny", caFile, "--as", "certificate", "--reason", "gone"]);
		expect(added(caFile, "--any-subject").stderr).toContain('this certificate stays denied, because "gone"');
	});

	test("a key is refused although the trust store and --trust have it, with the reason", () => {
		sigtool(["trust", "add", certFile]);
		expect(sigtool(["verify", lib]).status).toBe(0);
		const denied = sigtool(["trust", "deny", certFile, "--reason", "stolen in May", "--json"]).json();
		expect(denied.denied).toMatchObject([{ kind: "key", reason: "stolen in May" }]);
		expect(sigtool(["verify", lib]).stderr).toMatch(/names its key: stolen in May \[ERR_DENIED\]/);
		expect(sigtool(["trust", "list"]).stdout).toMatch(/^pin .*\n( {2}.*\n)* {2}denied {2}stolen in May\n/m);
		expectRefused(["verify", lib], "stolen in May");
		expectRefused(["verify", join(lib, "index.js")], "stolen in May");
		expectRefused(["compile", lib, "-o", join(home, "lib.sigx")], "stolen in May");
		expect(existsSync(join(home, "lib.sigx"))).toBe(false);
	});

	test("a denied authority denies its signers; a denied certificate does not deny others of its key", () => {
		sigtool(["trust", "deny", caFile, "--reason", "broken into"]);
		expect(sigtool(["verify", lib, "--trust", caFile]).stderr).toMatch(/"CN=Test Root": .*key: broken into/);
		const [{ id }] = sigtool(["trust", "list", "--json"]).json().trusted;
		sigtool(["trust", "remove", id]);
		expect(sigtool(["verify", lib, "--trust", caFile]).status).toBe(0);
		sigtool(["trust", "deny", certFile, "--as", "certificate", "--reason", "issued in error"]);
		expectRefused(["verify", lib], "names its certificate: issued in error");
	});

	test("a denied certificate is refused with the other ECDSA signature that anybody can compute", () => {
		const other = join(home, "other.der");
		writeFileSync(other, withOtherSignature(new X509Certificate(readFileSync(certFile)).raw));
		sigtool(["sign", lib, ...key.slice(0, 2), "--cert", other, "--product", "lib"]);
		expect(sigtool(["verify", lib, "--trust", caFile]).status).toBe(0);
		sigtool(["trust", "deny", certFile, "--as", "certificate", "--reason", "issued in error"]);
		expectRefused(["verify", lib], "names its certificate: issued in error");
	});

	test("a denied catalog is refused, also with other unsigned parts", () => {
		sigtool(["trust", "deny", catalog, "--reason", "withdrawn"]);
		expectRefused(["verify", lib], "names its catalog: withdrawn");
		expectRefused(["verify", catalog], "names its catalog: withdrawn");
		// The signature does not cover the list of certificates, so another certificate can be added to the list.
		sigtool(["sign", lib, ...key, "--product", "lib", "--sequence", "1", "--force"]);
		expect(sigtool(["verify", lib, "--trust", caFile]).status).toBe(0);
		const env = { SOURCE_DATE_EPOCH: String(Math.floor(Date.now() / 1000)) };
		sigtool(["sign", lib, ...key, "--product", "lib", "--sequence", "2"], { env });
		sigtool(["trust", "deny", catalog, "--reason", "withdrawn too"]);
		const before = sha256(catalog);
		sigtool(["sign", lib, ...key, "--chain", caFile, "--product", "lib", "--sequence", "2"], { env });
		expect(sha256(catalog)).not.toBe(before);
		expectRefused(["verify", lib], "withdrawn too");
	});

	test("a denied file is refused in a tree, alone, in an index and before compiling", () => {
		sigtool(["compile", lib, ...key, "--trust", caFile, "-o", join(home, "lib.sigx")]);
		expect(sigtool(["verify", join(home, "lib.sigx"), "--signature-only", "--trust", certFile]).status).toBe(0);
		sigtool(["trust", "deny", join(lib, "more/a.js"), "--reason", "CVE-2026-0001"]);
		expectRefused(["verify", lib], '"more/a.js" is denied: CVE-2026-0001');
		expectRefused(["verify", join(lib, "more/a.js")], "CVE-2026-0001");
		expectRefused(["verify", join(lib, "more/a.js"), "--catalog", catalog, "--match", "digest"], "CVE-2026-0001");
		expectRefused(["verify", catalog], '"more/a.js" is denied');
		expectRefused(["verify", join(home, "lib.sigx")], "CVE-2026-0001");
		expectRefused(["verify", join(home, "lib.sigx"), "--signature-only"], "CVE-2026-0001");
		expectRefused(["compile", lib, "-o", join(home, "other.sigx")], "CVE-2026-0001");
		expect(sigtool(["verify", join(lib, "index.js"), "--trust", caFile]).status).toBe(0);
	});

	test("a trust index is refused for the keys and catalogs it was compiled from", () => {
		const index = join(home, "lib.sigx");
		const other = makeAuthority(join(home, "other"), "P-256");
		sigtool(["compile", lib, "--key", other.keyFile, "--cert", other.certFile, "--trust", caFile, "-o", index]);
		const verify = () => sigtool(["verify", index, "--signature-only", "--trust", other.certFile]);
		expect(verify().status).toBe(0);
		for (const [what, reason] of [
			[certFile, "stolen"],
			[catalog, "withdrawn"],
			[index, "old"],
		]) {
			sigtool(["trust", "deny", what, "--reason", reason]);
			expect(verify()).toMatchObject({ status: 1, stderr: expect.stringContaining(`${reason} [ERR_DENIED]`) });
			for (const { id, kind } of sigtool(["trust", "list", "--json"]).json().trusted) {
				if (kind === "denied") sigtool(["trust", "remove", id]);
			}
			expect(verify().status).toBe(0);
		}
	});

	test("of the key that signs is a warning of each command that signs", () => {
		sigtool(["trust", "deny", certFile, "--reason", "stolen in May"]);
		const unsigned = join(home, "unsigned.cat");
		sigtool(["sign", lib, "--unsigned", "-o", unsigned, "--product", "lib"]);
		for (const args of [
			["sign", lib, "--product", "lib"],
			["finish", unsigned, "--expect-digest", sha256(unsigned)],
		]) {
			const { status, stderr } = sigtool([...args, ...key]);
			expect([status, stderr]).toEqual([
				0,
				expect.stringMatching(/^warning: this user's verify refuses what this key signs: .*key: stolen in May$/m),
			]);
		}
	});

	test("--config says that verify reads the trust store, and the command for it", () => {
		const config = join(home, "verifier.json");
		writeFileSync(config, JSON.stringify({ version: 1, pins: [{ "spki-sha256": "a".repeat(64) }] }), { mode: 0o600 });
		const named = makeTree(join(home, "a b"), { "it's": readFileSync(certFile, "utf8") });
		const args = ["trust", "deny", join(named, "it's"), "--as", "key", "--reason", "$HOME is gone", "--config", config];
		const [, command = ""] =
			/^`sigtool verify` reads .*: `sigtool (.*)` denies it there too$/m.exec(sigtool(args).stdout) ?? [];
		expect(sigtool(["verify", lib, "--trust", caFile]).status).toBe(0);
		const words = spawnSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" }).stdout.split("\0");
		expect(sigtool(words.slice(0, -1)).status).toBe(0);
		expectRefused(["verify", lib], "HOME is gone");
	});

	test("--config adds to a host configuration, keeps its content, and refuses an invalid one", () => {
		const config = join(home, "verifier.json");
		const pins = [{ "spki-sha256": "a".repeat(64) }];
		writeFileSync(config, JSON.stringify({ version: 1, pins, deny: [{ file: "b".repeat(64), reason: "before" }] }));
		chmodSync(config, 0o600);
		const deny = (...args: string[]) => sigtool(["trust", "deny", ...args, "--config", config]);
		expect(deny("c".repeat(64), "--as", "file", "--reason", "once").status).toBe(0);
		expect(deny("C".repeat(64), "--as", "file", "--reason", "again").status).toBe(0);
		expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({
			version: 1,
			pins,
			deny: [
				{ file: "b".repeat(64), reason: "before" },
				{ file: "c".repeat(64), reason: "again" },
			],
		});
		expect(sigtool(["trust", "list", "--json"]).json().trusted).toEqual([]);
		const kept = readFileSync(config, "utf8");
		expect(deny(catalog, "--reason", "two\nlines").status).toBe(2);
		expect(readFileSync(config, "utf8")).toBe(kept);
		const before = '{ "version": 1, "unknown": true }';
		writeFileSync(config, before);
		expect(deny(catalog, "--reason", "x")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("ERR_HOST_CONFIG"),
		});
		expect(readFileSync(config, "utf8")).toBe(before);
	});

	test("a program that uses this user's trust store loads nothing that is denied there", () => {
		sigtool(["trust", "add", certFile]);
		const verifier = new URL("../../../../verifier/dist/index.mjs", import.meta.url).href;
		const load = (file: string) => {
			const program = `import { createVerifier } from ${JSON.stringify(verifier)};
				try {
					const verifier = createVerifier({ catalogs: [{ directory: ${JSON.stringify(lib)} }] });
					console.log(String(verifier.openCodeSync(${JSON.stringify(join(lib, file))})));
				} catch ({ code, cause }) { console.log(code, cause?.code) }`;
			const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
			return spawnSync(process.execPath, ["--input-type=module", "-e", program], { env, encoding: "utf8" }).stdout;
		};
		expect(load("index.js")).toBe("1\n\n");
		sigtool(["trust", "deny", join(lib, "index.js"), "--reason", "worm"]);
		expect(load("index.js")).toBe("ERR_UNTRUSTED_CODE ERR_DENIED\n");
		expect(load("more/a.js")).toBe("2\n\n");
		sigtool(["trust", "deny", certFile, "--reason", "stolen"]);
		expect(load("more/a.js")).toBe("ERR_DENIED undefined\n");
	});

	test("loses no entry when several processes deny at once, and ignores a stale lock", () => {
		const lock = join(home, "config/sigtool/.trust.json.sigtool-lock");
		expect(sigtool(["trust", "add", certFile]).status).toBe(0);
		writeFileSync(lock, "");
		utimesSync(lock, 1, 1);
		expect(sigtool(["trust", "deny", catalog, "--reason", "withdrawn"]).status).toBe(0);
		const script = `for i in 1 2 3 4 5 6; do "$0" "$1" trust deny "$(printf %064d $i)" --as file --reason "$i" & done; wait`;
		const env = { ...process.env, XDG_CONFIG_HOME: join(home, "config") };
		const run = spawnSync("sh", ["-c", script, process.execPath, MAIN], { env, encoding: "utf8" });
		expect(run.stderr).toBe("");
		const denied = sigtool(["trust", "list", "--json"])
			.json()
			.trusted.filter((entry: { kind: string }) => entry.kind === "denied");
		expect(denied.map((entry: { reason: string }) => entry.reason).sort()).toEqual([
			"1",
			"2",
			"3",
			"4",
			"5",
			"6",
			"withdrawn",
			"withdrawn",
		]);
		expect(existsSync(lock)).toBe(false);
	});

	test("says what it cannot use", () => {
		const deny = (...args: string[]) => sigtool(["trust", "deny", ...args]);
		expect(deny("a".repeat(64), "--reason", "x").stderr).toContain("--as");
		expect(deny(certFile)).toMatchObject({ status: 2, stderr: expect.stringContaining("--reason") });
		expect(deny(certFile, "--reason", "two\nlines")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("one line"),
		});
		expect(deny("05591bd1", "--as", "key", "--reason", "x")).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(
				/"05591bd1": no such file; a SHA-256 has 64 hexadecimal digits, not 8 \[ERR_USAGE\]/,
			),
		});
		expect(deny(join(home, "nothing"), "--reason", "x").stderr).toContain("ERR_ROOT_MISSING");
		expect(deny(join(lib, "index.js"), "--as", "catalog", "--reason", "x").status).toBe(1);
	});

	test("names the file that is no certificate, catalog or index", () => {
		const index = join(home, "lib.sigx");
		expect(sigtool(["compile", lib, ...key, "--trust", caFile, "-o", index]).status).toBe(0);
		truncateSync(index, 100);
		for (const [file, ...as] of [
			[index],
			[join(lib, "index.js"), "--as", "key"],
			[join(lib, "index.js"), "--as", "certificate"],
			[join(lib, "index.js"), "--as", "catalog"],
		]) {
			const { status, stderr } = sigtool(["trust", "deny", file, ...as, "--reason", "x"]);
			expect(stderr).toContain(`"${file}": `);
			expect(status).not.toBe(0);
		}
	});

	test("warns of an index whose denied files cannot be told", () => {
		const config = join(home, "verifier.json");
		const index = join(home, "lib.sigx");
		writeFileSync(config, JSON.stringify({ version: 1 }));
		writeFileSync(index, "SIGX");
		const deny = ["trust", "deny", join(lib, "index.js"), "--reason", "x", "--config", config, "--index", index];
		expect(sigtool(deny)).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^warning: .*lib\.sigx cannot be judged: it /),
		});
		expect(sigtool([...deny, "--json"]).json().warnings).toHaveLength(1);
	});
});
