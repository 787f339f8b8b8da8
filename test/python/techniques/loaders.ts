/**
 * These techniques run code through parts of the import system: loaders that are called directly, replaced or added.
 */

import { makeBytecode, makeZip } from "../making.js";
import { before, DATA, EVIL, notOn, since, TEXT, type Technique, VERSIONS, withData, withText } from "../technique.js";

const MACHINERY = "import importlib.machinery as machinery, importlib.util as util\n";
const by = (name: string, loader: string, more: Partial<Technique> = {}) =>
	withData(
		name,
		`${MACHINERY}spec = util.spec_from_file_location("evil", ${loader})\nspec.loader.exec_module(util.module_from_spec(spec))`,
		more,
	);
const evilBytecode: Partial<Technique> = {
	arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.pyc` }),
};
const SOURCE_LOADER = `import importlib.abc, importlib.util
class Loader(importlib.abc.SourceLoader):
    def get_filename(self, name): return data + "/evil.txt"
    def get_data(self, path): return open(path, "rb").read()
`;
const RUNS = `class Loader:
    def create_module(self, spec): return None
    def exec_module(self, module): exec(text, vars(module))
`;

export const loaders: readonly Technique[] = [
	withData(
		"unsigned file by sys.remote_exec()",
		`import os, time\nsys.remote_exec(os.getpid(), data + "/evil.py")\nfor _ in range(100): time.sleep(0.01)`,
		{ notOn: before("3.14") },
	),
	by("unsigned file by spec_from_file_location()", `data + "/evil.py"`),
	by(
		"unsigned file of another name by SourceFileLoader",
		`data + "/evil.txt", loader=machinery.SourceFileLoader("evil", data + "/evil.txt")`,
	),
	by("unsigned bytecode by SourcelessFileLoader", `data + "/evil.pyc"`, evilBytecode),
	withData(
		"unsigned file by SourceFileLoader.load_module()",
		`${MACHINERY}machinery.SourceFileLoader("evil", data + "/evil.py").load_module()`,
	),
	withData(
		"code of an unsigned file by get_code()",
		`${MACHINERY}exec(machinery.SourceFileLoader("evil", data + "/evil.py").get_code("evil"))`,
	),
	withData(
		"code of unsigned bytecode by get_code()",
		`${MACHINERY}exec(machinery.SourcelessFileLoader("evil", data + "/evil.pyc").get_code("evil"))`,
		evilBytecode,
	),
	withData("text by get_data() of a loader", `exec(__loader__.get_data(data + "/evil.txt"))`),
	withData(
		"text by pkgutil.get_data()",
		`import pkgutil, package\npackage.__file__ = data + "/x"\nexec(pkgutil.get_data("package", "evil.txt"))`,
		{
			signed: {
				"main.py": `import pkgutil, sys, package\npackage.__file__ = sys.argv[1] + "/x"\nexec(pkgutil.get_data("package", "evil.txt"))\n`,
				"package/__init__.py": "",
			},
		},
	),
	withData(
		"text by decode_source()",
		`import importlib.util\nexec(importlib.util.decode_source(open(data + "/evil.txt", "rb").read()))`,
	),
	withData("text by linecache", `import linecache\nexec("".join(linecache.getlines(data + "/evil.txt")))`),
	withData("unsigned file by imp.load_source()", `import imp\nimp.load_source("evil", data + "/evil.py")`, {
		notOn: since("3.12"),
	}),
	withData(
		"unsigned file by imp.load_module() and imp.find_module()",
		`import imp\nimp.load_module("evil", *imp.find_module("evil", [data]))`,
		{ notOn: since("3.12") },
	),
	withData(
		"unsigned file by imp.load_source() with a file",
		`import imp\nimp.load_source("evil", data + "/evil.py", open(data + "/evil.py"))`,
		{ notOn: since("3.12") },
	),
	withData(
		"unsigned file by imp.load_source() with a file of bytes",
		`import imp\nimp.load_source("evil", data + "/evil.py", open(data + "/evil.py", "rb"))`,
		{ notOn: since("3.12") },
	),
	withData(
		"unsigned file by imp.load_source() under a signed name",
		`import imp\nimp.load_source("evil", __file__, open(data + "/evil.txt", "rb"))`,
		{ notOn: since("3.12") },
	),
	withData(
		"unsigned bytecode by imp.load_compiled() with a file",
		`import imp\nimp.load_compiled("evil", data + "/evil.bin", open(data + "/evil.bin", "rb"))`,
		{
			arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.bin` }),
			notOn: since("3.12"),
		},
	),
	withData(
		"unsigned file by pkgutil.ImpImporter",
		`import pkgutil\npkgutil.ImpImporter(data).find_module("evil").load_module("evil")`,
		{ notOn: since("3.12") },
	),
	withData(
		"code of an unsigned file by pkgutil.ImpImporter",
		`import pkgutil\nexec(pkgutil.ImpImporter(data).find_module("evil").get_code())`,
		{ notOn: since("3.12") },
	),
	withData(
		"unsigned bytecode of another name by SourcelessFileLoader",
		`${MACHINERY}machinery.SourcelessFileLoader("evil", data + "/evil.bin").load_module()`,
		{ arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.bin` }) },
	),
	withData("unsigned bytecode by imp.load_compiled()", `import imp\nimp.load_compiled("evil", data + "/evil.pyc")`, {
		...evilBytecode,
		notOn: since("3.12"),
	}),
	withData("unsigned program by runpy.run_path()", `import runpy\nrunpy.run_path(data + "/evil.py")`),
	withData("unsigned package by runpy.run_path()", `import runpy\nrunpy.run_path(data + "/evil_package")`),
	withData(
		"unsigned module by runpy.run_module()",
		`import runpy\nsys.path.append(data)\nrunpy.run_module("evil_package", alter_sys=True)`,
	),
	withData("SourceLoader with get_data() of its own", `${SOURCE_LOADER}Loader().load_module("evil")`),
	withData(
		"SourceLoader with get_data() of its own by exec_module()",
		`${SOURCE_LOADER}spec = importlib.util.spec_from_loader("evil", Loader())\nspec.loader.exec_module(importlib.util.module_from_spec(spec))`,
	),
	withData(
		"get_data() of SourceFileLoader replaced",
		`${MACHINERY}machinery.SourceFileLoader.get_data = lambda self, path: open(path, "rb").read()\nsys.path.insert(0, data)\nimport evil`,
	),
	withData(
		"path_stats() and get_data() of a loader replaced",
		`${MACHINERY}machinery.SourceFileLoader.path_stats = lambda self, path: {"mtime": 0, "size": 1}\nmachinery.SourceFileLoader.get_data = lambda self, path: open(data + "/evil.txt", "rb").read()\nimport colorsys`,
	),
	{
		name: "source of a signed module changed in the frame of the loader by a trace function",
		signed: {
			"main.py": `${TEXT}def trace(frame, event, argument):
    names = frame.f_locals
    if isinstance(names.get("source_bytes"), bytes): names["source_bytes"] = text.encode()
    return trace
sys.settrace(trace)
import dep
`,
			"dep.py": "good = True\n",
		},
	},
	withData(
		"open_code() of _io replaced",
		`import _io\n_io.open_code = lambda path: open(path, "rb")\nsys.path.insert(0, data)\nimport evil`,
	),
	withData(
		"open_code() of io replaced",
		`import io, runpy\nio.open_code = lambda path: open(path, "rb")\nrunpy.run_path(data + "/evil.py")`,
	),
	withData(
		"FileIO of _io in place of open_code()",
		`import _io\nfrom importlib import _bootstrap_external as loader\nloader._io = type("", (), {"open_code": _io.FileIO, "BytesIO": _io.BytesIO, "FileIO": _io.FileIO, "TextIOWrapper": _io.TextIOWrapper, "IncrementalNewlineDecoder": _io.IncrementalNewlineDecoder})\nsys.path.insert(0, data)\nimport evil`,
	),
	withText(
		"finder added to sys.meta_path",
		`import importlib.machinery\n${RUNS}class Finder:\n    @staticmethod\n    def find_spec(name, path, target=None): return importlib.machinery.ModuleSpec(name, Loader()) if name == "evil" else None\nsys.meta_path.insert(0, Finder)\nimport evil`,
	),
	withText(
		"hook added to sys.path_hooks",
		`import importlib.machinery\n${RUNS}class Finder:\n    def find_spec(self, name, target=None): return importlib.machinery.ModuleSpec(name, Loader())\n    def invalidate_caches(self): pass\ndef hook(path):\n    if path != "evil:": raise ImportError\n    return Finder()\nsys.path_hooks.insert(0, hook)\nsys.path.append("evil:")\nimport evil`,
	),
	withText(
		"finder put into sys.path_importer_cache",
		`import importlib.machinery\n${RUNS}class Finder:\n    def find_spec(self, name, target=None): return importlib.machinery.ModuleSpec(name, Loader())\n    def invalidate_caches(self): pass\nsys.path_importer_cache["evil:"] = Finder()\nsys.path.append("evil:")\nimport evil`,
	),
	withText(
		"source_to_code() of a loader",
		`exec(__import__("importlib.machinery").machinery.SourceFileLoader("evil", "evil").source_to_code(text, "evil"))`,
	),
	withText(
		"__import__ replaced",
		`import builtins\noriginal = builtins.__import__\ndef replaced(*arguments):\n    builtins.__import__ = original\n    exec(text)\nbuiltins.__import__ = replaced\nimport evil`,
	),
	{
		name: "io.BytesIO of the hook replaced by gc.get_objects()",
		signed: {
			"main.py": `${TEXT}import gc, io
kept = io.BytesIO
class Replaced(kept):
    def __init__(self, content): kept.__init__(self, text.encode() if content == b"good = True\\n" else content)
for each in gc.get_objects():
    if type(each) is dict and each.get("BytesIO") is kept: each["BytesIO"] = Replaced
import dep
`,
			"dep.py": "good = True\n",
		},
		notOn: notOn("only the hook reads files into memory", ...VERSIONS),
	},
	{
		name: "archive that the hook keeps replaced by gc.get_objects()",
		signed: {
			"main.py": `${DATA}import gc, sys
sys.path.insert(0, __file__[:-7] + "lib.zip")
import first
evil = open(data + "/evil.zip", "rb").read()
for each in gc.get_objects():
    if type(each) is dict:
        for key, value in list(each.items()):
            if type(value) is bytes and value[:2] == b"PK": each[key] = evil
import second
`,
		},
		prepare: (place) =>
			makeZip(place, `${place.app}/lib.zip`, { "first.py": "", "second.py": " ".repeat(EVIL.length) }),
		arrange: (place) => makeZip(place, `${place.data}/evil.zip`, { "first.py": "", "second.py": EVIL }),
		notOn: notOn("only the hook keeps archives in memory", ...VERSIONS),
	},
	{
		name: "code of a signed module replaced in the cache of the loader",
		signed: {
			"main.py": `import sys\nfrom importlib import _bootstrap_external as loader\ntext = open(sys.argv[1] + "/evil.txt").read()\nloader._compile_bytecode = lambda *a, **k: compile(text, "evil", "exec")\nloader.SourceLoader.source_to_code = lambda *a, **k: compile(text, "evil", "exec")\nimport dep\n`,
			"dep.py": "good = True\n",
		},
	},
];
