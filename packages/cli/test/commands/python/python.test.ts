import {
	appendFileSync,
	chmodSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	realpathSync,
	writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { canBeHost, Host, pinOf } from "../../../../../test/host/host.js";
import { hasLauncher } from "../../../../../test/launcher.js";
import { execFileSync, hasHeader, hasProgram } from "../../../../../test/outside.js";
import { openingOf } from "../../../../../test/python/open.js";
import { atEndOfFile, makeAuthority, makeSelfSigned, makeTree, runner, temporaryDirectory } from "../../support.js";

/** The newest Python of the system that has headers. */
const PYTHON = ["3.14", "3.13", "3.12", "3.11"]
	.map((release) => `/usr/bin/python${release}`)
	.find((python) => existsSync(python) && hasHeader(`${python.split("/").pop()}/Python.h`));
/** Pythons of pyenv whose release has a directory /etc/pythonX.Y on this system. */
const NAMESAKES = pyenvPythons().filter((python) => existsSync(`/etc/python${/3\.\d+/.exec(python)?.[0]}`));
/** The shared library with that Python, which no program of the system uses. */
const SHARED = ["x86_64", "aarch64"]
	.map((name) => `/usr/lib/${name}-linux-gnu/lib${PYTHON?.split("/").pop()}.so`)
	.find(existsSync);
const canBuild = PYTHON !== undefined && hasProgram("cc") && hasHeader("openssl/cms.h");

function pyenvPythons(): string[] {
	const versions = join(homedir(), ".pyenv/versions");
	return existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, "bin/python3")) : [];
}

describe("sigtool python build without a Python", () => {
	it.each([
		["a missing program", "missing", "there is no such program"],
		["a file that is not executable", "plain", "it is not executable"],
		["a directory", "directory", "it is not executable"],
		["another program", "other", "it does not answer as a Python does"],
		["a program that fails", "failing", "broken"],
	])("refuses %s in a line that names it and the way out", (_, name, reason) => {
		const place = temporaryDirectory();
		makeTree(place, {
			plain: "#!/bin/sh\n",
			"directory/file": "",
			other: { content: "#!/bin/sh\necho 3.13\n", mode: 0o755 },
			failing: { content: "#!/bin/sh\necho broken >&2\nexit 1\n", mode: 0o755 },
		});
		const python = join(place, name);
		const build = ["python", "build", "--python", python, "-o", join(place, "spython")];
		const { status, stderr } = runner(place)(build);
		expect(stderr).toContain(`Cannot build for "${python}": ${reason}; name a CPython with --python`);
		expect(stderr.trim().split("\n")).toHaveLength(1);
		expect(status).toBe(2);
	});
});

describe.skipIf(!canBuild)("sigtool python build (needs a CPython with headers, a C compiler and libssl-dev)", () => {
	it("builds a spython that trusts the given keys, and shows them", () => {
		const home = temporaryDirectory();
		const sigtool = runner(home);
		const { certFile } = makeSelfSigned(join(home, "release"));
		const output = join(home, "spython");
		const more = "ab".repeat(32);
		const args = ["python", "build", "--python", PYTHON ?? "", "--trust", certFile, "--trust", more, "-o", output];
		// Other tests take objects that were compiled before.
		const { status, json, stderr } = sigtool([...args, "--json"], { env: { CC: "cc" } });
		expect([status, stderr]).toEqual([0, ""]);
		const facts = {
			executable: PYTHON,
			home: "/usr",
			pins: [pinOf({ certFile, keyFile: join(home, "release.key") } as never)["spki-sha256"], more],
			development: false,
		};
		expect(json()).toMatchObject({ spython: output, ...facts });
		expect(JSON.parse(execFileSync(output, ["--about"], { encoding: "utf8" }))).toMatchObject(facts);
	});

	it("builds without keys, and says that a host configuration must pin", () => {
		const home = temporaryDirectory();
		const output = join(home, "spython");
		const run = runner(home)(["python", "build", "--python", PYTHON ?? "", "-o", output]);
		expect(run).toMatchObject({ status: 0 });
		expect(run.stderr).toBe("note: no key is built in: /etc/sigtool/verifier.json must pin who may sign\n");
		const about = JSON.parse(execFileSync(output, ["--about"], { encoding: "utf8" }));
		expect(about).toMatchObject({ pins: [], development: false });
	});

	it.each<[what: string, args: (home: string) => string[], status: number, message: string]>([
		[
			"for an authority",
			(home) => ["--trust", makeAuthority(join(home, "ca")).caFile],
			2,
			"it is the certificate of an authority",
		],
		["for a development identity without --allow-development", developmentCertificate, 1, "add --allow-development"],
		[
			"for a program that is no Python",
			() => ["--trust", "0".repeat(64), "--python", "/bin/false"],
			2,
			'Cannot build for "/bin/false": it failed; name a CPython with --python',
		],
		[
			"for a file that is no certificate",
			() => ["--trust", "/etc/hostname"],
			2,
			"it is a text file, not a certificate",
		],
		["without headers", withoutHeaders, 2, "Debian has it in python3.13-dev"],
		["for a Python that is too old", (home) => withoutHeaders(home, "3.7.1"), 2, "needs CPython 3.8 or later"],
	])("refuses to build %s", (_, args, status, message) => {
		const home = temporaryDirectory();
		const run = runner(home)(["python", "build", "--python", PYTHON ?? "", "-o", join(home, "spython"), ...args(home)]);
		expect(run).toMatchObject({ status, stderr: expect.stringContaining(message) });
		expect(existsSync(join(home, "spython"))).toBe(false);
	});

	it.skipIf(NAMESAKES.length === 0)("names the library directories of that Python, and no other Python's", () => {
		const home = temporaryDirectory();
		for (const python of [PYTHON ?? "", ...NAMESAKES]) {
			const args = ["python", "build", "--python", python, "--trust", "0".repeat(64), "-o", join(home, "spython")];
			const { library } = runner(home)([...args, "--json"]).json();
			const ask =
				"import sys; from importlib.util import find_spec as f; print(sys.prefix, f('json').origin, sep='\\n')";
			const [prefix, json] = execFileSync(python, ["-I", "-c", ask], { encoding: "utf8" }).trim().split("\n");
			expect(library[0]).toBe(dirname(dirname(json)));
			const site = join(library[0], "sitecustomize.py");
			const elsewhere = existsSync(site) ? dirname(realpathSync(site)) : library[0];
			const outside = library.filter((each: string) => !each.startsWith(`${prefix}/`));
			expect(outside).toEqual(elsewhere === library[0] ? [] : [elsewhere]);
		}
	});

	it.skipIf(NAMESAKES.length === 0)("names a shared interpreter, and where its libraries are looked for", () => {
		const home = temporaryDirectory();
		const facts = (python: string) =>
			runner(home)(["python", "build", "--python", python, "-o", join(home, "spython"), "--json"]).json();
		expect(facts(PYTHON ?? "")).toMatchObject({ libpython: null, searched: [], warnings: [] });
		for (const python of NAMESAKES) {
			const library = join(dirname(dirname(python)), "lib");
			const name = readdirSync(library).find((each) => /^libpython3\.\d+\.so\.1\.0$/.test(each));
			if (name === undefined) continue;
			expect(facts(python)).toMatchObject({ libpython: join(library, name), searched: [library] });
		}
	});

	it.skipIf(SHARED === undefined)("warns where others than root could plant a library of the interpreter", () => {
		const home = temporaryDirectory();
		const python = join(home, "python");
		const planted = join(home, "planted");
		mkdirSync(planted);
		const source = "int Py_BytesMain(int, char **); int main(int n, char **all) { return Py_BytesMain(n, all); }";
		const args = ["-x", "c", "-", "-x", "none", `-l:${basename(SHARED ?? "")}`, `-Wl,-rpath,${planted}`, "-o", python];
		execFileSync("cc", args, { input: source });
		const built = runner(home)(["python", "build", "--python", python, "-o", join(home, "spython")]);
		expect(built).toMatchObject({ status: 0, stdout: expect.stringMatching(`searched +${planted}\n`) });
		expect(built.stdout).toMatch(/libpython +\/\S+\/libpython3/);
		expect(built.stderr).toMatch(
			/warning: others than root decide what this Python is: "\/tmp" can be written to by everyone/,
		);
	});

	it("overwrites only compiled programs", () => {
		const home = temporaryDirectory();
		const output = join(home, "main.py");
		writeFileSync(output, "print()\n");
		const build = (file: string) => {
			const args = ["python", "build", "--python", PYTHON ?? "", "--trust", "0".repeat(64), "-o", file];
			return runner(home)(args, { cwd: home });
		};
		expect(build("main.py")).toMatchObject({ status: 2, stderr: expect.stringContaining("no compiled program") });
		expect(build(".").status).toBe(2);
		expect(readFileSync(output, "utf8")).toBe("print()\n");
		copyFileSync("/bin/true", join(home, "spython"));
		expect(build("spython").status).toBe(0);
	});

	function developmentCertificate(home: string): string[] {
		makeTree(join(home, "tree"), { a: "" });
		runner(home)(["sign", join(home, "tree")]);
		return ["--trust", join(home, "config/sigtool/identities/development/certificate.pem")];
	}

	/** Makes a script that answers like a CPython without headers. */
	function withoutHeaders(home: string, version = "3.13.5"): string[] {
		const facts = {
			version,
			release: version.slice(0, 4).replace(/\.$/, ""),
			implementation: "cpython",
			include: "/nonexistent",
		};
		const python = join(home, "python");
		writeFileSync(python, `#!/bin/sh\necho '${JSON.stringify(facts)}'\n`, { mode: 0o755 });
		return ["--trust", "0".repeat(64), "--python", python];
	}
});

describe.skipIf(!canBuild || !hasLauncher)(
	"sigtool run of Python (needs the launcher, and a spython can be built)",
	() => {
		const home = temporaryDirectory(atEndOfFile);
		const sigtool = runner(home);
		const at = (path: string) => join(home, path);
		beforeAll(() => {
			makeTree(at("app"), {
				"main.py": "import sys, pkg.answer\nprint(sys.argv[1:])\nsys.exit(pkg.answer.VALUE)\n",
				"pkg/__init__.py": "",
				"pkg/answer.py": "VALUE = 42\n",
				tool: "print('tool ran')\n",
				"child.py": "import subprocess\nsubprocess.run(['/bin/true'])\n",
				"pool.py":
					"import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, 2]))\n",
				"writes.py": "import sys\nopen(sys.argv[1], 'w').close()\nprint('written')\n",
			});
			expect(sigtool(["sign", at("app")]).status).toBe(0);
		});
		const run = (...args: string[]) => sigtool(["run", "-q", "--allow-development", ...args], { cwd: home });
		/** Runs a program with a compiled index. Otherwise the library would be hashed for each run. */
		const indexed = (...args: string[]) => run("--index", at("app.sigx"), ...args);

		it("names the command that builds a spython when there is none", () => {
			const { status, stderr } = run("app/main.py");
			expect(stderr).toMatch(/there is no spython yet; build one with `sigtool python build --allow-development`/);
			expect(status).toBe(2);
			expect(run("--spython", "/bin/true", "app/main.py").stderr).toContain('Cannot use "/bin/true": it is no spython');
			const built = sigtool(["python", "build", "--allow-development", "--python", PYTHON ?? "", "--json"]);
			expect(built.json().warnings).toEqual([expect.stringContaining("it trusts a development identity")]);
			const adopted = built.json().library.flatMap((each: string) => ["--adopt", each]);
			expect(sigtool(["compile", at("app"), ...adopted, "-o", at("app.sigx"), "--allow-development"]).status).toBe(0);
		});

		it("compiles for the Python that the spython was built for", () => {
			makeTree(at("compiled"), { "a.py": "" });
			expect(sigtool(["sign", at("compiled"), "--compile-python"]).status).toBe(0);
			const release = PYTHON?.replace(/\D/g, "");
			expect(existsSync(at(`compiled/__pycache__/a.cpython-${release}.pyc`))).toBe(true);
		});

		it("runs a signed program without configuration, and says what it trusts without a signature", () => {
			const { status, stdout, stderr } = sigtool(["run", "--allow-development", "app/main.py", "a b", "--json", "-m"], {
				cwd: home,
			});
			expect([status, stdout]).toEqual([42, "['a b', '--json', '-m']\n"]);
			expect(stderr).toMatch(/^note: app is held against "app\/app.cat"/);
			expect(stderr).toMatch(/\nnote: taken as they are now: \/usr\/lib\/python3/);
			expect(stderr).toMatch(/\nspython: development: /);
		});

		it("runs in strict mode, by a module's name, and a file with any name", () => {
			expect(indexed("--mode", "strict", "app/main.py").status).toBe(42);
			expect(sigtool(["run", "-q", "--allow-development", "-m", "main", "-x"], { cwd: at("app") })).toMatchObject({
				status: 42,
				stdout: "['-x']\n",
			});
			expect(indexed("--python", "app/tool").stdout).toBe("tool ran\n");
			expect(indexed("--spython", at("config/sigtool/spython"), "app/main.py").status).toBe(42);
			expect(sigtool(["run", "-q", "--allow-development", "-m", "main"], { cwd: home }).stderr).toContain(
				"it lies in no signed directory; run `sigtool sign .` first",
			);
		});

		it("does not let it start programs or write files that were not granted", () => {
			// A refused child throws, also where a refusal of code ends the process.
			expect(indexed("app/child.py")).toMatchObject({
				status: 1,
				stderr: expect.stringContaining("ERR_RUNTIME_RULE"),
			});
			expect(indexed("app/writes.py", at("data")).stderr).toContain("PermissionError");
			mkdirSync(at("data"));
			expect(indexed("--write", "data", "app/writes.py", at("data/x"))).toMatchObject({
				status: 0,
				stdout: "written\n",
			});
			// If TMPDIR is in a directory that the program may write to, the private launcher has to be elsewhere.
			const args = ["--allow-development", "--index", at("app.sigx"), "--write", "data", "app/writes.py", at("data/y")];
			const granted = sigtool(["run", "-q", ...args], { cwd: home, env: { TMPDIR: at("data") } });
			expect(granted).toMatchObject({ status: 0, stdout: "written\n" });
			expect(readdirSync(at("data")).sort()).toEqual(["x", "y"]);
			expect(
				readdirSync(dirname(at("app")), { recursive: true }).filter((name) => /sigtool-run-/.test(String(name))),
			).toEqual([]);
		});

		it.skipIf(!existsSync("/dev/shm"))("lets it fork, and share semaphores in a granted directory", () => {
			expect(indexed("--write", "/dev/shm", "app/pool.py")).toMatchObject({ status: 0, stdout: "[1, 2]\n" });
			expect(indexed("app/pool.py").stderr).toContain("PermissionError");
		});

		it("tries ways around it, with the results of the threat model", () => {
			const { status, json } = sigtool(["python", "gaps", "--json"]);
			expect(status).toBe(0);
			const { gaps, python } = json();
			expect(gaps.length).toBeGreaterThanOrEqual(20);
			for (const { name, works, spython, launcher } of gaps) {
				const opening = (mode: "enforce" | "launcher") => openingOf(name, mode, python);
				const verdict = (found: ReturnType<typeof opening>) =>
					found === undefined ? "closed" : found.event === undefined ? "open" : "logged";
				const expected = works
					? { spython: verdict(opening("enforce")), launcher: verdict(opening("launcher")) }
					: { spython: "closed", launcher: "closed" };
				expect({ name, spython, launcher }).toEqual({ name, ...expected });
				// On Debian, tkinter is in a separate package, which may be missing.
				if (name !== "script in Tcl") expect([name, works]).toEqual([name, true]);
			}
			const text = sigtool(["python", "gaps", "--spython", "/bin/true"]);
			expect(text).toMatchObject({ status: 2, stderr: expect.stringContaining("it is no spython") });
		});

		it("refuses what was changed or added since it was signed", () => {
			writeFileSync(at("app/pkg/answer.py"), "VALUE = 7\n");
			const { status, stderr } = indexed("app/main.py");
			expect(stderr).toMatch(/answer\.py.*ERR_FILE_MODIFIED/);
			expect(status).toBe(126);
			writeFileSync(at("app/evil.py"), "print('evil')\n");
			expect(indexed("app/evil.py")).toMatchObject({ status: 126, stdout: "" });
			expect(run("app/main.py").stderr).toMatch(/ERR_FILE_/);
		});
	},
);

describe.skipIf(!canBuild || !canBeHost)(
	"sigtool launcher install --python (needs root, the launcher and a spython)",
	() => {
		it("installs a spython beside the launcher, and checks it", () => {
			const host = new Host({
				files: { "main.py": "import sys\nprint('ran', sys.argv[1])\n", "main.js": "console.log('node')" },
			});
			const install = (...args: string[]) => host.sigtool([...host.installing(), ...args]);
			const check = () => host.sigtool(["launcher", "check", ...host.prefix]);
			const build = (...args: string[]) =>
				host.sigtool(["python", "build", "--python", PYTHON ?? "", "-o", host.at("spython"), ...args]);
			const built = build("--allow-development", "--json");
			expect(built.status).toBe(0);
			const adopted = built.json().library.flatMap((each: string) => ["--adopt", each]);
			host.deploy(host.key, adopted.slice(0, 2));
			expect(host.run(host.at("app/main.py"), "x")).toMatchObject({
				status: 2,
				stderr: expect.stringContaining("names no python"),
			});

			expect(install("--python", host.at("spython"))).toMatchObject({
				status: 2,
				stderr: expect.stringContaining("built to trust a development identity"),
			});
			expect(build("--trust", host.key.certFile).status).toBe(0);
			expect(install("--python", host.at("spython")).stdout).toMatch(/spython {8}\S+\/lib\/parts\/\w{32}\/spython\n/);
			expect(check().stdout).toMatch(/note +library +\/\S+ is not in the index/);
			const settings = readFileSync(host.at("lib/launcher.conf"));
			host.deploy(host.key, adopted);
			writeFileSync(host.at("lib/launcher.conf"), settings);
			expect(check().stdout).toMatch(/wrong +flags/);
			expect(check().stderr).not.toContain("is not in the index");
			expect(install("--python", host.at("spython")).status).toBe(0);
			expect(host.run(host.at("app/main.py"), "x")).toMatchObject({ status: 0, stdout: "ran x\n", stderr: "" });
			expect(host.run(host.at("app/main.js"), "x")).toMatchObject({ status: 0, stdout: "node\n" });
			expect(check()).toMatchObject({
				status: 0,
				stdout: expect.stringMatching(/ok +python release +3\.\d+\.\d+, library below \/usr, keys built in: 1/),
			});

			expect(install("--no-node", "--no-python").stderr).toContain("Use --no-node with --python");
			expect(install("--no-node", "--python", host.at("spython")).status).toBe(0);
			expect(readFileSync(host.at("lib/launcher.conf"), "utf8")).not.toMatch(/^(node|bundle|addon)/m);
			expect(check()).toMatchObject({ status: 0, stdout: expect.not.stringMatching(/node|addon|hook|gate/) });
			expect(host.run(host.at("app/main.py"), "x").stdout).toBe("ran x\n");

			appendFileSync(host.at("app/main.py"), "print('evil')\n");
			expect(host.run(host.at("app/main.py"), "x")).toMatchObject({ status: 126, stdout: "" });
			appendFileSync(host.part("spython"), "x");
			expect(check()).toMatchObject({ status: 1, stdout: expect.stringMatching(/wrong +spython +.*spython changed/) });
			expect(check().stderr).not.toContain("python release"); // `check` does not run a changed spython.
			expect(host.run(host.at("app/main.py"), "x").stderr).toContain("its SHA-256 is");
			copyFileSync(host.at("spython"), host.part("spython"));
			chmodSync(host.part("spython"), 0o775);
			expect(check().stdout).toMatch(/wrong +spython +.* can be written to by its group/);
		});
	},
);
