/**
 * These techniques run native code: by extension modules, by ctypes, by other loaders, and through the process's own
 * memory.
 */

import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { execFileSync } from "../../outside.js";
import { extensionModule } from "../making.js";
import { CODE, openCodeHookOffset } from "../native.js";
import { before, EVIL, type Place, since, type Technique, withData, withText } from "../technique.js";

const native = (name: string, program: string, more: Partial<Technique> = {}) =>
	withData(name, program, { native: true, ...more });
const copy = (target: (place: Place) => string): Partial<Technique> => ({
	arrange: (place) => copyFileSync(`${place.data}/evil.so`, target(place)),
});
const MACHINERY = "import importlib.machinery as machinery, importlib.util as util\n";
const LOAD_SPEC = "module = util.module_from_spec(spec)\nspec.loader.exec_module(module)";
/** A valid extension module of the standard library, signed as a file of the program. */
const signedExtension: Partial<Technique> = {
	prepare: ({ app, library }) => copyFileSync(extensionModule(library, "_queue"), `${app}/_queue.so`),
};
const SIGNED_FIRST = "sys.path.insert(0, __file__[:-7])\n";

/** A path object that returns one path to the hook and then another path to the loader. */
const TWO_PATHS = `class Path:
    def __init__(self, *paths): self.paths = list(paths)
    def __fspath__(self): return self.paths.pop(0) if len(self.paths) > 1 else self.paths[0]
`;
/** A directory named `$LIB`, which dlopen(3) replaces by another directory. It contains a signed module. */
const replacedDirectory: Partial<Technique> = {
	arrange: ({ data, library }) => {
		mkdirSync(`${data}/$LIB`);
		symlinkSync(extensionModule(library, "_queue"), `${data}/$LIB/evil.so`);
		for (const meant of ["lib/x86_64-linux-gnu", "lib64", "lib"]) {
			mkdirSync(`${data}/${meant}`, { recursive: true });
			copyFileSync(`${data}/evil.so`, `${data}/${meant}/evil.so`);
		}
	},
};
/**
 * A signed library that is linked to a second one, which is linked to a third one. Only the first library contains the
 * path of their directory.
 */
const signedChain: Partial<Technique> = {
	prepare: ({ app }) => {
		const build = (name: string, needed: string[], rpath = "") =>
			execFileSync(
				"cc",
				[
					...["-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", `${app}/lib${name}.so`],
					...[`-Wl,--no-as-needed,--disable-new-dtags,--allow-shlib-undefined${rpath}`, `-L${app}`],
					...needed.map((each) => `-l${each}`),
				],
				{ input: "" },
			);
		build("inner", []);
		build("middle", ["inner"]);
		build("outer", ["middle"], ",-rpath,$ORIGIN");
	},
};
const loadsOuter = `import ctypes, os\nctypes.CDLL(os.path.dirname(os.path.abspath(__file__)) + "/libouter.so")`;

function compileLibrary(output: string, source: string): void {
	execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", output], { input: source });
}

/** Two libraries that differ in this word alone have the same layout. */
const saying = (word: string) => `#include <unistd.h>\nvoid say(void) { (void)!write(1, "${word}-ran-42\\n", 12); }\n`;

/** A library whose own functions call dlopen(3), as those of many packages do. */
const OPENS = "#include <dlfcn.h>\nvoid opens(const char *path) { dlopen(path, RTLD_NOW); }\n";

/** Creates a Tcl interpreter without windows. */
const TCL = `import _tkinter\n_tkinter.create(None, "x", "Tk", False, True, False)`;
const HAS_TCL = `__import__("importlib.util").util.find_spec("_tkinter") is not None`;

/**
 * `start` finds where a file is mapped as code. `call` makes SQLite call an address, as the function of a tokenizer that
 * makes a tokenizer. The address is bound, which SQLite allows also where tokenizers by address are turned off.
 */
const MAPS = `def start(name):
    for line in open("/proc/self/maps"):
        words = line.split()
        if words[-1].endswith("/" + name) and (words[2] == "00000000" or "x" in words[1]):
            return int(words[0].split("-")[0], 16)
def call(address):
    functions = struct.pack("8Q", 0, *[address] * 7)
    table = struct.pack("Q", id(functions) + sys.getsizeof(b"") - 1)
    db = sqlite3.connect(":memory:")
    db.execute("select fts3_tokenizer(?, ?)", ["evil", table])
    db.execute("create virtual table t using fts3(tokenize=evil)")
`;

/** Builds a signed library with a function that prints the marker. Nothing calls the function. */
function buildSaying(output: string): void {
	execFileSync("cc", ["-shared", "-fPIC", "-O1", "-fno-stack-protector", "-x", "c", "-", "-o", output], {
		input: CODE,
	});
}

/** Returns the offset of that function in hexadecimal. */
function offsetOfSaying(library: string): string {
	const symbols = execFileSync("nm", [library], { encoding: "utf8" });
	return /^(\w+) T say$/m.exec(symbols)?.[1] ?? "";
}

/** Some builds of Python cannot let SQLite load extensions. */
const SQLITE = { needs: `hasattr(__import__("sqlite3").Connection, "enable_load_extension")` };

export const nativeCode: readonly Technique[] = [
	native(
		"unsigned extension module",
		"sys.path.append(data)\nimport evil",
		copy(({ data }) => `${data}/evil.so`),
	),
	native(
		"extension module beside the script instead of the standard library's",
		"import colorsys",
		copy(({ app }) => `${app}/colorsys.so`),
	),
	native("extension module instead of a signed module", "import dep", {
		signed: { "main.py": "import dep\n", "dep.py": "good = True\n" },
		...copy(({ app }) => `${app}/dep.so`),
	}),
	native("extension module of a package", "import dep", {
		signed: {
			"main.py": "import dep\n",
			"dep/__init__.py": "try:\n    from . import _speedups\nexcept ImportError:\n    pass\n",
		},
		...copy(({ app }) => `${app}/dep/_speedups.so`),
	}),
	native("changed extension module", `${SIGNED_FIRST}sys.modules.pop("_queue", None)\nimport _queue`, {
		...signedExtension,
		...copy(({ app }) => `${app}/_queue.so`),
	}),
	native("extension module replaced by a link", `${SIGNED_FIRST}sys.modules.pop("_queue", None)\nimport _queue`, {
		...signedExtension,
		arrange: ({ app, data }) => {
			rmSync(`${app}/_queue.so`);
			symlinkSync(`${data}/evil.so`, `${app}/_queue.so`);
		},
	}),
	native(
		"extension module by spec_from_file_location()",
		`${MACHINERY}spec = util.spec_from_file_location("evil", data + "/evil.so")\n${LOAD_SPEC}`,
	),
	native(
		"extension module of another name by ExtensionFileLoader",
		`${MACHINERY}spec = util.spec_from_file_location("evil", data + "/evil.txt", loader=machinery.ExtensionFileLoader("evil", data + "/evil.txt"))\n${LOAD_SPEC}`,
		copy(({ data }) => `${data}/evil.txt`),
	),
	native(
		"extension module by _imp.create_dynamic()",
		`import _imp, importlib.machinery\n_imp.create_dynamic(importlib.machinery.ModuleSpec("evil", None, origin=data + "/evil.so"))`,
	),
	native(
		"extension module by _imp.create_dynamic() of another name",
		`import _imp\nclass Spec:\n    name = "json"\n    origin = data + "/evil.so"\n_imp.create_dynamic(Spec)`,
	),
	native("extension module by imp.load_dynamic()", `import imp\nimp.load_dynamic("evil", data + "/evil.so")`, {
		notOn: since("3.12"),
	}),
	native(
		"extension module by a relative path",
		`import _imp, os\nos.chdir(data)\nclass Spec:\n    name = "evil"\n    origin = "./evil.so"\n_imp.create_dynamic(Spec)`,
	),
	native(
		"extension module below a descriptor",
		`import _imp, os\nclass Spec:\n    name = "evil"\n    origin = "/proc/self/fd/%d" % os.open(data + "/evil.so", os.O_RDONLY)\n_imp.create_dynamic(Spec)`,
	),
	native(
		"extension module in a memfd",
		`import _imp, os\nfile = os.memfd_create("evil")\nos.write(file, open(data + "/evil.so", "rb").read())\nclass Spec:\n    name = "evil"\n    origin = "/proc/self/fd/%d" % file\n_imp.create_dynamic(Spec)`,
	),
	native(
		"extension module replaced by an audit hook",
		`import os
done = []
def hook(event, arguments):
    if event == "import" and str(arguments[1]).endswith("_queue.so") and not done:
        done.append(1)
        os.replace(data + "/evil.so", arguments[1])
sys.addaudithook(hook)
${SIGNED_FIRST}sys.modules.pop("_queue", None)
import _queue`,
		signedExtension,
	),
	native("library by ctypes.CDLL()", `import ctypes\nctypes.CDLL(data + "/evil.so")`),
	native("library by ctypes.PyDLL()", `import ctypes\nctypes.PyDLL(data + "/evil.so")`),
	native("library by ctypes.cdll", `import ctypes\nctypes.cdll.LoadLibrary(data + "/evil.so")`),
	native("library by _ctypes.dlopen()", `import _ctypes\n_ctypes.dlopen(data + "/evil.so", 2)`),
	native("library by ctypes of a relative path", `import ctypes, os\nos.chdir(data)\nctypes.CDLL("./evil.so")`),
	native(
		"library by ctypes below a descriptor",
		`import ctypes, os\nctypes.CDLL("/proc/self/fd/%d" % os.open(data + "/evil.so", os.O_RDONLY))`,
	),
	native(
		"library in a memfd by ctypes",
		`import ctypes, os\nfile = os.memfd_create("evil")\nos.write(file, open(data + "/evil.so", "rb").read())\nctypes.CDLL("/proc/self/fd/%d" % file)`,
	),
	native(
		"library by dlopen() of ctypes.pythonapi",
		`import ctypes\nopen_ = ctypes.pythonapi.dlopen\nopen_.restype = ctypes.c_void_p\nopen_(data.encode() + b"/evil.so", 2)`,
	),
	native(
		"library by dlopen() of libc",
		`import ctypes, _ctypes\nopen_ = ctypes.CDLL(_ctypes.__file__).dlopen\nopen_.restype = ctypes.c_void_p\nopen_(data.encode() + b"/evil.so", 2)`,
	),
	native(
		"library by dlmopen() of ctypes.pythonapi",
		`import ctypes\nopen_ = ctypes.pythonapi.dlmopen\nopen_.restype = ctypes.c_void_p\nopen_(ctypes.c_long(-1), data.encode() + b"/evil.so", 2)`,
	),
	native(
		"library by dlopen() of a library that prefers its own names",
		`import ctypes, os\nlibrary = ctypes.CDLL(os.path.dirname(os.path.abspath(__file__)) + "/libopens.so", mode=10)\nlibrary.opens(data.encode() + b"/evil.so")`,
		{ prepare: ({ app }) => compileLibrary(`${app}/libopens.so`, OPENS) },
	),
	native(
		"signed library overwritten in place after it was loaded",
		`import ctypes, os
path = os.path.dirname(os.path.abspath(__file__)) + "/libsays.so"
library = ctypes.CDLL(path)
try:
    with open(path, "r+b") as file: file.write(open(data + "/libsays.so", "rb").read())
except OSError: pass
library.say()`,
		{
			prepare: ({ app }) => compileLibrary(`${app}/libsays.so`, saying("good")),
			arrange: ({ data }) => compileLibrary(`${data}/libsays.so`, saying("evil")),
		},
	),
	native(
		"library by an extension of SQLite",
		`import sqlite3\ndb = sqlite3.connect(":memory:")\ndb.enable_load_extension(True)\ndb.load_extension(data + "/evil.so")`,
		SQLITE,
	),
	native(
		"library by load_extension() in SQL",
		`import sqlite3\ndb = sqlite3.connect(":memory:")\ndb.enable_load_extension(True)\ndb.execute("select load_extension(?)", [data + "/evil.so"])`,
		SQLITE,
	),
	native(
		"library by an engine of OpenSSL",
		`import ctypes, ctypes.util\ncrypto = ctypes.CDLL("libcrypto.so.3")\ncrypto.OSSL_PROVIDER_load.restype = ctypes.c_void_p\ncrypto.OSSL_PROVIDER_load(None, data.encode() + b"/evil.so")`,
	),
	withText(
		"text by ctypes.pythonapi.PyRun_SimpleString()",
		"import ctypes\nctypes.pythonapi.PyRun_SimpleString(text.encode())",
	),
	withText("system() by ctypes", `import ctypes\nctypes.CDLL(None).system(b"echo evil-ran-$((6 * 7))")`),
	native(
		"machine code in executable memory",
		`import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(open(data + "/evil.bin", "rb").read())
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()`,
	),
	native(
		"function of a signed library called by a tokenizer of SQLite",
		`${MAPS}import _imp, sqlite3, struct
class Spec:
    name = "say"
    origin = __file__[:-7] + "libsay.so"
try: _imp.create_dynamic(Spec)
except ImportError: pass
call(start("libsay.so") + int(open(data + "/offset").read(), 16))`,
		{
			prepare: ({ app }) => buildSaying(`${app}/libsay.so`),
			arrange: ({ app, data }) => writeFileSync(`${data}/offset`, offsetOfSaying(`${app}/libsay.so`)),
		},
	),
	native(
		"machine code in a file that the program maps, called by a tokenizer of SQLite",
		`${MAPS}import mmap, sqlite3, struct
file = open(data + "/evil.bin", "r+b")
file.truncate(4096)
page = mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
call(start("evil.bin"))`,
	),
	native(
		"machine code in a file that the program maps by a module that prefers its own libraries",
		`${MAPS}import os
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_DEEPBIND)
import mmap, sqlite3, struct
file = open(data + "/evil.bin", "r+b")
file.truncate(4096)
page = mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
call(start("evil.bin"))`,
	),
	native(
		"open-code hook cleared by ctypes",
		`import ctypes
offset = int(open(data + "/offset").read())
ctypes.memset(ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime")) + offset, 0, 8)
sys.path.append(data + "/lib")
import evil`,
		{
			beside: { "lib/evil.py": `${EVIL}\n` },
			// The attacker has the headers of the same version.
			arrange: ({ data, python }) => writeFileSync(`${data}/offset`, openCodeHookOffset(python, data)),
		},
	),
	native(
		"library by an extension of SQLite that setconfig() enables",
		`import sqlite3\ndb = sqlite3.connect(":memory:")\ndb.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, True)\ndb.load_extension(data + "/evil.so")`,
		{ ...SQLITE, notOn: before("3.12") },
	),
	native(
		"library by a path object that says two paths",
		`${TWO_PATHS}import _ctypes\n_ctypes.dlopen(Path(data + "/evil.so", _ctypes.__file__), 2)`,
	),
	native(
		"library in a directory that the loader replaces",
		`import ctypes\nctypes.CDLL(data + "/$LIB/evil.so")`,
		replacedDirectory,
	),
	native(
		"extension module in a directory that the loader replaces",
		`import _imp\nclass Spec:\n    name = "_queue"\n    origin = data + "/$LIB/evil.so"\n_imp.create_dynamic(Spec)`,
		replacedDirectory,
	),
	native("changed library that a signed library needs", loadsOuter, {
		...signedChain,
		...copy(({ app }) => `${app}/libmiddle.so`),
	}),
	native("changed library that a needed library needs", loadsOuter, {
		...signedChain,
		...copy(({ app }) => `${app}/libinner.so`),
	}),
	native("link in place of a library that a signed library needs", loadsOuter, {
		...signedChain,
		arrange: ({ app, data }) => {
			rmSync(`${app}/libinner.so`);
			symlinkSync(`${data}/evil.so`, `${app}/libinner.so`);
		},
	}),
	native("library of another processor's beside one that a signed library needs", loadsOuter, {
		...signedChain,
		arrange: ({ app, data }) => {
			mkdirSync(`${app}/glibc-hwcaps/x86-64-v2`, { recursive: true });
			copyFileSync(`${data}/evil.so`, `${app}/glibc-hwcaps/x86-64-v2/libinner.so`);
		},
	}),
	native("library by a script in Tcl", `${TCL}.call("load", data + "/evil.so")`, { needs: HAS_TCL }),
	withData("script in Tcl", `${TCL}.eval(open(data + "/evil.tcl").read())`, {
		beside: { "evil.tcl": `puts "evil-ran-[expr {6 * 7}]"\nflush stdout\n` },
		needs: HAS_TCL,
	}),
	withData(
		"open-code hook replaced by ctypes",
		`import ctypes, io, os
HOOK = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)
hook = HOOK(lambda path, _: open(path, "rb") if os.path.exists(path) else io.BytesIO())
if ctypes.pythonapi.PyFile_SetOpenCodeHook(hook, None) == 0:
    sys.path.append(data)
    import evil`,
	),
];

/**
 * The end of a program that overwrites a constant in memory. Whoever can do that can change what runs. The program
 * shows that it could, because an attack on the verifier itself would need the addresses of one build.
 */
const SHOWS = `if constant[:4] != "pass": ${EVIL}`;

/** Makes a technique that overwrites a text constant of the program in memory. `open` opens that memory. */
const overwrites = (name: string, open: string, more: Partial<Technique> = {}) =>
	withText(
		name,
		`import os
constant = "pass" + " " * 200
address = id(constant) + sys.getsizeof("") - 1
memory = ${open}
os.pwrite(memory, text.strip().ljust(204).encode(), address)
${SHOWS}`,
		more,
	);

/** Returns the file of a module of an interpreter. */
function fileOf(python: string, module: string): string {
	const ask = `import importlib.util as util; print(util.find_spec(${JSON.stringify(module)}).origin, end="")`;
	return execFileSync(python, ["-I", "-c", ask], { encoding: "utf8" });
}

export const memory: readonly Technique[] = [
	overwrites("memory by /proc/self/mem", `os.open("/proc/self/mem", os.O_RDWR)`),
	overwrites(
		"memory by open() of /proc/self/mem",
		`globals().setdefault("file", open("/proc/self/mem", "r+b", 0)).fileno()`,
	),
	overwrites("memory by the path as bytes", `os.open(b"/proc/self/mem", os.O_RDWR)`),
	overwrites("memory by /proc/thread-self/mem", `os.open("/proc/thread-self/mem", os.O_RDWR)`),
	overwrites("memory by the process's number", `os.open("/proc/%d/mem" % os.getpid(), os.O_RDWR)`),
	overwrites("memory by the first thread", `os.open("/proc/self/task/%d/mem" % os.getpid(), os.O_RDWR)`),
	overwrites("memory by a path with dots", `os.open("/proc/../proc/self/./fd/../mem", os.O_RDWR)`),
	overwrites("memory by a path with slashes", `os.open("//proc//self//mem", os.O_RDWR)`),
	overwrites("memory by a link", `os.open(data + "/notes", os.O_RDWR)`, {
		arrange: ({ data }) => symlinkSync("/proc/self/mem", `${data}/notes`),
	}),
	overwrites(
		"memory by a link made by the program",
		`(os.symlink("/proc/self/mem", data + "/late"), os.open(data + "/late", os.O_RDWR))[1]`,
	),
	overwrites("memory by the working directory", `(os.chdir("/proc/self"), os.open("mem", os.O_RDWR))[1]`),
	overwrites(
		"memory by a directory's descriptor",
		`os.open("mem", os.O_RDWR, dir_fd=os.open("/proc/self", os.O_RDONLY))`,
	),
	overwrites(
		"memory by a directory's descriptor, with a file of that name in the working directory",
		`(os.mkdir(data + "/self"), open(data + "/self/mem", "w").close(), os.chdir(data), os.open("self/mem", os.O_RDWR, dir_fd=os.open("/proc", os.O_RDONLY)))[3]`,
	),
	overwrites(
		"memory by a link beside a directory's descriptor",
		`(os.symlink("/proc/self/mem", data + "/memory"), os.open("memory", os.O_RDWR, dir_fd=os.open(data, os.O_RDONLY)))[1]`,
	),
	withText(
		"memory by a path object that says two paths",
		`${TWO_PATHS}import io
constant = "pass" + " " * 200
memory = io.FileIO(Path("/proc/self/mem", "/dev/null"), "r+")
memory.seek(id(constant) + sys.getsizeof("") - 1)
memory.write(text.strip().ljust(204).encode())
${SHOWS}`,
	),
	withText(
		"memory by a view of a buffer that is gone",
		`import io, struct
class Raw(io.RawIOBase):
    def readable(self): return True
    def readinto(self, buffer):
        global view
        view = buffer
        return 0
constant = "pass" + " " * 200
new = text.strip().ljust(204).encode()
address = id(constant) + sys.getsizeof("") - 1
forged = struct.pack("QQqqQQQ", 1 << 20, id(bytearray), 204, 205, address, address, 0)
reader = io.BufferedReader(Raw(), 512)
reader.read(1)
del reader
view = view.cast("P")
objects = [None] * 64
view[0] = id(forged) + sys.getsizeof(b"") - 1
objects[0][0:204] = new
view[0] = id(None)
${SHOWS}`,
	),
	overwrites(
		"memory by a number that is a path",
		`globals().setdefault("file", __import__("io").FileIO(type("Path", (int,), {"__fspath__": lambda self: "/proc/self/mem"})(1 << 40), "r+")).fileno()`,
	),
	withText(
		"memory by a link below a directory whose path is longer than PATH_MAX",
		`import os
constant = "pass" + " " * 200
os.chdir(data)
name = "d" * 200
for _ in range(30):
    os.mkdir(name)
    os.chdir(name)
os.symlink("/proc/self/mem", "notes")
try: memory = os.open("notes", os.O_RDWR)
finally:
    os.unlink("notes")
    for _ in range(30):
        os.chdir("..")
        os.rmdir(name)
os.pwrite(memory, text.strip().ljust(204).encode(), id(constant) + sys.getsizeof("") - 1)
exec(constant)`,
	),
	overwrites(
		"memory by a link below a directory outside of the root",
		`(os.chdir(data), os.symlink("../" * 50 + "proc/self/mem", "notes"), os.mkdir("root"), os.chroot("root"), os.open("notes", os.O_RDWR))[4]`,
		{ needs: `__import__("os").geteuid() == 0` },
	),
	withText(
		"memory by a link that another process exchanges",
		`import os, signal, stat
constant = "pass" + " " * 200
os.symlink("/dev/null", data + "/link")
child = os.fork()
while child == 0:
    for target in ("/proc/%d/mem" % os.getppid(), "/dev/null"):
        os.symlink(target, data + "/next")
        os.rename(data + "/next", data + "/link")
while os.readlink(data + "/link") == "/dev/null": pass
for _ in range(3000):
    try:
        memory = os.open(data + "/link", os.O_RDWR)
        if not stat.S_ISCHR(os.fstat(memory).st_mode): break
    except OSError: pass
os.kill(child, signal.SIGKILL)
os.pwrite(memory, text.strip().ljust(204).encode(), id(constant) + sys.getsizeof("") - 1)
exec(constant)`,
	),
	withText(
		"memory by _cffi_backend",
		`sys.path.insert(0, __file__[:-7])
import _cffi_backend as cffi
constant = "pass" + " " * 200
pointer = cffi.new_pointer_type(cffi.new_primitive_type("char"))
cffi.buffer(cffi.cast(pointer, id(constant) + sys.getsizeof("") - 1), 204)[:] = text.strip().ljust(204).encode()
exec(constant)`,
		{
			needs: `__import__("importlib.util").util.find_spec("_cffi_backend") is not None`,
			prepare: ({ app, python }) => copyFileSync(fileOf(python, "_cffi_backend"), `${app}/_cffi_backend.so`),
		},
	),
	withText(
		"memory by an array of numpy",
		`sys.path.insert(0, __file__[:-7])
import numpy
constant = "pass" + " " * 200
class Interface:
    __array_interface__ = {"data": (id(constant) + sys.getsizeof("") - 1, False), "shape": (204,), "typestr": "|u1", "version": 3}
numpy.asarray(Interface())[:] = numpy.frombuffer(text.strip().ljust(204).encode(), "u1")
exec(constant)`,
		{
			needs: `__import__("subprocess").call([sys.executable, "-Ic", "import numpy"], stderr=-3) == 0`,
			prepare: ({ app, python }) => {
				const numpy = dirname(fileOf(python, "numpy"));
				for (const name of [basename(numpy), "numpy.libs"]) {
					const source = join(dirname(numpy), name);
					if (existsSync(source)) cpSync(source, join(app, name), { recursive: true, dereference: true });
				}
			},
		},
	),
	overwrites("memory by the root directory of the process", `os.open("/proc/self/root/proc/self/mem", os.O_RDWR)`),
	withText(
		"memory by ctypes",
		`import ctypes
constant = "pass" + " " * 200
new = text.strip().ljust(204).encode()
ctypes.memmove(id(constant) + sys.getsizeof("") - 1, new, len(new))
${SHOWS}`,
	),
	withText(
		"memory by process_vm_writev() of ctypes",
		`import ctypes, os
constant = "pass" + " " * 200
new = ctypes.create_string_buffer(text.strip().ljust(204).encode())
part = lambda address: (ctypes.c_uint64 * 2)(address, 204)
write = ctypes.CDLL(None).process_vm_writev
write(os.getpid(), part(ctypes.addressof(new)), ctypes.c_ulong(1), part(id(constant) + sys.getsizeof("") - 1), ctypes.c_ulong(1), ctypes.c_ulong(0))
${SHOWS}`,
	),
];
