/**
 * Tries ways in which a changed tree could pass for the signed one. Each test shows the change before it shows the
 * refusal.
 */

import {
	copyFileSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryNameFor } from "../../core/dist/system/store.js";
import { makeAuthority, makeTree, runner, type TreeEntry, temporaryDirectory } from "./support.js";

function signedApp(tree: Record<string, TreeEntry>, args: string[] = []) {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = makeTree(join(home, "app"), tree);
	expect(sigtool(["sign", root, ...args])).toMatchObject({ status: 0 });
	expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
	const at = (path: string) => join(root, path);
	const codes = (...args: string[]) => {
		const [result] = sigtool(["verify", ...args, "--json"]).json().results;
		return result.error === undefined ? result.findings.map(({ code }: { code: string }) => code) : [result.error.code];
	};
	return { home, root, sigtool, at, codes };
}

/**
 * Returns a cabinet file, and a copy without its bytes 4 to 7, which are reserved and which the digest of a cabinet
 * does not cover. So the copy has the digest that was signed, but is no cabinet.
 */
function cabinetAndItsCoveredBytes(): [Buffer, Buffer] {
	const cabinet = Buffer.alloc(80, 1);
	cabinet.write("MSCF", 0, "latin1");
	cabinet.writeUInt32LE(0, 4);
	cabinet.writeUInt32LE(cabinet.length, 8);
	cabinet.writeUInt32LE(0, 12);
	cabinet.writeUInt32LE(44, 16);
	cabinet.writeUInt32LE(0, 20);
	cabinet[24] = 3;
	cabinet[25] = 1;
	cabinet.writeUInt16LE(1, 26);
	cabinet.writeUInt16LE(1, 28);
	cabinet.writeUInt16LE(0, 30);
	return [cabinet, Buffer.concat([cabinet.subarray(0, 4), cabinet.subarray(8)])];
}

describe("a digest of one kind says nothing about a file of another", () => {
	test("a signed cabinet is not its covered bytes, by path or by digest", () => {
		const [cabinet, covered] = cabinetAndItsCoveredBytes();
		const { at, root, codes } = signedApp({ x: "placeholder" });
		expect(covered).not.toEqual(cabinet);
		writeFileSync(at("x"), cabinet);
		const { sigtool } = { sigtool: runner(join(root, "..")) };
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		const kinds = sigtool(["inspect", at("app.cat"), "--json"])
			.json()
			.members.map(({ subject }: { subject: string }) => subject);
		expect(kinds).toEqual(["cab"]);
		writeFileSync(at("x"), covered);
		expect(codes(root)).toEqual(["ERR_FILE_MODIFIED"]);
		expect(codes(at("x"))).toEqual(["ERR_FILE_MODIFIED"]);
		expect(codes(root, "--match", "digest")).toContain("ERR_NOT_A_MEMBER");
	});
});

describe("symbolic links nobody signed", () => {
	test("a link to a signed directory does not make its files signed under the link's name", () => {
		const { at, root, codes } = signedApp({ "a/x.js": "good a", "b/x.js": "good b" });
		rmSync(at("a"), { recursive: true });
		symlinkSync("b", at("a"));
		expect(readFileSync(at("a/x.js"), "utf8")).toBe("good b");
		expect(codes(root)).toContain("ERR_FILE_ADDED");
		expect(codes(at("a"))).toContain("ERR_NOT_A_MEMBER");
		expect(codes(at("a/x.js"))).toContain("ERR_NOT_A_MEMBER");
	});

	test("links that a signed link leads through are checked in the kernel's order", () => {
		const { at, root, codes, sigtool } = signedApp({
			"sub/deep/z": "z",
			"sub/y": "good",
			y: "other",
			d: { link: "sub/deep" },
			"x.js": { link: "d/../y" },
		});
		expect(readFileSync(at("x.js"), "utf8")).toBe("good");
		expect(sigtool(["verify", at("x.js")])).toMatchObject({ status: 0 });
		writeFileSync(at("sub/y"), "evil");
		expect(readFileSync(at("x.js"), "utf8")).toBe("evil");
		expect(codes(at("x.js"))).toEqual(["ERR_FILE_MODIFIED"]);
		expect(codes(root)).toEqual(["ERR_FILE_MODIFIED"]);
	});

	test("a link is no member by digest either", () => {
		const { home, at, root, codes } = signedApp({ "driver.sys": "good" });
		writeFileSync(join(home, "evil.sys"), "evil");
		renameSync(at("driver.sys"), at("zzz"));
		symlinkSync(join(home, "evil.sys"), at("driver.sys"));
		expect(codes(root, "--match", "digest")).toEqual(["ERR_NOT_A_MEMBER"]);
	});

	test("a link to outside the tree is refused if sign followed links", () => {
		const { home, at, root, codes } = signedApp({ a: "same", l: { link: "a" } }, ["--links", "follow"]);
		writeFileSync(join(home, "outside"), "same");
		unlinkSync(at("l"));
		symlinkSync("../outside", at("l"));
		expect(readFileSync(at("l"), "utf8")).toBe("same");
		expect(codes(root)).toContain("ERR_LINK_OUTSIDE");
	});
});

describe("files that no signed entry covers", () => {
	test("an ignored or empty directory is not trusted by itself", () => {
		const { at, codes } = signedApp({ "main.js": "1", "node_modules/x.js": "2", ".sigtoolignore": "node_modules/\n" });
		expect(codes(at("node_modules"))).toContain("ERR_NOT_A_MEMBER");
		expect(codes(at("node_modules/x.js"))).toEqual(["ERR_NOT_A_MEMBER"]);
		mkdirSync(at("empty"));
		expect(codes(at("empty"))).toContain("ERR_NOT_A_MEMBER");
	});

	test("a file with the name of the temporary file is reported", () => {
		const { at, root, codes } = signedApp({ "main.js": "1" });
		writeFileSync(temporaryNameFor(at("app.cat")), "evil()");
		expect(codes(root)).toEqual(["ERR_FILE_ADDED"]);
	});

	test("a catalog that was put into a tree is not trusted: not for its tree, and as a file only if it was signed", () => {
		const { home, at, sigtool } = signedApp({ "main.js": "1" });
		makeTree(join(home, "other"), { x: "1" });
		expect(sigtool(["sign", join(home, "other"), "-o", at("extra.cat")])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", at("extra.cat")])).toMatchObject({ status: 2, stdout: "" });
		expect(sigtool(["verify", at("extra.cat"), "--root", at(".")])).toMatchObject({ status: 1 });
		const asFile = sigtool(["verify", at("extra.cat"), "--catalog", at("app.cat"), "--json"]);
		expect(asFile.status).toBe(1);
		expect(asFile.json().results[0].findings).toMatchObject([{ code: "ERR_NOT_A_MEMBER" }]);
	});
});

describe("several catalogs do not weaken each other", () => {
	test("an ignore rule counts only if every catalog has it, and modes still count", () => {
		const { home, at, root, sigtool } = signedApp({ "main.js": "1", run: { content: "2", mode: 0o755 } });
		const strict = join(home, "strict.cat");
		const lax = join(home, "lax.cat");
		expect(sigtool(["sign", root, "-o", strict])).toMatchObject({ status: 0 });
		expect(sigtool(["sign", root, "-o", lax, "--exclude", "plugins/"])).toMatchObject({ status: 0 });
		makeTree(at("plugins"), { "evil.js": "evil()" });
		const verify = (...catalogs: string[]) => {
			return sigtool(["verify", root, "--product", "app", ...catalogs.flatMap((file) => ["--catalog", file])]).status;
		};
		unlinkSync(at("app.cat"));
		expect(verify(lax)).toBe(0);
		expect(verify(strict)).toBe(1);
		expect(verify(strict, lax)).toBe(1);
		expect(verify(lax, strict)).toBe(1);
	});

	test("a damaged catalog in a given directory is not ignored", () => {
		const { home, root, sigtool } = signedApp({ "main.js": "1" });
		const catalogs = join(home, "catalogs");
		mkdirSync(catalogs);
		for (const name of ["a.cat", "b.cat"]) copyFileSync(join(root, "app.cat"), join(catalogs, name));
		unlinkSync(join(root, "app.cat"));
		expect(sigtool(["verify", root, "--catalog", catalogs])).toMatchObject({ status: 0 });
		writeFileSync(join(catalogs, "b.cat"), "spoilt");
		expect(sigtool(["verify", root, "--catalog", catalogs])).toMatchObject({ status: 1 });
	});
});

describe("development identities", () => {
	test("cannot be added to the trust store, where the marker would be lost", () => {
		const { home, sigtool } = signedApp({ a: "1" });
		const certificate = join(home, "config/sigtool/identities/development/certificate.pem");
		expect(sigtool(["trust", "add", certificate])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("ERR_DEVELOPMENT_IDENTITY"),
		});
	});

	test("remain development identities when their key is pinned by hash as well", () => {
		const { root, sigtool } = signedApp({ a: "1" });
		const [{ id }] = sigtool(["trust", "list", "--json"]).json().trusted;
		expect(sigtool(["trust", "add", id])).toMatchObject({ status: 0 });
		expect(sigtool(["verify", root, "--json"]).json().results[0].development).toBe(true);
	});
});

describe("input that could exhaust resources", () => {
	const patterns = (count: number) => Array.from({ length: count }, (_, i) => `pattern-${i}`).join("\n");

	test("a thousand ignore patterns are read in one go", () => {
		const { at, root, sigtool } = signedApp({ a: "1", ".sigtoolignore": patterns(1000) });
		writeFileSync(at("pattern-999"), "");
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
	});

	test("20,000 ignore patterns are refused", () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "t"), { a: "1", ".sigtoolignore": patterns(20_000) });
		expect(runner(home)(["sign", root])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("Cannot use the ignore patterns: there are more than 1024"),
		});
	});

	test.each(["", "{a,b}".repeat(20), "{1..5000000}"])("the glob %j is refused", (glob) => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "t"), { a: "1" });
		expect(runner(home)(["sign", root, "--include", glob])).toMatchObject({ status: 2 });
	});

	test.each(["../x", "/etc/hostname", ".", "./"])("the listed path %j is refused with a code of its own", (path) => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "t"), { a: "1", ".sigtoolignore": "*.log\n" });
		const run = runner(home)(["sign", root, "--files-from", "-"], { input: `a\0${path}\0` });
		expect(run.stderr).toMatch(/\[ERR_(PATH|FILE|ROOT)_\w+\]/);
	});
});

test("names and subjects never control the terminal", () => {
	const { at, root, sigtool } = signedApp({ a: "1" });
	writeFileSync(at("evil\u001b[2J\u009b2J\u202e.js"), "");
	for (const args of [
		["verify", root],
		["verify", root, "--json"],
	]) {
		const { stdout, stderr } = sigtool(args);
		expect(stdout + stderr).toContain("u001b");
		for (const control of "\u001b\u009b\u202e") expect(stdout + stderr).not.toContain(control);
	}
});

test("a certificate given with --trust is the one that is judged", () => {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "t"), { a: "1" });
	const { keyFile, certFile } = makeAuthority(join(home, "pki"));
	const sigtool = runner(home);
	expect(sigtool(["sign", root, "--key", keyFile, "--cert", certFile])).toMatchObject({ status: 0 });
	expect(sigtool(["verify", root, "--trust", certFile])).toMatchObject({ status: 0 });
	const late = sigtool(["verify", root, "--trust", certFile, "--at", "2090-01-01T00:00:00Z", "--json"]);
	expect(late.json().results[0].error.code).toBe("ERR_CERTIFICATE_EXPIRED");
});
