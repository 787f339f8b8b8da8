/** Tests which catalogs above a tree decide about it: those that claim it by its real path, whoever spells which path. */

import {
	chmodSync,
	chownSync,
	copyFileSync,
	cpSync,
	mkdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const isRoot = process.getuid?.() === 0;

function place() {
	const home = temporaryDirectory();
	const at = (path: string) => join(home, path);
	const sigtool = runner(home);
	const sign = (...args: string[]) => expect(sigtool(["sign", ...args])).toMatchObject({ status: 0 });
	const verdict = (path: string, cwd = home) => {
		const { status, stderr } = sigtool(["verify", path], { cwd });
		return status === 0 ? "trusted" : (/\[(ERR_\w+)\]/.exec(stderr)?.[1] ?? "failed");
	};
	return { home, at, sigtool, sign, verdict };
}

/** An outer tree with a genuine older release of its part `plug`, which lies there with its own catalog. */
function replayed({ isKnown }: { readonly isKnown: boolean }) {
	const host = place();
	const { at, sign } = host;
	makeTree(at("old/plug"), { "x.js": "old" });
	sign(at("old/plug"));
	makeTree(at("a/outer"), isKnown ? { main: "1", "plug/x.js": "new" } : { main: "1" });
	sign(at("a/outer"));
	rmSync(at("a/outer/plug"), { recursive: true, force: true });
	cpSync(at("old/plug"), at("a/outer/plug"), { recursive: true });
	mkdirSync(at("b"));
	return host;
}

describe.each([true, false])("an older release replayed into a signed tree (a part of it: %s)", (isKnown) => {
	it("is refused by every path, through links on each part of the way and with ..", () => {
		const { at, home, verdict } = replayed({ isKnown });
		const links = { l: "../a/outer/plug", m: "../a/outer", n: "../a", absolute: at("a/outer/plug"), twice: "l" };
		for (const [name, target] of Object.entries(links)) symlinkSync(target, at(`b/${name}`));
		const ways = ["a/outer/plug", "b/l", "b/m/plug", "b/n/outer/plug", "b/absolute", "b/twice", "b/m/../outer/plug"];
		for (const way of [...ways, "b/l/../plug", "./b//l/"]) {
			for (const operand of [way, `${way}/x.js`, `${way}/plug.cat`])
				expect([operand, verdict(operand)]).toEqual([operand, "ERR_NESTED_CATALOG"]);
		}
		for (const operand of [".", "x.js", "plug.cat"])
			expect([operand, verdict(operand, at("b/l"))]).toEqual([operand, "ERR_NESTED_CATALOG"]);
		expect(verdict(`${home}/b/l/x.js`)).toBe("ERR_NESTED_CATALOG");
	});

	it("is compiled into no index, and runs by no path", () => {
		const { at, sigtool } = replayed({ isKnown });
		symlinkSync("../a/outer/plug", at("b/l"));
		for (const args of [
			["compile", at("b/l"), "-o", at("x.sigx"), "--allow-development"],
			["run", "--allow-development", at("b/l/x.js")],
		])
			expect(sigtool(args).stderr).toContain("[ERR_NESTED_CATALOG]");
	});
});

describe("a catalog above a tree that says nothing about it", () => {
	it("of another tree with files of the same names does not make it fail, nor do two", () => {
		const { at, sign, verdict } = place();
		for (const name of ["lib", "dist", "docs"])
			makeTree(at(`w/${name}`), { "package.json": name, [`${name}.js`]: name });
		sign(at("w/lib"));
		makeTree(at("w"), { "package.json": "w" });
		sign(at("w/dist"), "-o", at("w/release.cat"));
		expect([verdict("w/lib"), verdict("w/lib/lib.js")]).toEqual(["trusted", "trusted"]);
		sign(at("w/docs"), "-o", at("w/docs.cat"));
		expect([verdict("w/lib"), verdict("w/lib/lib.js")]).toEqual(["trusted", "trusted"]);
	});

	it("but leaves out by a pattern, a list or another path does not make it fail", () => {
		const { at, sign, verdict } = place();
		makeTree(at("w"), { main: "1", "dist/a.js": "1", "vendor/b.js": "2" });
		writeFileSync(at("list"), "main\0");
		for (const options of [
			["--exclude", "vendor"],
			["--include", "dist/**"],
			["--files-from", at("list")],
		]) {
			sign(at("w"), ...options, "--force");
			sign(at("w/vendor"), "--force");
			expect([options, verdict("w/vendor")]).toEqual([options, "trusted"]);
			rmSync(at("w/vendor/vendor.cat"));
		}
	});

	it.skipIf(!isRoot)("and that another user put into a shared directory does not make it fail", () => {
		const { at, sign, verdict, sigtool } = place();
		makeTree(at("shared/lib"), { x: "1" });
		sign(at("shared/lib"));
		makeTree(at("evil/shared"), { "lib/x": "2" });
		expect(sigtool(["sign", at("evil/shared")], { env: { XDG_CONFIG_HOME: at("other") } }).status).toBe(0);
		chmodSync(at("shared"), 0o1777);
		for (const name of ["shared.cat", "x.cat"]) {
			copyFileSync(at("evil/shared/shared.cat"), at(`shared/${name}`));
			chownSync(at(`shared/${name}`), 65534, 65534);
			expect([name, verdict("shared/lib"), verdict("shared/lib/x")]).toEqual([name, "trusted", "trusted"]);
			// The same catalog decides if only this user could have put it there.
			chownSync(at(`shared/${name}`), 0, 0);
			expect([name, verdict("shared/lib")]).toEqual([name, "ERR_UNTRUSTED_SIGNER"]);
			rmSync(at(`shared/${name}`));
		}
	});

	it.skipIf(!isRoot)("is named in a warning if it does not count", () => {
		const { at, sign, sigtool } = place();
		makeTree(at("shared/lib"), { x: "1" });
		sign(at("shared/lib"));
		writeFileSync(at("shared/shared.cat"), "no catalog");
		chownSync(at("shared/shared.cat"), 65534, 65534);
		const run = sigtool(["verify", at("shared/lib")]);
		expect([run.status, run.stderr]).toEqual([0, expect.stringContaining("another user could have put it there")]);
	});
});

describe("a damaged or sparse catalog above a tree", () => {
	it("that claims it makes it fail; a file that is no catalog does not", () => {
		const { at, sign, verdict } = place();
		makeTree(at("w/lib"), { x: "1" });
		sign(at("w/lib"));
		writeFileSync(at("w/z.cat"), "");
		writeFileSync(at("w/other.cat"), "not DER");
		expect(verdict("w/lib")).toBe("trusted");
		sign(at("w"), "-o", at("w/own.cat"));
		expect(verdict("w/lib")).toBe("trusted");
		const bytes = readFileSync(at("w/own.cat"));
		bytes[bytes.length - 5] ^= 1;
		writeFileSync(at("w/own.cat"), bytes);
		expect(verdict("w/lib")).not.toBe("trusted");
	});
});
