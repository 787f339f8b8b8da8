/** Tests `sigtool digest`: its output, its agreement with other tools, and its refusals. */

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import { MAIN, makeTree, runner, temporaryDirectory } from "../../support.js";

const onUnix = process.platform !== "win32";

function workspace(entries: Parameters<typeof makeTree>[1] = {}) {
	const home = temporaryDirectory();
	return { root: makeTree(join(home, "pack"), entries), sigtool: runner(home) };
}

const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");

/** File names with characters that need escapes in a checksum line. */
const AWKWARD = ["back\\slash", "new\nline", "carriage\rreturn", "tab\t", " space ", "escape\u001b[31m", "\u202eü"];

describe.skipIf(!onUnix || !hasProgram("sha256sum"))("sigtool digest and coreutils (needs sha256sum)", () => {
	test.each(["sha256", "sha512"])("%ssum prints the same and -c accepts it", (algorithm) => {
		const { root, sigtool } = workspace({ a: "1", "d/b": "2", empty: "", large: "x".repeat(300_000) });
		const files = ["a", "./d/b", "empty", "large"];
		const run = sigtool(["digest", "--algorithm", algorithm, ...files], { cwd: root });
		expect(run).toMatchObject({ status: 0, stderr: "" });
		expect(run.stdout).toBe(execFileSync(`${algorithm}sum`, files, { cwd: root, encoding: "utf8" }));
		const check = () => spawnSync(`${algorithm}sum`, ["-c", "--strict"], { cwd: root, input: run.stdout }).status;
		expect(check()).toBe(0);
		writeFileSync(join(root, "a"), "2");
		expect(check()).toBe(1);
	});

	test("names with backslashes, line breaks and other control characters go through sha256sum -c", () => {
		const { root, sigtool } = workspace(Object.fromEntries(AWKWARD.map((name) => [name, name])));
		const { stdout } = sigtool(["digest", ...AWKWARD], { cwd: root });
		expect(stdout.split("\n").slice(0, 3)).toEqual([
			`\\${sha256("back\\slash")}  back\\\\slash`,
			`\\${sha256("new\nline")}  new\\nline`,
			`\\${sha256("carriage\rreturn")}  carriage\\rreturn`,
		]);
		const check = spawnSync("sha256sum", ["-c", "--strict"], { cwd: root, input: stdout, encoding: "utf8" });
		expect(check).toMatchObject({ status: 0, stderr: "" });
		expect(check.stdout.trimEnd().split("\n")).toHaveLength(AWKWARD.length);
	});
});

test.skipIf(!onUnix || !hasProgram("python3"))("a terminal gets no control characters of names (needs python3)", () => {
	const { root } = workspace({ "escape\u001b[31m": "x" });
	const script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
	const args = ["-c", script, process.execPath, MAIN, "digest", "escape\u001b[31m"];
	const run = spawnSync("python3", args, { cwd: root, encoding: "utf8" });
	expect(run).toMatchObject({ status: 0, stdout: `${sha256("x")}  escape\\u001b[31m\r\n` });
});

describe("sigtool digest", () => {
	test("- is standard input, from a pipe and from a file", () => {
		const { root, sigtool } = workspace({ a: "content" });
		expect(sigtool(["digest", "-"], { input: "content" })).toMatchObject({
			status: 0,
			stdout: `${sha256("content")}  -\n`,
		});
		const fsverity = ["digest", "--algorithm", "fsverity-sha512"];
		const [hex] = sigtool([...fsverity, "a"], { cwd: root }).stdout.split(" ");
		expect(sigtool([...fsverity, "-"], { input: "content" }).stdout).toBe(`${hex}  -\n`);
		if (!onUnix) return;
		const args = ["-c", '"$0" "$1" digest - < a', process.execPath, MAIN];
		expect(spawnSync("sh", args, { cwd: root, encoding: "utf8" }).stdout).toBe(`${sha256("content")}  -\n`);
	});

	test("fs-verity digests of an empty file differ with a salt or another block size", () => {
		const { root, sigtool } = workspace({ empty: "" });
		const digest = (...args: string[]) =>
			sigtool(["digest", "--algorithm", "fsverity-sha256", "empty", ...args], { cwd: root }).stdout.split(" ")[0];
		const plain = "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95";
		expect(digest()).toBe(plain);
		expect(digest("--block-size", "4096", "--salt", "")).toBe(plain);
		expect(new Set([plain, digest("--salt", "00fF"), digest("--block-size", "1024")]).size).toBe(3);
	});

	test("files that fail are named, and do not stop the others", () => {
		const { root, sigtool } = workspace({ a: "1", "d/b": "2" });
		const run = sigtool(["digest", "none", "d", "a"], { cwd: root });
		expect(run).toMatchObject({ status: 1, stdout: `${sha256("1")}  a\n` });
		expect(run.stderr).toBe(
			'error: Cannot hash "none": it does not exist [ERR_ROOT_MISSING]\n' +
				'error: Cannot hash "d": it is a directory [ERR_FILE_TYPE]\n',
		);
		expect(sigtool(["digest", "a", "none"], { cwd: root })).toMatchObject({ status: 2 });
	});

	test("--json is one document with digests and errors; --quiet leaves errors alone", () => {
		const { root, sigtool } = workspace({ a: "12" });
		const run = sigtool(["digest", "a", "none", "--json"], { cwd: root });
		expect(run).toMatchObject({ status: 2, stderr: "" });
		expect(run.json()).toEqual({
			command: "digest",
			exit: 2,
			algorithm: "sha256",
			results: [
				{ file: "a", digest: sha256("12"), sizeBytes: 2 },
				{ file: "none", error: { code: "ERR_ROOT_MISSING", message: 'Cannot hash "none": it does not exist' } },
			],
			warnings: [],
		});
		const quiet = sigtool(["digest", "a", "none", "--quiet"], { cwd: root });
		expect(quiet).toMatchObject({ status: 2, stdout: "", stderr: expect.stringContaining("ERR_ROOT_MISSING") });
	});

	test.each([
		[["digest"], /missing required argument/i],
		[["digest", "a", "--algorithm", "md5"], /--algorithm takes sha256, .* not "md5"/],
		[["digest", "a", "--salt", "00"], /--salt and --block-size go with fs-verity, not with sha256/],
		[["digest", "a", "--algorithm", "authenticode", "--block-size", "4096"], /go with fs-verity/],
		[["digest", "a", "--algorithm", "fsverity-sha256", "--block-size", "512"], /--block-size takes 1024, .* not "512"/],
		[["digest", "a", "--algorithm", "fsverity-sha256", "--salt", "0"], /--salt takes up to 32 bytes/],
		[["digest", "a", "--algorithm", "fsverity-sha256", "--salt", "00".repeat(33)], /--salt takes up to 32 bytes/],
		[["digest", "-", "--algorithm", "authenticode"], /name a file/],
	])("%j is a usage error", (args, message) => {
		const { root, sigtool } = workspace({ a: "1" });
		const run = sigtool(args, { cwd: root, input: "" });
		expect(run).toMatchObject({ status: 2, stdout: "", stderr: expect.stringMatching(message) });
		expect(run.stderr).toContain("[ERR_USAGE]");
	});
});

describe("sigtool digest --algorithm authenticode", () => {
	/** Makes the headers of a 64-bit PE image, followed by bytes of the value 1 up to a size that needs padding. */
	function image(): Buffer {
		const file = Buffer.alloc(5003, 1);
		file.write("MZ", 0, "latin1");
		file.writeUInt32LE(64, 60);
		file.write("PE\0\0", 64, "latin1");
		file.writeUInt16LE(0x20b, 64 + 24);
		file.writeUInt32LE(16, 64 + 132);
		return file.fill(0, 64 + 168, 64 + 176);
	}

	test("is the digest that a catalog has for an image", () => {
		const { root, sigtool } = workspace();
		writeFileSync(join(root, "a.exe"), image());
		const [hex] = sigtool(["digest", "--algorithm", "authenticode", "a.exe"], { cwd: root }).stdout.split(" ");
		sigtool(["sign", root]);
		const { members } = sigtool(["inspect", join(root, "pack.cat"), "--json"]).json();
		expect(members).toMatchObject([{ digest: hex, subject: "pe" }]);
		expect(hex).not.toBe(sigtool(["digest", "a.exe"], { cwd: root }).stdout.split(" ")[0]);
	});

	test.skipIf(!hasProgram("osslsigncode"))("is what osslsigncode would sign of an image (needs osslsigncode)", () => {
		const { root, sigtool } = workspace();
		writeFileSync(join(root, "a.exe"), image());
		const [hex] = sigtool(["digest", "--algorithm", "authenticode", "a.exe"], { cwd: root }).stdout.split(" ");
		execFileSync("osslsigncode", ["extract-data", "-h", "sha256", "-in", "a.exe", "-out", "data"], {
			cwd: root,
			stdio: "pipe",
		});
		// 04 20 is the DER head of an OCTET STRING of 32 bytes.
		expect(readFileSync(join(root, "data")).toString("hex")).toContain(`0420${hex}`);
	});

	test("refuses a file that is neither image nor cabinet", () => {
		const { root, sigtool } = workspace({ "a.txt": "text" });
		const run = sigtool(["digest", "--algorithm", "authenticode", "a.txt"], { cwd: root });
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.stderr).toMatch(/"a\.txt": it is neither a PE image nor a cabinet.*\[ERR_FILE_TYPE\]/);
	});
});
