import {
	copyFileSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	symlinkSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../../test/outside.js";
import { makeTree, runner, temporaryDirectory } from "../../support.js";

const PYTHON = "/usr/bin/python3";
const PYTHONS = [PYTHON, ...pyenvVersions()].filter((python) => existsSync(python));

function pyenvVersions(): string[] {
	const versions = join(process.env.HOME ?? "", ".pyenv/versions");
	const names = existsSync(versions) ? readdirSync(versions) : [];
	return names.filter((name) => /^3\.([89]|\d\d)\./.test(name)).map((name) => join(versions, name, "bin/python3"));
}

const TREE = {
	"main.py": "import pkg.a\n",
	"pkg/__init__.py": "",
	"pkg/a.py": 'print("first", {"x", "y"} == 1, 1 in {"p", "q", 3})\n',
	"pkg/odd \n'name'.py": "x = 1\n",
};

function signedApp(python = PYTHON) {
	const home = temporaryDirectory();
	const root = makeTree(join(home, "app"), TREE);
	const sigtool = runner(home);
	const sign = (...more: string[]) => sigtool(["sign", root, "--compile-python", "--python", python, ...more]);
	const tag = execFileSync(python, ["-c", "import sys; print(sys.implementation.cache_tag)"], {
		encoding: "utf8",
	}).trim();
	return {
		home,
		root,
		sigtool,
		sign,
		pyc: (name: string) => join(root, `${name.replace(/[^/]*$/, "__pycache__/$&")}.${tag}.pyc`),
	};
}

const snapshot = (root: string) =>
	readdirSync(root, { recursive: true, encoding: "utf8" })
		.map((name) => join(root, name))
		.filter((file) => statSync(file).isFile() && !file.endsWith(".cat"))
		.map((file) => [file, statSync(file).mtimeMs, readFileSync(file, "hex")]);

const prints = (root: string) => spawnSync(PYTHON, ["-sB", join(root, "main.py")], { encoding: "utf8" });

describe.skipIf(!hasProgram(PYTHON))("sign --compile-python", () => {
	test.each(PYTHONS)(
		"makes and signs .pyc files that %s never checks, and leaves them alone the second time",
		(python) => {
			const { root, sign, sigtool, pyc } = signedApp(python);
			expect(sign()).toMatchObject({ status: 0, stdout: expect.stringContaining("4 .pyc files written, 0 unchanged") });
			expect(readFileSync(pyc("pkg/a")).readUInt32LE(4)).toBe(1);
			expect(sigtool(["verify", root, "--json"]).json().results).toMatchObject([{ verdict: "trusted", checked: 8 }]);
			const before = snapshot(root);
			expect(sign().stdout).toContain("0 .pyc files written, 4 unchanged");
			expect(snapshot(root)).toEqual(before);
		},
	);

	test("makes unchecked .pyc files anew when their source has changed", () => {
		const { root, sign } = signedApp();
		sign();
		writeFileSync(join(root, "pkg/a.py"), 'print("second")\n');
		expect(prints(root).stdout).toContain("first");
		expect(sign().stdout).toContain("1 .pyc file written, 3 unchanged");
		expect(prints(root).stdout).toBe("second\n");
	});

	test("names a source that does not compile, removes its old .pyc, and signs the rest", () => {
		const { root, sign, pyc } = signedApp();
		sign();
		writeFileSync(join(root, "pkg/a.py"), "def f(:\n");
		const { status, stderr } = sign();
		expect(status).toBe(0);
		expect(stderr).toMatch(/warning: "pkg\/a.py" could not be compiled by .*: invalid syntax/);
		expect(existsSync(pyc("pkg/a"))).toBe(false);
		expect(prints(root).stderr).toContain("SyntaxError");
	});

	test("removes the .pyc of a source that is gone, and no other .pyc", () => {
		const { root, sign, pyc } = signedApp();
		sign();
		const other = pyc("pkg/b");
		const timestamped = readFileSync(pyc("pkg/a"));
		timestamped.writeUInt32LE(0, 4);
		writeFileSync(other, timestamped);
		rmSync(join(root, "pkg/a.py"));
		expect(sign().stdout).toContain("3 unchanged, 1 removed");
		expect([existsSync(pyc("pkg/a")), existsSync(other)]).toEqual([false, true]);
	});

	test("names a .pyc that another Python would load unchecked and that this run did not make", () => {
		const { sign, pyc } = signedApp();
		sign();
		copyFileSync(pyc("pkg/a"), pyc("pkg/a").replace(/cpython-\d+/, "cpython-399"));
		expect(sign().stderr).toMatch(/Python loads ".*a\.cpython-399\.pyc" without checking its source/);
	});

	test("does not write through links", () => {
		const { home, root, sign } = signedApp();
		mkdirSync(join(home, "elsewhere"));
		symlinkSync("../elsewhere", join(root, "__pycache__"));
		const { stderr } = sign("--links-outside", "record");
		expect(stderr).toContain('"main.py" could not be compiled');
		expect(readdirSync(join(home, "elsewhere"))).toEqual([]);
		rmSync(join(root, "__pycache__"));
		sign();
		const pyc = readdirSync(join(root, "__pycache__"))[0] ?? "";
		renameSync(join(root, "__pycache__", pyc), join(home, "elsewhere", pyc));
		symlinkSync(join(home, "elsewhere", pyc), join(root, "__pycache__", pyc));
		sign();
		expect(lstatSync(join(root, "__pycache__", pyc)).isFile()).toBe(true);
		const victim = join(home, "victim");
		renameSync(join(root, "main.py"), victim);
		symlinkSync(victim, join(root, "__pycache__/main.cpython-399.pyc.new"));
		writeFileSync(join(root, "main.py"), "y = 2\n");
		sign("--links-outside", "record");
		expect(readFileSync(victim, "utf8")).toBe(TREE["main.py"]);
	});

	test("refuses rules that would leave its .pyc files unsigned", () => {
		const { root, sign } = signedApp();
		expect(sign("--exclude", "__pycache__")).toMatchObject({
			status: 2,
			stderr: expect.stringContaining("leaves it out"),
		});
		writeFileSync(join(root, ".sigtoolignore"), "*.pyc\n");
		expect(sign()).toMatchObject({ status: 2, stderr: expect.stringContaining("leaves it out") });
		rmSync(join(root, ".sigtoolignore"));
		expect(sign("--include", "pkg").stdout).toContain("3 unchanged");
	});

	test("runs neither the sources nor files beside them", () => {
		const { root, home, sign } = signedApp();
		const mark = join(home, "mark");
		const code = `open(${JSON.stringify(mark)}, "w")\n`;
		for (const name of ["json.py", "py_compile.py", "sitecustomize.py", "usercustomize.py", "encodings/__init__.py"]) {
			makeTree(root, { [name]: code });
		}
		makeTree(root, { "strange.py": "# coding: strange\n" });
		const env = { PYTHONPATH: root, PYTHONSTARTUP: join(root, "json.py"), PYTHONPYCACHEPREFIX: join(home, "cache") };
		const { status } = runner(home)(["sign", root, "--compile-python", "--python", PYTHON], { cwd: root, env });
		expect([status, existsSync(mark), existsSync(join(home, "cache"))]).toEqual([0, false, false]);
		expect(sign().status).toBe(0);
	});

	test("says which options do not go together, and which Python is missing", () => {
		const { root, sigtool } = signedApp();
		const refused = (...args: string[]) => {
			const { status, stderr } = sigtool(["sign", root, ...args]);
			expect(status).toBe(2);
			return stderr;
		};
		expect(refused("--python", PYTHON)).toContain("Use --python with --compile-python");
		expect(refused("--compile-python", "--files-from", join(root, "main.py"))).toContain("without --files-from");
		expect(refused("--compile-python", "--python", "no-such-python")).toContain("there is no such program");
		expect(refused("--compile-python", "--python", "false")).toContain('Cannot compile with "false"');
	});
});

describe.each(PYTHONS)("sign without --compile-python, unchecked .pyc of %s", (python) => {
	/**
	 * Sources of 0 to 19 bytes. Python hashes a source in blocks of eight bytes, so each remainder of the length is
	 * tested.
	 */
	const sources = Object.fromEntries(
		Array.from({ length: 20 }, (_, size) => [`pkg/of ${size}.bytes.py`, "#".repeat(size)]),
	);
	const compile = (root: string, mode: string, ...more: string[]) =>
		execFileSync(python, ["-I", ...more, "-m", "compileall", "-qf", "--invalidation-mode", mode, root]);

	test("signs it while each source is the one it was made from, whatever the timestamps", () => {
		const { root, sigtool } = signedApp(python);
		makeTree(root, sources);
		compile(root, "unchecked-hash");
		utimesSync(join(root, "main.py"), 1, 1);
		expect(sigtool(["sign", root])).toMatchObject({ status: 0, stdout: expect.stringContaining("48 files") });
	});

	test("refuses an unchecked .pyc whose source has changed, and says the way out", () => {
		const { root, sigtool, pyc } = signedApp(python);
		compile(root, "unchecked-hash");
		compile(root, "unchecked-hash", "-O");
		writeFileSync(join(root, "pkg/a.py"), 'print("second")\n');
		expect(spawnSync(python, ["-sB", join(root, "main.py")], { encoding: "utf8" }).stdout).toContain("first");
		const { status, stderr } = sigtool(["sign", root]);
		expect([status, existsSync(join(root, "app.cat"))]).toEqual([1, false]);
		expect(stderr).toMatch(
			/"pkg\/__pycache__\/a\.cpython-\d+(\.opt-1)?\.pyc".* "pkg\/a\.py".* 1 more .*\[ERR_STALE_BYTECODE\]/,
		);
		expect(stderr).toContain("--compile-python");
		rmSync(pyc("pkg/a").replace(/pyc$/, "opt-1.pyc"));
		expect(sigtool(["sign", root, "--format", "spython"]).stderr).toContain("ERR_STALE_BYTECODE");
		const adopted = sigtool(["compile", "--adopt", root, "-o", join(root, "../app.sigx")]);
		expect(adopted).toMatchObject({
			status: 0,
			stderr: expect.stringMatching(/warning: .*a\.cpython-\d+\.pyc": .* "pkg\/a\.py"/),
		});
		expect(sigtool(["sign", root, "--exclude", "__pycache__"]).status).toBe(0);
		expect(sigtool(["sign", root, "--compile-python", "--python", python]).status).toBe(0);
		expect(sigtool(["sign", root]).status).toBe(0);
		expect(spawnSync(python, ["-sB", join(root, "main.py")], { encoding: "utf8" }).stdout).toBe("second\n");
	});

	test("does not complain about a .pyc that Python checks itself, or about bytecode without source", () => {
		const { root, sigtool, pyc } = signedApp(python);
		for (const mode of ["timestamp", "checked-hash"]) {
			compile(root, mode);
			writeFileSync(join(root, "pkg/a.py"), `print("${mode}, and now another")\n`);
			expect(sigtool(["sign", root]).status).toBe(0);
		}
		compile(root, "unchecked-hash");
		rmSync(join(root, "pkg/a.py"));
		expect(sigtool(["sign", root]).status).toBe(0);
		spawnSync("mkfifo", [join(root, "../fifo")]);
		symlinkSync("../../fifo", join(root, "pkg/a.py"));
		expect(sigtool(["sign", root, "--links-outside", "record"]).status).toBe(0);
		writeFileSync(pyc("pkg/a"), readFileSync(pyc("pkg/a")).subarray(0, 15));
		expect(sigtool(["sign", root, "--links-outside", "record"]).status).toBe(0);
	});
});
