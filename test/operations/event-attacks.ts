/**
 * Attacks of a signed program that turned hostile, on the way of its events, on the file and on the process that writes
 * it. Each program gets the path of the file, the name of an attack and the number of the collector, and finds the way of
 * events at descriptor 5. It prints `worked` if the attack met no error.
 */

/** Attacks that change or remove lines of a file, where nothing keeps the program from it. */
export const ON_FILE = [
	"truncate",
	"truncate what is open",
	"open again what is open",
	"rename",
	"unlink",
	"overwrite",
	"link",
	"put a file in its place",
] as const;
/** Attacks that put lines into a file which tell of something else than an event of this process. */
export const FORGERIES = ["forge lines", "write half a line", "write a huge line", "flood"] as const;
/** Attacks on the process that writes. */
export const ON_PROCESS = ["SIGKILL", "SIGSTOP", "signal by a group", "its descriptors", "its memory"] as const;
/** The same, which only Python can do without native code of its own. */
export const ON_PROCESS_BY_PYTHON = ["ptrace", "signal by pidfd", "signal by F_SETOWN", "limits"] as const;
/** Attacks that leave the program without a way for its events. */
export const ON_WAY = ["close", "exhaust descriptors"] as const;
export const ON_WAY_BY_PYTHON = ["close a range", "dup2", "duplicate", "close in a child"] as const;
/** Attacks that leave the way there, but take its room or let the collector wait. */
export const ON_QUEUE_BY_PYTHON = ["a small queue", "a socket that lingers"] as const;

const NODE = `
const fs = require("node:fs");
const [events, name, collector] = process.argv.slice(2);
const pid = Number(collector ?? fs.readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").trim().split(" ")[0]);
const send = (text) => fs.writeSync(5, Buffer.concat([Buffer.alloc(4), Buffer.from(text)]));
const opened = () => fs.readdirSync("/proc/self/fd").map(Number).filter((number) => number > 2);
const any = (list, attempt) => {
	let failure = new Error("nothing to try");
	for (const each of list) try { attempt(each); failure = undefined; } catch (error) { failure &&= error; }
	if (failure) throw failure;
};
const signal = (name) => process.kill(pid, name);
const attacks = {
	truncate: () => fs.truncateSync(events),
	"truncate what is open": () => any(opened(), (number) => { if (fs.fstatSync(number).isFile()) fs.ftruncateSync(number); else throw new Error("no file"); }),
	"open again what is open": () => any(opened(), (number) => { if (!fs.fstatSync(number).isFile()) throw new Error("no file"); fs.openSync("/proc/self/fd/" + number, "w"); }),
	rename: () => fs.renameSync(events, events + ".gone"),
	unlink: () => fs.unlinkSync(events),
	overwrite: () => fs.writeSync(fs.openSync(events, "r+"), "X".repeat(20), 0),
	link: () => fs.linkSync(events, events + ".gone"),
	"put a file in its place": () => { fs.writeFileSync("DATA/fake", "{}\\n"); fs.renameSync("DATA/fake", events); },
	"forge lines": () => send('"}\\n{"event":"forged","verdict":"allow","from":1,"chain":"' + "0".repeat(64) + '"}\\n'),
	"write half a line": () => send('{"event":"half'),
	"write a huge line": () => send("X".repeat(500_000)),
	flood: () => { for (let i = 0; i < 20_000; i++) try { send("X\\n"); } catch (error) { if (error.code !== "EAGAIN") throw error; } },
	SIGKILL: () => signal("SIGKILL"),
	SIGSTOP: () => signal("SIGSTOP"),
	"signal by a group": () => process.kill(-pid, "SIGKILL"),
	"its descriptors": () => any(fs.readdirSync("/proc/" + pid + "/fd"), (number) => { if (fs.readlinkSync("/proc/" + pid + "/fd/" + number) !== events) throw new Error("another"); fs.ftruncateSync(fs.openSync("/proc/" + pid + "/fd/" + number, "r+")); }),
	"its memory": () => fs.openSync("/proc/" + pid + "/mem", "r+"),
	close: () => fs.closeSync(5),
	// A few are left, for the file that is loaded then.
	"exhaust descriptors": () => { let last; try { for (;;) last = fs.openSync("/dev/null"); } catch {} for (let i = 0; i < 4; i++) fs.closeSync(last - i); },
};
let unsigned = 0;
function load(name) {
	const file = "DATA/" + name + ".js";
	try { fs.writeFileSync(file, "evil()"); } catch {}
	try { require(file); } catch {}
}
if (!collector) fs.writeFileSync("DATA/after.js", "evil()");
if (!collector) load("before");
try { attacks[name](); console.log("worked"); } catch (error) { console.log(error.code ?? error.message); }
if (!collector) load("after");
`;

const PYTHON = `
import ctypes, fcntl, io, os, signal, socket, struct, sys, time
import resource
events, name = sys.argv[1:3]
is_outside = len(sys.argv) > 3
pid = int(sys.argv[3] if is_outside else open(f"/proc/self/task/{os.getpid()}/children").read().split()[0])
libc = ctypes.CDLL(None, use_errno=True)
def send(text): os.write(5, bytes(4) + text.encode())
def opened(): return [int(number) for number in os.listdir("/proc/self/fd") if int(number) > 2]
def each(numbers, attempt):
    failure = OSError("nothing to try")
    for number in numbers:
        try:
            attempt(number)
            failure = None
        except OSError as error:
            failure = failure and error
    if failure: raise failure
def require_file(number):
    import stat
    if not stat.S_ISREG(os.fstat(number).st_mode): raise OSError("no file")
def truncate(number):
    require_file(number)
    os.ftruncate(number, 0)
def reopen(number):
    require_file(number)
    os.open(f"/proc/self/fd/{number}", os.O_WRONLY | os.O_TRUNC)
def replace():
    open("DATA/fake", "w").write("{}\\n")
    os.rename("DATA/fake", events)
def flood():
    os.set_blocking(5, False)
    for _ in range(20000):
        try: send("X\\n")
        except BlockingIOError: pass
def steal(number):
    file = f"/proc/{pid}/fd/{number}"
    if os.readlink(file) != events: raise OSError("another")
    os.ftruncate(os.open(file, os.O_RDWR), 0)
def call(result):
    if result < 0: raise OSError(ctypes.get_errno(), "refused")
def own_signal():
    read, write = os.pipe()
    os.set_blocking(read, False)
    fcntl.fcntl(read, fcntl.F_SETOWN, pid)
    fcntl.fcntl(read, 10, signal.SIGKILL)
    fcntl.fcntl(read, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(write, b"x")
    time.sleep(0.1)
    os.kill(pid, 0)
def exhaust():
    try:
        while True: last = os.open("/dev/null", os.O_RDONLY)
    except OSError: os.close(last) # One is left, for the file that is loaded then.
def dup2():
    os.dup2(os.open("/dev/null", os.O_WRONLY), 5)
def in_child():
    child = os.fork()
    if child == 0:
        try: os.close(5)
        except OSError: os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0: raise OSError("refused")
def shrink():
    # The refusal must be a long message.
    global directory
    for _ in range(7): directory += "/" + "é" * 105
    os.makedirs(directory)
    way = socket.socket(fileno=5)
    way.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 0)
    way.detach()
def linger():
    # Both ends are sent, behind so many messages that the collector would be the last to close them.
    with socket.create_server(("127.0.0.1", 0)) as server:
        full = socket.create_connection(server.getsockname())
        other = server.accept()[0]
    full.setblocking(False)
    try:
        while True: full.send(bytes(1 << 16))
    except BlockingIOError: pass
    full.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    way = socket.socket(fileno=5)
    try:
        for _ in range(500): way.send(bytes(4) + b"{}")
        for each in (full, other): socket.send_fds(way, [bytes(4) + b"{}"], [each.fileno()])
        full.close()
    finally:
        way.detach()
        other.close()
        full.close()
attacks = {
    "truncate": lambda: os.truncate(events, 0),
    "truncate what is open": lambda: each(opened(), truncate),
    "open again what is open": lambda: each(opened(), reopen),
    "rename": lambda: os.rename(events, events + ".gone"),
    "unlink": lambda: os.unlink(events),
    "overwrite": lambda: os.pwrite(os.open(events, os.O_RDWR), b"X" * 20, 0),
    "link": lambda: os.link(events, events + ".gone"),
    "put a file in its place": replace,
    "forge lines": lambda: send('"}\\n{"event":"forged","verdict":"allow","from":1,"chain":"' + "0" * 64 + '"}\\n'),
    "write half a line": lambda: send('{"event":"half'),
    "write a huge line": lambda: send("X" * 500_000),
    "flood": flood,
    "SIGKILL": lambda: os.kill(pid, signal.SIGKILL),
    "SIGSTOP": lambda: os.kill(pid, signal.SIGSTOP),
    "signal by a group": lambda: os.kill(-pid, signal.SIGKILL),
    "its descriptors": lambda: each([int(number) for number in os.listdir(f"/proc/{pid}/fd")], steal),
    "its memory": lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR),
    "ptrace": lambda: call(libc.ptrace(16, pid, 0, 0)),
    "signal by pidfd": lambda: signal.pidfd_send_signal(os.pidfd_open(pid), signal.SIGKILL),
    "signal by F_SETOWN": own_signal,
    "limits": lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0)),
    "close": lambda: os.close(5),
    "exhaust descriptors": exhaust,
    "close a range": lambda: os.closerange(3, 1 << 20),
    "dup2": dup2,
    "duplicate": lambda: os.dup(5),
    "close in a child": in_child,
    "a small queue": shrink,
    "a socket that lingers": linger,
}
directory = "DATA"
def load(name):
    file = f"{directory}/{name}.py"
    try:
        with open(file, "w") as out: out.write("evil()")
    except OSError: pass
    try: io.open_code(file)
    except OSError: pass
if not is_outside:
    with open("DATA/after.py", "w") as out: out.write("evil()")
    load("before")
try:
    attacks[name]()
    print("worked")
except OSError as error:
    print(error.errno or error)
if not is_outside: load("after")
sys.stdout.flush()
try: os.wait()
except ChildProcessError: print("no child")
`;

/** Loads an unsigned file when a line comes, and prints what came of it. */
export const REFUSED_LATER = {
	node: `
const fs = require("node:fs");
fs.writeFileSync("DATA/later.js", "evil()");
console.log("ready");
process.stdin.once("data", () => {
	try { require("DATA/later.js"); } catch (error) { console.log(error.cause?.code ?? error.code); }
	process.exit(3);
});`,
	python: `
import io, sys
with open("DATA/later.py", "w") as out: out.write("evil()")
print("ready", flush=True)
sys.stdin.readline()
try: io.open_code("DATA/later.py")
except PermissionError: print("refused")
sys.exit(3)`,
} as const;

/** Gets a duplicate of the way past the kernel's filter, and shuts it down. Then loads an unsigned file. */
export const SHUT_DOWN = `
import io, os, socket
one, other = socket.socketpair()
socket.send_fds(one, [b"x"], [5])
duplicate = socket.recv_fds(other, 1, 1)[1][0]
with open("DATA/later.py", "w") as out: out.write("evil()")
socket.socket(fileno=duplicate).shutdown(socket.SHUT_RDWR)
io.open_code("DATA/later.py")`;

export const EVENT_ATTACKS = { node: NODE, python: PYTHON } as const;
