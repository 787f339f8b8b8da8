import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { inspectCatalog } from "@sigtool/core";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import { encryptKeyFile, makeAuthority, makeTree, runner, type TreeEntry, temporaryDirectory } from "../../support.js";

function workspace(tree: Record<string, TreeEntry> = { a: "1", "d/b": "2" }) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "pack"), tree);
	return { home, root, sigtool: runner(home), catalog: join(root, "pack.cat") };
}

const names = (file: string) =>
	inspectCatalog(readFileSync(file))
		.members.map(({ name }) => name)
		.sort();

describe("sign writes one catalog", () => {
	test("into the directory, under its name, with every file but itself and version control", () => {
		const { root, sigtool, catalog } = workspace({ a: "1", ".env": "x", ".git/config": "y", "d/b": "2", empty: "" });
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual([".env", "a", "d\\b"]);
		expect(sigtool(["sign", root])).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual([".env", "a", "d\\b"]);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
	});

	test("in New-FileCatalog's layout: FilePath members, zero-length files as attributes of the list", () => {
		const { root, sigtool, catalog } = workspace({ "d/a": "1", "d/empty": "" });
		sigtool(["sign", root]);
		const { version, attributes, members } = inspectCatalog(readFileSync(catalog));
		expect(version).toBe(2);
		expect(attributes[0]).toEqual({ name: "FilePath", flags: 0x10010001, value: "d\\empty" });
		expect(members).toHaveLength(1);
		expect(members[0]).toMatchObject({ subject: "flat", digestAlgorithm: "sha256", name: "d\\a" });
		expect(members[0].digest).toBe(createHash("sha256").update("1").digest("hex"));
	});

	test("with product and sequence, by default the directory's name and the time", () => {
		const { root, sigtool, catalog } = workspace();
		sigtool(["sign", root], { env: { SOURCE_DATE_EPOCH: "1790000000" } });
		expect(inspectCatalog(readFileSync(catalog)).facts).toMatchObject({ product: "pack", sequence: 1_790_000_000 });
		sigtool(["sign", root, "--product", "p", "--sequence", "7"]);
		expect(inspectCatalog(readFileSync(catalog)).facts).toMatchObject({ product: "p", sequence: 7 });
	});

	test("byte for byte the same for the same input, RSA key and SOURCE_DATE_EPOCH", () => {
		const { root, sigtool, catalog } = workspace();
		const env = { SOURCE_DATE_EPOCH: "1790000000" };
		sigtool(["sign", root], { env });
		const first = readFileSync(catalog);
		sigtool(["sign", root], { env });
		expect(readFileSync(catalog).equals(first)).toBe(true);
	});

	test("with SHA-1 twins only with --sha1-twins", () => {
		const { root, sigtool, catalog } = workspace({ a: "1" });
		sigtool(["sign", root, "--sha1-twins"]);
		const digests = inspectCatalog(readFileSync(catalog)).members.map(({ digest }) => digest);
		const hash = (algorithm: string) => createHash(algorithm).update("1").digest("hex");
		expect(digests.sort()).toEqual([hash("sha1"), hash("sha256")].sort());
		expect(sigtool(["verify", root]).status).toBe(0);
	});

	test("over several paths, relative to their common directory", () => {
		const { home, sigtool } = workspace();
		makeTree(join(home, "app"), { "bin/x": "1", "lib/y": "2", "other/z": "3" });
		const catalog = join(home, "app.cat");
		const args = ["sign", join(home, "app/bin"), join(home, "app/lib"), "-o", catalog];
		expect(sigtool(args.slice(0, 3))).toMatchObject({ status: 2 });
		expect(sigtool(args)).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual(["bin\\x", "lib\\y"]);
		expect(sigtool(["verify", join(home, "app"), "--catalog", catalog])).toMatchObject({ status: 0 });
		writeFileSync(join(home, "app/lib/new"), "");
		expect(sigtool(["verify", join(home, "app"), "--catalog", catalog])).toMatchObject({ status: 1 });
	});

	test("over one file", () => {
		const { home, root, sigtool } = workspace();
		const catalog = join(root, "one.cat");
		expect(sigtool(["sign", join(root, "a"), "-o", catalog])).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual(["a"]);
		expect(sigtool(["verify", join(root, "a"), "--catalog", catalog])).toMatchObject({ status: 0 });
		expect(readdirSync(home)).toContain("pack");
	});

	test("and prints a command that verifies it, whatever characters the names have", () => {
		const { home, sigtool } = workspace();
		const tree = makeTree(join(home, "my driver's $HOME"), { "bin/x": "1", "lib/y": "2" });
		const { stdout } = sigtool(["sign", join(tree, "bin"), join(tree, "lib"), "-o", join(home, "my.cat")]);
		const command = /verify with: (.*)$/m.exec(stdout)?.[1] ?? "";
		const words = spawnSync("sh", ["-c", `printf '%s\\0' ${command}`], { encoding: "utf8" }).stdout.split("\0");
		expect(sigtool(words.slice(1, -1))).toMatchObject({ status: 0 });
		expect(words[2]).toMatch(/my driver's \$HOME$/);
	});

	test("over exactly the files of a list", () => {
		const { home, root, sigtool } = workspace({ a: "1", b: "2", "d/c": "3" });
		writeFileSync(join(home, "list"), "a\0d/c\0");
		expect(sigtool(["sign", root, "--files-from", join(home, "list")])).toMatchObject({ status: 0 });
		expect(names(join(root, "pack.cat"))).toEqual(["a", "d\\c"]);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
		writeFileSync(join(root, "d/c"), "x");
		expect(sigtool(["verify", root])).toMatchObject({ status: 1 });
		const key = ["--p12", "x.p12", "--passphrase-file", "-"];
		expect(sigtool(["sign", root, "--files-from", "-", ...key], { input: "a\0" }).stderr).toContain("Use - only once");
		const missing = sigtool(["sign", root, "--files-from", "-"], { input: "a\0nope\0" });
		expect(missing).toMatchObject({ status: 2, stderr: expect.stringContaining("nope") });
	});

	test("over files that --include matches, including dotfiles", () => {
		const { root, sigtool, catalog } = workspace({ "src/a.js": "1", "src/.b.js": "2", "src/c.txt": "3", "d.js": "4" });
		expect(sigtool(["sign", root, "--include", "src/**/*.js"])).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual(["src\\.b.js", "src\\a.js"]);
		expect(sigtool(["verify", root])).toMatchObject({ status: 0 });
		writeFileSync(join(root, "src/new.js"), "");
		expect(sigtool(["verify", root])).toMatchObject({ status: 1 });
	});
});

describe("sign does not overwrite a catalog that sigtool did not write", () => {
	test("without --force", () => {
		const { root, sigtool, catalog } = workspace();
		writeFileSync(catalog, "something else");
		const run = sigtool(["sign", root]);
		expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining("ERR_CATALOG_EXISTS") });
		expect(readFileSync(catalog, "utf8")).toBe("something else");
		expect(sigtool(["sign", root, "--force"])).toMatchObject({ status: 0 });
		expect(names(catalog)).toEqual(["a", "d\\b"]);
	});
});

describe("symbolic links", () => {
	const tree = { a: "1", "d/l": { link: "../a" } };
	test("are recorded by default, rejected or followed on request", () => {
		const { root, sigtool, catalog } = workspace(tree);
		expect(sigtool(["sign", root]).status).toBe(0);
		expect(inspectCatalog(readFileSync(catalog)).facts?.symbolicLinks).toEqual(new Map([["d/l", "../a"]]));
		expect(sigtool(["sign", root, "--links", "reject"])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining('"d/l"'),
		});
		expect(sigtool(["sign", root, "--links", "follow"]).status).toBe(0);
		expect(names(catalog)).toEqual(["a", "d\\l"]);
		expect(sigtool(["verify", root]).status).toBe(0);
	});

	test.each(["/etc/passwd", "../../outside", ".."])("to %s are refused unless --links-outside record", (link) => {
		const { root, sigtool } = workspace({ a: "1", "d/x": "2", "d/l": { link } });
		if (link === "..") symlinkSync("../..", join(root, "l"));
		const run = sigtool(["sign", root]);
		expect(run).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_LINK_OUTSIDE") });
		expect(sigtool(["sign", root, "--links-outside", "record"]).status).toBe(0);
		expect(sigtool(["verify", root]).status).toBe(0);
	});
});

describe("sign refuses, names the entry, and writes nothing", () => {
	const refused = (setup: (root: string) => void, name: string, code: string, args: string[] = []) => {
		const { root, sigtool, catalog } = workspace();
		setup(root);
		const run = sigtool(["sign", root, ...args]);
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.stderr).toContain(name);
		expect(run.stderr).toContain(code);
		expect(existsSync(catalog)).toBe(false);
		expect(readdirSync(root).filter((file) => file.includes("tmp"))).toEqual([]);
	};
	test("a FIFO", () => refused((root) => execFileSync("mkfifo", [join(root, "d/pipe")]), "d/pipe", "ERR_FILE_TYPE"));
	test("a socket", async () => {
		const server = createServer();
		const directory = temporaryDirectory();
		await new Promise<void>((listening) => server.listen(join(directory, "s"), listening));
		const run = runner(temporaryDirectory())(["sign", directory]);
		server.close();
		expect(run).toMatchObject({ status: 1, stderr: expect.stringMatching(/"s".*ERR_FILE_TYPE/) });
	});
	test.skipIf(process.getuid?.() !== 0 || !hasProgram("mknod"))("a device", () => {
		refused((root) => execFileSync("mknod", [join(root, "null"), "c", "1", "3"]), "null", "ERR_FILE_TYPE");
	});
	test("a name that is not UTF-8", () => {
		refused(
			(root) => writeFileSync(Buffer.concat([Buffer.from(`${root}/bad`), Buffer.of(0xff)]), ""),
			"bad",
			"ERR_PATH_ENCODING",
		);
	});
	test("a backslash", () => refused((root) => writeFileSync(join(root, "a\\b"), ""), "a\\\\b", "ERR_PATH_BACKSLASH"));
	test("a trailing dot", () => refused((root) => writeFileSync(join(root, "a."), ""), "a.", "ERR_PATH_TRAILING_DOT"));
	test("names that differ by case", () => {
		refused((root) => writeFileSync(join(root, "A"), ""), '"A"', "ERR_PATH_CASE_COLLISION");
		const { root, sigtool } = workspace({ a: "1", A: "2", "Lib/x": "3", "lib/X": "4" });
		expect(sigtool(["sign", root, "--case-collisions", "allow"]).status).toBe(0);
		expect(sigtool(["verify", root]).status).toBe(0);
	});
	test("names that differ by normalization", () => {
		const setup = (root: string) => {
			for (const name of ["\u00e9", "e\u0301"]) writeFileSync(join(root, name), "");
		};
		refused(setup, '"\\u00e9" from "e\\u0301"', "ERR_PATH_NFC_COLLISION", ["--case-collisions", "allow"]);
	});
	test("a missing root and an empty tree", () => {
		const { home, sigtool } = workspace();
		expect(sigtool(["sign", join(home, "no")])).toMatchObject({ status: 2, stderr: expect.stringContaining("no") });
		mkdirSync(join(home, "empty"));
		expect(sigtool(["sign", join(home, "empty")])).toMatchObject({ status: 2 });
	});
});

test("sign leaves out the directory's own catalog when it writes another, by a recorded rule", () => {
	const { home, root, sigtool } = workspace({ a: "1", "pack.cat": "not ours" });
	const other = join(home, "other.cat");
	sigtool(["sign", root, "-o", other]);
	expect(names(other)).toEqual(["a", "pack.cat"]);
	sigtool(["sign", root, "--force"]);
	expect(sigtool(["sign", root, "-o", other, "--json"]).json().ignored).toEqual({ entries: 1, rules: ["/pack.cat"] });
	expect(names(other)).toEqual(["a"]);
	sigtool(["sign", root, "--sequence", "7", "--force"]);
	expect(sigtool(["verify", root, "--catalog", other])).toMatchObject({ status: 0 });
});

test.each([
	[["-o", "pack"], 'Cannot write "pack": it is a directory; name the file'],
	[["-o", "new/"], 'Cannot write "new/": it is a directory; name the file'],
	[["-o", "-"], "the result is not written to standard output"],
	[["-o", ""], "Name a file with -o"],
	[["--product", ""], "Give --product a name"],
])("sign refuses %j", (args, message) => {
	const { home, sigtool } = workspace();
	const run = sigtool(["sign", "pack", ...args], { cwd: home });
	expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
	expect(run.stderr).toContain("[ERR_USAGE]");
});

test("sign --verbose shows rules, root, time and the catalog's size", () => {
	const { root, sigtool } = workspace();
	const { stdout } = sigtool(["sign", root, "--verbose", "--exclude", "d", "--exclude", "*.log"]);
	expect(stdout).toMatch(/ignored +1 entry by 2 rules\n +rule +d\n +rule +\*\.log\n +root +\/.*pack\n +time +20/);
	expect(stdout).toMatch(/catalog +[\d,]+ bytes\n +took +\d/);
});

describe("keys", () => {
	test("PEM keys sign, encrypted ones with their passphrase from a file or the environment", () => {
		const { home, root, sigtool } = workspace();
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
		const encrypted = join(home, "encrypted.key");
		encryptKeyFile(keyFile, encrypted, "open sesame");
		writeFileSync(join(home, "pass"), "open sesame\n");
		const verify = () => sigtool(["verify", root, "--trust", caFile]);
		expect(sigtool(["sign", root, "--key", keyFile, "--cert", certFile])).toMatchObject({ status: 0 });
		expect(verify()).toMatchObject({ status: 0 });
		const args = ["sign", root, "--key", encrypted, "--cert", certFile];
		expect(sigtool([...args, "--passphrase-file", join(home, "pass")])).toMatchObject({ status: 0 });
		expect(sigtool(args, { env: { SIGTOOL_PASSPHRASE: "open sesame" } })).toMatchObject({ status: 0 });
		expect(sigtool(args)).toMatchObject({ status: 2, stderr: expect.stringContaining("ERR_KEY_PASSPHRASE") });
		expect(verify()).toMatchObject({ status: 0 });
	});

	test("a wrong passphrase is an error that shows no secret", () => {
		const { home, root, sigtool } = workspace();
		const { keyFile, certFile } = makeAuthority(join(home, "pki"));
		const encrypted = join(home, "encrypted.key");
		encryptKeyFile(keyFile, encrypted, "right-secret");
		for (const json of [[], ["--json"]]) {
			const run = sigtool(["sign", root, "--key", encrypted, "--cert", certFile, "--verbose", ...json], {
				env: { SIGTOOL_PASSPHRASE: "wrong-secret" },
			});
			expect(run.status).toBe(2);
			expect(run.stdout + run.stderr).toContain("ERR_KEY_PASSPHRASE");
			expect(run.stdout + run.stderr).not.toMatch(/wrong-secret|right-secret|PRIVATE/);
		}
	});

	test("keys, certificates, passphrases and lists may come through pipes", () => {
		const { home, root, sigtool } = workspace();
		const { keyFile, certFile } = makeAuthority(join(home, "pki"));
		const encrypted = join(home, "encrypted.key");
		encryptKeyFile(keyFile, encrypted, "open sesame");
		const args = ["sign", root, "--key", encrypted, "--cert", certFile, "--passphrase-file", "-"];
		expect(sigtool(args, { input: "open sesame\nsecond line\n" })).toMatchObject({ status: 0 });
		const fromStdin = ["sign", root, "--key", "/dev/stdin", "--cert", certFile];
		expect(sigtool(fromStdin, { input: readFileSync(keyFile) })).toMatchObject({ status: 0 });
		const script = `"$0" "$1" sign "$2" --key <(cat "$3") --cert <(cat "$4") --files-from <(printf 'a\\0')`;
		const main = join(import.meta.dirname, "../../../dist/main.cjs");
		const bash = spawnSync("bash", ["-c", script, process.execPath, main, root, keyFile, certFile], {
			encoding: "utf8",
		});
		expect(bash).toMatchObject({ status: 0, stdout: expect.stringContaining("1 file,") });
	});

	test("missing files are reported before a passphrase is asked for", () => {
		const { home, root, sigtool } = workspace();
		const { certFile } = makeAuthority(join(home, "pki"));
		const key = ["--key", join(home, "no.key"), "--cert", certFile];
		const message = (args: string[]) => sigtool(["sign", ...args, ...key]).stderr;
		expect(message([join(home, "nope")])).toMatch(/Cannot open ".*nope": it does not exist \[ERR_ROOT_MISSING\]/);
		expect(message([root])).toMatch(/Cannot read ".*no\.key": no such file or directory \[ERR_ROOT_MISSING\]/);
	});

	test("an Ed25519 key and a certificate of another key are refused with the reason", () => {
		const { home, root, sigtool } = workspace();
		const ed = makeAuthority(join(home, "ed"), "ed25519");
		const rsa = makeAuthority(join(home, "rsa"));
		expect(sigtool(["sign", root, "--key", ed.keyFile, "--cert", ed.certFile])).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/Ed25519.*ERR_KEY/i),
		});
		expect(sigtool(["sign", root, "--key", rsa.keyFile, "--cert", ed.certFile])).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("ERR_KEY_MISMATCH"),
		});
	});
});

describe("split signing", () => {
	test("finish shows and signs a catalog that was written unsigned", () => {
		const { home, root, sigtool, catalog } = workspace();
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "pki"));
		const key = ["--key", keyFile, "--cert", certFile];
		const first = sigtool(["sign", root, "--sequence", "1", ...key]);
		expect(first.status).toBe(0);
		const previous = join(home, "previous.cat");
		writeFileSync(previous, readFileSync(catalog));
		writeFileSync(join(root, "a"), "changed");
		writeFileSync(join(root, "new"), "1");
		const unsigned = sigtool(["sign", root, "--unsigned", "--sequence", "2", "--json"]).json();
		expect(sigtool(["verify", root, "--json"]).json().results[0].error.code).toBe("ERR_UNSIGNED");
		const keyless = sigtool(["finish", catalog]);
		expect(keyless).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(/Name the key to sign with: .*\[ERR_USAGE\]/),
		});
		const wrong = sigtool(["finish", catalog, ...key, "--expect-digest", "0".repeat(64)]);
		expect(wrong).toMatchObject({ status: 1, stderr: expect.stringContaining("ERR_DIGEST_MISMATCH") });
		const done = sigtool(["finish", catalog, ...key, "--expect-digest", unsigned.digest, "--previous", previous]);
		expect(done.status).toBe(0);
		expect(done.stderr).toMatch(/product\s+pack, sequence 2/);
		expect(done.stderr).toContain("added new");
		expect(done.stderr).toContain("changed a");
		expect(sigtool(["verify", root, "--trust", caFile])).toMatchObject({ status: 0 });
		expect(sigtool(["finish", catalog, ...key])).toMatchObject({ status: 1 });
	});
});

test("SOURCE_DATE_EPOCH and --sequence must be numbers", () => {
	const { root, sigtool } = workspace();
	expect(sigtool(["sign", root], { env: { SOURCE_DATE_EPOCH: "yesterday" } })).toMatchObject({ status: 2 });
	expect(sigtool(["sign", root, "--sequence", "-1"])).toMatchObject({ status: 2 });
	expect(sigtool(["sign", root, "--sequence", "1e99"])).toMatchObject({ status: 2 });
});

test("no stray process, and the sources of a shell pipe work", () => {
	const { home, root } = workspace();
	const script = `cd ${root} && find . -type f -print0 | ${process.execPath} ${join(import.meta.dirname, "../../../dist/main.cjs")} sign . -o ${home}/x.cat --files-from -`;
	const run = spawnSync("sh", ["-c", script], {
		encoding: "utf8",
		env: { ...process.env, XDG_CONFIG_HOME: join(home, "config") },
	});
	expect(run).toMatchObject({ status: 0 });
	expect(names(join(home, "x.cat"))).toEqual(["a", "d\\b"]);
});
