/**
 * These techniques change what a number or a path means while native code is judged and loaded: by threads, child
 * processes, signals and other interpreters of the same process.
 */

import { copyFileSync, writeFileSync } from "node:fs";
import { execFileSync } from "../../outside.js";
import { extensionModule } from "../making.js";
import { before, type Place, type Technique, withData } from "../technique.js";

const native = (name: string, program: string, more: Partial<Technique> = {}) =>
	withData(name, program, { native: true, ...more });
const isRoot = `__import__("os").geteuid() == 0`;

const build = ({ app }: Place, name: string, source: string, ...more: readonly string[]) =>
	execFileSync("cc", ["-shared", "-fPIC", "-x", "c", "-", "-o", `${app}/${name}`, `-Wl,-soname,${name}`, ...more], {
		input: source,
	});
/** Signs `libfirst.so`, which is linked to `liblast.so` and, before that, to a library that takes time to begin. */
const slowChain = (place: Place) => {
	const SLOW = "#include <unistd.h>\n__attribute__((constructor)) static void begin(void) { usleep(300000); }\n";
	build(place, "libslow.so", SLOW);
	build(place, "liblast.so", "int last(void) { return 1; }");
	const linked = ["-l:libslow.so", "-l:liblast.so", "-Wl,-rpath,$ORIGIN,--disable-new-dtags"];
	build(place, "libfirst.so", "", `-L${place.app}`, "-Wl,--no-as-needed", ...linked);
};

/** Another interpreter with a lock of its own runs signed text, at the same time as this one. */
const OTHER = `import _interpreters as interpreters, threading
def start(file, **values):
    text = open(path + "/" + file).read()
    threading.Thread(target=interpreters.exec, args=(interpreters.create(), text, values), daemon=True).start()
`;
const PATHS = `import ctypes, os, shutil, time
path = os.path.dirname(os.path.abspath(__file__))
unguarded = not sys.flags.isolated
`;

const otherRoots: readonly Technique[] = [
	native(
		"library behind a forged /proc in a root directory that another interpreter sets meanwhile",
		`${PATHS}${OTHER}root = data + "/root"
def forge(file):
    os.makedirs(os.path.dirname(root + file), exist_ok=True)
    os.link(data + "/evil.so", root + file)
forge(path + "/liblast.so")
for thread in range(os.getpid(), os.getpid() + 100):
    for number in range(32): forge("/proc/self/task/%d/fd/%d" % (thread, number))
if unguarded:
    os.chroot(root)
    ctypes.CDLL(path + "/liblast.so")
else:
    start("leave.py", root=root)
    ctypes.CDLL(path + "/libfirst.so")`,
		{
			prepare: (place) => {
				slowChain(place);
				writeFileSync(`${place.app}/leave.py`, "import os, time\ntime.sleep(0.15)\nos.chroot(root)\n");
			},
			needs: isRoot,
			notOn: before("3.13"),
		},
	),
	native(
		"library behind a forged /proc that hides the threads",
		`${PATHS}import threading
root = data + "/root"
os.makedirs(root + "/proc/self/task/1")
os.makedirs(root + data)
shutil.copy(data + "/evil.so", root + data + "/evil.so")
threading.Thread(target=time.sleep, args=(0.5,)).start()
os.chroot(root)
ctypes.CDLL(data + "/evil.so")`,
		{ needs: isRoot },
	),
];

/** Exchanges every number behind the standard ones, again and again. */
const EXCHANGE = `import os
evil = os.open(data + "/evil.so", os.O_RDONLY)
for number in range(3, 48):
    if number != evil:
        try: os.dup2(evil, number)
        except OSError: pass
`;
const descriptors: readonly Technique[] = [
	native(
		"library whose copy another interpreter exchanges by dup2()",
		`${PATHS}${OTHER}if unguarded: shutil.copy(data + "/evil.so", data + "/liblast.so")
else: start("exchange.py", data=data)
for name in (data if unguarded else path) + "/liblast.so", path + "/libfirst.so":
    try: ctypes.CDLL(name)
    except OSError: pass
os._exit(0)`,
		{
			prepare: (place) => {
				slowChain(place);
				writeFileSync(
					`${place.app}/exchange.py`,
					`import os\nevil = os.open(data + "/evil.so", os.O_RDONLY)
while True:
    for number in range(evil + 1, evil + 12):
        try: os.dup2(evil, number)
        except OSError: pass\n`,
				);
			},
			notOn: before("3.13"),
		},
	),
	native(
		"library whose copy a signal handler exchanges",
		`${PATHS}import signal
def exchange(*_):
    exec(open(path + "/exchange.py").read(), {"data": data})
signal.signal(signal.SIGALRM, exchange)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
try:
    for i in range(50):
        try: ctypes.CDLL(data + "/evil.so" if unguarded else path + "/libfirst.so")
        except OSError: pass
finally: signal.setitimer(signal.ITIMER_REAL, 0)`,
		{
			prepare: (place) => {
				slowChain(place);
				writeFileSync(`${place.app}/exchange.py`, EXCHANGE);
			},
		},
	),
	native(
		"library by the number of a thread and a descriptor",
		`${PATHS}import threading
number = os.open(data + "/evil.so", os.O_RDONLY)
ctypes.CDLL("/proc/self/task/%d/fd//./%d" % (threading.get_native_id(), number))`,
	),
	native(
		"library by a path like that of the next copy",
		`${PATHS}number = os.open(data + "/evil.so", os.O_RDONLY)
for steps in range(8):
    spelled = "".join("/." if steps >> bit & 1 else "//" for bit in range(32))
    try: ctypes.CDLL("/proc/self/task/%d/fd%s/%d" % (os.getpid(), spelled, number))
    except OSError: pass`,
	),
	native(
		"library by a descriptor of another process",
		`${PATHS}come, go = os.pipe()
child = os.fork()
if child == 0:
    number = os.open(data + "/evil.so", os.O_RDONLY)
    os.write(go, b"%d" % number)
    time.sleep(1)
    os._exit(0)
ctypes.CDLL("/proc/%d/fd/%s" % (child, os.read(come, 9).decode()))`,
	),
	native(
		"library by a descriptor that a child sends while one is loaded",
		`${PATHS}import array, socket
one, other = socket.socketpair()
if os.fork() == 0:
    number = os.open(data + "/evil.so", os.O_RDONLY)
    other.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [number]))])
    os._exit(0)
number = array.array("i", one.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])[0]
ctypes.CDLL("/dev/fd/%d" % number)`,
	),
];

const moments: readonly Technique[] = [
	native(
		"library in a child that a thread forks",
		`${PATHS}import threading
def fork():
    child = os.fork()
    if child == 0:
        try: ctypes.CDLL(data + "/evil.so")
        finally: os._exit(0)
    os.waitpid(child, 0)
thread = threading.Thread(target=fork)
thread.start()
thread.join()`,
	),
	native(
		"library in a child after the parent has loaded a signed one of the same name",
		`${PATHS}ctypes.CDLL(path + "/liblast.so")
shutil.copy(data + "/evil.so", data + "/liblast.so")
os.chdir(data)
if os.fork() == 0:
    try: ctypes.CDLL("./liblast.so")
    finally: os._exit(0)
os.wait()`,
		{ prepare: slowChain },
	),
	native(
		"library that a child renames into the place of a signed one while that is loaded",
		`${PATHS}file = path + "/libraced.so"
if os.fork() == 0:
    for i in range(3000):
        shutil.copy(data + "/evil.so" if i % 2 else path + "/liblast.so", path + "/next")
        os.rename(path + "/next", file)
    os._exit(0)
end = time.time() + 1.5
while time.time() < end:
    if os.fork() == 0:
        try: ctypes.CDLL(file)
        except OSError: pass
        os._exit(0)
    os.wait3(0)`,
		{
			prepare: (place) => {
				slowChain(place);
				copyFileSync(`${place.app}/liblast.so`, `${place.app}/libraced.so`);
			},
		},
	),
	native(
		"extension module whose file a thread overwrites while it is imported",
		`${PATHS}import _imp, threading
evil, good = (open(file, "rb").read() for file in (data + "/evil.so", path + "/_queue.so"))
def overwrite():
    for i in range(300):
        with open(path + "/next", "wb") as out: out.write(evil if i % 2 else good)
        os.rename(path + "/next", path + "/_queue.so")
thread = threading.Thread(target=overwrite)
thread.start()
class Spec: name = "_queue"
steps = ""
is_last = False
while not is_last:
    is_last = not thread.is_alive()
    steps = steps[:2000] + "./"
    Spec.origin = path + "/" + steps + "_queue.so"
    try: _imp.create_dynamic(Spec)
    except (ImportError, OSError): pass`,
		{
			prepare: ({ app, library }) => copyFileSync(extensionModule(library, "_queue"), `${app}/_queue.so`),
			needs: `hasattr(__import__("_queue"), "__file__")`,
		},
	),
	native(
		"library behind a traceback that faulthandler writes into its copy",
		`${PATHS}import faulthandler, signal
free = os.open("/dev/null", os.O_RDONLY)
os.close(free)
shutil.copy(data + "/evil.so", data + "/copy.so")
taken = os.open(data + "/copy.so", os.O_RDONLY)
faulthandler.register(signal.SIGALRM, file=taken + 1, chain=False)
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
ctypes.CDLL(data + "/copy.so" if unguarded else path + "/libfirst.so")
signal.setitimer(signal.ITIMER_REAL, 0)`,
		{ prepare: slowChain },
	),
];

export const races: readonly Technique[] = [...otherRoots, ...descriptors, ...moments];
