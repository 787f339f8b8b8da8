import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseTrustIndex } from "@sigtool/core/internal";
import { describe, expect, test } from "vitest";
import { makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";

const EPOCH = { SOURCE_DATE_EPOCH: "1790000000" };

/** Makes a signed directory, and a path for its index. */
function signedApp() {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), { "main.js": "1", "lib/a.js": "2", current: { link: "lib" } });
	const sigtool = runner(home);
	expect(sigtool(["sign", root, "--sequence", "7"]).status).toBe(0);
	return { home, root, sigtool, index: join(home, "app.sigx") };
}

describe("compile", () => {
	test("writes an index signed by the development identity, and says so", () => {
		const { root, sigtool, index } = signedApp();
		const { status, stdout, stderr } = sigtool(["compile", root, "-o", index, "--allow-development"]);
		expect([status, stderr]).toEqual([
			0,
			"note: signed with this machine's development identity; other machines do not trust it\n",
		]);
		expect(stdout).toContain("app, sequence 7");
		expect(stdout).toContain("2 files, 1 link");
		expect(stdout).toMatch(/CN=sigtool development .*\(development\)/);
	});

	test("refuses what a development identity signed unless allowed, and leaves no file", () => {
		const { root, sigtool, index } = signedApp();
		const { status, stderr } = sigtool(["compile", root, "-o", index]);
		expect([status, stderr]).toEqual([1, expect.stringContaining("[ERR_DEVELOPMENT_IDENTITY]")]);
		expect(existsSync(index)).toBe(false);
	});

	test("does not replace an index that has a higher sequence, signed or not, except by --force", () => {
		const { root, sigtool, index } = signedApp();
		const compile = (...args: string[]) => sigtool(["compile", root, "-o", index, "--allow-development", ...args]);
		for (const kind of [[], ["--unsigned"]]) {
			expect(compile(...kind, "--sequence", "10", "--force")).toMatchObject({ status: 0 });
			expect(compile("--sequence", "10")).toMatchObject({ status: 0 });
			const before = readFileSync(index);
			const { status, stderr } = compile(...kind, "--sequence", "5");
			expect([status, stderr]).toEqual([
				2,
				`error: Cannot replace "${index}": sequence 5 is lower than 10, which it has; give a higher --sequence, or --force [ERR_CATALOG_EXISTS]\n`,
			]);
			expect(readFileSync(index)).toEqual(before);
			expect(compile(...kind, "--sequence", "5", "--force")).toMatchObject({ status: 0 });
		}
	});

	test("warns of signed code that is larger than the policy allows, and names maxSizeBytes", () => {
		const { home, root, sigtool, index } = signedApp();
		const large = { "data.bin": "x".repeat(100), "lib/large.so.1": "x".repeat(70), "lib/larger.py": "#".repeat(90) };
		makeTree(root, large);
		expect(sigtool(["sign", root, "--sequence", "8"]).status).toBe(0);
		const compile = (files: object) => {
			writeFileSync(join(home, "policy.json"), JSON.stringify({ version: 1, files }));
			const args = [
				"compile",
				root,
				"-o",
				index,
				"--allow-development",
				"--policy",
				join(home, "policy.json"),
				"--force",
			];
			return sigtool([...args, "--json"]).json();
		};
		expect(compile({ maxSizeBytes: 64 }).warnings).toEqual([
			expect.stringMatching(/larger\.py" has 90 bytes, and 1 more: .* "maxSizeBytes": 90 /),
		]);
		expect(compile({ maxSizeBytes: 90 }).warnings).toEqual([]);
	});

	test("takes a key, trust, a policy and an expiry; also with --json", () => {
		const { home, root, sigtool, index } = signedApp();
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "authority"));
		const signing = ["--key", keyFile, "--cert", certFile];
		expect(sigtool(["sign", root, ...signing, "--sequence", "8"]).status).toBe(0);
		writeFileSync(join(home, "policy.json"), '{ "version": 1, "mode": "strict", "runtime": { "addons": "refuse" } }');
		const args = ["compile", root, "-o", index, ...signing, "--trust", caFile, "--policy", join(home, "policy.json")];
		const now = Math.floor(Date.now() / 1000);
		const env = { SOURCE_DATE_EPOCH: String(now) };
		const inDays = (days: number) => new Date((now + days * 86_400) * 1000).toISOString().replace(".000Z", "Z");
		const { status, json } = sigtool([...args, "--not-after", "5", "--json"], { env });
		expect(status).toBe(0);
		expect(json()).toMatchObject({
			command: "compile",
			index,
			products: [{ name: "app", root, sequence: 8, files: 2, links: 1 }],
			policy: { mode: "strict", runtime: { addons: "refuse", workers: "signed" } },
			notAfter: inDays(5),
			signer: { development: false },
		});
		const first = readFileSync(index);
		expect(parseTrustIndex(first).digest).toBe(json().sha256);
		expect(sigtool([...args, "--not-after", inDays(5)], { env }).status).toBe(0);
		expect(readFileSync(index).equals(first)).toBe(true);
		expect(sigtool(["verify", index, "--trust", caFile, "--at", inDays(6)]).stderr).toContain("[ERR_INDEX_EXPIRED]");
	});

	test.each<[text: string, message: string]>([
		["0", "Give --not-after a number of days, or a time in the future"],
		["2020-01-01", "Give --not-after a number of days, or a time in the future"],
		["soon", "Give --not-after a time with its zone"],
	])("refuses --not-after %s", (when, message) => {
		const { root, sigtool, index } = signedApp();
		const { status, stderr } = sigtool(["compile", root, "-o", index, "--allow-development", "--not-after", when]);
		expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
	});

	test.each<[content: string, message: string]>([
		["{", "it is not JSON"],
		['{ "version": 1, "runtime": { "addon": "refuse" } }', '"$.runtime.addon" is not a member of this version'],
	])("refuses the policy %s", (content, message) => {
		const { home, root, sigtool, index } = signedApp();
		const policy = join(home, "policy.json");
		writeFileSync(policy, content);
		const { status, stderr } = sigtool(["compile", root, "-o", index, "--allow-development", "--policy", policy]);
		expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
		expect(stderr).toContain(policy);
	});

	test("needs an output file outside the signed directories", () => {
		const { root, sigtool } = signedApp();
		expect(sigtool(["compile", root]).stderr).toContain("-o, --output <file>");
		expect(sigtool(["compile", root, "-o", "-"]).status).toBe(2);
		expect(sigtool(["compile", root, "-o", join(root, "x.sigx")]).stderr).toContain("an unsigned file of");
	});
});

describe("compile --adopt", () => {
	test("takes a directory without a catalog, and every command that shows the index says so", () => {
		const { home, root, sigtool, index } = signedApp();
		const library = makeTree(join(home, "library"), { "os.py": "1" });
		const compiled = sigtool(["compile", root, "--adopt", library, "-o", index, "--allow-development", "--json"]);
		expect(compiled.json().products).toMatchObject([{ name: "app" }, { name: library, root: library, adopted: true }]);
		expect(compiled.json().products[0].adopted).toBeUndefined();
		for (const show of [["inspect"], ["verify", "--signature-only"]]) {
			expect(sigtool([...show, index]).stdout).toContain(`${library}, adopted: nobody signed it`);
		}
		expect(sigtool(["inspect", index, "--json"]).json().products[1]).toMatchObject({ adopted: true, sequence: null });
		expect(sigtool(["compile", "--adopt", library, "-o", index]).status).toBe(0);
	});

	test("refuses a signed directory and a missing one", () => {
		const { root, sigtool, index } = signedApp();
		expect(sigtool(["compile", "--adopt", root, "-o", index]).stderr).toContain("it carries a catalog");
		expect(sigtool(["compile", "-o", index]).stderr).toContain("Name what to compile");
	});
});

describe("inspect and verify of a trust index", () => {
	test("show its content and its signer", () => {
		const { root, sigtool, index } = signedApp();
		sigtool(["compile", root, "-o", index, "--allow-development"], { env: EPOCH });
		const inspected = sigtool(["inspect", index, "--json"]).json();
		const said = { products: [{ name: "app", root, sequence: 7 }], entries: 3, policy: { mode: "enforce" } };
		expect(inspected).toMatchObject({ verified: true, ...said, compiledAt: "2026-09-21T14:13:20Z" });
		const text = sigtool(["inspect", index]).stdout;
		for (const part of [
			"verified; its files were not looked at",
			"app, sequence 7",
			root,
			"3 entries",
			'"addons":"signed"',
		]) {
			expect(text).toContain(part);
		}
		expect(inspected.members).toMatchObject([
			{ product: "app", path: "current", kind: "link", target: "lib" },
			{ path: "lib/a.js", kind: "file", size: 1 },
			{ path: "main.js", kind: "file" },
		]);
		expect(sigtool(["inspect", index, "--verbose"]).stdout).toMatch(/lib\/a\.js [0-9a-f]{64}\n/);
		const verified = sigtool(["verify", index, "--signature-only", "--json"]);
		expect(verified.status).toBe(0);
		expect(verified.json().results).toMatchObject([
			{ verdict: "signed", match: "none", development: true, index: said },
		]);
		expect(sigtool(["verify", index, "--signature-only"]).stdout).toMatch(
			/^signed .*: its signature alone; no files were compared\n/,
		);
		expect(sigtool(["verify", index, "--product", "other"]).stderr).toContain("[ERR_PRODUCT_MISMATCH]");
	});

	test("recognise an index of an untrusted signer, and a damaged one", () => {
		const { home, root, sigtool, index } = signedApp();
		sigtool(["compile", root, "-o", index, "--allow-development"]);
		mkdirSync(join(home, "elsewhere"));
		const stranger = runner(join(home, "elsewhere"), { identity: "none" });
		expect(stranger(["verify", index])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("[ERR_UNTRUSTED_SIGNER]"),
		});
		expect(stranger(["inspect", index]).stdout).toContain("not verified");
		const bytes = readFileSync(index);
		bytes[100] ^= 1;
		writeFileSync(index, bytes);
		expect(sigtool(["verify", index]).stderr).toContain("[ERR_SIGNED_ATTRIBUTES]");
		writeFileSync(index, bytes.subarray(0, statSync(index).size - 1));
		expect(sigtool(["inspect", index])).toMatchObject({ status: 1, stderr: expect.stringContaining(`"${index}"`) });
	});
});
