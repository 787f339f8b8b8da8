/** The single file on a machine without Node.js does what the first page of README.md does, and what the npm one does. */

import {
	appendFileSync,
	chmodSync,
	cpSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	realpathSync,
	rmSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasSoftToken, makeSoftToken, SOFTHSM_MODULE } from "../../packages/cli/test/soft-token.js";
import { MAIN, makeAuthority, makeTree } from "../../packages/cli/test/support.js";
import { execFileSync, hasHeader, hasProgram, spawnSync } from "../outside.js";
import { buildSingleFile, canBuild, newFolder, WORKSPACE, withoutNode } from "./build.js";

const arch = process.arch === "arm64" ? "arm64" : "x64";
const CHROOT = "/usr/sbin/chroot";
/** The loader, and the libraries that glibc has in one package with it. */
const OF_GLIBC = /^(ld-linux|libc\.|libdl\.|libm\.|libpthread\.)/;

describe.skipIf(!canBuild(arch))("single file", () => {
	let home: string;
	let program: string;
	let sigtool: ReturnType<typeof withoutNode>;
	let npm: ReturnType<typeof withoutNode>;

	beforeAll(() => {
		home = newFolder();
		program = buildSingleFile(home, arch);
		sigtool = withoutNode([program], home);
		npm = withoutNode([process.execPath, MAIN], home);
		mkdirSync(join(home, "tmp"));
	});
	afterAll(() => rmSync(home, { recursive: true, force: true }));

	it("prints the completions and completes values, as the npm package does", () => {
		for (const args of [
			["completion", "bash"],
			["completion", "powershell"],
			["complete-values", "identity"],
		]) {
			const { status, stdout } = sigtool(args);
			expect([args, status, stdout]).toEqual([args, 0, npm(args).stdout]);
		}
		expect(sigtool(["completion", "zsh"]).stdout).toMatch(/^#compdef sigtool sigtree\n/);
	});

	it("does what the first page does: signs, verifies, and finds the changed file", () => {
		cpSync(join(WORKSPACE, "test-fixtures/lib"), join(home, "test-fixtures/lib"), {
			recursive: true,
			verbatimSymlinks: true,
			filter: (file) => !file.endsWith(".cat"),
		});
		const signed = sigtool(["sign", "./test-fixtures/lib"]);
		expect(signed.stdout).toContain("signed test-fixtures/lib/lib.cat\n  content  13 files, 1 link");
		expect(signed.status).toBe(0);
		expect(sigtool(["verify", "./test-fixtures/lib"])).toMatchObject({ status: 0 });
		appendFileSync(join(home, "test-fixtures/lib/src/index.js"), "x");
		const failed = sigtool(["verify", "./test-fixtures/lib"]);
		expect(failed.stdout).toContain('"src/index.js" was modified [ERR_FILE_MODIFIED]');
		expect(failed.status).toBe(1);
		expect(sigtool(["inspect", "./test-fixtures/lib/lib.cat"])).toMatchObject({ status: 0 });
	});

	it.each([
		["--version"],
		["--help"],
		["verify", "--help"],
		["verify"],
		["verify", "missing"],
		["--no-such-option"],
		["--eval", "1"],
		["-r", "./evil.cjs"],
		["--json", "verify", "missing"],
		["run", "--mode", "no", "x.js"],
		["run", "--node", "/usr/bin/node", "x.js"],
		["native", "build", "--no-such"],
		["sigtool:pkcs11-process.cjs"],
		["./pkcs11-process.cjs"],
	])("answers as the npm one does: %s %s", (...args) => {
		const given = args.filter((each) => each !== undefined);
		expect(sigtool(given)).toEqual({ ...npm(given), pid: expect.anything(), output: expect.anything() });
	});

	it.skipIf(!hasProgram("strace"))("hashes in native threads, from a file that has no name", () => {
		makeTree(join(home, "many"), Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}.txt`, `${n}\n`])));
		const traced = withoutNode(["strace", "-f", "-e", "trace=openat,mmap", "-y", program], home);
		const { stderr, status } = traced(["sign", "many"], { PATH: process.env.PATH ?? "", TMPDIR: join(home, "tmp") });
		expect(stderr).toMatch(/openat\(AT_FDCWD[^,]*, "[^"]*\/tmp", O_RDWR\|O_EXCL\|O_CLOEXEC\|O_TMPFILE, 0500\)/);
		expect(stderr).toMatch(/mmap\(.*PROT_EXEC.*\(deleted\)/);
		expect(status).toBe(0);
		expect(sigtool(["verify", "many"])).toMatchObject({ status: 0 });
	});

	const canChangeRoot = process.getuid?.() === 0 && existsSync(CHROOT);
	it.skipIf(!canChangeRoot)("needs three libraries besides glibc, and no /proc, /dev or /tmp", () => {
		const root = join(home, "root");
		makeTree(join(root, "app"), Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`${n}.txt`, `${n}\n`])));
		const linked = execFileSync("ldd", [program], { encoding: "utf8" }).match(/\/\S+/g) ?? [];
		const names = linked.map((file) => basename(file)).filter((name) => !OF_GLIBC.test(name));
		expect(names.sort()).toEqual(["libatomic.so.1", "libgcc_s.so.1", "libstdc++.so.6"]);
		for (const file of linked) cpSync(realpathSync(file), join(root, file));
		cpSync(program, join(root, "sigtool"));
		const inside = withoutNode([CHROOT, root, "/sigtool"], home);
		const own = { HOME: "/", XDG_CONFIG_HOME: "/config" };
		expect(inside(["sign", "/app"], own)).toMatchObject({ status: 0 });
		expect(inside(["verify", "/app"], own)).toMatchObject({ status: 0 });
		appendFileSync(join(root, "app/7.txt"), "x");
		expect(inside(["verify", "/app"], own)).toMatchObject({ status: 1 });
		const attributes = inside(["sign", "/app", "--format", "spython"], own);
		expect(attributes.stderr).toMatch(/let TMPDIR name a directory .* \[ERR_ATTRIBUTES_UNAVAILABLE\]\n$/);
		const install = inside(["launcher", "install", "--prefix", "/launcher", "--node", "/sigtool"], own);
		expect(install.stderr).toBe(
			'error: Cannot write parts of sigtool to "/tmp": no such file or directory (ENOENT) [ERR_IO]\n',
		);
		expect(install.status).toBe(3);
		expect(inside(["doctor"], own)).toMatchObject({ status: 0 });
	});

	it("writes and judges attributes", () => {
		makeTree(join(home, "attributes"), { "a.py": "print(1)\n" });
		expect(sigtool(["sign", "attributes", "--format", "spython"])).toMatchObject({ status: 0 });
		const verify = ["verify", "attributes", "--format", "spython", "--allow-unsigned"];
		expect(sigtool(verify)).toMatchObject({ status: 0 });
		writeFileSync(join(home, "attributes/a.py"), "print(2)\n");
		expect(sigtool(verify)).toMatchObject({ status: 1 });
	});

	it.skipIf(!hasSoftToken)("signs with a token, in a child process that is this file again", () => {
		const { keyFile, certFile, caFile } = makeAuthority(join(home, "authority"));
		mkdirSync(join(home, "token"));
		const token = makeSoftToken(join(home, "token"));
		token.importKey(keyFile, { label: "release", id: "01" });
		makeTree(join(home, "byToken"), { "a.txt": "a\n" });
		const uri = `pkcs11:token=release;object=release?module-path=${SOFTHSM_MODULE}&pin-source=${token.pinFile}`;
		const args = ["sign", "byToken", "--pkcs11", uri, "--cert", certFile];
		const signed = sigtool(args, token.env);
		expect(signed.stderr).toBe("");
		expect(signed.status).toBe(0);
		expect(sigtool(["verify", "byToken", "--trust", caFile])).toMatchObject({ status: 0 });
	});

	it("compiles an index, installs a launcher that needs nothing of it, and runs a program with the Node.js that is named", () => {
		const own = { TMPDIR: join(home, "tmp") };
		makeTree(join(home, "app"), { "main.js": "console.log('ran', process.argv[2], process.release.name);\n" });
		expect(sigtool(["sign", "app"])).toMatchObject({ status: 0 });
		const compiled = sigtool(["compile", "app", "-o", "app.sigx", "--allow-development"]);
		expect(compiled).toMatchObject({ status: 0 });

		const config = join(home, "verifier.json");
		const install = ["launcher", "install", "--prefix", "launcher", "--config", config, "--index", "app.sigx"];
		const missing = sigtool([...install, "--allow-development"], own);
		expect(missing.stderr).toMatch(/^error: Cannot find Node\.js: .*--node \[ERR_LAUNCHER\]\n$/);
		expect(missing.status).toBe(2);
		const installed = sigtool([...install, "--allow-development", "--node", process.execPath], own);
		expect(installed.stderr).toBe("");
		expect(installed.stdout).toContain(`node           ${realpathSync(process.execPath)}`);
		for (const name of ["hook", "addon", "gate"]) expect(installed.stdout).toMatch(new RegExp(`${name} +/.*/parts/`));
		const check = sigtool(["launcher", "check", "--prefix", "launcher", "--json"], own);
		const findings = new Map<string, string>(
			JSON.parse(check.stdout).findings.map((each: { what: string; status: string }) => [each.what, each.status]),
		);
		for (const what of ["settings", "launcher", "node", "hook", "addon", "gate"]) expect(findings.get(what)).toBe("ok");

		const run = ["run", "--allow-development", "app/main.js", "word"];
		const refused = sigtool(run, own);
		expect(refused.stderr).toMatch(/Cannot find Node\.js/);
		expect(refused.status).toBe(2);
		const ran = sigtool([run[0], run[1], "--node", process.execPath, "app/main.js", "word"], own);
		expect(ran).toMatchObject({ status: 0, stdout: "ran word node\n" });
		mkdirSync(join(home, "bin"));
		symlinkSync(process.execPath, join(home, "bin/node"));
		const found = sigtool(run, { ...own, PATH: `relative:${join(home, "bin")}` });
		expect(found).toMatchObject({ status: 0, stdout: "ran word node\n" });
		appendFileSync(join(home, "app/main.js"), "//\n");
		expect(sigtool(run, { ...own, PATH: join(home, "bin") })).toMatchObject({ status: 126, stdout: "" });
		expect(readdirSync(join(home, "tmp"))).toEqual([]);
	});

	it.skipIf(!hasHeader("python3.13/Python.h") || !hasProgram("gcc"))(
		"builds a spython from the sources inside, and runs with it",
		() => {
			const cache = join(home, "cache-of-builder");
			const path = { PATH: "/usr/bin:/bin", TMPDIR: join(home, "tmp"), NODE_COMPILE_CACHE: cache };
			makeTree(join(home, "service"), { "main.py": "print('ran', 6 * 7)\n" });
			const sign = ["sign", "service", "--compile-python", "--python", "/usr/bin/python3.13"];
			expect(sigtool(sign, path)).toMatchObject({ status: 0 });
			const built = sigtool(["python", "build", "--python", "/usr/bin/python3.13", "--allow-development"], path);
			expect(built).toMatchObject({ status: 0 });
			expect(sigtool(["run", "--allow-development", "service/main.py"], path)).toMatchObject({
				status: 0,
				stdout: "ran 42\n",
			});
			expect(readdirSync(join(home, "tmp"))).toEqual([]);
			expect(filesIn(cache)).toEqual([]);
		},
	);

	it("writes no parts where others can exchange them", () => {
		const TMPDIR = join(home, "shared");
		mkdirSync(TMPDIR);
		chmodSync(TMPDIR, 0o777);
		const { status, stderr } = sigtool(["launcher", "install", "--prefix", "none", "--node", process.execPath], {
			TMPDIR,
		});
		expect(stderr).toContain(`Cannot write parts of sigtool to "${TMPDIR}": another user can exchange what is in`);
		expect([status, readdirSync(TMPDIR)]).toEqual([2, []]);
	});

	it("says in doctor that it is the single file, and which Node.js programs get", () => {
		const checksOf = (env = {}) => {
			const { checks } = JSON.parse(sigtool(["doctor", "--json"], env).stdout);
			return new Map(checks.map((check: { id: string }) => [check.id, check]));
		};
		const without = checksOf();
		const inside = expect.stringMatching(/^26\.\d+\.\d+ \(inside of this single file\)$/);
		expect(without.get("node")).toMatchObject({ status: "yes", value: inside });
		expect(without.get("host-node")).toMatchObject({ status: "no" });
		expect(without.get("gate")).toMatchObject({ status: "no" });
		mkdirSync(join(home, "bin"), { recursive: true });
		rmSync(join(home, "bin/node"), { force: true });
		symlinkSync(process.execPath, join(home, "bin/node"));
		const value = `${join(home, "bin/node")}, release ${process.versions.node.split(".")[0]}`;
		expect(checksOf({ PATH: join(home, "bin") }).get("host-node")).toMatchObject({ status: "yes", value });
		const build = sigtool(["native", "build"]);
		expect(build.stderr).toContain("this single file has them inside");
		expect(build.status).toBe(2);
	});

	it.skipIf(!hasProgram("gcc"))(
		"runs no code that NODE_OPTIONS, OPENSSL_CONF or NODE_COMPILE_CACHE name, in no thread and no child process",
		() => {
			const evil = join(home, "evil");
			const told = join(home, "told");
			makeTree(evil, {
				"evil.cjs": `require("node:fs").appendFileSync(${JSON.stringify(told)}, "node\\n");\n`,
				"evil.c": `#include <fcntl.h>\n#include <unistd.h>\n__attribute__((constructor)) static void f(void) { write(open(${JSON.stringify(told)}, O_CREAT | O_WRONLY | O_APPEND, 0600), "openssl\\n", 8); }\n`,
				"openssl.cnf": `nodejs_conf = n\nopenssl_conf = n\n[n]\nproviders = p\n[p]\nx = x\n[x]\nmodule = ${evil}/evil.so\nactivate = 1\n`,
			});
			execFileSync("gcc", ["-shared", "-fPIC", "-o", join(evil, "evil.so"), join(evil, "evil.c")]);
			const env = { NODE_OPTIONS: `--require ${evil}/evil.cjs`, OPENSSL_CONF: `${evil}/openssl.cnf` };
			// The controls show that both would run code in Node.js itself.
			spawnSync(process.execPath, ["-e", "0"], { env: { NODE_OPTIONS: env.NODE_OPTIONS } });
			expect(readFileSync(told, "utf8")).toBe("node\n");
			spawnSync(process.execPath, ["-p", "require('crypto').randomUUID()"], {
				env: { OPENSSL_CONF: env.OPENSSL_CONF },
			});
			expect(readFileSync(told, "utf8")).toContain("openssl\n");
			rmSync(told);
			const cache = join(home, "cache");
			const own = { ...env, NODE_COMPILE_CACHE: cache };

			makeTree(join(home, "quiet"), Object.fromEntries(Array.from({ length: 6000 }, (_, n) => [`${n}.txt`, `${n}\n`])));
			expect(sigtool(["sign", "quiet", "--sha1-twins"], own)).toMatchObject({ status: 0 }); // by JavaScript threads
			const uri = `pkcs11:token=x?module-path=${join(evil, "none.so")}`;
			const asked = sigtool(["sign", "quiet", "--pkcs11", uri, "--force"], own);
			expect(asked.stderr).toContain("[ERR_PKCS11]");
			expect(existsSync(told)).toBe(false);
			expect(filesIn(cache)).toEqual([]);
		},
	);

	it.skipIf(!hasProgram("xz"))("has less than 40 MB when it is compressed", () => {
		// A release is compressed with -6, which is slower and makes it smaller still.
		const compressed = execFileSync("xz", ["-0", "-T0", "-c", program], { maxBuffer: 1 << 27 });
		expect(compressed.length).toBeLessThan(40_000_000);
	});

	it("has the licences of everything inside", () => {
		const { stdout, status } = sigtool(["--licences"]);
		expect(status).toBe(0);
		for (const text of ["sigtool\n\nMIT License", "commander 14", "cli-progress 3", "Node.js is licensed", "- V8,"]) {
			expect(stdout).toContain(text);
		}
	});
});

/** Returns the files of a compile cache, in which Node.js makes a directory for its version. A file in it would be run. */
function filesIn(cache: string): string[] {
	const entries = readdirSync(cache, { withFileTypes: true, recursive: true });
	return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
