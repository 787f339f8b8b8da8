/**
 * Tests what is left and what is said when the system refuses in the middle: a full disk, a limit on files or processes,
 * a directory that is gone. Tests outputs that are too large to be read.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hasLauncher } from "../../../test/launcher.js";
import { canMount, execFileSync, hasHeader, hasProgram, spawnSync } from "../../../test/outside.js";
import { newKey, writeChained } from "./commands/log/logs.js";
import { giveDevelopmentIdentity } from "./development-identity.js";
import { FILLER, fillDisk, mountDisk } from "./small-disk.js";
import { isSingleFile, MAIN, makeTree, type Run, runner, temporaryDirectory } from "./support.js";

const PYTHON = "/usr/bin/python3";
const PAGE = 4096;

/** Expects a run to end with exit status 3 and one line on standard error, besides notes and warnings. */
function expectRefused({ status, stdout, stderr }: Omit<Run, "json">, says: RegExp): void {
	const lines = stderr.split("\n").filter((line) => !/^(note|warning): /.test(line));
	expect(lines).toEqual([expect.stringMatching(says), ""]);
	expect(lines[0]).toMatch(/^error: .* \[ERR_IO\]$/);
	expect({ status, stdout }).toEqual({ status: 3, stdout: "" });
}

/** Returns the content of every file below a directory by its path. */
function contentsOf(root: string): Record<string, string> {
	const names = readdirSync(root, { recursive: true, encoding: "utf8" });
	const files = names.filter((name) => statSync(join(root, name)).isFile());
	return Object.fromEntries(files.sort().map((name) => [name, readFileSync(join(root, name), "hex")]));
}

function place(files: Readonly<Record<string, string>> = { "main.js": "console.log('ran')\n" }) {
	const home = temporaryDirectory();
	const app = makeTree(join(home, "app"), files);
	return { home, app, disk: join(home, "disk"), sigtool: runner(home) };
}

describe.skipIf(!canMount())("a full disk (tmpfs, mounted as root)", () => {
	const FULL = /no space left on device \(ENOSPC\) \[ERR_IO\]$/;

	test("takes neither half of what convert writes", () => {
		const { app, disk, sigtool } = place(
			Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`lib/file-${n}.js`, `export default ${n};\n`])),
		);
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		mountDisk(disk, "size=1m");
		const output = join(disk, "app.p7");
		const convert = () => sigtool(["convert", join(app, "app.cat"), "-o", output]);
		expect(convert()).toMatchObject({ status: 0 });
		const pages = Math.ceil(statSync(`${output}.content`).size / PAGE);
		for (const name of readdirSync(disk)) execFileSync("rm", [join(disk, name)]);
		fillDisk(disk, pages * PAGE);
		expectRefused(convert(), FULL);
		expect(readdirSync(disk)).toEqual([FILLER]);
	});

	test("keeps whole tiles of a log, and the next run writes the others", () => {
		const { home, disk, sigtool } = place();
		const log = join(home, "log");
		writeChained(log, 300);
		const { key } = newKey(home);
		const checkpoint = join(home, "checkpoint");
		const seal = ["log", "seal", log, "-o", checkpoint, "--key", key, "--origin", "example.com/a"];
		expect(sigtool(seal)).toMatchObject({ status: 0 });
		const tiles = (directory: string) => ["log", "tiles", log, "-o", directory, "--checkpoint", checkpoint];
		expect(sigtool(tiles(join(home, "tiles")))).toMatchObject({ status: 0 });
		const whole = contentsOf(join(home, "tiles"));
		mountDisk(disk, "size=1m");
		for (let room = 0; ; room += 2 * PAGE) {
			fillDisk(disk, room);
			const run = sigtool(tiles(join(disk, "tiles")));
			expect(whole).toMatchObject(existsSync(join(disk, "tiles")) ? contentsOf(join(disk, "tiles")) : {});
			if (run.status === 0) break;
			expectRefused(run, FULL);
		}
		expect(contentsOf(join(disk, "tiles"))).toEqual(whole);
	});

	test("leaves nothing of the lock of log forward", () => {
		const { home, disk, sigtool } = place();
		writeFileSync(join(home, "log"), "");
		mountDisk(disk, "size=1m");
		fillDisk(disk, 0);
		const to = ["--to", "syslog+tcp://127.0.0.1:9", "--state", join(disk, "state")];
		expectRefused(sigtool(["log", "forward", join(home, "log"), ...to]), FULL);
		expect(readdirSync(disk)).toEqual([FILLER]);
	});

	test.skipIf(!hasLauncher)("for temporary files ends run, which leaves nothing there (launcher)", () => {
		const { app, disk, sigtool } = place();
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		mountDisk(disk, "size=1m");
		const run = () => sigtool(["run", "--allow-development", join(app, "main.js")], { env: { TMPDIR: disk } });
		for (const pages of [0, 1, 2, 3, 5, 9]) {
			fillDisk(disk, pages * PAGE);
			expectRefused(run(), FULL);
			expect(readdirSync(disk)).toEqual([FILLER]);
		}
	});

	describe.skipIf(!existsSync(PYTHON))("under sign --compile-python (needs /usr/bin/python3)", () => {
		/** Makes a source whose bytecode has several pages. */
		const source = (n: number) => Array.from({ length: 400 }, (_, i) => `name_${i} = ${1000 * n + i}\n`).join("");
		const pycs = (contents: Record<string, string>) =>
			Object.fromEntries(Object.entries(contents).filter(([name]) => name.includes("__pycache__")));

		test("keeps every .pyc that it cannot replace, and signs nothing", () => {
			const { disk, sigtool } = place();
			mountDisk(disk, "size=4m");
			const root = makeTree(join(disk, "py"), { "a.py": source(1), "b.py": source(2) });
			const sign = () => sigtool(["sign", root, "--compile-python", "--python", PYTHON]);
			expect(sign()).toMatchObject({ status: 0 });
			const before = contentsOf(root);
			writeFileSync(join(root, "a.py"), source(3));
			fillDisk(disk, 0);
			expectRefused(sign(), FULL);
			const after = contentsOf(root);
			expect(Object.keys(after)).toEqual(Object.keys(before));
			expect(pycs(after)).toEqual(pycs(before));
			expect(after["py.cat"]).toBe(before["py.cat"]);
		});

		test("for temporary files removes no .pyc and signs nothing", () => {
			const { home, disk, sigtool } = place();
			const root = makeTree(join(home, "py"), { "a.py": source(1) });
			const sign = (env: Record<string, string>) =>
				sigtool(["sign", root, "--compile-python", "--python", PYTHON], { env });
			expect(sign({})).toMatchObject({ status: 0 });
			const before = contentsOf(root);
			mountDisk(disk, "size=1m");
			fillDisk(disk, PAGE);
			expectRefused(sign({ TMPDIR: disk }), FULL);
			expect(contentsOf(root)).toEqual(before);
			expect(readdirSync(disk)).toEqual([FILLER]);
		});
	});
});

describe.skipIf(!existsSync(PYTHON))("a Python under sign --compile-python (needs /usr/bin/python3)", () => {
	const UNREADABLE = `
import builtins, errno
usual = builtins.open
def opened(name, *rest, **more):
    if name == "a.py":
        raise OSError(errno.EIO, "refused", name)
    return usual(name, *rest, **more)
builtins.open = opened
`;
	const CUT = `
import py_compile
usual = py_compile.compile
def cut(source, made, *rest, **more):
    usual(source, made, *rest, **more)
    with open(made, "r+b") as file:
        file.truncate(20)
py_compile.compile = cut
`;
	test.each([
		["cannot read a source", UNREADABLE, /Cannot read ".*\/a\.py": input\/output error \(EIO\)/],
		["writes a part, and does not notice it", CUT, /Cannot write ".*": no space left on device \(ENOSPC\)/],
	])("that %s keeps the .pyc, and nothing is signed", (_, patch, says) => {
		const { home, sigtool } = place();
		const root = makeTree(join(home, "py"), { "a.py": "a = 1\n" });
		makeTree(join(home, "site"), { "sitecustomize.py": patch });
		const patched = join(home, "python");
		writeFileSync(patched, `#!/bin/sh\nPYTHONPATH=${join(home, "site")} exec ${PYTHON} "$@"\n`, { mode: 0o755 });
		const sign = (python: string) => sigtool(["sign", root, "--compile-python", "--python", python]);
		expect(sign(PYTHON)).toMatchObject({ status: 0 });
		const before = contentsOf(root);
		expectRefused(sign(patched), says);
		expect(contentsOf(root)).toEqual(before);
	});
});

describe.skipIf(process.platform !== "linux")("a limit on the size of files (ulimit -f)", () => {
	const limited = (home: string, args: readonly string[]) => {
		giveDevelopmentIdentity(join(home, "config"));
		const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") };
		const script = 'ulimit -f 1; exec "$0" "$@"';
		return spawnSync("bash", ["-c", script, process.execPath, MAIN, ...args], { encoding: "utf8", env });
	};

	test("keeps the catalog, and is named", () => {
		const { home, app, sigtool } = place();
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		const before = contentsOf(app);
		expectRefused(
			limited(home, ["sign", app]),
			/Cannot write ".*app\.cat": larger than the limit for one file, see `ulimit -f` \(EFBIG\)/,
		);
		expect(contentsOf(app)).toEqual(before);
	});

	const hasHeaders = ["11", "12", "13", "14"].some((minor) => hasHeader(`python3.${minor}/Python.h`));
	const canBuild = hasHeaders && hasHeader("openssl/cms.h") && hasProgram("cc") && existsSync(PYTHON);
	test.skipIf(!canBuild)("ends python build, which keeps the old spython (needs headers and a C compiler)", () => {
		const { home } = place();
		const output = join(home, "spython/spython");
		makeTree(join(home, "spython"), { spython: "\x7fELF old" });
		const build = ["python", "build", "--python", PYTHON, "--allow-development", "-o", output];
		expectRefused(
			limited(home, build),
			/Cannot build spython: the compiler could not write ".*\/spython", or the compiler's files in ".*": file/,
		);
		expect(readdirSync(join(home, "spython"))).toEqual(["spython"]);
		expect(readFileSync(output, "latin1")).toBe("\x7fELF old");
	});
});

// The single file ignores NODE_OPTIONS, by which this test takes the processes away.
describe.skipIf(isSingleFile || !hasLauncher)("a system without room for another process (launcher)", () => {
	const NO_PROCESS = `
		const error = Object.assign(new Error("spawnSync EMFILE"), { code: "EMFILE", errno: -24, syscall: "spawnSync" });
		require("node:child_process").spawnSync = () => ({ error, status: null, signal: null, stdout: null, stderr: null });
	`;

	test.each([
		"launcher install --prefix PLACE --config PLACE/verifier.json --index PLACE/app.sigx",
		"run --allow-development app/main.js",
		"sign app --compile-python --python /usr/bin/python3",
		"python build --allow-development -o PLACE/spython",
		"python gaps --spython app/main.js",
		"compile app -o app.sigx --allow-development --strip-types-with NODE",
	])("is said to be that, and not taken for a wrong program: %s", (line) => {
		const { home, app, sigtool } = place();
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		const before = contentsOf(app);
		const preload = join(home, "no-process.cjs");
		writeFileSync(preload, NO_PROCESS);
		const [temporary, output] = [join(home, "temporary"), join(home, "place")];
		mkdirSync(temporary);
		const run = sigtool(line.replaceAll("PLACE", output).replace("NODE", process.execPath).split(" "), {
			cwd: home,
			env: { NODE_OPTIONS: `--require=${preload}`, TMPDIR: temporary },
		});
		expectRefused(run, /Cannot start ".*": too many open files \(EMFILE\)/);
		expect(readdirSync(temporary)).toEqual([]);
		expect(contentsOf(app)).toEqual(before);
		expect(existsSync(output)).toBe(false);
	});
});

describe("a directory for temporary files that is not there", () => {
	test.skipIf(process.platform !== "linux")("ends python gaps, and is named", () => {
		const { home, sigtool } = place();
		const facts = { python: "3.13.5", home: "/", executable: "/", program: "/", pins: [], development: false };
		const spython = join(home, "spython");
		writeFileSync(spython, `#!/bin/sh\necho '${JSON.stringify(facts)}'\n`, { mode: 0o755 });
		const run = sigtool(["python", "gaps", "--spython", spython], { env: { TMPDIR: join(home, "gone") } });
		expectRefused(run, /Cannot use the directory for temporary files ".*\/gone": no such file or directory \(ENOENT\)/);
	});
});

// Windows and macOS do not remove a directory in which a process stands, or let it be found all the same.
describe.skipIf(process.platform !== "linux")("a working directory that was removed", () => {
	test.each(["verify APP", "config", "report APP -o page.html", "explain APP", "diff APP APP"])("ends %s", (line) => {
		const { home, app, sigtool } = place();
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		const env = { ...process.env, NO_COLOR: "1", XDG_CONFIG_HOME: join(home, "config") };
		const script = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"';
		const args = line.split(" ").map((word) => (word === "APP" ? app : word));
		const command = [join(home, "gone"), process.execPath, MAIN, ...args];
		const run = spawnSync("sh", ["-c", script, ...command], { encoding: "utf8", env });
		expectRefused(run, /Cannot use the working directory: it was removed, or may not be read; change to another/);
	});
});

describe("an output that is a file of 2 GiB", () => {
	test.each([
		["compile app -o OUT --allow-development", "--force replaces it"],
		["policy sign policy.json -o OUT --identity release", "--force replaces it"],
		["log seal log -o OUT --origin example.com/a --identity release", "use --force"],
	])("is not replaced, and the way out is said: %s", (line, mend) => {
		const { home, app, sigtool } = place();
		expect(sigtool(["sign", app])).toMatchObject({ status: 0 });
		writeFileSync(join(home, "policy.json"), '{"version":1,"mode":"audit"}');
		writeFileSync(join(home, "log"), "line\n");
		const output = join(home, "output");
		writeFileSync(output, "");
		truncateSync(output, 2 ** 31);
		const run = sigtool(line.replace("OUT", output).split(" "), { cwd: home });
		expect(run).toMatchObject({ status: 2, stdout: "" });
		expect(run.stderr).toMatch(new RegExp(`^error: Cannot .*${mend} \\[ERR_OUTPUT_EXISTS\\]\\n$`));
		expect(statSync(output).size).toBe(2 ** 31);
	});
});
