/** Compiles a trust index without a key, and signs it on another machine, as docs/how-to/split-signing.md describes. */

import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { makeSelfSigned, makeTree, runner, type SelfSigned, temporaryDirectory } from "../../support.js";

describe("a trust index that is signed later", () => {
	let home: string;
	let key: SelfSigned;
	let sigtool: ReturnType<typeof runner>;
	const at = (path: string) => join(home, path);
	const keys = () => ["--key", key.keyFile, "--cert", key.certFile];

	beforeEach(() => {
		home = temporaryDirectory();
		key = makeSelfSigned(at("release"));
		sigtool = runner(at("home"));
		makeTree(at("app"), { "main.js": "1", "lib/a.js": "2" });
		expect(sigtool(["sign", at("app"), "--product", "app", "--sequence", "1", ...keys()])).toMatchObject({ status: 0 });
	});

	/** Compiles without a key. Returns the digest that the build machine announces. */
	function build(output: string, ...options: string[]): string {
		const compiling = ["compile", at("app"), "-o", at(output), "--trust", key.certFile, "--unsigned", "--json"];
		const run = sigtool([...compiling, ...options]);
		expect([run.status, run.stderr]).toEqual([0, ""]);
		const { digest, signer } = run.json();
		expect(signer).toBeNull();
		return digest;
	}
	const finish = (file: string, ...options: string[]) => sigtool(["finish", at(file), ...keys(), ...options]);

	it("equals the index that is compiled and signed at once, except in the signature", () => {
		const digest = build("app.sigx", "--sequence", "5");
		const unsigned = readFileSync(at("app.sigx"));
		// The files are not on the signing machine.
		rmSync(at("app"), { recursive: true });
		const { status, stderr } = finish("app.sigx", "--expect-digest", digest);
		expect(status).toBe(0);
		expect(stderr).toMatch(/product +app, sequence 1/);
		expect(stderr).toMatch(/catalog +[0-9a-f]{64}/);
		expect(stderr).toMatch(/index +sequence 5/);
		const signed = readFileSync(at("app.sigx"));
		expect(signed.subarray(0, unsigned.length)).toEqual(unsigned);
		const verify = ["verify", at("app.sigx"), "--signature-only", "--trust", key.certFile];
		const end = expect.stringMatching(/until +\(no end\)\n(?:.*\n)* +signer until +20\d\d-/);
		expect(sigtool(verify)).toMatchObject({ status: 0, stdout: end });
		expect(sigtool(["inspect", at("app.sigx"), "--json"]).json()).toMatchObject({ compiled: 5 });
	});

	it("replaces no other file, and neither does a catalog", () => {
		build("app.sigx");
		makeTree(at("other"), { "main.js": "3" });
		expect(sigtool(["sign", at("other"), "--unsigned"]).status).toBe(0);
		const before = readFileSync(key.keyFile);
		for (const [unsigned, code] of [
			["app.sigx", "ERR_OUTPUT_EXISTS"],
			["other/other.cat", "ERR_CATALOG_EXISTS"],
		] as const) {
			expect(finish(unsigned, "-o", key.keyFile)).toMatchObject({
				status: 2,
				stderr: expect.stringMatching(new RegExp(`Cannot write ".*": the file there is .*\\[${code}\\]`)),
			});
			expect(readFileSync(key.keyFile)).toEqual(before);
			expect(finish(unsigned).status).toBe(0);
		}
	});

	it("replaces no newer index, and neither does a catalog, except in place", () => {
		for (const sequence of ["10", "5"]) build(`${sequence}.sigx`, "--sequence", sequence);
		makeTree(at("src"), { "main.js": "3" });
		const sign = ["sign", at("src"), "--product", "src", "--unsigned"];
		for (const sequence of ["10", "5"]) {
			expect(sigtool([...sign, "--sequence", sequence, "-o", at(`${sequence}.cat`), "--force"]).status).toBe(0);
		}
		for (const kind of ["sigx", "cat"]) {
			const output = at(`out.${kind}`);
			expect(finish(`10.${kind}`, "-o", output).status).toBe(0);
			const before = readFileSync(output);
			expect(finish(`5.${kind}`, "-o", output)).toMatchObject({
				status: 2,
				stderr: expect.stringMatching(
					/^error: Cannot replace ".*": sequence 5 is lower than 10, which it has; write it elsewhere, or remove that file \[ERR_CATALOG_EXISTS\]$/m,
				),
			});
			expect(readFileSync(output)).toEqual(before);
			expect(finish(`10.${kind}`, "-o", output).status).toBe(0);
			expect(finish(`5.${kind}`).status).toBe(0);
		}
	});

	it("names the --previous that is no index", () => {
		build("app.sigx");
		writeFileSync(at("old.sigx"), readFileSync(at("app.sigx")).subarray(0, 100));
		expect(finish("app.sigx", "--previous", at("old.sigx"))).toMatchObject({
			status: 1,
			stderr: expect.stringMatching(
				/^error: Cannot use trust index ".*old\.sigx": it is truncated.*\[ERR_INDEX_FORMAT\]/,
			),
		});
	});

	it("is no index before it is signed", () => {
		build("app.sigx");
		const verify = sigtool(["verify", at("app.sigx"), "--signature-only", "--trust", key.certFile]);
		expect(verify).toMatchObject({ status: 1 });
		expect(verify.stderr).toMatch(/it is not signed yet; sign it with `sigtool finish` \[ERR_INDEX_FORMAT\]/);
	});

	it("is not signed with another digest than the announced one, nor twice", () => {
		const digest = build("app.sigx", "--sequence", "5");
		build("app.sigx", "--sequence", "6");
		const before = readFileSync(at("app.sigx"));
		const other = finish("app.sigx", "--expect-digest", digest);
		expect(other).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_DIGEST_MISMATCH") });
		expect(other.stderr).toMatch(/^error: Cannot sign "[^"]*": its digest is \w+, expected \w+; get the file again/m);
		expect(readFileSync(at("app.sigx"))).toEqual(before);
		expect(finish("app.sigx")).toMatchObject({ status: 0 });
		const twice = finish("app.sigx");
		expect(twice.status).not.toBe(0);
		expect(twice.stderr).toContain("it is signed already");
	});

	it("is compared with the previous index, and an older one is not signed", () => {
		build("old.sigx", "--sequence", "5");
		expect(finish("old.sigx")).toMatchObject({ status: 0 });
		writeFileSync(at("app/lib/a.js"), "changed");
		writeFileSync(at("app/added.js"), "3");
		expect(sigtool(["sign", at("app"), "--product", "app", "--sequence", "2", ...keys()])).toMatchObject({ status: 0 });
		build("app.sigx", "--sequence", "6");
		copyFileSync(at("app.sigx"), at("again.sigx"));
		const newer = finish("app.sigx", "--previous", at("old.sigx"), "--require-newer");
		expect(newer).toMatchObject({ status: 0 });
		expect(newer.stderr).toContain("1 added, 0 removed, 1 changed");
		expect(newer.stderr).toContain("  added app: added.js\n  changed app: lib/a.js");
		for (const options of [
			["--sequence", "6"],
			["--policy", at("policy.json"), "--sequence", "7"],
		]) {
			writeFileSync(at("policy.json"), JSON.stringify({ version: 1, runtime: { children: "allow" } }));
			build("again.sigx", ...options);
			const refused = finish("again.sigx", "--previous", at("app.sigx"), "--require-newer");
			expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_NOT_NEWER") });
			expect(refused.stderr).toMatch(/the sequence of the index does not grow|the policy differs/);
		}
	});

	it("with entries that no reader could find is not signed", () => {
		build("app.sigx");
		const bytes = readFileSync(at("app.sigx"));
		const [head, entries] = [bytes.readUInt32LE(12), bytes.readUInt32LE(16)];
		const first = bytes.subarray(24 + head, 24 + head + 48);
		const last = bytes.subarray(24 + head + 48 * (entries - 1), 24 + head + 48 * entries);
		const copy = Buffer.from(first);
		first.set(last);
		last.set(copy);
		writeFileSync(at("app.sigx"), bytes);
		const run = finish("app.sigx");
		expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_INDEX_FORMAT") });
	});

	it("takes no key and no timestamp when it is compiled, and no description when it is signed", () => {
		const compiling = ["compile", at("app"), "-o", at("x.sigx"), "--trust", key.certFile, "--unsigned"];
		for (const options of [keys(), ["--timestamp", "http://127.0.0.1:1"]]) {
			const run = sigtool([...compiling, ...options]);
			expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining("without a key") });
			expect(existsSync(at("x.sigx"))).toBe(false);
		}
		build("app.sigx");
		expect(finish("app.sigx", "--description", "x")).toMatchObject({ status: 2 });
	});
});
