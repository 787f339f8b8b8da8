/** Lets other tools judge what sigtool writes, and lets sigtool judge what they write. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../test/outside.js";
import { minimalPe } from "./minimal-pe.js";
import { type Authority, makeAuthority, makeTree, runner, temporaryDirectory } from "./support.js";

const hasOsslsigncode = hasProgram("osslsigncode");

const WXS = `<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Name="T" Id="ABCDDCBA-86C7-4D14-AEC0-86416A69ABDE" UpgradeCode="ABCDDCBA-7349-453F-94F6-BCB5110BA4FD"
    Language="1033" Codepage="1252" Version="1.0.0" Manufacturer="T">
    <Package Id="*" InstallerVersion="100" Compressed="yes"/>
    <Directory Id="TARGETDIR" Name="SourceDir"><Component Id="C" Guid="ABCDDCBA-83F1-4F22-985B-FDB3C8ABD471"/></Directory>
    <Feature Id="F" Level="1"><ComponentRef Id="C"/></Feature>
  </Product>
</Wix>`;

function authorities(home: string): [name: string, Authority][] {
	return (["rsa:2048", "P-256", "P-384"] as const).map((key) => [
		key,
		makeAuthority(join(home, key.replace(":", "")), key),
	]);
}

const osslsigncode = (...args: string[]) => spawnSync("osslsigncode", args, { encoding: "utf8" });

describe("openssl smime", () => {
	test("verifies our catalogs, RSA and ECDSA", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "tree"), { "a.js": "1", empty: "", l: { link: "a.js" } });
		for (const [name, { keyFile, certFile, caFile }] of authorities(home)) {
			const signed = runner(home)([
				"sign",
				root,
				"--key",
				keyFile,
				"--cert",
				certFile,
				"--description",
				"Ünïcode",
				"--url",
				"https://example.com/",
			]);
			expect(signed, name).toMatchObject({ status: 0 });
			const args = [
				"smime",
				"-verify",
				"-inform",
				"DER",
				"-purpose",
				"any",
				"-in",
				join(root, "tree.cat"),
				"-CAfile",
				caFile,
			];
			const run = spawnSync("openssl", args, { encoding: "latin1" });
			expect(run.stderr, name).toContain("Verification successful");
			const tampered = readFileSync(join(root, "tree.cat"));
			tampered[tampered.indexOf("a\0.\0j\0s\0")] ^= 1;
			writeFileSync(join(home, "tampered.cat"), tampered);
			args[7] = join(home, "tampered.cat");
			expect(spawnSync("openssl", args).status, name).not.toBe(0);
		}
	});
});

describe.skipIf(!hasOsslsigncode || !hasProgram("gcab") || !hasProgram("wixl"))("osslsigncode", () => {
	function members(home: string): string {
		const root = makeTree(join(home, "members"), { "script.ps1": "Write-Output 'hello'\r\n", "flat.txt": "text" });
		writeFileSync(join(root, "program.exe"), minimalPe(7));
		writeFileSync(join(home, "t.wxs"), WXS);
		execFileSync("wixl", ["-o", join(root, "package.msi"), join(home, "t.wxs")], { stdio: "pipe" });
		execFileSync("gcab", ["-c", join(root, "archive.cab"), "flat.txt"], { cwd: root, stdio: "pipe" });
		return root;
	}

	test("accepts our PE, MSI, CAB and PowerShell members, and refuses them changed", () => {
		const home = temporaryDirectory();
		const root = members(home);
		for (const [name, { keyFile, certFile, caFile }] of authorities(home)) {
			expect(runner(home)(["sign", root, "--key", keyFile, "--cert", certFile]), name).toMatchObject({ status: 0 });
			const catalog = join(root, "members.cat");
			const whole = osslsigncode("verify", "-in", catalog, "-CAfile", caFile);
			expect(whole.stdout, name).toContain("Signature verification: ok");
			for (const member of ["program.exe", "package.msi", "archive.cab", "script.ps1"]) {
				const file = join(root, member);
				const run = osslsigncode("verify", "-catalog", catalog, "-in", file, "-CAfile", caFile);
				expect(`${name} ${member} ${run.status}\n${run.stdout}`).toMatch(new RegExp(`^${name} ${member} 0\n`));
				const changed = join(home, `changed-${member}`);
				const bytes = readFileSync(file);
				bytes[bytes.length - 1] ^= 1;
				writeFileSync(changed, bytes);
				expect(osslsigncode("verify", "-catalog", catalog, "-in", changed, "-CAfile", caFile).status).not.toBe(0);
			}
		}
	});

	test("accepts our catalogs with SHA-1 twins", () => {
		const home = temporaryDirectory();
		const root = members(home);
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
		expect(runner(home)(["sign", root, "--sha1-twins", "--key", keyFile, "--cert", certFile])).toMatchObject({
			status: 0,
		});
		const run = osslsigncode(
			"verify",
			"-catalog",
			join(root, "members.cat"),
			"-in",
			join(root, "program.exe"),
			"-CAfile",
			caFile,
		);
		expect(run.status).toBe(0);
	});

	test("signs our unsigned catalog into one we accept", () => {
		const home = temporaryDirectory();
		const root = members(home);
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
		const unsigned = join(home, "unsigned.cat");
		const signed = join(home, "signed.cat");
		expect(runner(home)(["sign", root, "--unsigned", "-o", unsigned])).toMatchObject({ status: 0 });
		const run = osslsigncode(
			"sign",
			"-certs",
			certFile,
			"-key",
			keyFile,
			"-h",
			"sha256",
			"-in",
			unsigned,
			"-out",
			signed,
		);
		expect(run.status, run.stdout).toBe(0);
		expect(runner(home)(["verify", root, "--catalog", signed, "--trust", caFile])).toMatchObject({ status: 0 });
		writeFileSync(join(root, "flat.txt"), "changed");
		expect(runner(home)(["verify", root, "--catalog", signed, "--trust", caFile])).toMatchObject({ status: 1 });
	});
});
