/**
 * These techniques use modules, packages, bytecode and links of the program that changed after signing, or were never
 * signed.
 */

import { copyFileSync, cpSync, linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cachePath, makeBytecode } from "../making.js";
import { EVIL, type Files, type Place, type Technique, withData } from "../technique.js";

const GOOD = "good = True\n";
const evil = (path: string) => writeFileSync(path, `${EVIL}\n`);

/** Makes a technique in which a program loads one of its signed files after the attacker has overwritten this file. */
const changes = (name: string, main: string, file: string, more: Files = {}): Technique => ({
	name,
	signed: { "main.py": main, [file]: GOOD, ...more },
	changed: { [file]: EVIL },
});

/** Makes a technique from a program, and from the attacker's changes to its directory. */
const arranged = (
	name: string,
	signed: Files,
	arrange: (place: Place) => void,
	more: Partial<Technique> = {},
): Technique => ({ name, signed, arrange, ...more });

/** Signed code of the attacker's kind. It differs from EVIL, because text counts as signed if a signed file has it. */
const DANGER = `${EVIL}  # signed\n`;
const DEP = { "main.py": "import dep\n", "dep.py": GOOD };

export const files: readonly Technique[] = [
	{ name: "changed main script", signed: { "main.py": GOOD }, changed: { "main.py": EVIL } },
	{
		name: "changed main script with another name",
		signed: { "main.py": "", program: GOOD },
		changed: { program: EVIL },
		script: ({ app }) => [`${app}/program`],
	},
	{
		name: "changed __main__.py of a directory",
		signed: { "__main__.py": GOOD },
		changed: { "__main__.py": EVIL },
		script: ({ app }) => [app],
	},
	changes("changed module", "import dep\n", "dep.py"),
	{ name: "changed module behind a byte order mark", signed: DEP, changed: { "dep.py": `\uFEFF${EVIL}` } },
	changes("changed package", "import dep\n", "dep/__init__.py"),
	changes("changed module of a package", "import dep.inner\n", "dep/inner.py", { "dep/__init__.py": "" }),
	changes("changed module by a relative import", "import dep\n", "dep/inner.py", {
		"dep/__init__.py": "from . import inner\n",
	}),
	changes("changed module in a function called later", "def f():\n    import dep\nf()\n", "dep.py"),
	changes("changed module by __import__()", `__import__("dep")\n`, "dep.py"),
	changes(
		"changed module by importlib.import_module()",
		`import importlib\nimportlib.import_module("dep")\n`,
		"dep.py",
	),
	changes("changed module by importlib.reload()", "import dep, importlib\nimportlib.reload(dep)\n", "dep.py"),
	changes("changed module of a namespace package", "import space.dep\n", "space/dep.py"),
	changes("changed program by runpy.run_path()", `import runpy\nrunpy.run_path(__file__[:-7] + "dep.py")\n`, "dep.py"),
	changes("changed program by runpy.run_module()", `import runpy\nrunpy.run_module("dep")\n`, "dep.py"),
	{
		name: "changed module that a thread imports",
		signed: {
			"main.py": "import threading\nt = threading.Thread(target=__import__, args=('dep',))\nt.start()\nt.join()\n",
			"dep.py": GOOD,
		},
		changed: { "dep.py": EVIL },
	},
	{
		name: "changed module that a forked child imports",
		signed: {
			"main.py": "import os\nif os.fork() == 0:\n    import dep\n    os._exit(0)\nos.wait()\n",
			"dep.py": GOOD,
		},
		changed: { "dep.py": EVIL },
	},
	{
		name: "module written by the program itself",
		signed: {
			"main.py": `open(__file__[:-7] + "late.py", "w").write(open(__import__("sys").argv[1] + "/evil.txt").read())\nimport late\n`,
		},
	},
	{
		name: "signed module overwritten by the program itself",
		signed: {
			...DEP,
			"main.py": `open(__file__[:-7] + "dep.py", "w").write(open(__import__("sys").argv[1] + "/evil.txt").read())\nimport dep\n`,
		},
	},
	withData("module beside the script instead of the standard library's", "import json", {
		changed: { "json.py": EVIL },
	}),
	withData("package beside the script instead of the standard library's", "import colorsys", {
		changed: { "colorsys/__init__.py": EVIL },
	}),
	{ name: "package instead of a signed module", signed: DEP, changed: { "dep/__init__.py": EVIL } },
	{
		name: "module added where an import is tried",
		signed: { "main.py": "try:\n    import speedups\nexcept ImportError:\n    pass\n" },
		changed: { "speedups.py": EVIL },
	},
	{
		name: "module added to a directory the program loads from",
		signed: {
			"main.py":
				"import os, plugins\nfor name in os.listdir(plugins.__path__[0]):\n    if name[0] != '_': __import__('plugins.' + name[:-3])\n",
			"plugins/__init__.py": "",
			"plugins/good.py": GOOD,
		},
		changed: { "plugins/evil.py": EVIL },
	},
	withData("part added to a namespace package", "sys.path.append(data)\nimport space.evil", {
		signed: { "main.py": "import sys\nsys.path.append(sys.argv[1])\nimport space.evil\n", "space/good.py": GOOD },
		beside: { "space/evil.py": EVIL },
	}),
	withData("module of a directory added to sys.path", "sys.path.append(data)\nimport evil"),
	withData("module by __path__ of a package", "import package\npackage.__path__.append(data)\nimport package.evil", {
		signed: {
			"main.py": "import sys, package\npackage.__path__.append(sys.argv[1])\nimport package.evil\n",
			"package/__init__.py": "",
		},
	}),
	withData("module below /proc/self/root", `sys.path.append("/proc/self/root" + data)\nimport evil`),
	withData("module below /proc/self/cwd", `import os\nos.chdir(data)\nsys.path.append("/proc/self/cwd")\nimport evil`),
	withData(
		"module below a descriptor",
		`import os\nsys.path.append("/proc/self/fd/%d" % os.open(data, os.O_RDONLY))\nimport evil`,
	),
	withData("lines of a .pth by site.addsitedir()", "import site\nsite.addsitedir(data)", {
		beside: { "evil.pth": `import os; ${EVIL}\n` },
	}),
	arranged("module replaced by a link", DEP, ({ app, data }) => {
		rmSync(`${app}/dep.py`);
		symlinkSync(`${data}/evil.py`, `${app}/dep.py`);
	}),
	arranged("module replaced by a hard link", DEP, ({ app, data }) => {
		rmSync(`${app}/dep.py`);
		linkSync(`${data}/evil.py`, `${app}/dep.py`);
	}),
	arranged(
		"package replaced by a link to a directory",
		{ "main.py": "import dep\n", "dep/__init__.py": GOOD },
		({ app, data }) => {
			mkdirSync(`${data}/dep`);
			evil(`${data}/dep/__init__.py`);
			rmSync(`${app}/dep`, { recursive: true });
			symlinkSync(`${data}/dep`, `${app}/dep`);
		},
	),
	arranged(
		"package replaced by another directory",
		{ "main.py": "import dep\n", "dep/__init__.py": GOOD },
		({ app, data }) => {
			mkdirSync(`${data}/dep`);
			evil(`${data}/dep/__init__.py`);
			renameSync(`${app}/dep`, `${data}/dep.signed`);
			renameSync(`${data}/dep`, `${app}/dep`);
		},
	),
	arranged(
		"link that led to signed files led elsewhere",
		{ "main.py": "import lib.dep\n", "real/dep.py": GOOD },
		({ app, data }) => {
			mkdirSync(`${data}/real`);
			evil(`${data}/real/dep.py`);
			rmSync(`${app}/lib`);
			symlinkSync(`${data}/real`, `${app}/lib`);
		},
		{ links: { lib: "real" } },
	),
	arranged("signed file under another's name", { ...DEP, "danger.py": DANGER }, ({ app }) =>
		copyFileSync(`${app}/danger.py`, `${app}/dep.py`),
	),
	arranged(
		"signed module of another directory under another's name",
		{ "main.py": "import a.dep\n", "a/dep.py": GOOD, "b/dep.py": DANGER },
		({ app }) => copyFileSync(`${app}/b/dep.py`, `${app}/a/dep.py`),
	),
	arranged(
		"signed tree copied to another directory",
		{ "main.py": DANGER },
		({ app, data }) => cpSync(app, `${data}/copy`, { recursive: true }),
		{
			script: ({ data }) => [`${data}/copy/main.py`],
		},
	),
	arranged(
		"signed script by a link in another directory",
		{ "main.py": "import evil\n" },
		({ app, data }) => {
			symlinkSync(`${app}/main.py`, `${data}/main.py`);
			evil(`${app}/evil.py`);
		},
		{ script: ({ data }) => [`${data}/main.py`] },
	),
];

export const bytecode: readonly Technique[] = [
	arranged("bytecode planted in __pycache__", DEP, (place) =>
		makeBytecode(place, { target: cachePath(place, place.app, "dep"), of: `${place.app}/dep.py` }),
	),
	arranged("unchecked bytecode planted in __pycache__", DEP, (place) =>
		makeBytecode(place, { target: cachePath(place, place.app, "dep") }),
	),
	arranged(
		"bytecode without source",
		{ "main.py": "try:\n    import late\nexcept ImportError:\n    pass\n" },
		(place) => makeBytecode(place, { target: `${place.app}/late.pyc` }),
	),
	arranged(
		"bytecode without source in a package",
		{
			"main.py": "import package\n",
			"package/__init__.py": "try:\n    from . import late\nexcept ImportError:\n    pass\n",
		},
		(place) => makeBytecode(place, { target: `${place.app}/package/late.pyc` }),
	),
	arranged(
		"package of bytecode without source",
		{ "main.py": "try:\n    import late\nexcept ImportError:\n    pass\n" },
		(place) => makeBytecode(place, { target: `${place.app}/late/__init__.pyc` }),
	),
	withData("bytecode without source of a directory added to sys.path", "sys.path.insert(0, data)\nimport late", {
		arrange: (place) => makeBytecode(place, { target: `${place.data}/late.pyc` }),
	}),
	withData("bytecode instead of a module that is missing", "import dep", {
		signed: DEP,
		arrange: (place) => {
			makeBytecode(place, { target: `${place.app}/dep.pyc` });
			rmSync(`${place.app}/dep.py`);
		},
	}),
	{
		name: "changed bytecode that was signed",
		signed: DEP,
		prepare: (place) => makeBytecode(place, { target: cachePath(place, place.app, "dep"), text: GOOD }),
		arrange: (place) => makeBytecode(place, { target: cachePath(place, place.app, "dep") }),
	},
	{
		name: "signed bytecode of another module",
		signed: { ...DEP, "danger.py": DANGER },
		prepare: (place) => {
			makeBytecode(place, { target: cachePath(place, place.app, "dep"), text: GOOD });
			makeBytecode(place, { target: cachePath(place, place.app, "danger") });
		},
		arrange: (place) => copyFileSync(cachePath(place, place.app, "danger"), cachePath(place, place.app, "dep")),
	},
	withData("changed program of bytecode by runpy.run_path()", `import runpy\nrunpy.run_path(data + "/evil.pyc")`, {
		arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.pyc` }),
	}),
	withData("sys.pycache_prefix set by the program", "sys.pycache_prefix = data\nimport dep", {
		signed: { "main.py": "import sys\nsys.pycache_prefix = sys.argv[1] + '/cache'\nimport dep\n", "dep.py": GOOD },
		arrange: (place) =>
			makeBytecode(place, {
				target: `${place.data}/cache${cachePath(place, place.app, "dep").replace("/__pycache__", "")}`,
			}),
	}),
	withData("program of bytecode by its cache name", "", {
		signed: DEP,
		arrange: (place) => makeBytecode(place, { target: cachePath(place, place.app, "main") }),
		script: (place) => [cachePath(place, place.app, "main")],
	}),
];
