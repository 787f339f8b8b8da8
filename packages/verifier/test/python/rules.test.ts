import {
	appendFileSync,
	copyFileSync,
	mkdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { describeEach, flipByte, PYTHONS, Site } from "./support.js";

const isRoot = process.getuid?.() === 0;

/** Returns the real path of a library of the system, which this process has loaded. */
function systemLibrary(name: string): string {
	const line = readFileSync("/proc/self/maps", "utf8")
		.split("\n")
		.find((each) => each.endsWith(`/${name}`));
	return line?.slice(line.indexOf("/")) ?? "";
}

/** Makes a program that evaluates each line `name: expression` and prints how it ended. */
const trying = (imports: string, lines: Readonly<Record<string, string>>) =>
	`${imports}\ndef attempt(name, do):\n    try: print(name, "did", do())\n    except BaseException as error: print(name, type(error).__name__, error)\n${Object.entries(
		lines,
	)
		.map(([name, expression]) => `attempt(${JSON.stringify(name)}, lambda: ${expression})`)
		.join("\n")}\n`;

describeEach(PYTHONS)("refusals of spython $version at run time, $executable", (python) => {
	let site: Site;
	beforeAll(() => {
		site = new Site(python);
	});

	function answers(stdout: string): Readonly<Record<string, string>> {
		return Object.fromEntries(
			stdout
				.trimEnd()
				.split("\n")
				.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]),
		);
	}

	it("refuses child processes with a clear message, and allows fork", async () => {
		const lines = {
			run: "subprocess.run([sys.executable, '-c', 'print(1)'])",
			system: "os.system('true')",
			exec: "os.execv('/bin/true', ['true'])",
			posix: "os.posix_spawn('/bin/true', ['true'], {})",
			spawn: "start('spawn')",
			forkserver: "start('forkserver')",
			fork: "start('fork')",
			lock: "type(multiprocessing.get_context('fork').Lock())",
			...(python.release === "3.13" && { memory: "memory.SharedMemory(create=True, size=1, track=False).unlink()" }),
			unseen: "os.waitpid(multiprocessing.util.spawnv_passfds(b'/bin/true', [b'true'], []), 0)[1] >> 8",
		};
		const start =
			"def start(way):\n    p = multiprocessing.get_context(way).Process(target=int)\n    p.start(); p.join()\n    return p.exitcode";
		site.write({
			"children.py": trying(
				`import os, sys, subprocess, multiprocessing, multiprocessing.util\nfrom multiprocessing import shared_memory as memory\n${start}`,
				lines,
			),
		});
		await site.sign();
		const run = site.run(["app/children.py"]);
		const { fork, lock, unseen, memory = "did None", ...refused } = answers(run.stdout);
		expect([fork, lock, unseen, memory]).toEqual(["did 0", expect.stringMatching(/^did /), "did 255", "did None"]);
		expect(run.stderr).not.toContain("Warning");
		for (const answer of Object.values(refused))
			expect(answer).toMatch(/^PermissionError .*child processes are refused/);
		expect(run.events.filter(({ event }) => String(event).startsWith("python."))).toHaveLength(6);
		site.write({ "child.py": "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'print(1)'])\n" });
		await site.sign({ policy: { runtime: { children: "allow" } } });
		expect(site.run(["app/child.py"])).toMatchObject({ status: 0, stdout: "1\n" });
	});

	it("refuses loaders that avoid the hook, other hooks, and writing to memory", async () => {
		const lines = {
			pyc: "open(data + '/evil.pyc', 'rb').read()",
			bytes: "open((data + '/evil.pyc').encode(), 'rb').read()",
			sourceless:
				"__import__('importlib.machinery').machinery.SourcelessFileLoader('evil', data + '/evil.pyc').load_module('evil')",
			memory: "open('/proc/self/mem', 'r+b')",
			task: "open('/proc/self/task/%d/mem' % os.getpid(), 'r+b')",
			link: "open(data + '/link', 'r+b')",
			beside: "os.open('mem', os.O_RDWR, dir_fd=os.open('/proc/self', os.O_RDONLY))",
			path: "os.open(pathlib.Path('/proc/thread-self/mem'), os.O_RDWR)",
			other: "open(data + '/mem', 'w').close()",
		};
		const data = join(site.root, "data");
		mkdirSync(data);
		writeFileSync(join(data, "evil.py"), "print('evil')\n");
		spawnSync(python.executable, [
			"-I",
			"-c",
			"import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])",
			join(data, "evil.py"),
			join(data, "evil.pyc"),
		]);
		unlinkSync(join(data, "evil.py"));
		symlinkSync("/proc/self/mem", join(data, "link"));
		const hooks = "seen = []\nsys.addaudithook(lambda *all: seen.append(all))\nimport json\nprint('hooks', len(seen))";
		site.write({ "past.py": trying(`import os, sys, pathlib\ndata = ${JSON.stringify(data)}\n${hooks}`, lines) });
		await site.sign();
		const { hooks: seen, other, ...refused } = answers(site.run(["app/past.py"]).stdout);
		expect([seen, other]).toEqual(["0", "did None"]);
		for (const answer of Object.values(refused)) expect(answer).toMatch(/^PermissionError /);
		expect(Object.keys(refused)).toHaveLength(8);
		await site.sign({ policy: { python: { auditHooks: "allow" } } });
		expect(Number(answers(site.run(["app/past.py"]).stdout).hooks)).toBeGreaterThan(0);
	});

	it("judges libraries that ctypes loads by a path; loads others by name as the system does, except in strict mode", async () => {
		const library = spawnSync(python.executable, ["-I", "-c", "import _ctypes; print(_ctypes.__file__)"], {
			encoding: "utf8",
		}).stdout.trim();
		if (library === "") return;
		copyFileSync(library, join(site.root, "copy.so"));
		symlinkSync(library, join(site.root, "link.so"));
		const lines = {
			signed: "ctypes.CDLL(signed)",
			link: `ctypes.CDLL(${JSON.stringify(join(site.root, "link.so"))})`,
			up: `ctypes.CDLL("/tmp/.." + signed)`,
			copy: "ctypes.CDLL(copy)",
			name: "ctypes.CDLL('libc.so.6')",
			itself: "ctypes.CDLL(None)",
		};
		const paths = `signed, copy = ${JSON.stringify(library)}, ${JSON.stringify(join(site.root, "copy.so"))}`;
		site.write({ "libraries.py": trying(`import ctypes\n${paths}`, lines) });
		await site.sign();
		const enforce = answers(site.run(["app/libraries.py"]).stdout);
		expect(enforce).toMatchObject({
			signed: expect.stringMatching(/^did /),
			link: expect.stringMatching(/^did /),
			up: expect.stringMatching(/^did /),
			name: expect.stringMatching(/^did /),
			itself: expect.stringMatching(/^did /),
		});
		expect(enforce.copy).toMatch(/^PermissionError .*ERR_OUTSIDE_PRODUCTS/);
		const strict = site.run(["app/libraries.py"], { options: ["--mode", "strict"] });
		if (strict.status === 0) {
			// Strict mode refuses a link, because the dynamic loader follows the path a second time and the link may have
			// changed by then.
			const outside = expect.stringMatching(/^PermissionError .*ERR_LINK_CHANGED/);
			const signed = expect.stringMatching(/^did /);
			const name = expect.stringMatching(/^PermissionError /);
			expect(answers(strict.stdout)).toMatchObject({ signed, link: outside, up: outside, name });
		}
		await site.sign({ policy: { python: { extensions: "refuse" } } });
		expect(site.run(["app/libraries.py"])).toMatchObject({
			status: 1,
			stderr: expect.stringContaining("python.extensions: refuse"),
		});
	});

	it("judges the libraries that a library names with a directory, unless only root could have put them there", async () => {
		const elsewhere = join(site.root, "elsewhere");
		mkdirSync(elsewhere, { recursive: true });
		const link = (path: string, needed: readonly string[], rpath: string) => {
			mkdirSync(join(path, ".."), { recursive: true });
			const args = ["-shared", "-fPIC", "-Wl,--no-as-needed", "-x", "c", "-", "-x", "none", "-o", path];
			const { stderr } = spawnSync("cc", [...args, ...needed, `-Wl,-rpath,${rpath}`], {
				cwd: site.application,
				input: "",
				encoding: "utf8",
			});
			expect(stderr).toBe("");
		};
		const soname = ["-Wl,-soname,libsystem.so"];
		const at = (name: string) => join(site.application, name);
		const inner = ["-Wl,-soname,libinner.so", "-lm"];
		link(at("libs/libinner.so"), inner, dirname(systemLibrary("libm.so.6")));
		link(at("libouter.so"), ["libs/libinner.so"], "/nonexistent:$ORIGIN/libs");
		const load = `import ctypes, os\nctypes.CDLL(os.path.dirname(os.path.abspath(__file__)) + "/libouter.so")\nprint("did")\n`;
		site.write({ "linked.py": load });
		await site.sign();
		const config = join(site.root, "events.json");
		writeFileSync(config, JSON.stringify({ version: 1, ...site.trusted, audit: { stderr: "all" } }), { mode: 0o600 });
		const run = () => site.run(["app/linked.py"], { options: ["--config", config] });
		const sound = run();
		expect(sound).toMatchObject({ status: 0, stdout: "did\n" });
		const loaded = sound.events.filter(({ event }) => event === "module.dlopen").map(({ path }) => path);
		expect(loaded.slice(-2)).toEqual([at("libouter.so"), at("libs/libinner.so")]);
		// Anybody could have put a library there, and the loader would find it.
		link(join(elsewhere, "libsystem.so"), soname, elsewhere);
		link(at("libs/libinner.so"), [...inner, join(elsewhere, "libsystem.so")], elsewhere);
		await site.sign();
		expect(run().stderr).toMatch(
			/Cannot load '.*\/elsewhere\/libsystem.so': .*ERR_OUTSIDE_PRODUCTS.*; adopt its directory/,
		);
		link(at("libs/libinner.so"), inner, elsewhere);
		await site.sign();
		flipByte(at("libs/libinner.so"), 100);
		expect(run().stderr).toMatch(/PermissionError: File hash mismatch: '[^']*\/libs\/libinner.so'/);
		for (const [how, path] of [
			["", "$LIB"],
			["--filter", elsewhere],
			["--auxiliary", elsewhere],
		] as const) {
			const filter = how === "" ? [] : [`-Wl,${how}=libsystem.so`];
			link(at("libouter.so"), ["libs/libinner.so", ...filter], path);
			await site.sign();
			expect(run().stderr).toMatch(/libouter.so" has links that cannot be followed: .* \(ERR_LIMIT\)/);
		}
	});

	it("judges what a large library is linked to, though there is little memory", async () => {
		const at = (name: string) => join(site.application, name);
		const build = (output: string, ...args: string[]) => {
			const options = ["-shared", "-fPIC", "-Wl,--no-as-needed", "-x", "c", "-", "-x", "none", "-o", output];
			expect(
				spawnSync("cc", [...options, ...args], { cwd: site.application, input: "", encoding: "utf8" }).stderr,
			).toBe("");
		};
		build("libbeside.so", "-Wl,-soname,libbeside.so");
		build("liblarge.so", "libbeside.so", "-Wl,-rpath,$ORIGIN");
		truncateSync(at("liblarge.so"), 48 << 20); // The file is sparse, and the loader maps only its small segments.
		const load = `import ctypes, os, resource
size = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
resource.setrlimit(resource.RLIMIT_AS, (size + (24 << 20),) * 2)
ctypes.CDLL(os.path.dirname(os.path.abspath(__file__)) + "/liblarge.so")
print("did")
`;
		site.write({ "little.py": load });
		await site.sign();
		appendFileSync(at("libbeside.so"), "changed");
		const plain = spawnSync(python.executable, ["-I", at("little.py")], { encoding: "utf8" });
		expect(plain).toMatchObject({ status: 0, stdout: "did\n" });
		const run = site.run(["app/little.py"]);
		expect(run).toMatchObject({ status: 1, stdout: "" });
		expect(run.stderr).toMatch(/PermissionError: File hash mismatch: '[^']*\/libbeside.so'/);
	});

	it("follows links inside a product only as they were signed, and refuses files in place of links", async () => {
		site.write({
			"real/inner.py": "print('inner')\n",
			"main.py": "import sys\nsys.path.insert(0, sys.path[0] + '/linked')\nimport inner\n",
		});
		symlinkSync("real", join(site.application, "linked"));
		await site.sign();
		expect(site.run(["app/main.py"])).toMatchObject({ status: 0, stdout: "inner\n" });
		unlinkSync(join(site.application, "linked"));
		symlinkSync("../app/real", join(site.application, "linked"));
		expect(site.run(["app/main.py"])).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining("ERR_LINK_CHANGED"),
		});
		rmSync(join(site.application, "linked"));
	});

	it("imports from archives, which are digested once, and runs one", async () => {
		const zip =
			"import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n    for name in ('one', 'two', '__main__'): z.writestr(name + '.py', 'print(%r)' % name)";
		spawnSync(python.executable, ["-I", "-c", zip, join(site.application, "all.zip")]);
		site.write({ "main.py": "import sys\nsys.path.insert(0, sys.path[0] + '/all.zip')\nimport one, two\n" });
		await site.sign();
		const run = site.run(["app/main.py"], { options: ["--xattr", "ima"] });
		expect(run).toMatchObject({ status: 126, stderr: expect.stringContaining("ERR_POLICY") });
		expect(site.run(["app/main.py"])).toMatchObject({ status: 0, stdout: "one\ntwo\n" });
		expect(site.run(["app/all.zip"])).toMatchObject({ status: 0, stdout: "__main__\n" });
		const link = join(site.root, "link.zip");
		symlinkSync(join(site.application, "aside.zip"), link);
		site.write({
			"second.py": `import sys, os\nsys.path[:0] = [sys.path[0] + '/all.zip']\nimport one\nos.symlink('all.zip', ${JSON.stringify(join(site.application, "aside.zip"))})\nsys.path[:0] = [${JSON.stringify(link)}]\nimport two\n`,
		});
		await site.sign();
		// The unsigned link is refused. Python then finds the module in the other archive.
		expect(site.run(["app/second.py"]).events).toContainEqual(
			expect.objectContaining({ verdict: "refuse", reason: "ERR_LINK_CHANGED" }),
		);
		rmSync(join(site.application, "aside.zip"));
		flipByte(join(site.application, "all.zip"), 10);
		expect(site.run(["app/main.py"])).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining("ERR_FILE_MODIFIED"),
		});
		expect(site.run(["app/all.zip"])).toMatchObject({ status: 1, stdout: "" });
		rmSync(join(site.application, "all.zip"));
	});

	it.skipIf(!isRoot)(
		"accepts security.ima as a signature if the policy says so, and spython's attribute in audit mode (as root)",
		async () => {
			site.write({ "main.py": "print('ran')\n" });
			await site.sign({ policy: { python: { xattr: "ima" } } });
			const path = join(site.application, "extra.py");
			writeFileSync(path, "print('extra')\n");
			const hash = spawnSync("sha256sum", [path], { encoding: "utf8" }).stdout.slice(0, 64);
			expect(site.run(["app/extra.py"]).status).toBe(1);
			expect(spawnSync("setfattr", ["-n", "security.ima", "-v", `0x0404${hash}`, path]).status).toBe(0);
			expect(site.run(["app/extra.py"])).toMatchObject({ status: 0, stdout: "extra\n" });
			writeFileSync(path, "print('other')\n");
			expect(site.run(["app/extra.py"])).toMatchObject({ status: 1, stdout: "" });
			expect(site.run(["app/extra.py"], { options: ["--xattr", "spython"] })).toMatchObject({
				status: 126,
				stdout: "",
			});
			const other = spawnSync("sha256sum", [path], { encoding: "utf8" }).stdout.slice(0, 64);
			spawnSync("setfattr", ["-n", "user.org.python.x-spython-hash", "-v", other, path]);
			rmSync(join(site.root, "kept"), { force: true });
			renameSync(path, join(site.root, "kept"));
			await site.sign({ policy: { mode: "audit" } });
			renameSync(join(site.root, "kept"), path);
			const noted = (...options: string[]) => {
				const { stdout, events } = site.run(["app/extra.py"], { options });
				return [stdout, events.filter((event) => event.path === path).map(({ verdict }) => verdict)];
			};
			expect(noted()).toEqual(["other\n", ["audit"]]);
			expect(noted("--xattr", "spython")).toEqual(["other\n", []]);
			rmSync(path);
		},
	);

	it("uses its own home, whatever environment variables and a pyvenv.cfg beside it say", async () => {
		const evil = join(site.root, "evil");
		mkdirSync(evil);
		writeFileSync(join(site.root, "pyvenv.cfg"), `home = ${evil}\ninclude-system-site-packages = false\n`);
		for (const name of ["sitecustomize", "usercustomize", "json", "startup"])
			writeFileSync(join(evil, `${name}.py`), "print('evil')\n");
		site.write({
			"main.py":
				"import json, os, sys\nprint(sys.prefix, sys.base_prefix, os.__file__, sys.flags.isolated, sys.dont_write_bytecode)\n",
		});
		await site.sign();
		const env = {
			PYTHONHOME: evil,
			PYTHONPATH: evil,
			PYTHONSTARTUP: join(evil, "startup.py"),
			PYTHONINSPECT: "1",
			PYTHONWARNINGS: "error",
			PYTHONPLATLIBDIR: "evil",
			OPENSSL_CONF: "/nonexistent",
		};
		const plain = spawnSync(python.executable, ["-I", "-B", "app/main.py"], { cwd: site.root, encoding: "utf8" });
		expect(site.run(["app/main.py"], { env })).toMatchObject({ status: 0, stdout: plain.stdout });
	});

	it("ends at signals and at the end of input like Python", async () => {
		site.write({
			"interrupt.py": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n",
			"terminate.py": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
			"exit.py": "import os, sys, atexit\natexit.register(print, 'at exit')\nsys.exit(7)\n",
			"latin.py": Buffer.from("# coding: latin-1\nprint(ascii('\xe9'))\n", "latin1"),
			"syntax.py": "x = = 1\n",
			"null.py": "print(1)\0\n",
		});
		await site.sign();
		for (const name of ["interrupt.py", "terminate.py", "exit.py", "latin.py", "syntax.py"]) {
			const plain = spawnSync(python.executable, [`app/${name}`], { cwd: site.root, encoding: "utf8" });
			const { status, signal, stdout, stderr } = site.run([`app/${name}`]);
			const own = stderr
				.split("\n")
				.filter((line) => !line.startsWith("sigtool: "))
				.join("\n");
			expect({ status, signal, stdout, stderr: own }).toEqual({
				status: plain.status,
				signal: plain.signal,
				stdout: plain.stdout,
				stderr: plain.stderr,
			});
		}
		expect(site.run(["app/null.py"])).toMatchObject({
			status: 1,
			stdout: "",
			stderr: expect.stringContaining("null bytes"),
		});
	});
});
