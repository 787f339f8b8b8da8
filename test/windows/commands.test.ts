/**
 * Runs the command line in a Node.js for Windows, under Wine, on trees that this test makes on Linux: with names that
 * mean something else on Windows, and as git and editors of Windows leave them.
 */

import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MAIN } from "../../packages/cli/test/support.js";
import { execFileSync } from "../outside.js";
import { hasWine, type Outcome, openWine, type Wine, windowsNode, windowsPath } from "./wine.js";

/** The suites run on the oldest release, so these tests run on a newer one. */
const RELEASES = process.env.SIGTOOL_FULL === undefined ? ["24"] : ["20", "22", "24"];
const LIMIT_MS = 300_000;

describe.skipIf(!hasWine).each(RELEASES)("sigtool on Windows, Node.js %s (needs wine64)", (release) => {
	let wine: Wine;
	let count = 0;
	beforeAll(async () => {
		wine = await openWine();
	}, LIMIT_MS);
	afterAll(() => wine?.close());

	/** Makes a tree that is no drive of its own: under Wine, it is on drive Z:. */
	function tree(entries: Readonly<Record<string, string>>): string {
		const root = join(wine.directory, `tree-${count++}`, "app");
		for (const [path, content] of Object.entries(entries)) {
			mkdirSync(dirname(join(root, path)), { recursive: true });
			writeFileSync(join(root, path), content);
		}
		return root;
	}

	/** Runs the command line in the directory that contains `root`, where the tree is `app`. */
	function sigtool(root: string, ...args: string[]): Outcome {
		return sigtoolWith({}, root, ...args);
	}
	function sigtoolWith(env: Readonly<Record<string, string>>, root: string, ...args: string[]): Outcome {
		return wine.run(windowsNode(release).program, [windowsPath(MAIN), ...args], { cwd: dirname(root), env });
	}

	/** Runs the command line on Linux, with a development identity of its own. */
	function onLinux(root: string, ...args: string[]): string {
		const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(wine.directory, "config") };
		return execFileSync(process.execPath, [MAIN, ...args], {
			cwd: dirname(root),
			env,
			encoding: "utf8",
			stdio: "pipe",
		});
	}

	/** The development identity of Linux, which Windows has to be told of. */
	const linuxIdentity = () => join(wine.directory, "config/sigtool/identities/development/certificate.pem");
	const codesOf = ({ stdout }: Outcome) =>
		JSON.parse(stdout).results[0].findings.map(({ code, path }: { code: string; path: string }) => [code, path]);

	test("signs, verifies and inspects, and finds each change", () => {
		const root = tree({ "index.js": "1\n", "lib/a.js": "2\n", "lib/empty.js": "", "Über/ö.txt": "3\n" });
		expect(sigtool(root, "sign", "app")).toMatchObject({ status: 0 });
		expect(sigtool(root, "verify", "app")).toMatchObject({
			status: 0,
			stdout: expect.stringMatching(/^trusted app\n/),
		});
		const { members } = JSON.parse(sigtool(root, "inspect", "app\\app.cat", "--json").stdout);
		const names = members.map(({ name }: { name: string }) => name).sort();
		expect(names).toEqual(["index.js", "lib\\a.js", "Über\\ö.txt"]);

		appendFileSync(join(root, "index.js"), "more");
		rmSync(join(root, "lib/a.js"));
		writeFileSync(join(root, "lib/new.js"), "4");
		const changed = sigtool(root, "verify", "app", "--json");
		expect(changed.status).toBe(1);
		expect(codesOf(changed)).toEqual([
			["ERR_FILE_MODIFIED", "index.js"],
			["ERR_FILE_MISSING", "lib/a.js"],
			["ERR_FILE_ADDED", "lib/new.js"],
		]);
	});

	test("asks npm for the files of a package, and says where npm is not", () => {
		const manifest = { name: "p", version: "1.0.0", files: ["dist"], bin: "dist/cli.js" };
		const root = tree({
			"package.json": JSON.stringify(manifest),
			"dist/cli.js": "#!/usr/bin/env node\n",
			"dist/lib/a.js": "2\n",
			"other/b.js": "3\n",
		});
		const globalModules = execFileSync("npm", ["root", "--global"], { encoding: "utf8" }).trim();
		const npm = { npm_execpath: windowsPath(join(globalModules, "npm/bin/npm-cli.js")) };
		for (const round of ["the catalog is new", "the catalog is there"]) {
			const signed = sigtoolWith(npm, root, "sign", "app\\dist", "--check", "npm");
			expect([round, signed]).toMatchObject([round, { status: 0 }]);
		}
		writeFileSync(join(root, "dist/cli.js"), "#!/usr/bin/env node\r\n");
		for (const [directory, reason] of [
			["app\\dist", /"cli.js": .* npm replaces CRLF by LF/],
			["app\\other", /"b.js": npm leaves it out of the package/],
		] as const) {
			const refused = sigtoolWith(npm, root, "sign", directory, "--check", "npm");
			expect(refused).toMatchObject({ status: 1, stderr: expect.stringMatching(reason) });
			expect(refused.stderr).toContain("ERR_PACKED_FILE");
		}
		// This Node.js for Windows comes without npm.
		const alone = sigtool(root, "sign", "app\\dist", "--check", "npm");
		expect(alone).toMatchObject({
			status: 2,
			stderr: expect.stringMatching(
				/^error: Use --check npm where npm is: .*npm-cli\.js" is not there.* \[ERR_USAGE\]$/m,
			),
		});
	});

	test("verifies on Windows what Linux signed, and on Linux what Windows signed", () => {
		const root = tree({ "index.js": "1\n", "lib/a.js": "2\n" });
		onLinux(root, "sign", "app");
		expect(sigtool(root, "verify", "app").status).toBe(1);
		expect(sigtool(root, "verify", "app", "--trust", windowsPath(linuxIdentity()))).toMatchObject({ status: 0 });

		const other = tree({ "index.js": "1\n", "lib/a.js": "2\n" });
		const { keyFile, certificateFile } = JSON.parse(
			sigtool(other, "identity", "new", "release", "--key-type", "p256", "--json").stdout,
		);
		const signed = sigtool(other, "sign", "app", "--key", keyFile, "--cert", certificateFile);
		expect(signed).toMatchObject({ status: 0, stderr: "" });
		expect(onLinux(other, "verify", "app", "--trust", wine.pathOf(certificateFile))).toMatch(/^trusted app\n/);
		const { identities } = JSON.parse(sigtool(other, "identity", "list", "--json").stdout);
		expect(identities.map(({ name }: { name: string }) => name)).toContain("release");
	});

	test("finds a tree and its files however Windows spells their paths", () => {
		const root = tree({ "index.js": "1\n", "lib/a.js": "2\n" });
		expect(sigtool(root, "sign", ".\\app\\")).toMatchObject({ status: 0 });
		const whole = windowsPath(root);
		for (const path of [
			"app",
			"app/lib",
			"app\\lib\\a.js",
			".\\app\\index.js",
			whole,
			`\\\\?\\${whole}`,
			"app\\app.cat",
		]) {
			expect([path, sigtool(root, "verify", path).status]).toEqual([path, 0]);
		}
		expectUsageError(sigtool(root, "sign", "app", "--force", "--exclude", "lib\\*"), 'write "/" between names');
		expect(sigtool(root, "sign", "app", "--force", "--exclude", "lib/*").stdout).toContain("1 file");
	});

	test("converts a catalog to a detached signature, which openssl verifies, and back", () => {
		const root = tree({ "index.js": "1\n" });
		onLinux(root, "sign", "app");
		const beside = (name: string) => join(dirname(root), name);
		const trust = ["--trust", windowsPath(linuxIdentity())];
		expect(sigtool(root, "convert", "app\\app.cat", "-o", "app.p7", ...trust)).toMatchObject({ status: 0 });
		execFileSync(
			"openssl",
			[
				...[
					"cms",
					"-verify",
					"-binary",
					"-inform",
					"DER",
					"-in",
					beside("app.p7"),
					"-purpose",
					"any",
					"-out",
					beside("list"),
				],
				...["-content", beside("app.p7.content"), "-CAfile", linuxIdentity()],
			],
			{ stdio: "pipe" },
		);
		expect(sigtool(root, "convert", "app.p7", "--content", "app.p7.content", "-o", "back.cat", ...trust).status).toBe(
			0,
		);
		expect(readFileSync(beside("back.cat"))).toEqual(readFileSync(join(root, "app.cat")));
	});

	describe("names that Windows gives another meaning", () => {
		test.each(["con", "NUL", "nul.txt", "com1.txt", "lib/aux.js", "LPT9"])("%s is a device", (path) => {
			const root = tree({ "index.js": "1\n", [path]: "2\n" });
			const device = /[^/.]+(?=\.|$)/.exec(path)?.[0];
			const reason = `Cannot use entry name "${path}": on Windows "${device}" is a device`;
			expectRefusal(sigtool(root, "sign", "app"), "ERR_PATH_RESERVED", reason);
			expect(existsSync(join(root, "app.cat"))).toBe(false);
			// Linux can have such files, so it signs them. Windows does not accept them from there.
			onLinux(root, "sign", "app");
			const verified = sigtool(root, "verify", "app", "--trust", windowsPath(linuxIdentity()));
			expectRefusal(verified, "ERR_PATH_RESERVED", reason);
		});

		test.each([
			["index.js:hidden", "ERR_PATH_RESERVED", 'on Windows ":" is followed by the name of a stream of the file'],
			["C:evil.js", "ERR_PATH_DRIVE", "it starts with a drive letter"],
			["lib./a.js", "ERR_PATH_TRAILING_DOT", "a segment of it ends in a dot or a space"],
			["a.js ", "ERR_PATH_TRAILING_DOT", "a segment of it ends in a dot or a space"],
			["lib\\a.js", "ERR_PATH_BACKSLASH", "it contains a backslash"],
		])("%j is refused", (path, code, reason) => {
			const root = tree({ "index.js": "1\n", [path]: "2\n" });
			const refused = sigtool(root, "sign", "app");
			expectRefusal(refused, code, reason);
			expect(existsSync(join(root, "app.cat"))).toBe(false);
		});

		test("names that differ by case are refused when signing, and in a catalog", () => {
			const root = tree({ "README.md": "1\n", "readme.md": "2\n" });
			const reason = "where case does not matter";
			expectRefusal(sigtool(root, "sign", "app"), "ERR_PATH_CASE_COLLISION", reason);
			expect(sigtool(root, "sign", "app", "--case-collisions", "allow").status).toBe(0);
			expect(sigtool(root, "verify", "app").status).toBe(0);
		});
	});

	describe("what Git and editors of Windows change", () => {
		const LIBRARY = { "index.js": "line 1\nline 2\n", "lib/a.js": "3\n" };

		test("other line ends are explained, in both directions", () => {
			const root = tree(LIBRARY);
			onLinux(root, "sign", "app");
			writeFileSync(join(root, "index.js"), "line 1\r\nline 2\r\n");
			const changed = sigtool(root, "verify", "app", "--trust", windowsPath(linuxIdentity()));
			expectRefusal(changed, "ERR_FILE_MODIFIED", "with LF line ends it would match");

			expect(sigtool(root, "sign", "app", "--force")).toMatchObject({ status: 0 });
			writeFileSync(join(root, "index.js"), "line 1\nline 2\n");
			expectRefusal(sigtool(root, "verify", "app"), "ERR_FILE_MODIFIED", "with CRLF line ends it would match");
		});

		test("links that Git wrote as text files are explained", () => {
			const root = tree(LIBRARY);
			symlinkSync("lib/a.js", join(root, "current.js"));
			onLinux(root, "sign", "app");
			const clone = join(dirname(root), "clone");
			const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
			const git = (...args: string[]) => execFileSync("git", args, { cwd: root, env, stdio: "pipe" });
			git("init", "-q");
			git("add", "--all");
			git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "release");
			git("clone", "-q", "-c", "core.symlinks=false", root, clone);
			expect(readFileSync(join(clone, "current.js"), "utf8")).toBe("lib/a.js");
			const trust = ["--trust", windowsPath(linuxIdentity()), "--catalog", "clone\\app.cat"];
			const verified = sigtool(root, "verify", "clone", ...trust);
			expectRefusal(verified, "ERR_LINK_CHANGED", '"current.js" was signed as a link to "lib/a.js" and is a file; ');
			expectRefusal(verified, "ERR_LINK_CHANGED", "as git writes it without core.symlinks=true");
			rmSync(join(clone, "current.js"));
			writeFileSync(join(clone, "current.js"), "3\n");
			expect(sigtool(root, "verify", "clone", ...trust).stdout).not.toContain("core.symlinks");
		});
	});

	describe("what needs Linux says so", () => {
		test.each([
			["run", "app\\index.js"],
			["run", "--allow-development", "app\\index.js"],
			["launcher", "install"],
			["launcher", "check"],
			["launcher", "status"],
			["native", "build"],
			["python", "build"],
		])("%s %s", (...args) => {
			const { status, stdout, stderr } = sigtool(tree({ "index.js": "1\n" }), ...args);
			expect([status, stdout]).toEqual([2, ""]);
			expect(stderr).toMatch(
				/^error: Cannot use `sigtool [a-z ]+` on Windows: it exists on Linux(?: and macOS)? only; .*\[ERR_UNSUPPORTED_PLATFORM\]\n$/,
			);
		});

		test.each([
			[["sign", "app", "--format", "ima-hash"], "ERR_UNSUPPORTED_PLATFORM"],
			[["sign", "app", "--format", "spython"], "ERR_ATTRIBUTES_UNAVAILABLE"],
			[["verify", "app", "--format", "spython"], "ERR_ATTRIBUTES_UNAVAILABLE"],
			[["strip", "app", "--format", "spython"], "ERR_ATTRIBUTES_UNAVAILABLE"],
			[["sign", "app", "--compile-python"], "ERR_UNSUPPORTED_PLATFORM"],
		])("%j", (args, code) => {
			const { status, stderr } = sigtool(tree({ "index.js": "1\n", "a.py": "1\n" }), ...args);
			expect([status, stderr]).toEqual([2, expect.stringContaining(`[${code}]`)]);
			expect(stderr.trimEnd()).not.toContain("\n");
		});
	});
});

function expectUsageError({ status, stderr }: Outcome, reason: string): void {
	expect([status, stderr]).toEqual([2, expect.stringContaining(reason)]);
	expect(stderr).toContain("[ERR_USAGE]");
}

/** Expects exit status 1, and a line with the code of the error or with its text. */
function expectRefusal({ status, stdout, stderr }: Outcome, code: string, reason: string): void {
	const output = stdout + stderr;
	expect([status, output]).toEqual([1, expect.stringContaining(reason)]);
	expect(output).toContain(code);
}
