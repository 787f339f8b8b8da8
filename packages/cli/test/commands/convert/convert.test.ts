import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../../test/outside.js";
import { type Authority, makeAuthority, makeTree, runner, temporaryDirectory } from "../../support.js";

describe("sigtool convert", () => {
	let home: string;
	let authority: Authority;
	let sigtool: ReturnType<typeof runner>;
	beforeEach(() => {
		home = temporaryDirectory();
		sigtool = runner(home);
	});
	const at = (name: string) => join(home, name);
	const convert = (...args: string[]) => sigtool(["convert", ...args, "--trust", authority.caFile]);

	/** Makes a signed catalog, `lib.cat`. */
	function sign(key: Parameters<typeof makeAuthority>[1] = "rsa:2048"): void {
		authority = makeAuthority(at("pki"), key);
		const tree = makeTree(at("lib"), { "a.js": "1", "b/c.js": "2", l: { link: "a.js" } });
		const args = ["--key", authority.keyFile, "--cert", authority.certFile, "--chain", authority.caFile];
		expect(sigtool(["sign", tree, "-o", at("lib.cat"), ...args])).toMatchObject({ status: 0 });
	}

	/** Verifies the detached signature with openssl, and returns what openssl prints. */
	function judge(command: "cms" | "smime"): string {
		const files = ["-in", at("lib.p7"), "-content", at("lib.p7.content"), "-CAfile", authority.caFile];
		const args = [command, "-verify", "-binary", "-inform", "DER", "-purpose", "any", ...files, "-out", at("out")];
		return spawnSync("openssl", args, { encoding: "utf8" }).stderr;
	}

	it.each(["rsa:2048", "P-256", "P-384"] as const)(
		"makes a detached signature that openssl verifies, and the same catalog from it (%s)",
		(key) => {
			sign(key);
			expect(convert(at("lib.cat"), "-o", at("lib.p7"))).toMatchObject({ status: 0, stderr: "" });
			expect(judge("cms")).toMatch(/Verification successful/i);
			expect(judge("smime")).toMatch(/Verification successful/i);
			expect(readFileSync(at("out"))).toEqual(readFileSync(at("lib.p7.content")));
			expect(readFileSync(at("lib.p7")).includes("a\0.\0j\0s\0")).toBe(false);
			expect(convert(at("lib.p7"), "--content", at("lib.p7.content"), "-o", at("again.cat"))).toMatchObject({
				status: 0,
			});
			expect(readFileSync(at("again.cat"))).toEqual(readFileSync(at("lib.cat")));
			const changed = readFileSync(at("lib.p7.content"));
			changed[changed.length - 1] ^= 1;
			writeFileSync(at("lib.p7.content"), changed);
			expect(judge("cms")).not.toMatch(/Verification successful/i);
		},
	);

	it("shows what it verified", () => {
		sign();
		const document = convert(at("lib.cat"), "-o", at("lib.p7"), "--content", at("list"), "--json").json();
		expect(document).toMatchObject({ exit: 0, into: "detached", output: at("lib.p7"), content: at("list") });
		expect(document.signer.subject).toBe(authority.subject);
		const back = convert(at("lib.p7"), "-o", at("x.cat"), "--content", at("list"), "--json").json();
		expect(back).toMatchObject({ exit: 0, into: "catalog", file: at("lib.p7"), product: "lib" });
	});

	describe("writes nothing", () => {
		const outputs = () => ["x.p7", "x.p7.content", "x.cat"].filter((name) => existsSync(at(name)));

		it("for a catalog that does not verify", () => {
			sign();
			const bytes = readFileSync(at("lib.cat"));
			bytes[bytes.indexOf("a\0.\0j\0s\0")] ^= 1;
			writeFileSync(at("changed.cat"), bytes);
			writeFileSync(at("noise.cat"), "noise");
			const other = makeAuthority(at("other")).caFile;
			expect(sigtool(["sign", at("lib"), "--unsigned", "-o", at("unsigned.cat")])).toMatchObject({ status: 0 });
			expect(convert(at("changed.cat"), "-o", at("x.p7")).stderr).toMatch(/changed\.cat.*\[ERR_SIGNED_ATTRIBUTES\]/);
			expect(convert(at("noise.cat"), "-o", at("x.p7")).stderr).toContain("[ERR_DER]");
			expect(convert(at("unsigned.cat"), "-o", at("x.p7")).stderr).toContain("[ERR_UNSIGNED]");
			expect(sigtool(["convert", at("lib.cat"), "-o", at("x.p7"), "--trust", other])).toMatchObject({ status: 1 });
			expect(convert(at("lib.cat"), "-o", at("x.p7"), "--product", "other").stderr).toContain("[ERR_PRODUCT_MISMATCH]");
			expect(outputs()).toEqual([]);
		});

		it("for a signature over other content, or without content", () => {
			sign();
			expect(convert(at("lib.cat"), "-o", at("lib.p7"))).toMatchObject({ status: 0 });
			const content = readFileSync(at("lib.p7.content"));
			writeFileSync(at("short"), content.subarray(0, -1));
			writeFileSync(at("long"), Buffer.concat([content, Buffer.of(0)]));
			writeFileSync(at("wrapped"), readFileSync(at("lib.cat")));
			writeFileSync(at("empty"), "");
			for (const name of ["short", "long", "wrapped", "empty"]) {
				expect(convert(at("lib.p7"), "--content", at(name), "-o", at("x.cat")), name).toMatchObject({ status: 1 });
			}
			expect(convert(at("lib.p7"), "-o", at("x.cat")).stderr).toMatch(/with --content \[ERR_USAGE\]/);
			expect(convert(at("lib.p7"), "-o", at("x.cat"), "--content", at("none")).stderr).toContain("[ERR_ROOT_MISSING]");
			expect(outputs()).toEqual([]);
		});

		it("over existing files without --force", () => {
			sign();
			copyFileSync(at("lib.cat"), at("x.p7.content"));
			expect(convert(at("lib.cat"), "-o", at("x.p7")).stderr).toContain("--force replaces it [ERR_OUTPUT_EXISTS]");
			expect(readFileSync(at("x.p7.content"))).toEqual(readFileSync(at("lib.cat")));
			expect(convert(at("lib.cat"), "-o", at("x.p7"), "--content", at("x.p7")).stderr).toContain("[ERR_USAGE]");
			const same = at("x.p7").replace(/x\.p7$/, "./x.p7");
			expect(convert(at("lib.cat"), "-o", at("x.p7"), "--content", same, "--force").stderr).toContain("[ERR_USAGE]");
			expect(convert(at("lib.cat"), "-o", at("x.p7"), "--force")).toMatchObject({ status: 0 });
		});
	});
});
