/** Tests which catalogs above a tree decide about it: those that claim it by its real path, whoever spells which path. */

import {
	chmodSync,
	chownSync,
	copyFileSync,
	cpSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canMount, isRoot, spawn, spawnSync } from "../../../../../test/outside.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../../support.js";

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

describe("a symbolic link in a signed tree, through which a path leads to another tree", () => {
	/** A tree `outer` with a directory `plug` and a link `l` to the tree `lib`, which lies beside an older release of it. */
	function linked() {
		const host = place();
		const { at, sign } = host;
		makeTree(at("old/lib"), { "x.js": "old" });
		makeTree(at("lib"), { "x.js": "new" });
		sign(at("old/lib"));
		sign(at("lib"));
		makeTree(at("outer"), { main: "1", "plug/x.js": "new", l: { link: "../lib" } });
		sign(at("outer"), "--links-outside", "record");
		return host;
	}
	const operands = (way: string) => [way, `${way}/x.js`, `${way}/lib.cat`, `${way}/../lib/x.js`];

	it("does not count if it took the place of a directory, leads elsewhere, or was added", () => {
		const { at, verdict } = linked();
		for (const name of ["plug", "l", "added"]) {
			rmSync(at(`outer/${name}`), { recursive: true, force: true });
			symlinkSync("../old/lib", at(`outer/${name}`));
			symlinkSync(`outer/${name}`, at(`to-${name}`));
			for (const operand of [...operands(`outer/${name}`), ...operands(`to-${name}`)])
				expect([operand, verdict(operand)]).toEqual([operand, "ERR_NESTED_CATALOG"]);
		}
	});

	it("counts if it is as it was signed, and the tree to which it leads is sound", () => {
		const { at, verdict } = linked();
		symlinkSync("outer/l", at("way"));
		for (const operand of [...operands("outer/l"), ...operands("way")])
			expect([operand, verdict(operand)]).toEqual([operand, "trusted"]);
		writeFileSync(at("lib/x.js"), "changed");
		for (const operand of [...operands("outer/l"), ...operands("way")])
			expect([operand, verdict(operand)]).toEqual([operand, "failed"]);
	});

	it("for which links were followed counts if its catalog signs the catalog behind it", () => {
		const { at, sign, verdict } = linked();
		sign(at("outer"), "--links", "follow", "--links-outside", "record", "--force");
		expect([verdict("outer/l/x.js"), verdict("outer/l")]).toEqual(["trusted", "trusted"]);
		rmSync(at("outer/l"));
		symlinkSync("../old/lib", at("outer/l"));
		expect([verdict("outer/l/x.js"), verdict("outer/l")]).toEqual(["ERR_NESTED_CATALOG", "ERR_NESTED_CATALOG"]);
	});
});

describe.skipIf(!canMount())("mounts", () => {
	/** Runs sigtool in a mount namespace in which the mounts of `command` exist. */
	function inNamespace({ at, home }: ReturnType<typeof place>, command: string, operand: string) {
		const env = { ...process.env, XDG_CONFIG_HOME: at("config"), NO_COLOR: "1" };
		const args = ["-m", "sh", "-c", `${command} && exec "$0" "$@"`, process.execPath, MAIN, "verify", operand];
		const { status, stderr } = spawnSync("unshare", args, { env, cwd: home, encoding: "utf8" });
		return status === 0 ? "trusted" : /\[(ERR_\w+)\]/.exec(stderr)?.[1];
	}

	it("are judged by the directories in which they lie", () => {
		const host = replayed({ isKnown: true });
		const { at } = host;
		mkdirSync(at("b/tree"));
		mkdirSync(at("b/plug"));
		rmSync(at("a/outer/plug"), { recursive: true });
		mkdirSync(at("a/outer/plug"));
		const over = "mount --bind old/plug a/outer/plug";
		for (const [command, operand] of [
			[over, "a/outer/plug/x.js"],
			[over, "/proc/self/cwd/a/outer/plug"],
			[`${over} && mount --rbind a/outer b/tree`, "b/tree/plug/x.js"],
			[`${over} && mount --rbind a/outer b/tree && ln -s tree/plug b/l`, "b/l/x.js"],
		])
			expect([operand, inNamespace(host, command, operand)]).toEqual([operand, "ERR_NESTED_CATALOG"]);
		// Nothing around this mount is signed, and its own catalog signs what it shows.
		expect(inNamespace(host, "mount --bind old/plug b/plug", "b/plug/x.js")).toBe("trusted");
	});

	it.each([
		["over the tree", "mount -t tmpfs none app && echo 2 > app/x"],
		["over a file below", "mount --bind changed app/x"],
	])("of another namespace, %s, are not taken for what lies here at the same path", async (_, mount) => {
		const { at, home, sign, sigtool } = place();
		makeTree(at("app"), { x: "1" });
		writeFileSync(at("changed"), "2");
		sign(at("app"));
		const other = spawn("unshare", ["-m", "sh", "-c", `${mount} && echo ready && exec sleep 60`], { cwd: home });
		try {
			await new Promise((resolve) => other.stdout.once("data", resolve));
			for (const path of [at("app"), at("app/x")]) {
				const run = sigtool(["verify", `/proc/${other.pid}/root${path}`]);
				expect([run.status, run.stderr]).toEqual([2, expect.stringContaining("leads to another file than")]);
			}
		} finally {
			other.kill();
		}
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

	it("is passed over also if the tree was renamed, or has another catalog above that signs it", () => {
		const { at, sign, verdict } = place();
		makeTree(at("w"), { main: "1", "dist/a.js": "1", "vendor/lib/b.js": "2" });
		sign(at("w"), "--include", "dist/**");
		sign(at("w/vendor/lib"));
		renameSync(at("w/vendor/lib"), at("w/vendor/lib-1.2"));
		expect([verdict("w/vendor/lib-1.2"), verdict("w/vendor/lib-1.2/b.js")]).toEqual(["trusted", "trusted"]);
		expect([verdict("w/dist/a.js"), verdict("w/vendor")]).toEqual(["trusted", "failed"]);
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
