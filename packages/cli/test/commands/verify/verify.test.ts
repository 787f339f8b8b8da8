import {
	chmodSync,
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
import { hashFileSet } from "../../../../core/dist/fileset/hash/hash-files.js";
import { encodeCatalog } from "../../../../core/dist/formats/cat-encode.js";
import { signEncoded } from "../../../../core/dist/formats/cat-envelope.js";
import { parseFacts } from "../../../../core/dist/formats/cat-facts.js";
import { openPemSigner } from "../../../../core/dist/signer/pem.js";
import { makeAuthority, makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";

const LIBRARY: Record<string, TreeEntry> = {
	"index.js": "export * from './lib/a.js';\n",
	"lib/a.js": "export const a = 1;\n",
	"lib/b.js": "export const b = 2;\n",
	"lib/empty.js": "",
	"bin/run": { content: "#!/bin/sh\n", mode: 0o755 },
	"bin/a": { link: "../lib/a.js" },
	".hidden": "dotfiles count\n",
};

function signedLibrary(extra: string[] = [], tree = LIBRARY) {
	const home = temporaryDirectory();
	const sigtool = runner(home);
	const root = makeTree(join(home, "library"), tree);
	const signed = sigtool(["sign", root, ...extra]);
	expect(signed).toMatchObject({ status: 0 });
	const verify = (...args: string[]) => sigtool(["verify", root, ...args]);
	/** Returns code and path of every finding. */
	const findings = (...args: string[]): [string, string][] => {
		const [result] = verify("--json", ...args).json().results;
		return result.findings.map(({ code, path }: { code: string; path: string }) => [code, path]);
	};
	return { home, root, sigtool, verify, findings, at: (path: string) => join(root, path) };
}

describe("verify reports each difference with the file's name, and nothing else", () => {
	const differences: [name: string, change: (at: (path: string) => string) => void, expected: [string, string][]][] = [
		[
			"one changed byte",
			(at) => writeFileSync(at("lib/a.js"), "export const a = 2;\n"),
			[["ERR_FILE_MODIFIED", "lib/a.js"]],
		],
		["an added file", (at) => writeFileSync(at("lib/new.js"), ""), [["ERR_FILE_ADDED", "lib/new.js"]]],
		["an added directory's file", (at) => makeTree(at("x"), { "y/z": "1" }), [["ERR_FILE_ADDED", "x/y/z"]]],
		["an added link", (at) => symlinkSync("a.js", at("lib/l")), [["ERR_FILE_ADDED", "lib/l"]]],
		["a deleted file", (at) => unlinkSync(at("lib/b.js")), [["ERR_FILE_MISSING", "lib/b.js"]]],
		["a deleted empty file", (at) => unlinkSync(at("lib/empty.js")), [["ERR_FILE_MISSING", "lib/empty.js"]]],
		[
			"a filled empty file",
			(at) => writeFileSync(at("lib/empty.js"), "evil()"),
			[["ERR_FILE_MODIFIED", "lib/empty.js"]],
		],
		["an emptied file", (at) => writeFileSync(at("lib/a.js"), ""), [["ERR_FILE_MODIFIED", "lib/a.js"]]],
		["a deleted link", (at) => unlinkSync(at("bin/a")), [["ERR_FILE_MISSING", "bin/a"]]],
		[
			"two signed files swapped",
			(at) => {
				renameSync(at("lib/a.js"), at("t"));
				renameSync(at("lib/b.js"), at("lib/a.js"));
				renameSync(at("t"), at("lib/b.js"));
			},
			[
				["ERR_FILE_MODIFIED", "lib/a.js"],
				["ERR_FILE_MODIFIED", "lib/b.js"],
			],
		],
		[
			"a signed file copied over another",
			(at) => copyFileSync(at("lib/b.js"), at("lib/a.js")),
			[["ERR_FILE_MODIFIED", "lib/a.js"]],
		],
		[
			"a retargeted link",
			(at) => {
				unlinkSync(at("bin/a"));
				symlinkSync("../lib/b.js", at("bin/a"));
			},
			[["ERR_LINK_CHANGED", "bin/a"]],
		],
		[
			"a link replaced by its target's content",
			(at) => {
				unlinkSync(at("bin/a"));
				copyFileSync(at("lib/a.js"), at("bin/a"));
			},
			[["ERR_LINK_CHANGED", "bin/a"]],
		],
		[
			"a file replaced by a link to its own content",
			(at) => {
				renameSync(at("lib/a.js"), at("../a.js"));
				symlinkSync(at("../a.js"), at("lib/a.js"));
			},
			[["ERR_LINK_CHANGED", "lib/a.js"]],
		],
		["a dropped execute bit", (at) => chmodSync(at("bin/run"), 0o644), [["ERR_MODE_CHANGED", "bin/run"]]],
		["a gained execute bit", (at) => chmodSync(at("index.js"), 0o755), [["ERR_MODE_CHANGED", "index.js"]]],
		["a gained set-user-id bit", (at) => chmodSync(at("bin/run"), 0o4755), [["ERR_MODE_CHANGED", "bin/run"]]],
		[
			"a gained execute bit on an empty file",
			(at) => chmodSync(at("lib/empty.js"), 0o755),
			[["ERR_MODE_CHANGED", "lib/empty.js"]],
		],
		[
			"a renamed file",
			(at) => renameSync(at("lib/a.js"), at("lib/c.js")),
			[
				["ERR_FILE_MISSING", "lib/a.js"],
				["ERR_FILE_ADDED", "lib/c.js"],
			],
		],
	];
	test.each(differences)("%s", (_, change, expected) => {
		const { verify, findings, at } = signedLibrary();
		expect(verify()).toMatchObject({ status: 0, stdout: expect.stringContaining("trusted") });
		change(at);
		expect(findings()).toEqual(expected);
		const { status, stdout } = verify();
		expect(status).toBe(1);
		for (const [code, path] of expected) expect(stdout).toMatch(new RegExp(`"${path}".*\\[${code}\\]`));
	});

	test("read and write bits may differ", () => {
		const { verify, at } = signedLibrary();
		chmodSync(at("index.js"), 0o600);
		expect(verify().status).toBe(0);
	});

	test("says if a text file would match with other line ends", () => {
		const { verify, at } = signedLibrary([], { "dos.txt": "one\r\ntwo\r\n", "unix.txt": "one\ntwo 2\n" });
		writeFileSync(at("dos.txt"), "one\ntwo\n");
		writeFileSync(at("unix.txt"), "one\r\ntwo 2\r\n");
		const { stdout } = verify();
		expect(stdout).toMatch(/"dos.txt" was modified; with CRLF line ends it would match/);
		expect(stdout).toMatch(/"unix.txt" was modified; with LF line ends it would match/);
	});

	test("names the file whose content a swapped file has", () => {
		const { verify, at } = signedLibrary();
		copyFileSync(at("lib/b.js"), at("lib/a.js"));
		expect(verify().stdout).toContain('its content was signed as "lib/b.js"');
	});
});

describe("verify of a single file", () => {
	test("finds the nearest parent's catalog and reads no other file", () => {
		const { sigtool, at } = signedLibrary();
		writeFileSync(at("index.js"), "changed");
		expect(sigtool(["verify", at("lib/a.js")]).status).toBe(0);
		expect(sigtool(["verify", at("index.js")]).status).toBe(1);
	});

	test("refuses an unsigned file, whatever --added says", () => {
		const { sigtool, at } = signedLibrary();
		writeFileSync(at("lib/new.js"), "");
		const run = sigtool(["verify", at("lib/new.js"), "--json"]);
		expect(run.status).toBe(1);
		expect(run.json().results[0].findings).toMatchObject([{ code: "ERR_NOT_A_MEMBER", path: "lib/new.js" }]);
		for (const added of ["warn", "ignore"]) {
			expect(sigtool(["verify", at("lib/new.js"), "--added", added])).toMatchObject({ status: 1 });
		}
	});

	test("reports a deleted file as missing, and an unsigned name as a usage error", () => {
		const { sigtool, at } = signedLibrary();
		unlinkSync(at("lib/b.js"));
		const run = sigtool(["verify", at("lib/b.js"), "--json"]);
		expect(run.status).toBe(1);
		expect(run.json().results[0].findings).toMatchObject([{ code: "ERR_FILE_MISSING", path: "lib/b.js" }]);
		expect(sigtool(["verify", at("lib/nope.js")])).toMatchObject({ status: 2 });
	});

	test("follows a signed link to its target", () => {
		const { sigtool, at } = signedLibrary();
		expect(sigtool(["verify", at("bin/a"), "--json"]).json().results[0].checked).toBe(2);
		writeFileSync(at("lib/a.js"), "changed");
		const run = sigtool(["verify", at("bin/a"), "--json"]);
		expect(run.status).toBe(1);
		expect(run.json().results[0].findings).toMatchObject([{ code: "ERR_FILE_MODIFIED", path: "lib/a.js" }]);
	});

	test("uses --root when the catalog is elsewhere", () => {
		const { home, sigtool, at, root } = signedLibrary();
		const catalog = join(home, "l.cat");
		renameSync(at("library.cat"), catalog);
		const args = ["verify", at("lib/a.js"), "--catalog", catalog];
		expect(sigtool(args)).toMatchObject({ status: 1, stdout: expect.stringContaining("--root") });
		expect(sigtool([...args, "--root", root])).toMatchObject({ status: 0 });
	});

	test("judges a link by its target text", () => {
		const { sigtool, at } = signedLibrary();
		expect(sigtool(["verify", at("bin/a")]).status).toBe(0);
		unlinkSync(at("bin/a"));
		symlinkSync("../index.js", at("bin/a"));
		expect(sigtool(["verify", at("bin/a")]).status).toBe(1);
	});
});

describe("verify of a directory within a signed tree", () => {
	test("checks the signed files below it, and no others", () => {
		const { sigtool, at } = signedLibrary();
		writeFileSync(at("index.js"), "changed");
		expect(sigtool(["verify", at("lib")])).toMatchObject({ status: 0, stdout: expect.stringContaining("3 entries") });
		writeFileSync(at("lib/new.js"), "");
		unlinkSync(at("lib/b.js"));
		const [{ findings }] = sigtool(["verify", at("lib"), "--json"]).json().results;
		expect(findings).toMatchObject([
			{ code: "ERR_FILE_MISSING", path: "lib/b.js" },
			{ code: "ERR_FILE_ADDED", path: "lib/new.js" },
		]);
	});

	test("takes the catalog in a renamed directory", () => {
		const { home, root, sigtool } = signedLibrary();
		renameSync(root, join(home, "renamed"));
		expect(sigtool(["verify", join(home, "renamed")])).toMatchObject({ status: 0 });
		const catalog = join(home, "renamed/library.cat");
		expect(sigtool(["verify", join(home, "renamed"), "--catalog", catalog])).toMatchObject({ status: 0 });
	});
});

describe("nested catalogs", () => {
	test("are accepted only as signed members of the outer catalog", () => {
		const { sigtool, at, root } = signedLibrary();
		expect(sigtool(["sign", at("lib")]).status).toBe(0);
		const unsigned = sigtool(["verify", at("lib"), "--json"]);
		expect(unsigned.status).toBe(1);
		expect(unsigned.json().results[0].error.code).toBe("ERR_NESTED_CATALOG");
		expect(sigtool(["verify", at("lib/a.js"), "--json"]).json().results[0].error.code).toBe("ERR_NESTED_CATALOG");
		expect(sigtool(["verify", root]).status).toBe(1);
		expect(sigtool(["sign", root]).status).toBe(0);
		expect(sigtool(["verify", root, at("lib"), at("lib/a.js")]).status).toBe(0);
	});

	test("a missing catalog has its own code and exit status 1", () => {
		const home = temporaryDirectory();
		makeTree(join(home, "plain"), { a: "1" });
		const run = runner(home)(["verify", join(home, "plain"), "--json"]);
		expect(run.status).toBe(1);
		expect(run.json().results[0]).toMatchObject({ verdict: "failed", error: { code: "ERR_CATALOG_NOT_FOUND" } });
	});
});

describe("ignore rules only hide added files", () => {
	const tree = { ...LIBRARY, ".sigtoolignore": "# logs\n*.log\n/cache/\n", "old.log": "old", "cache/x": "1" };

	test("are recorded, counted, and listed by --no-ignore", () => {
		const { sigtool, root, verify, findings, at } = signedLibrary(["--exclude", "*.tmp"], tree);
		const json = sigtool(["sign", root, "--exclude", "*.tmp", "--json"]).json();
		expect(json.ignored).toEqual({ entries: 2, rules: ["*.log", "/cache/", "*.tmp"] });
		writeFileSync(at("new.log"), "");
		writeFileSync(at("lib/x.tmp"), "");
		expect(verify().status).toBe(0);
		expect(verify("--json").json().results[0].ignored).toBe(4);
		expect(findings("--no-ignore").map(([, path]) => path)).toEqual(["cache/x", "lib/x.tmp", "new.log", "old.log"]);
	});

	test("come from the signed catalog, not from the tree", () => {
		const { findings, at } = signedLibrary([], tree);
		writeFileSync(at(".sigtoolignore"), "*\n");
		writeFileSync(at("evil.js"), "");
		expect(findings()).toEqual([
			["ERR_FILE_MODIFIED", ".sigtoolignore"],
			["ERR_FILE_ADDED", "evil.js"],
		]);
	});

	test("never excuse a modified or missing member", async () => {
		const home = temporaryDirectory();
		const root = makeTree(join(home, "two"), { "a.log": "1", "b.log": "2", "d/c.log": "3", keep: "4" });
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
		// `sign` leaves out files that its rules match, so the test encodes a catalog whose rules match its own members.
		const manifest = await hashFileSet(root);
		const facts = { ...parseFacts([]), modes: "none", ignore: ["*.log", "d/"] } as const;
		const list = encodeCatalog(manifest, facts, { thisUpdate: Date.now() });
		writeFileSync(
			join(root, "two.cat"),
			Buffer.concat((await signEncoded(list, await openPemSigner({ keyFile, certFile }), {})).pieces),
		);
		const verify = () => runner(home)(["verify", root, "--trust", caFile, "--json"]);
		writeFileSync(join(root, "new.log"), "");
		expect(verify()).toMatchObject({ status: 0 });
		writeFileSync(join(root, "a.log"), "changed");
		unlinkSync(join(root, "b.log"));
		writeFileSync(join(root, "d/c.log"), "changed");
		const { findings } = verify().json().results[0];
		expect(findings.map(({ code, path }: { code: string; path: string }) => [code, path])).toEqual([
			["ERR_FILE_MODIFIED", "a.log"],
			["ERR_FILE_MISSING", "b.log"],
			["ERR_FILE_MODIFIED", "d/c.log"],
		]);
	});

	test("--added warn and ignore let additions pass and nothing else", () => {
		const { verify, at } = signedLibrary();
		writeFileSync(at("new.js"), "");
		expect(verify("--added", "warn")).toMatchObject({ status: 0, stderr: expect.stringContaining("new.js") });
		expect(verify("--added", "ignore")).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/^note: a development identity signed [^\n]*\n$/),
		});
		writeFileSync(at("index.js"), "changed");
		expect(verify("--added", "ignore").status).toBe(1);
	});
});

describe("the verdict", () => {
	test("--product refuses another product", () => {
		const { verify } = signedLibrary(["--product", "left"]);
		expect(verify("--product", "left").status).toBe(0);
		const run = verify("--product", "right", "--json");
		expect(run.status).toBe(1);
		expect(run.json().results[0].error.code).toBe("ERR_PRODUCT_MISMATCH");
	});

	test("a development identity is trusted on this machine, and shown", () => {
		const { home, root, verify } = signedLibrary();
		expect(verify().stdout).toContain("(development)");
		expect(verify("--json").json().results[0]).toMatchObject({ development: true, verdict: "trusted" });
		const elsewhere = runner(join(home, "elsewhere"), { identity: "none" })(["verify", root, "--json"]);
		expect(elsewhere.status).toBe(1);
		expect(elsewhere.json().results[0].error.code).toBe("ERR_UNTRUSTED_SIGNER");
		expect(elsewhere.json().results[0].error.message).toContain("(a development identity)");
	});

	test("a truncated or changed catalog is refused before files are read", () => {
		const { root, sigtool, at } = signedLibrary();
		const file = at("library.cat");
		const bytes = readFileSync(file);
		writeFileSync(file, bytes.subarray(0, -1));
		expect(sigtool(["verify", root, "--json"]).json().results[0].error.code).toBe("ERR_DER");
		const flipped = Buffer.from(bytes);
		flipped[flipped.indexOf("i\0n\0d\0e\0x\0")] ^= 1;
		writeFileSync(file, flipped);
		expect(sigtool(["verify", root, "--json"]).json().results[0].error.code).toMatch(/ERR_SIGN/);
		writeFileSync(file, "");
		expect(sigtool(["verify", root]).status).toBe(1);
	});

	test("the catalog can live elsewhere", () => {
		const { home, root, sigtool, at } = signedLibrary();
		mkdirSync(join(home, "catalogs"));
		renameSync(at("library.cat"), join(home, "catalogs/l.cat"));
		expect(sigtool(["verify", root]).status).toBe(1);
		expect(sigtool(["verify", root, "--catalog", join(home, "catalogs/l.cat")]).status).toBe(0);
		expect(sigtool(["verify", root, "--catalog", join(home, "catalogs")]).status).toBe(0);
		rmSync(join(home, "catalogs/l.cat"));
		expect(sigtool(["verify", root, "--catalog", join(home, "catalogs")]).status).toBe(1);
	});

	test("--match digest accepts a signed file under any name", () => {
		const { findings, at } = signedLibrary();
		renameSync(at("lib/a.js"), at("lib/c.js"));
		expect(findings("--match", "digest")).toEqual([]);
	});
});

describe("exit status and output", () => {
	test("usage errors end with 2 and one line, as JSON too", () => {
		const sigtool = runner(temporaryDirectory());
		for (const args of [
			["verify"],
			["verify", "x", "--nope"],
			["nope"],
			["verify", "x", "--added", "maybe"],
			["verify", "x", "--at", "today"],
			["verify", "x", "--at", "2026-02-30"],
			["verify", "x", "--at", "2026-01-31T12:00:00"],
		]) {
			const run = sigtool(args);
			expect(run).toMatchObject({ status: 2, stdout: "" });
			expect(run.stderr).toMatch(/^error: [^\n]*\[ERR_USAGE\]\n$/);
			const json = sigtool([...args, "--json"]);
			expect(json).toMatchObject({ status: 2, stderr: "" });
			expect(json.json()).toMatchObject({ exit: 2, error: { code: "ERR_USAGE" } });
		}
	});

	test("a missing path ends with 2", () => {
		const home = temporaryDirectory();
		expect(runner(home)(["verify", join(home, "nowhere")])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("nowhere"),
		});
	});

	test("--quiet prints nothing but notes on success and findings on failure", () => {
		const { verify, at } = signedLibrary();
		expect(verify("--quiet")).toMatchObject({
			status: 0,
			stdout: "",
			stderr: expect.stringMatching(/^note: a development identity signed [^\n]*\n$/),
		});
		writeFileSync(at("index.js"), "changed");
		expect(verify("--quiet")).toMatchObject({
			status: 1,
			stdout: expect.stringContaining("index.js"),
			stderr: expect.stringMatching(/^note: [^\n]*\n$/),
		});
	});

	test("every command has help with examples", () => {
		const sigtool = runner(temporaryDirectory());
		const commands = [
			[],
			["sign"],
			["finish"],
			["verify"],
			["inspect"],
			["identity"],
			["identity", "new"],
			["identity", "list"],
			["identity", "show"],
			["trust"],
			["trust", "add"],
			["trust", "list"],
			["trust", "remove"],
		];
		for (const command of commands) {
			const run = sigtool([...command, "--help"]);
			expect(run).toMatchObject({ status: 0, stderr: "" });
			expect(run.stdout).toContain("Examples:");
		}
	});
});
