/** These techniques start child processes. Nothing checks the code in a process that the program starts. */

import { chmodSync, copyFileSync } from "node:fs";
import { EVIL_SHELL, type Technique, withData, withText } from "../technique.js";

const SHELL = JSON.stringify(EVIL_SHELL);
const RUN = "import os, subprocess\n";
const starts = (name: string, program: string, more: Partial<Technique> = {}) => withText(name, RUN + program, more);
const SCRIPT = `data + "/evil.sh"`;
/** Uses `exec` as the target, because a child process must be able to import the function that it calls. */
const multiprocessing = (method: string) => `import multiprocessing
if __name__ == "__main__":
    text = open(sys.argv[1] + "/evil.txt").read()
    process = multiprocessing.get_context("${method}").Process(target=exec, args=(text,))
    process.start()
    process.join()`;

export const children: readonly Technique[] = [
	starts("interpreter by subprocess", `subprocess.run([sys.executable or "python3", "-c", text])`),
	starts("interpreter by subprocess, isolated", `subprocess.run([sys.executable or "python3", "-I", "-c", text])`),
	starts("unsigned script by sys.executable", `subprocess.run([sys.executable or "python3", data + "/evil.py"])`),
	starts("another interpreter by subprocess", `subprocess.run(["/usr/bin/python3", "-c", text], env={})`),
	starts("shell by subprocess", `subprocess.run(["sh", ${SCRIPT}])`),
	starts("shell by an option of subprocess", `subprocess.run(${SHELL}, shell=True)`),
	starts(
		"shell by subprocess without vfork",
		`subprocess._USE_VFORK = subprocess._USE_POSIX_SPAWN = False\nsubprocess.run(["sh", ${SCRIPT}])`,
	),
	starts(
		"shell by subprocess with posix_spawn()",
		`subprocess._USE_POSIX_SPAWN = True\nsubprocess.Popen(["/bin/sh", ${SCRIPT}], close_fds=False).wait()`,
	),
	starts("shell by subprocess.getoutput()", `print(subprocess.getoutput(${SHELL}))`),
	starts("unsigned executable by subprocess", `subprocess.run([${SCRIPT}])`, {
		arrange: ({ data }) => chmodSync(`${data}/evil.sh`, 0o755),
	}),
	starts("executable found by PATH", `subprocess.run(["tool"])`, {
		arrange: ({ data }) => {
			copyFileSync(`${data}/evil.sh`, `${data}/tool`);
			chmodSync(`${data}/tool`, 0o755);
		},
		environment: ({ data }) => ({ PATH: `${data}:/usr/bin:/bin` }),
	}),
	starts("shell by os.system()", `os.system(${SHELL})`),
	starts("shell by os.popen()", `print(os.popen(${SHELL}).read())`),
	starts("shell by os.execv()", `os.execv("/bin/sh", ["sh", ${SCRIPT}])`),
	starts("shell by os.execve()", `os.execve("/bin/sh", ["sh", ${SCRIPT}], {})`),
	starts("shell by os.execvp()", `os.execvp("sh", ["sh", ${SCRIPT}])`),
	starts("shell by os.execve() of a descriptor", `os.execve(os.open("/bin/sh", os.O_RDONLY), ["sh", ${SCRIPT}], {})`),
	starts("shell by os.fork() and os.execv()", `if os.fork() == 0: os.execv("/bin/sh", ["sh", ${SCRIPT}])\nos.wait()`),
	starts("shell by os.posix_spawn()", `os.waitpid(os.posix_spawn("/bin/sh", ["sh", ${SCRIPT}], {}), 0)`),
	starts("shell by os.posix_spawnp()", `os.waitpid(os.posix_spawnp("sh", ["sh", ${SCRIPT}], os.environ), 0)`),
	starts("shell by os.spawnv()", `os.spawnv(os.P_WAIT, "/bin/sh", ["sh", ${SCRIPT}])`),
	starts("shell by pty.spawn()", `import pty\npty.spawn(["sh", ${SCRIPT}])`),
	starts(
		"shell by asyncio",
		`import asyncio\nasync def main(): await (await asyncio.create_subprocess_exec("sh", ${SCRIPT})).wait()\nasyncio.run(main())`,
	),
	starts(
		"shell by subprocess while sys.audit() is replaced",
		`sys.audit = lambda *_: None\nsubprocess.run(["sh", ${SCRIPT}])`,
	),
	starts(
		"shell by _posixsubprocess.fork_exec() of multiprocessing",
		`from multiprocessing import util\nos.waitpid(util.spawnv_passfds(b"/bin/sh", [b"sh", (${SCRIPT}).encode()], []), 0)`,
	),
	withData("multiprocessing by spawn", multiprocessing("spawn")),
	withData("multiprocessing by forkserver", multiprocessing("forkserver")),
	withData(
		"interpreter that multiprocessing is set to",
		`import multiprocessing.spawn\nimport multiprocessing\nif __name__ == "__main__":\n    multiprocessing.set_executable(data + "/evil.sh")\n    process = multiprocessing.get_context("spawn").Process(target=print)\n    process.start()\n    process.join()`,
		{
			arrange: ({ data }) => chmodSync(`${data}/evil.sh`, 0o755),
		},
	),
	withData(
		"pool of processes by spawn",
		`import concurrent.futures, multiprocessing\nif __name__ == "__main__":\n    text = open(data + "/evil.txt").read()\n    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool: pool.submit(exec, text).result()`,
	),
];
