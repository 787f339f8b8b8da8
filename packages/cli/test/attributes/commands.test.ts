/** Tests sign, strip and inspect with extended attributes: usage, permissions, and which files they change. */

import { chmodSync, chownSync, linkSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { canBeUser, execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import {
	canWriteAttributes,
	getfattr,
	MAIN,
	makeSelfSigned,
	makeTree,
	type Run,
	runner,
	setfattr,
	type TreeEntry,
	temporaryDirectory,
} from "../support.js";

const SPYTHON = "user.org.python.x-spython-hash";
const USER = ["--namespace", "user"];
const isPossible = canWriteAttributes("user");
const needs = "(needs attr and user attributes)";

const TREE: Record<string, TreeEntry> = { "a.js": "a\n", "lib/b.js": "b\n", "lib/link.js": { link: "../a.js" } };
const FILES = ["a.js", "lib/b.js"];

function open(tree = TREE) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "tree"), tree);
	const { keyFile, certFile } = makeSelfSigned(join(home, "key"));
	const at = (file: string) => join(root, file);
	const key = ["--key", keyFile, "--cert", certFile];
	return { home, root, at, run: runner(home), key, keyFile, certFile };
}

/** Returns the names of a file's attributes. */
function namesOf(file: string): string[] {
	const { stdout } = spawnSync("getfattr", ["-m", "-", "--absolute-names", file], { encoding: "utf8" });
	return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

const formats = (...names: string[]) => names.flatMap((name) => ["--format", name]);

describe.skipIf(!isPossible)(`sign ${needs}`, () => {
	test("writes every format and the catalog in one run, and nothing in a second run", () => {
		const { root, at, run, key, certFile } = open();
		const all = formats("cat", "spython", "ima", "evm");
		const first = run(["sign", root, ...all, ...key, ...USER]);
		expect(first).toMatchObject({ status: 0, stderr: "" });
		for (const row of [`spython  ${SPYTHON}`, "ima      user.ima", "evm      user.evm"]) {
			expect(first.stdout).toContain(`${row}: 2 written, 0 unchanged\n`);
		}
		for (const file of FILES) expect(namesOf(at(file)).sort()).toEqual(["user.evm", "user.ima", SPYTHON].sort());
		const verified = run(["verify", root, ...all, ...USER, "--trust", certFile, "--json"]);
		expect(verified).toMatchObject({ status: 0 });
		expect(verified.json().results.map(({ verdict }: { verdict: string }) => verdict)).toEqual(["trusted", "trusted"]);
		const attributes = formats("spython", "ima", "evm");
		const { stdout } = run(["sign", root, ...attributes, ...key, ...USER]);
		expect(stdout).toMatch(/^nothing to write in /);
		expect(stdout.match(/: 0 written, 2 unchanged\n/g)).toHaveLength(3);
	});

	test("replaces signatures of another key or digest, and malformed values", () => {
		const { home, root, at, run, key, certFile } = open();
		const other = makeSelfSigned(join(home, "other"));
		const sign = (...args: string[]) => {
			const [{ writtenCount, unchangedCount }] = run(["sign", root, ...args, ...USER, "--json"]).json().attributes;
			return [writtenCount, unchangedCount];
		};
		expect(sign("--format", "ima", "--key", other.keyFile, "--cert", other.certFile)).toEqual([2, 0]);
		expect(sign("--format", "ima", ...key)).toEqual([2, 0]);
		expect(sign("--format", "ima", ...key, "--digest", "sha512")).toEqual([2, 0]);
		setfattr(at("a.js"), "user.ima", Buffer.from("nonsense"));
		expect(sign("--format", "ima", ...key, "--digest", "sha512")).toEqual([1, 1]);
		expect(run(["verify", root, "--format", "ima", ...USER, "--trust", certFile])).toMatchObject({ status: 0 });
	});

	test("changes neither content, mode nor modification time, and writes nothing through a link", () => {
		const { home, root, at, run } = open({ ...TREE, "out.js": { link: "../outside.js" } });
		writeFileSync(join(home, "outside.js"), "outside\n");
		const stat = (file: string) => execFileSync("stat", ["-c", "%s %a %u %g %Y %y", at(file)], { encoding: "utf8" });
		const before = FILES.map(stat);
		for (const cautious of [
			["--format", "cat"],
			["--links", "follow"],
			["--links-outside", "refuse"],
		]) {
			const refused = run(["sign", root, "--format", "spython", ...cautious]);
			expect(refused).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("ERR_LINK_OUTSIDE") });
		}
		const signed = run(["sign", root, "--format", "spython"]);
		expect(signed.stdout).toContain("content  2 files, 2 links, 4 B\n");
		expect(signed.stdout).toContain("links    not signed, because links have no attributes; a catalog signs them\n");
		expect(FILES.map(stat)).toEqual(before);
		expect(namesOf(join(home, "outside.js"))).toEqual([]);
		const verified = run(["verify", root, "--format", "spython", "--allow-unsigned"]);
		expect(verified).toMatchObject({ status: 0 });
		expect(verified.stdout).toContain("links    2 links not looked at: they have no such attributes\n");
	});

	test.skipIf(!hasProgram("mkfifo"))("and verify name a FIFO and do not wait for it (needs mkfifo)", () => {
		const { root, at, run } = open();
		run(["sign", root, "--format", "spython"]);
		execFileSync("mkfifo", [at("pipe")]);
		const verified = run(["verify", root, "--format", "spython", "--allow-unsigned", "--json"]);
		expect(verified).toMatchObject({ status: 1 });
		expect(verified.json().results[0].findings).toMatchObject([{ code: "ERR_FILE_TYPE", path: "pipe" }]);
		for (const path of [root, at("pipe")]) {
			const signed = run(["sign", path, "--format", "spython", "--json"]);
			expect(signed).toMatchObject({ status: 1 });
			expect(signed.json().error).toMatchObject({ code: "ERR_FILE_TYPE", path: "pipe" });
		}
		expect(run(["strip", at("pipe"), "--format", "spython"]).stderr).toContain("[ERR_FILE_TYPE]");
	});

	test("refuses content that could pass for a signature elsewhere, and leaves the file unchanged", () => {
		const { root, at, run, key } = open();
		run(["sign", root, "--format", "ima-hash", ...USER]);
		writeFileSync(at("a.js"), Buffer.from([0x31, 0x05, 0x30, 0x03, 0x06, 0x01, 0x2a]));
		const before = getfattr(at("a.js"), "user.ima");
		const signed = run(["sign", root, "--format", "ima", ...key, ...USER, "--json"]);
		expect(signed).toMatchObject({ status: 1 });
		expect(signed.json().error).toMatchObject({ code: "ERR_CROSS_SIGNATURE", path: "a.js" });
		expect(getfattr(at("a.js"), "user.ima")).toEqual(before);
		expect(run(["sign", root, "--format", "ima-verity", ...key, ...USER])).toMatchObject({ status: 0 });
	});

	test("refuses to sign EVM without an IMA attribute", () => {
		const { root, run, key } = open();
		const signed = run(["sign", root, "--format", "evm", ...key, ...USER]);
		expect(signed).toMatchObject({ status: 1, stdout: "" });
		expect(signed.stderr).toMatch(/no IMA attribute.*`--format ima`.*\("a.js"\) \[ERR_UNSIGNED\]/);
	});
});

describe("usage", () => {
	const SHARED = [
		["ima and ima-hash", ["--format", "ima", "--format", "ima-hash"], "ima and ima-hash"],
		["ima-verity and ima", ["--format", "ima-verity", "--format", "ima"], "ima-verity and ima"],
		["a name of IMA for spython", ["--format", "spython", "--attribute", "user.ima", "--format", "ima"], '"user.ima"'],
		["ima-verity over SHA-384", ["--format", "ima-verity", "--digest", "sha384"], "sha256 or sha512"],
		["a key for a hash", ["--format", "spython", "--format", "ima-hash"], "Leave out the key"],
		["a name for IMA", ["--format", "ima", "--attribute", "user.x"], "--attribute with --format spython"],
		["another digest for a catalog", ["--digest", "sha512"], "catalogs always use SHA-256"],
		["carrying without a catalog", ["--format", "ima", "--carry", "ima"], "--format cat"],
		["an unknown format", ["--format", "evm2"], "spython"],
	] as const;

	test.skipIf(!isPossible).each(SHARED)(`sign refuses %s ${needs}`, (_, args, reason) => {
		const { root, at, run, key } = open();
		const signed = run(["sign", root, ...key, ...USER, ...args]);
		expect(signed).toMatchObject({ status: 2, stdout: "" });
		expect(signed.stderr).toContain(reason);
		expect(signed.stderr).toContain("[ERR_USAGE]");
		for (const file of FILES) expect(namesOf(at(file))).toEqual([]);
	});

	const NAMES = ["", "x-spython-hash", "user.", "org.python.x-spython-hash", "system.x", "User.x", "users.x"];

	test.skipIf(process.platform !== "linux").each(NAMES)('--attribute "%s" is in no namespace (needs Linux)', (name) => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "tree"), { "a.js": "a\n" });
		for (const command of ["sign", "verify", "strip"]) {
			const run = runner(home)([command, root, "--format", "spython", "--attribute", name]);
			expect(run, command).toMatchObject({ status: 2, stdout: "" });
			expect(run.stderr).toContain(`"${name}"`);
			expect(run.stderr).toContain("[ERR_USAGE]");
		}
	});

	test("strip refuses without --format", () => {
		const home = temporaryDirectory();
		expect(runner(home)(["strip", home])).toMatchObject({ status: 2, stdout: "" });
	});
});

describe.skipIf(!isPossible)(`strip ${needs}`, () => {
	test("removes the attributes of the given formats, and says from how many files", () => {
		const { root, at, run, key } = open();
		run(["sign", root, ...formats("spython", "ima", "evm"), ...key, ...USER]);
		for (const file of FILES) setfattr(at(file), "user.other", Buffer.from("kept"));
		execFileSync("setfattr", ["-x", "user.ima", at("a.js")]);

		const first = run(["strip", root, ...formats("ima-hash", "spython"), ...USER, "--json"]);
		expect(first).toMatchObject({ status: 0 });
		expect(first.json().results).toMatchObject([
			{ path: root, verdict: "stripped", files: 2, removed: { "user.ima": 1, [SPYTHON]: 2 }, findings: [] },
		]);
		for (const file of FILES) expect(namesOf(at(file)).sort()).toEqual(["user.evm", "user.other"]);

		const second = run(["strip", root, ...formats("ima", "evm"), ...USER]);
		expect(second).toMatchObject({ status: 0, stderr: "" });
		expect(second.stdout).toMatch(
			/^stripped .*\n +looked at +2 files\n +removed +user\.ima of 0 files\n +removed +user\.evm of 2 files\n$/,
		);
		for (const file of FILES) {
			expect(namesOf(at(file))).toEqual(["user.other"]);
			expect(getfattr(at(file), "user.other")?.toString()).toBe("kept");
		}
		expect(run(["verify", root, "--format", "evm", ...USER]).stdout).toContain("found    2 unsigned");
	});

	test("ignores links, and counts a file with two names once", () => {
		const { home, root, at, run } = open({ "a.js": "a\n", "out.js": { link: "../outside.js" } });
		writeFileSync(join(home, "outside.js"), "outside\n");
		for (const file of [at("a.js"), join(home, "outside.js")]) setfattr(file, SPYTHON, Buffer.from("x"));
		linkSync(at("a.js"), at("b.js"));
		const [stripped] = run(["strip", root, "--format", "spython", "--json"]).json().results;
		expect(stripped).toMatchObject({ removed: { [SPYTHON]: 1 } });
		expect(namesOf(join(home, "outside.js"))).toEqual([SPYTHON]);
	});
});

describe.skipIf(!isPossible || !canWriteAttributes("security"))("inspect (needs attr and root)", () => {
	const signature = (...header: number[]) => Buffer.from([...header, 4, 0xab, 0xcd, 0xef, 0x01, 0, 3, 9, 9, 9]);
	const digest = (size: number) => Buffer.alloc(size, 0x5a);
	const hexOf = (size: number) => "5a".repeat(size);

	test.each<[string, string, Buffer, string[]]>([
		[SPYTHON, "hash", Buffer.from(hexOf(32)), ["algorithm sha256", `digest ${hexOf(32)}`]],
		["security.ima", "digest", Buffer.concat([Buffer.of(1), digest(20)]), ["algorithm sha1", `digest ${hexOf(20)}`]],
		["security.ima", "digest-ng", Buffer.concat([Buffer.of(4, 6), digest(64)]), ["algorithm sha512"]],
		["security.ima", "signature", signature(3, 2), ["key id abcdef01", "signature 3 bytes"]],
		["security.ima", "verity-signature", signature(6, 3), ["key id abcdef01", "algorithm sha256"]],
		["security.evm", "portable-signature", signature(5, 2), ["key id abcdef01", "algorithm sha256"]],
		["security.evm", "inode-signature", signature(3, 2), ["key id abcdef01"]],
		["user.evm", "hmac", Buffer.concat([Buffer.of(2), digest(20)]), []],
		["user.ima", "signature", signature(3, 2), ["key id abcdef01"]],
		["user.evm", "portable-signature", signature(5, 2), ["key id abcdef01"]],
		["user.ima", "malformed", signature(3, 2).subarray(0, -1), ["problem Cannot parse IMA attribute: "]],
	])("decodes %s, %s, without verifying it", (name, kind, value, facts) => {
		const { at, run } = open({ "a.js": "a\n" });
		setfattr(at("a.js"), name, value);
		const table = run(["inspect", at("a.js")]);
		expect(table).toMatchObject({ status: 0, stderr: "" });
		expect(table.stdout).toContain("status not verified; use `sigtool verify`\n");
		expect(table.stdout).toContain(`${name}: ${kind}, ${value.length} bytes\n`);
		for (const fact of facts) expect(table.stdout).toContain(fact);
		const { verified, extendedAttributes } = run(["inspect", at("a.js"), "--json"]).json();
		expect(verified).toBe(false);
		expect(extendedAttributes).toMatchObject([{ name, kind, sizeBytes: value.length, value: value.toString("hex") }]);
	});

	test("shows every integrity attribute of a file, and says where there is none", () => {
		const { root, at, run, key } = open();
		run(["sign", root, ...formats("spython", "ima", "evm"), ...key]);
		run(["sign", root, ...formats("ima-verity", "evm"), ...key, ...USER]);
		const { extendedAttributes } = run(["inspect", at("a.js"), "--json"]).json();
		expect(extendedAttributes.map(({ name, kind }: Record<string, string>) => `${name} ${kind}`).sort()).toEqual([
			"security.evm portable-signature",
			"security.ima signature",
			"user.evm portable-signature",
			"user.ima verity-signature",
			`${SPYTHON} hash`,
		]);
		for (const { name, value } of extendedAttributes) {
			expect(getfattr(at("a.js"), name)?.toString("hex")).toBe(value);
		}
		writeFileSync(at("plain.js"), "plain\n");
		const none = run(["inspect", at("plain.js")]);
		expect(none).toMatchObject({ stdout: "" });
		expect(none.status).toBe(1);
		expect(none.stderr).toMatch(/plain\.js": it is no catalog and has no attributes of spython, IMA or EVM \[ERR_/);
	});
});

const NOBODY = 65_534;

const unprivileged = "without rights (needs root to give them up, a command line that others may read, attr)";

describe.skipIf(!isPossible || !canBeUser(NOBODY, MAIN))(unprivileged, () => {
	/** Makes a tree and a key that belong to the user nobody, and returns a function that runs sigtool as that user. */
	function openAsNobody() {
		const opened = open();
		const { home, root, keyFile, certFile } = opened;
		chmodSync(home, 0o755);
		for (const path of [keyFile, certFile, root, ...FILES.map(opened.at), opened.at("lib")])
			chownSync(path, NOBODY, NOBODY);
		const asNobody = (...args: string[]): Pick<Run, "status" | "stdout" | "stderr"> => {
			return spawnSync(process.execPath, [MAIN, ...args], {
				env: { NO_COLOR: "1", HOME: "/nonexistent" },
				uid: NOBODY,
				gid: NOBODY,
				encoding: "utf8",
			});
		};
		return { ...opened, asNobody };
	}

	test.each([["ima"], ["ima-verity"], ["ima", "evm"]])("--namespace user works for %s %s", (...names) => {
		const { root, key, run, certFile, asNobody } = openAsNobody();
		expect(asNobody("sign", root, ...formats(...names), ...key, ...USER)).toMatchObject({ status: 0 });
		const verify = ["verify", root, ...formats(...names), ...USER, "--trust", certFile];
		expect(asNobody(...verify)).toMatchObject({ status: 0 });
		expect(run(verify)).toMatchObject({ status: 0 });
		expect(asNobody("strip", root, ...formats(...names), ...USER)).toMatchObject({ status: 0 });
	});

	test.skipIf(!canWriteAttributes("security"))(
		"security.* without permission: the error names the file and the way out",
		() => {
			const { root, at, key, run, certFile, asNobody } = openAsNobody();
			const refused = asNobody("sign", root, "--format", "ima", ...key);
			expect(refused).toMatchObject({ status: 3, stdout: "" });
			expect(refused.stderr).toMatch(
				/"security.ima" of "a.js": it needs root .*`--namespace user` works without \(EPERM\) \[ERR_ATTRIBUTE_DENIED\]/,
			);
			expect(FILES.flatMap((file) => namesOf(at(file)))).toEqual([]);
			expect(run(["sign", root, "--format", "ima", ...key])).toMatchObject({ status: 0 });
			// Verifying needs no privileges. A run that has nothing to write needs none either.
			expect(asNobody("verify", root, "--format", "ima", "--trust", certFile)).toMatchObject({ status: 0 });
			expect(asNobody("sign", root, "--format", "ima", ...key).stdout).toMatch(/^nothing to write /);
			const kept = asNobody("strip", root, "--format", "ima");
			expect(kept).toMatchObject({ status: 3 });
			for (const file of FILES) {
				expect(kept.stdout).toContain(
					`"security.ima" of "${file}": it needs root (CAP_SYS_ADMIN) (EPERM) [ERR_ATTRIBUTE_DENIED]\n`,
				);
			}
			// A run that finds nothing to remove needs no privileges either.
			expect(run(["strip", root, "--format", "ima"])).toMatchObject({ status: 0 });
			const nothing = asNobody("strip", root, ...formats("ima", "evm"));
			expect(nothing).toMatchObject({ status: 0, stderr: "" });
			expect(nothing.stdout).toContain("nothing to strip in ");
		},
	);

	test("an error about another user's file names the file", () => {
		const { root, at, asNobody } = openAsNobody();
		chownSync(at("lib/b.js"), 0, 0);
		const refused = asNobody("sign", root, "--format", "spython");
		expect(refused).toMatchObject({ status: 3, stdout: "" });
		expect(refused.stderr).toMatch(/of "lib\/b.js": permission denied \(EACCES\) \[ERR_ATTRIBUTE_DENIED\]/);
		expect(namesOf(at("lib/b.js"))).toEqual([]);
		expect(readFileSync(at("lib/b.js"), "utf8")).toBe("b\n");
	});
});
