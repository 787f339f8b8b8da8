import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { execFileSync, hasProgram, spawnSync } from "../../../../test/outside.js";
import { describeEach, PYTHONS, Site } from "./support.js";

const hasCompiler = hasProgram("cc");

/** Two libraries that differ in this word alone have the same layout. */
const saying = (word: "good" | "evil") => `#include <unistd.h>
void act(void) { (void)!write(1, "${word}-ran\\n", 9); }
`;

function compile(output: string, source: string, ...flags: readonly string[]): void {
	execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", output, ...flags], { input: source });
}

/** A library that loads another by dlopen(3), as much native code does, and calls its function. */
const LOADER = `#include <dlfcn.h>
#include <stdio.h>
void load(const char *path, int mode) {
	void *library = dlopen(path, mode);
	void (*act)(void) = library == NULL ? NULL : dlsym(library, "act");
	if (act == NULL) printf("%s\\n", dlerror());
	else act();
	fflush(stdout);
}
`;

describeEach(PYTHONS, hasCompiler)("libraries in spython $version, $executable (needs cc)", (python) => {
	let site: Site;
	const at = (...names: string[]) => join(site.application, ...names);
	const native = (events: readonly object[]) =>
		events.filter((each) => "event" in each && each.event === "module.dlopen");

	beforeAll(() => {
		site = new Site(python);
		mkdirSync(at("lib"));
		mkdirSync(join(site.root, "data"));
		compile(at("libact.so"), saying("good"));
		compile(join(site.root, "data/libact.so"), saying("evil"));
		compile(at("loader.so"), LOADER);
		// A chain in which the order of names is no order for loading: the first library needs the last one directly.
		compile(at("lib/libc3.so"), "int three(void) { return 3; }", "-Wl,-soname,libc3.so");
		compile(at("lib/libb2.so"), "int three(void); int two(void) { return three() - 1; }", `-L${at("lib")}`, "-lc3");
		compile(
			at("chain.so"),
			"int three(void); int two(void); int sum(void) { return two() + three(); }",
			...["-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN/lib", `-L${at("lib")}`, "-lc3", "-lb2"],
			"-Wl,--allow-shlib-undefined",
		);
	});

	async function run(program: string, policy: object = {}, options: readonly string[] = []) {
		site.write({ "main.py": program });
		await site.sign({ policy });
		return site.run(["app/main.py", join(site.root, "data")], { options });
	}

	const overwrite = (target: string) =>
		`with open(${target}, "r+b") as file: file.write(open(sys.argv[1] + "/libact.so", "rb").read())\n`;

	it.each(["enforce", "strict"])("run as they were signed in %s, though somebody overwrites the file", async (mode) => {
		const good = readFileSync(at("libact.so"));
		const program = `import ctypes, sys\npath = ${JSON.stringify(at("libact.so"))}\nlibrary = ctypes.CDLL(path)\n${overwrite("path")}library.act()\n`;
		const result = await run(program, {}, ["--mode", mode]);
		writeFileSync(at("libact.so"), good);
		expect(result).toMatchObject({ status: 0, stdout: "good-ran\n" });
	});

	it("run as they were judged, though a hook exchanges the file between digest and loading", async () => {
		const good = readFileSync(at("libact.so"));
		const program = `import ctypes, os, shutil, sys
path = ${JSON.stringify(at("libact.so"))}
def hook(event, arguments):
    if event == "ctypes.dlopen" and arguments[0] == path:
        shutil.copy(sys.argv[1] + "/libact.so", path + ".new")
        os.replace(path + ".new", path)
sys.addaudithook(hook)
ctypes.CDLL(path).act()
`;
		const result = await run(program, { python: { auditHooks: "allow" } });
		writeFileSync(at("libact.so"), good);
		expect(result).toMatchObject({ status: 0, stdout: "good-ran\n" });
	});

	it.each([
		["at once", "exchange()"],
		[
			"in a thread",
			"threading.Thread(target=always, daemon=True).start(); [time.sleep(0.1) for _ in range(600) if not seen]",
		],
	])("run as they were judged, though a hook exchanges descriptors %s", async (_, act) => {
		const program = `import ctypes, os, sys, threading, time
evil = os.open(sys.argv[1] + "/libact.so", os.O_RDONLY)
seen = 0
def exchange():
    global seen
    for number in os.listdir("/proc/self/fd"):
        try:
            if "sigtool-library" in os.readlink("/proc/self/fd/" + number): os.dup2(evil, int(number)); seen += 1
        except OSError: pass
def always():
    while True: exchange()
def hook(event, arguments):
    if event == "ctypes.dlopen":
        ${act}
sys.addaudithook(hook)
ctypes.CDLL(${JSON.stringify(at("libact.so"))}).act()
print(seen > 0)
sys.stdout.flush()
os._exit(0)
`;
		const result = await run(program, { python: { auditHooks: "allow" } });
		expect(result).toMatchObject({ status: 0, stdout: "good-ran\nTrue\n" });
	});

	const byNative = (path: string, mode = 2) =>
		`import ctypes, sys\nloader = ctypes.CDLL(${JSON.stringify(at("loader.so"))})\nloader.load(${path}.encode(), ${mode})\n`;

	it("are judged when native code loads them, with an event each", async () => {
		const good = await run(byNative(JSON.stringify(at("libact.so"))), {}, ["--audit", join(site.root, "events")]);
		expect(good).toMatchObject({ status: 0, stdout: "good-ran\n" });
		const events = readFileSync(join(site.root, "events"), "utf8")
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(native(events)).toContainEqual(
			expect.objectContaining({
				verdict: "allow",
				path: at("libact.so"),
				kind: "library",
				rule: "entry",
				product: "app",
			}),
		);

		const evil = await run(byNative(`(sys.argv[1] + "/libact.so")`));
		expect(evil.status).toBe(0);
		expect(evil.stdout).toMatch(/sigtool refuses: .*libact\.so.*ERR_OUTSIDE_PRODUCTS/);
		expect(native(evil.events)).toContainEqual(
			expect.objectContaining({ verdict: "refuse", reason: "ERR_OUTSIDE_PRODUCTS", kind: "library" }),
		);
	});

	it("are judged also when they shall prefer their own names (RTLD_DEEPBIND)", async () => {
		const program = `import ctypes, sys\nloader = ctypes.CDLL(${JSON.stringify(at("loader.so"))}, mode=10)\nloader.load((sys.argv[1] + "/libact.so").encode(), 2)\n`;
		expect((await run(program)).stdout).toMatch(/sigtool refuses: .*libact\.so/);
	});

	it("are loaded as ever in audit mode, with an event that tells of them", async () => {
		const { status, stdout, events } = await run(byNative(`(sys.argv[1] + "/libact.so")`), { mode: "audit" });
		expect({ status, stdout }).toEqual({ status: 0, stdout: "evil-ran\n" });
		expect(native(events)).toContainEqual(
			expect.objectContaining({ verdict: "audit", reason: "ERR_OUTSIDE_PRODUCTS", kind: "library" }),
		);
	});

	it("of the system are loaded by native code, with an event in enforce, and refused in strict", async () => {
		const program = byNative(`"libm.so.6" if len(sys.argv) > 9 else "libresolv.so.2"`);
		const lax = await run(program, {}, ["--audit", join(site.root, "system-events")]);
		expect(lax.stdout).toMatch(/undefined symbol: act/);
		expect(readFileSync(join(site.root, "system-events"), "utf8")).toContain(`"path":"libresolv.so.2"`);
		const strict = await run(program, {}, ["--mode", "strict"]);
		expect(strict.stdout).toMatch(/sigtool refuses: .*libresolv\.so\.2.*names no file/);
	});

	it("are found by $ORIGIN, in the order that they need each other, without a name of their own too", async () => {
		const program = `import ctypes\nprint(ctypes.CDLL(${JSON.stringify(at("chain.so"))}).sum())\n`;
		expect(await run(program, {}, ["--mode", "strict"])).toMatchObject({ status: 0, stdout: "5\n" });
	});

	it("are found by a name where the native code that loads them says", async () => {
		compile(at("searching.so"), LOADER, "-Wl,-rpath,$ORIGIN/beside");
		mkdirSync(at("beside"));
		copyFileSync(at("libact.so"), at("beside/libbeside.so"));
		const program = `import ctypes\nctypes.CDLL(${JSON.stringify(at("searching.so"))}).load(b"libbeside.so", 2)\n`;
		expect(await run(program, {}, ["--mode", "strict"])).toMatchObject({ status: 0, stdout: "good-ran\n" });
		copyFileSync(join(site.root, "data/libact.so"), at("beside/libbeside.so"));
		expect(site.run(["app/main.py"]).stdout).toMatch(/sigtool refuses: File hash mismatch: '.*libbeside\.so'/);
	});

	it.each(["tls", "x86_64", "tls/haswell/avx512_1/x86_64", "glibc-hwcaps/x86-64-v3"])(
		"are refused where only some processors or releases of glibc look for them: %s",
		async (directory) => {
			const program = `import ctypes\nprint(ctypes.CDLL(${JSON.stringify(at("chain.so"))}).sum())\n`;
			expect(await run(program)).toMatchObject({ status: 0, stdout: "5\n" });
			mkdirSync(at("lib", directory), { recursive: true });
			copyFileSync(join(site.root, "data/libact.so"), at("lib", directory, "libc3.so"));
			const planted = site.run(["app/main.py"]);
			rmSync(at("lib", directory.split("/")[0] ?? ""), { recursive: true });
			expect(planted).toMatchObject({ status: 1, stdout: "" });
			expect(planted.stderr).toMatch(
				new RegExp(`PermissionError: Cannot load '.*/lib/${directory}/libc3\\.so': no signature covers it`),
			);
		},
	);

	it("tell dladdr(3) the file that they are a copy of", async () => {
		const program = `import ctypes
class Info(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("base", ctypes.c_void_p), ("symbol", ctypes.c_char_p), ("address", ctypes.c_void_p)]
info = Info()
library = ctypes.CDLL(${JSON.stringify(at("libact.so"))})
ctypes.pythonapi.dladdr(library.act, ctypes.byref(info))
print(info.name.decode())
`;
		expect(await run(program)).toMatchObject({ status: 0, stdout: `${at("libact.so")}\n` });
	});

	it("are no longer the file: extension modules, ctypes and what is linked to them", async () => {
		const queue = readdirSync(join(python.library, "lib-dynload")).find((name) => name.startsWith("_queue."));
		copyFileSync(join(python.library, "lib-dynload", queue ?? ""), at("_queue.so"));
		const program = `import ctypes, sys\nsys.path.insert(0, ${JSON.stringify(site.application)})
sys.modules.pop("_queue", None)
import _queue
ctypes.CDLL(${JSON.stringify(at("chain.so"))})
print(_queue.__file__)
print(sorted({line.split()[-1] for line in open("/proc/self/maps") if ${JSON.stringify(site.application)} in line}))
`;
		expect(await run(program)).toMatchObject({ status: 0, stdout: `${at("_queue.so")}\n[]\n` });
	});

	it("of one file are loaded once, also by another thread, a forked child and a second path", async () => {
		const program = `import ctypes, os, threading
path = ${JSON.stringify(at("libact.so"))}
first = ctypes.CDLL(path)
again = []
thread = threading.Thread(target=lambda: again.append(ctypes.CDLL(os.path.relpath(path))))
thread.start(); thread.join()
print(first._handle == again[0]._handle)
if os.fork() == 0:
    ctypes.CDLL(path).act()
    ctypes.CDLL(${JSON.stringify(at("chain.so"))}).sum()
    os._exit(0)
print(os.wait()[1])
`;
		const { status, stdout } = await run(program);
		expect({ status, stdout }).toEqual({ status: 0, stdout: "good-ran\nTrue\n0\n" });
	});

	it("are judged though the program looks dlopen(3) up in libc itself", async () => {
		const program = `import ctypes, _ctypes, sys
open_ = ctypes.CDLL(_ctypes.__file__).dlopen
open_.restype = ctypes.c_void_p
print(open_((sys.argv[1] + "/libact.so").encode(), 2), open_(${JSON.stringify(at("libact.so"))}.encode(), 2) != None)
`;
		expect(await run(program, {}, ["--mode", "strict"])).toMatchObject({ status: 0, stdout: "None True\n" });
	});

	it("are refused in a namespace of their own (dlmopen)", async () => {
		const program = `import ctypes, sys
open_ = ctypes.pythonapi.dlmopen
open_.restype = ctypes.c_void_p
print(open_(ctypes.c_long(-1), (sys.argv[1] + "/libact.so").encode(), 2))
`;
		expect(await run(program)).toMatchObject({ status: 0, stdout: "None\n" });
	});

	it("keep the standard library's modules and a pool of forked workers going", async () => {
		const program = `import ctypes.util, sqlite3, ssl, hashlib, multiprocessing, zlib, os
print(sqlite3.connect(":memory:").execute("select 6 * 7").fetchone()[0], ssl.OPENSSL_VERSION[:7], zlib.crc32(b"a"))
def work(n):
    import decimal
    return n * n
with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(work, range(4)))
`;
		site.write({ "main.py": program });
		await site.sign();
		expect(site.run(["app/main.py"])).toMatchObject({ stdout: expect.stringContaining("[0, 1, 4, 9]\n"), status: 0 });
	});

	const packages = [...python.packages, join(python.library, "site-packages")];
	const withNumpy = packages.find((each) => existsSync(join(each, "numpy")));
	const hasNumpy = () => spawnSync(python.executable, ["-I", "-c", "import numpy"]).status === 0;
	if (withNumpy !== undefined && hasNumpy())
		it("keep a numpy of the program going, with the libraries that it brings", async () => {
			for (const name of ["numpy", "numpy.libs"].filter((each) => existsSync(join(withNumpy, each))))
				cpSync(join(withNumpy, name), at(name), { recursive: true, dereference: true });
			const program = "import numpy, numpy.linalg\nprint(numpy.linalg.inv(numpy.eye(3)).shape)\n";
			expect(await run(program, {}, ["--mode", "strict"])).toMatchObject({ status: 0, stdout: "(3, 3)\n" });
		});
});
