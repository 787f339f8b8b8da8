/**
 * Lists the ways to run unsigned code in CPython that `sigtool python gaps` tries, a few of each kind. The tests in
 * test/python try many more ways, and these among them under the same names. docs/explanation/threat-model.md describes those
 * tests.
 */

export interface Gap {
	/** The name: the unsigned code, and the way in which it gets to run. */
	readonly name: string;
	/**
	 * The signed files: the key is the relative path, and the value is the content. The program is `main.py`. Its first
	 * command-line argument is the path of the attacker's directory.
	 */
	readonly signed: Readonly<Record<string, string>>;
	/** The files that the attacker changes or adds in the signed directory, in the form of `signed`. */
	readonly changed?: Readonly<Record<string, string>>;
	/**
	 * Python code that the attacker runs in unguarded Python before the program starts. Its variable `app` is the path
	 * of the signed directory, and `data` is the path of the attacker's directory.
	 */
	readonly making?: string;
	/**
	 * The command-line arguments instead of `main.py` and the attacker's directory. `DATA` stands for the attacker's
	 * directory.
	 */
	readonly args?: readonly string[];
	/** The environment variables that the attacker sets. `DATA` stands for the attacker's directory. */
	readonly environment?: Readonly<Record<string, string>>;
	/**
	 * The names of events. If the code runs and one of these events records that, the gap is `logged` and not `open`.
	 */
	readonly events?: readonly string[];
	/** A text that this event must contain. The default is any text. */
	readonly told?: string;
}

/**
 * The text that the attacker's code prints when it runs. The files of an attempt do not contain this text, because the
 * code computes it. So a program that only prints a file does not count.
 */
export const MARKER = "evil-ran-42";
const EVIL = `__import__("os").write(1, b"evil-ran-%d\\n" % (6 * 7))`;

/** The files in the attacker's directory in each attempt. */
export const ATTACKER_FILES: Readonly<Record<string, string>> = { "evil.py": `${EVIL}\n`, "evil.txt": `${EVIL}\n` };

const DATA = "import sys\ndata = sys.argv[1]\n";
const TEXT = `${DATA}text = open(data + "/evil.txt").read()\n`;
const IMPORTS = { "main.py": "import dep\n", "dep.py": "good = True\n" };
const COMPILED = (target: string) =>
	`import os, py_compile\nos.makedirs(os.path.dirname(${target}), exist_ok=True)\n` +
	`py_compile.compile(data + "/evil.py", ${target}, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)\n`;
/**
 * Python code that copies one of Python's extension modules to the attacker's directory. An attempt with a library
 * succeeds when the interpreter maps a file from this directory, because its code could then run.
 */
const LIBRARY = `import glob, os, shutil, sysconfig
shutil.copy(sorted(glob.glob(os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload", "_json*.so")) + glob.glob(os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload", "*.so")))[0], data)
`;
const MAPPED = `if any(data in line for line in open("/proc/self/maps")): print("evil-ran-%d" % (6 * 7))\n`;
/**
 * Returns a Python program with a text constant. The code `how` overwrites the constant in memory, and then the program
 * shows that it is another one.
 */
const overwriting = (how: string) =>
	`${TEXT}constant = "pass" + " " * 200\naddress = id(constant) + sys.getsizeof("") - 1\n` +
	`new = text.strip().ljust(204).encode()\n${how}\nif constant[:4] != "pass": ${EVIL}\n`;
const ofText = { events: ["python.compile"], told: "evil-ran" } as const;

export const GAPS: readonly Gap[] = [
	{ name: "-c", signed: { "main.py": "" }, args: ["-c", EVIL] },
	{ name: "unsigned script", signed: { "main.py": "" }, args: ["DATA/evil.py"] },
	{ name: "module by PYTHONPATH", signed: { "main.py": "import evil\n" }, environment: { PYTHONPATH: "DATA" } },
	{ name: "changed module", signed: IMPORTS, changed: { "dep.py": EVIL } },
	{
		name: "signed module overwritten by the program itself",
		signed: { ...IMPORTS, "main.py": `${TEXT}open(__file__[:-7] + "dep.py", "w").write(text)\nimport dep\n` },
	},
	{
		name: "signed file under another's name",
		signed: { ...IMPORTS, "danger.py": EVIL },
		making: `import shutil\nshutil.copy(app + "/danger.py", app + "/dep.py")\n`,
	},
	{
		name: "module replaced by a link",
		signed: IMPORTS,
		making: `import os\nos.unlink(app + "/dep.py")\nos.symlink(data + "/evil.py", app + "/dep.py")\n`,
	},
	{
		name: "unchecked bytecode planted in __pycache__",
		signed: IMPORTS,
		making: COMPILED(`__import__("importlib.util").util.cache_from_source(app + "/dep.py")`),
	},
	{
		name: "unsigned bytecode by SourcelessFileLoader",
		signed: {
			"main.py": `${DATA}import importlib.machinery\nimportlib.machinery.SourcelessFileLoader("evil", data + "/evil.pyc").load_module()\n`,
		},
		making: COMPILED(`data + "/evil.pyc"`),
	},
	{
		name: "unsigned archive on sys.path",
		signed: { "main.py": `${DATA}sys.path.append(data + "/evil.zip")\nimport inside\n` },
		making: `import zipfile\nwith zipfile.ZipFile(data + "/evil.zip", "w") as archive: archive.write(data + "/evil.py", "inside.py")\n`,
	},
	{
		name: "unsigned program by runpy.run_path()",
		signed: { "main.py": `${DATA}import runpy\nrunpy.run_path(data + "/evil.py")\n` },
	},
	{
		name: "unsigned extension module",
		signed: {
			"main.py": `${DATA}import glob, importlib.machinery\npath = glob.glob(data + "/*.so")[0]\nname = path.split("/")[-1].split(".")[0]\nimportlib.machinery.ExtensionFileLoader(name, path).create_module(importlib.machinery.ModuleSpec(name, None, origin=path))\n${MAPPED}`,
		},
		making: LIBRARY,
	},
	{
		name: "library by ctypes.CDLL()",
		signed: { "main.py": `${DATA}import ctypes, glob\nctypes.CDLL(glob.glob(data + "/*.so")[0])\n${MAPPED}` },
		making: LIBRARY,
	},
	{
		name: "library by LD_PRELOAD",
		signed: { "main.py": `${DATA}${MAPPED}` },
		making: `${LIBRARY}os.rename(glob.glob(data + "/*.so")[0], data + "/evil.so")\n`,
		environment: { LD_PRELOAD: "DATA/evil.so" },
	},
	{
		name: "interpreter by subprocess",
		signed: { "main.py": `${TEXT}import subprocess\nsubprocess.run([sys.executable, "-c", text])\n` },
	},
	{
		name: "shell by os.execv()",
		signed: { "main.py": `import os\nos.execv("/bin/sh", ["sh", "-c", "echo evil-ran-$((6 * 7))"])\n` },
	},
	{ name: "exec() of text", signed: { "main.py": `${TEXT}exec(text)\n` }, ...ofText },
	{
		name: "get_data() of SourceFileLoader replaced",
		signed: {
			...IMPORTS,
			"main.py": `${TEXT}import importlib.machinery\nimportlib.machinery.SourceFileLoader.get_data = lambda self, path: text.encode()\nimport dep\n`,
		},
		...ofText,
	},
	{
		name: "unsigned bytecode of another name by SourcelessFileLoader",
		signed: {
			"main.py": `${DATA}import importlib.machinery\nimportlib.machinery.SourcelessFileLoader("evil", data + "/evil.bin").load_module()\n`,
		},
		making: COMPILED(`data + "/evil.bin"`),
	},
	{
		name: "constants of a code object replaced",
		signed: {
			"main.py": `f = lambda: __import__("os").dup2(1, 2)
names = tuple({"dup2": "write"}.get(n, n) for n in f.__code__.co_names)
constants = tuple({2: b"evil-ran-%d\\n" % (6 * 7)}.get(c, c) for c in f.__code__.co_consts)
f.__code__ = f.__code__.replace(co_names=names, co_consts=constants)
f()
`,
		},
		events: ["python.code.__new__"],
	},
	{
		name: "exec() of marshalled code",
		signed: { "main.py": `${DATA}import marshal\nexec(marshal.loads(open(data + "/evil.bin", "rb").read()))\n` },
		making: `import marshal\nopen(data + "/evil.bin", "wb").write(marshal.dumps(compile(open(data + "/evil.txt").read(), "evil.bin", "exec")))\n`,
		events: ["python.exec"],
		told: "evil.bin",
	},
	{
		name: "text by ctypes.pythonapi.PyRun_SimpleString()",
		signed: { "main.py": `${TEXT}import ctypes\nctypes.pythonapi.PyRun_SimpleString(text.encode())\n` },
		events: ["python.ctypes.dlsym"],
	},
	{
		name: "constant of an annotation by a subscript",
		signed: {
			"main.py": `${TEXT}import typing\nx = type("X", (), {"__getitem__": exec})()\neval(typing.ForwardRef('x["%s"]' % text).__forward_code__, {"x": x})\n`,
		},
		making: `open(data + "/evil.txt", "w").write("__import__('os').write(1, b'evil-ran-%d' % (6 * 7))")\n`,
		...ofText,
	},
	{
		name: "text by ctypes in a file name while a syntax tree is made",
		signed: {
			"main.py": `${TEXT}import ctypes, functools\nclass Name: __fspath__ = functools.partial(ctypes.pythonapi.PyRun_SimpleString, text.encode())\ntry: compile("1", Name(), "exec", 0x400)\nexcept TypeError: pass\n`,
		},
		...ofText,
	},
	{
		name: "Py_CompileString() with the name of a file",
		signed: {
			"main.py": `${TEXT}import ctypes\nmake = ctypes.pythonapi.Py_CompileString\nmake.restype = ctypes.py_object\nexec(make(text.encode(), b"x.py", 257))\n`,
		},
		...ofText,
	},
	{
		name: "eval() when KeyError ends",
		signed: {
			"main.py": `${TEXT}import gc, os\nrun = map(eval, [text], [{"write": os.write, "__builtins__": {}}])\ngc.get_referents(KeyError.__dict__)[0]["member"] = type("C", (), {"__del__": run.__next__})()\n`,
		},
		making: `open(data + "/evil.txt", "w").write('write(1, b"evil-ran-%d" % (6 * 7))')\n`,
	},
	{
		name: "script in Tcl",
		signed: {
			"main.py": `${DATA}import _tkinter\n_tkinter.create(None, "x", "Tk", False, True, False).eval(open(data + "/evil.tcl").read())\n`,
		},
		making: `open(data + "/evil.tcl", "w").write('puts "evil-ran-[expr {6 * 7}]"\\nflush stdout\\n')\n`,
		events: ["module.dlopen"],
		told: "/_tkinter.",
	},
	{
		name: "memory by /proc/self/mem",
		signed: { "main.py": overwriting(`import os\nos.pwrite(os.open("/proc/self/mem", os.O_RDWR), new, address)`) },
	},
	{
		name: "memory by a link beside a directory's descriptor",
		signed: {
			"main.py": overwriting(
				`import os\nos.chdir("/")\nos.pwrite(os.open("memory", os.O_RDWR, dir_fd=os.open(data, os.O_RDONLY)), new, address)`,
			),
		},
		making: `import os\nos.symlink("/proc/self/mem", data + "/memory")\n`,
	},
	{
		name: "memory by ctypes",
		signed: { "main.py": overwriting("import ctypes\nctypes.memmove(address, new, len(new))") },
		events: ["module.dlopen"],
		told: "/_ctypes.",
	},
	{
		name: "memory by _cffi_backend",
		signed: {
			"main.py": overwriting(
				"import _cffi_backend as cffi\ncffi.buffer(cffi.cast(cffi.new_pointer_type(cffi.new_primitive_type('char')), address), len(new))[:] = new",
			),
		},
		events: ["module.dlopen"],
		told: "/_cffi_backend.",
	},
	{
		name: "memory by an array of numpy",
		signed: {
			"main.py": overwriting(
				`import numpy\ninterface = {"data": (address, False), "shape": (len(new),), "typestr": "|u1", "version": 3}\nnumpy.asarray(type("Interface", (), {"__array_interface__": interface})())[:] = numpy.frombuffer(new, "u1")`,
			),
		},
		events: ["module.dlopen"],
		told: "/_multiarray_umath.",
	},
];
