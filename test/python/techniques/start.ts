/**
 * These techniques use command-line arguments, environment variables and start-up files, which act before the first
 * line of the program runs.
 */

import {
	copyFileSync,
	cpSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { cachePath, makeBytecode, makeZip } from "../making.js";
import { EVIL, type Place, type Technique, withData } from "../technique.js";

const LOADS_JSON = "import json\n";
const MODULE = { "main.py": "import dep\n", "dep.py": "good = True\n" };

/** Makes a technique in which the attacker's environment variables trick a signed script. */
const by = (name: string, environment: NonNullable<Technique["environment"]>, more: Partial<Technique> = {}) =>
	withData(name, LOADS_JSON, { environment, ...more });

/** Copies the real prefix, and replaces one module of the copy by the attacker's. */
function makePrefix({ data, library }: Place): void {
	const copy = `${data}/prefix/lib/${basename(library)}`;
	mkdirSync(copy, { recursive: true });
	for (const name of readdirSync(library)) symlinkSync(join(library, name), join(copy, name));
	unlinkSync(`${copy}/keyword.py`);
	writeFileSync(`${copy}/keyword.py`, `${EVIL}\nkwlist = []\niskeyword = kwlist.__contains__\n`);
}

/** Makes a virtual environment that belongs to the attacker for the program that is started. */
function makeEnvironment({ data, home, program, version }: Place): void {
	const packages = `${data}/venv/lib/python${version}/site-packages`;
	mkdirSync(packages, { recursive: true });
	mkdirSync(`${data}/venv/bin`);
	writeFileSync(`${packages}/evil.pth`, `import os; ${EVIL}\n`);
	writeFileSync(`${data}/venv/pyvenv.cfg`, `home = ${home}/bin\n`);
	copyFileSync(program, `${data}/venv/bin/python3`);
}

export const commandLine: readonly Technique[] = [
	withData("-c", "", { script: () => ["-c", EVIL] }),
	withData("-c behind options in one word", "", { script: () => ["-Ic", EVIL] }),
	withData("-c in one word with its text", "", { script: () => [`-c${EVIL}`] }),
	withData("script on standard input", "", { script: () => [], input: ({ data }) => `${data}/evil.txt` }),
	withData("script - on standard input", "", { script: () => ["-"], input: ({ data }) => `${data}/evil.txt` }),
	withData("script /dev/stdin", "", { script: () => ["/dev/stdin"], input: ({ data }) => `${data}/evil.py` }),
	withData("script /proc/self/fd/0", "", { script: () => ["/proc/self/fd/0"], input: ({ data }) => `${data}/evil.py` }),
	withData("read-eval-print loop by -i", "", { flags: () => ["-i"], input: ({ data }) => `${data}/evil.txt` }),
	withData("read-eval-print loop without a script", "", {
		script: () => ["-i"],
		input: ({ data }) => `${data}/evil.txt`,
	}),
	withData("unsigned script", "", { script: ({ data }) => [`${data}/evil.py`] }),
	withData("unsigned script with another name", "", { script: ({ data }) => [`${data}/evil.txt`] }),
	withData("unsigned script in the working directory", "", {
		changed: { "evil.py": EVIL },
		script: () => ["evil.py"],
	}),
	withData("unsigned script by path traversal", "", {
		script: ({ app, data }) => [`${app}/../../data/${basename(data)}/evil.py`],
	}),
	withData("unsigned directory as a script", "", { script: ({ data }) => [`${data}/evil_package`] }),
	withData("__main__.py added to a signed directory", "", {
		changed: { "__main__.py": EVIL },
		script: ({ app }) => [app],
	}),
	withData("unsigned archive as a script", "", {
		arrange: (place) => makeZip(place, `${place.data}/evil.pyz`, { "__main__.py": EVIL }),
		script: ({ data }) => [`${data}/evil.pyz`],
	}),
	withData("unsigned bytecode as a script", "", {
		arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.pyc` }),
		script: ({ data }) => [`${data}/evil.pyc`],
	}),
	withData("unsigned module by -m", "", { changed: { "evil.py": EVIL }, script: () => ["-m", "evil"] }),
	withData("unsigned package by -m", "", {
		changed: { "evil_package/__init__.py": "", "evil_package/__main__.py": EVIL },
		script: () => ["-m", "evil_package"],
	}),
	withData("unsigned __main__ of a signed package by -m", "", {
		signed: { "main.py": "", "package/__init__.py": "" },
		changed: { "package/__main__.py": EVIL },
		script: () => ["-m", "package"],
	}),
	withData("unsigned package by -m runpy", "", {
		script: () => ["-m", "runpy", "evil_package"],
		environment: ({ data }) => ({ PYTHONPATH: data }),
	}),
	withData("unsigned script by -m pdb", "", {
		script: ({ data }) => ["-m", "pdb", "-c", "continue", "-c", "quit", `${data}/evil.py`],
		// pdb starts a program again that was refused.
		through: () => ["timeout", "5"],
	}),
	withData("unsigned script by -m trace", "", {
		script: ({ data }) => ["-m", "trace", "-l", "--ignore-dir=/", `${data}/evil.py`],
	}),
	withData("unsigned script by -m profile", "", { script: ({ data }) => ["-m", "profile", `${data}/evil.py`] }),
	withData("unsigned script by -m cProfile", "", { script: ({ data }) => ["-m", "cProfile", `${data}/evil.py`] }),
	withData("text by -m timeit", "", { script: () => ["-m", "timeit", "-n", "1", "-r", "1", EVIL] }),
	withData("text by -m code", "", { script: () => ["-m", "code"], input: ({ data }) => `${data}/evil.txt` }),
	withData("text by -m asyncio", "", {
		script: () => ["-m", "asyncio"],
		input: ({ data }) => `${data}/evil.txt`,
	}),
	withData("unsigned tests by -m unittest", "", {
		changed: { "test_evil.py": EVIL },
		script: () => ["-m", "unittest", "test_evil"],
	}),
	withData("unsigned tests by -m doctest", "", {
		beside: { "tests.txt": `>>> ${EVIL}\n` },
		script: ({ data }) => ["-m", "doctest", "-v", `${data}/tests.txt`],
	}),
	withData("file checked by -m pydoc", "", { script: ({ data }) => ["-m", "pydoc", `${data}/evil.py`] }),
	withData("warning category by -W", "", {
		flags: () => ["-W", "ignore::evil.Category"],
		environment: ({ data }) => ({ PYTHONPATH: data }),
	}),
	withData("bytecode in a directory by -X pycache_prefix", "", {
		signed: MODULE,
		arrange: (place) => makeBytecode(place, { target: cachedElsewhere(place), of: `${place.app}/dep.py` }),
		flags: ({ data }) => ["-X", `pycache_prefix=${data}/cache`],
	}),
];

function cachedElsewhere(place: Place): string {
	return `${place.data}/cache${place.app}/${basename(cachePath(place, place.app, "dep"))}`;
}

export const environment: readonly Technique[] = [
	by("module by PYTHONPATH", ({ data }) => ({ PYTHONPATH: data }), { beside: { "json.py": EVIL } }),
	by("archive by PYTHONPATH", ({ data }) => ({ PYTHONPATH: `${data}/evil.zip` }), {
		arrange: (place) => makeZip(place, `${place.data}/evil.zip`, { "json.py": EVIL }),
	}),
	by("sitecustomize by PYTHONPATH", ({ data }) => ({ PYTHONPATH: data }), { beside: { "sitecustomize.py": EVIL } }),
	by("usercustomize by PYTHONPATH", ({ data }) => ({ PYTHONPATH: data }), { beside: { "usercustomize.py": EVIL } }),
	by("standard library by PYTHONHOME", ({ data }) => ({ PYTHONHOME: `${data}/prefix` }), {
		signed: { "main.py": "import collections, keyword\n" },
		arrange: makePrefix,
	}),
	by(".pth of the user by HOME", ({ data }) => ({ HOME: data }), {
		arrange: ({ data, version }) => userSite(`${data}/.local`, version, "evil.pth", `import os; ${EVIL}\n`),
	}),
	by("usercustomize by PYTHONUSERBASE", ({ data }) => ({ PYTHONUSERBASE: data }), {
		arrange: ({ data, version }) => userSite(data, version, "usercustomize.py", EVIL),
	}),
	by("PYTHONSTARTUP of a read-eval-print loop", ({ data }) => ({ PYTHONSTARTUP: `${data}/evil.py` }), {
		script: () => ["-i"],
	}),
	by("read-eval-print loop by PYTHONINSPECT", () => ({ PYTHONINSPECT: "1" }), {
		input: ({ data }) => `${data}/evil.txt`,
		through: ({ python }) => [python, "-c", "import pty, sys; pty.spawn(sys.argv[1:])"],
	}),
	by("warning category by PYTHONWARNINGS", ({ data }) => ({ PYTHONPATH: data, PYTHONWARNINGS: "ignore::evil.X" })),
	by("breakpoint() by PYTHONBREAKPOINT", ({ data }) => ({ PYTHONPATH: data, PYTHONBREAKPOINT: "evil.debug" }), {
		signed: { "main.py": "breakpoint()\n" },
	}),
	by("bytecode in a directory by PYTHONPYCACHEPREFIX", ({ data }) => ({ PYTHONPYCACHEPREFIX: `${data}/cache` }), {
		signed: MODULE,
		arrange: (place) => makeBytecode(place, { target: cachedElsewhere(place), of: `${place.app}/dep.py` }),
	}),
	by("pyvenv.cfg beside the interpreter", () => ({}), {
		arrange: makeEnvironment,
		through: ({ data }) => ["sh", "-c", `shift; exec "$0" "$@"`, `${data}/venv/bin/python3`],
	}),
	by("variable for a breakpoint inside a signed program", () => ({ PYTHONBREAKPOINT: "os.system" }), {
		signed: { "main.py": `breakpoint("echo evil-ran-$((6 * 7))")\n` },
	}),
	by("pager of pydoc by PAGER", ({ data }) => ({ PAGER: `sh ${data}/evil.sh #` }), {
		signed: { "main.py": `import pydoc\npydoc.pipepager("text", __import__("os").environ["PAGER"])\n` },
	}),
	by("browser by BROWSER", ({ data }) => ({ BROWSER: `sh ${data}/evil.sh %s` }), {
		signed: { "main.py": `import webbrowser\nwebbrowser.open("about:blank")\n` },
	}),
	by("library by LD_PRELOAD", ({ data }) => ({ LD_PRELOAD: `${data}/evil.so` }), { native: true }),
	by("library by LD_AUDIT", ({ data }) => ({ LD_AUDIT: `${data}/evil.so` }), { native: true }),
	by("library by LD_LIBRARY_PATH", ({ data }) => ({ LD_LIBRARY_PATH: data }), {
		arrange: ({ data }) => copyFileSync(`${data}/evil.so`, `${data}/libm.so.6`),
		native: true,
	}),
	by("library by OPENSSL_CONF", ({ data }) => ({ OPENSSL_CONF: `${data}/openssl.cnf` }), {
		signed: { "main.py": "import ssl\nssl.create_default_context()\n" },
		arrange: ({ data }) => writeFileSync(`${data}/openssl.cnf`, opensslConfiguration(`${data}/evil.so`)),
		native: true,
	}),
	withData(
		"library by OPENSSL_CONF that the program sets",
		`import os\nos.environ["OPENSSL_CONF"] = data + "/openssl.cnf"\nimport ssl\nssl.create_default_context()`,
		{
			arrange: ({ data }) => writeFileSync(`${data}/openssl.cnf`, opensslConfiguration(`${data}/evil.so`)),
			native: true,
		},
	),
	by("library by GCONV_PATH", ({ data }) => ({ GCONV_PATH: data, LOCPATH: `${data}/locales`, LC_ALL: "xx" }), {
		arrange: makeLocale,
		native: true,
	}),
	withData(
		"library by GCONV_PATH that the program sets",
		`import os\nos.environ.update(GCONV_PATH=data, LOCPATH=data + "/locales")\nimport locale\nlocale.setlocale(locale.LC_CTYPE, "xx")`,
		// libc reads the path only once, and in the C locale it has not read the path yet. So the program starts in
		// that locale.
		{ arrange: makeLocale, environment: () => ({ LC_ALL: "C" }), native: true },
	),
	by("library by a script in Tcl by TCL_LIBRARY", ({ data }) => ({ TCL_LIBRARY: data }), {
		signed: { "main.py": `import _tkinter\n_tkinter.create(None, "x", "Tk", False, True, False)\n` },
		arrange: ({ data }) => writeFileSync(`${data}/init.tcl`, `catch {load ${data}/evil.so}\n`),
		needs: `__import__("importlib.util").util.find_spec("_tkinter") is not None`,
		native: true,
	}),
];

/** Makes a locale with a character set that only the attacker's module converts. */
function makeLocale({ data }: Place): void {
	const usual = readFileSync("/usr/lib/locale/C.utf8/LC_CTYPE").toString("latin1");
	cpSync("/usr/lib/locale/C.utf8", `${data}/locales/xx`, { recursive: true });
	writeFileSync(`${data}/locales/xx/LC_CTYPE`, usual.replaceAll("UTF-8\0", "EVILX\0"), "latin1");
	writeFileSync(`${data}/gconv-modules`, `module EVILX// INTERNAL ${data}/evil 1\n`);
}

function userSite(base: string, version: string, name: string, content: string): void {
	const directory = `${base}/lib/python${version}/site-packages`;
	mkdirSync(directory, { recursive: true });
	writeFileSync(`${directory}/${name}`, content);
}

function opensslConfiguration(module: string): string {
	return `openssl_conf = all
[all]
providers = providers
[providers]
evil = evil
[evil]
module = ${module}
activate = 1
`;
}
