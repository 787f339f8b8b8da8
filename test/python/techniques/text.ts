/** These techniques trick a signed program into running text or bytes. No file is loaded as code. */

import { cpSync } from "node:fs";
import { execFileSync } from "../../outside.js";
import { makeBytecode } from "../making.js";
import { before, EVIL, EVIL_SHELL, since, TEXT, type Technique, withData, withText } from "../technique.js";

const marshalled: Partial<Technique> = {
	arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.bin` }),
};
/** A pickle in protocol 0 that calls exec(EVIL). In a string of this protocol a line break has to be an escape. */
const PICKLE = `cbuiltins\nexec\n(V${EVIL.replaceAll("\\", "\\u005c")}\ntR.`;
const EVIL_WITHOUT_ESCAPES = `__import__("os").write(1, b"evil-ran-%d" % (6 * 7))`;
const MARSHAL = `import marshal\ncode = marshal.loads(open(data + "/evil.bin", "rb").read()[16:])\n`;

export const text: readonly Technique[] = [
	withText("exec() of text", "exec(text)"),
	withText("eval() of text", "eval(text)"),
	withText("exec() of compiled text", `exec(compile(text, "evil", "exec"))`),
	withText("eval() of compiled text", `eval(compile(text, "evil", "eval"))`),
	withText("exec() of a syntax tree", `import ast\nexec(compile(ast.parse(text), "evil", "exec"))`),
	withText("exec() by another name", `getattr(__builtins__, "ex" + "ec")(text)`),
	withText(
		"exec() in a thread",
		"import threading\nt = threading.Thread(target=exec, args=(text,))\nt.start()\nt.join()",
	),
	withText("exec() in a forked child", "import os\nif os.fork() == 0:\n    exec(text)\n    os._exit(0)\nos.wait()"),
	withText("exec() when the program ends", "import atexit\natexit.register(lambda: exec(text))"),
	withText(
		"exec() when an object goes away",
		"import weakref\nclass C: pass\nc = C()\nweakref.finalize(c, exec, text)\ndel c",
	),
	withText(
		"exec() as a signal handler",
		"import os, signal\nsignal.signal(signal.SIGUSR1, lambda *_: exec(text))\nos.kill(os.getpid(), signal.SIGUSR1)",
	),
	withText("exec() as a trace function", "sys.settrace(lambda *_: exec(text))\n(lambda: 0)()"),
	withText("function of compiled text", `import types\ntypes.FunctionType(compile(text, "evil", "exec"), globals())()`),
	withText("code of a function replaced", `def f(): pass\nf.__code__ = compile(text, "evil", "exec")\nf()`),
	withText("function by type()", `code = compile(text, "evil", "exec")\ntype(lambda: 0)(code, globals())()`),
	withText(
		"code by replace()",
		`def f(): pass\ncode = compile(text, "evil", "exec")\nf.__code__ = f.__code__.replace(co_code=code.co_code, co_consts=code.co_consts, co_names=code.co_names, co_stacksize=code.co_stacksize, co_flags=code.co_flags)\nf()`,
	),
	withData("exec() of marshalled code", `${MARSHAL}exec(code)`, marshalled),
	withData(
		"function of marshalled code",
		`${MARSHAL}type(lambda: 0)(code, {"__builtins__": __builtins__})()`,
		marshalled,
	),
	withData("code of a function from marshalled code", `${MARSHAL}def f(): pass\nf.__code__ = code\nf()`, marshalled),
	withData(
		"exec() of marshal.load()",
		`import marshal\nfile = open(data + "/evil.bin", "rb")\nfile.seek(16)\nexec(marshal.load(file))`,
		marshalled,
	),
	withData("pickle that calls exec()", `import pickle\npickle.loads(open(data + "/evil.pickle", "rb").read())`, {
		beside: { "evil.pickle": PICKLE },
	}),
	withData(
		"pickle that calls exec(), by the Python class",
		`import pickle\npickle._loads(open(data + "/evil.pickle", "rb").read())`,
		{
			beside: { "evil.pickle": PICKLE },
		},
	),
	withData(
		"pickle in a shelf",
		`import shelve, pickle\nshelf = shelve.open(data + "/shelf", flag="n")\nshelf.dict[b"x"] = open(data + "/evil.pickle", "rb").read()\nshelf["x"]`,
		{
			beside: { "evil.pickle": PICKLE },
		},
	),
	withData(
		"expression in logging.config.fileConfig()",
		`import logging.config\nlogging.config.fileConfig(data + "/log.ini")`,
		{
			beside: {
				"log.ini": `[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n[logger_root]\nhandlers=h\n[handler_h]\nclass=StreamHandler\nargs=(${EVIL.replaceAll("%", "%%")} and None,)\n`,
			},
		},
	),
	withData(
		"factory in logging.config.dictConfig()",
		`import json, logging.config\nlogging.config.dictConfig(json.load(open(data + "/log.json")))`,
		{
			beside: {
				"log.json": JSON.stringify({ version: 1, formatters: { f: { "()": "os.system", command: EVIL_SHELL } } }),
			},
		},
	),
	withText(
		"annotation by typing.get_type_hints()",
		"import typing\ndef f(x): pass\nf.__annotations__ = {'x': text.strip()}\ntyping.get_type_hints(f)",
	),
	withText("text by timeit.timeit()", "import timeit\ntimeit.timeit(text, number=1)"),
	withText("text by cProfile.run()", "import cProfile\ncProfile.run(text)"),
	withText("text by profile.run()", "import profile\nprofile.run(text)"),
	withText("text by trace.Trace().run()", "import trace\ntrace.Trace(count=0, trace=0).run(text)"),
	withText("text by bdb.Bdb().run()", "import bdb\nbdb.Bdb().run(text)"),
	withText(
		"text by pdb commands",
		"import io, pdb\npdb.Pdb(stdin=io.StringIO('!' + text + 'continue\\n'), stdout=io.StringIO()).set_trace()",
	),
	withText("text by code.InteractiveInterpreter", "import code\ncode.InteractiveInterpreter().runsource(text)"),
	withText(
		"text by code.interact()",
		"import code\nlines = iter([text])\ndef read(prompt):\n    for line in lines: return line.strip()\n    raise EOFError\ncode.interact(readfunc=read)",
	),
	withText("text by codeop.compile_command()", "import codeop\nexec(codeop.compile_command(text.strip()))"),
	withData(
		"text by doctest.testfile()",
		`import doctest\ndoctest.testfile(data + "/tests.txt", module_relative=False)`,
		{
			beside: { "tests.txt": `>>> ${EVIL}\n` },
		},
	),
	withText(
		"default of a field by collections.namedtuple()",
		"import collections\ncollections.namedtuple('N', 'a', defaults=[exec(text)])",
	),
	withData(
		"grammar pickle of lib2to3",
		`from lib2to3.pgen2 import driver, grammar\ng = grammar.Grammar()\ng.load(data + "/evil.pickle")`,
		{
			beside: { "evil.pickle": PICKLE },
			notOn: since("3.13"),
		},
	),
	withText(
		"text in a subinterpreter by _xxsubinterpreters",
		"import _xxsubinterpreters as interpreters\ninterpreters.run_string(interpreters.create(), text)",
		{ notOn: since("3.13") },
	),
	withText(
		"text in a subinterpreter by _interpreters",
		"import _interpreters as interpreters\ninterpreters.exec(interpreters.create(), text)",
		{ notOn: before("3.13") },
	),
	withText("text in a subinterpreter by _testcapi", "import _testcapi\n_testcapi.run_in_subinterp(text)"),
	withData(
		"unsigned module in a subinterpreter",
		`import _testcapi\n_testcapi.run_in_subinterp("import sys; sys.path.append(%r); import evil" % data)`,
	),
	withText(
		"exec() in a function that says it is namedtuple()",
		"import _imp, collections\ndef namedtuple(): exec(text)\n_imp._fix_co_filename(namedtuple.__code__, collections.__file__)\nnamedtuple()",
	),
	withText(
		"code of namedtuple() with other globals",
		"import collections, types\nnames = dict(vars(collections))\nnames['_sys'] = types.SimpleNamespace(intern=lambda name: ('a: ' if sys.version_info >= (3, 9) else 'a): ') + text.strip() + ' #' if name == 'a' else name, _getframe=sys._getframe, _getframemodulename=None)\ntypes.FunctionType(collections.namedtuple.__code__, names, 'namedtuple', None)('N', 'a', rename=False, defaults=None, module='m')(1)",
		{
			beside: {
				// The text runs without built-in functions.
				"evil.txt": `[c for c in ().__class__.__base__.__subclasses__() if c.__name__ == "_wrap_close"][0].__init__.__globals__["write"](1, b"evil-ran-%d\\n" % (6 * 7))`,
			},
		},
	),
	withText(
		"text as the name of a field of a dataclass",
		"import dataclasses\nname = 'x=(' + text.strip() + '),*y'\nC = type('C', (), {'__annotations__': {name: int}, name: dataclasses.field(init=False)})\ndataclasses.dataclass(repr=False, eq=False)(C)",
	),
	withText(
		"text by typing.ForwardRef",
		"import typing\nexec(typing.ForwardRef('(' + text.strip() + ')').__forward_code__)",
	),
	withText(
		"text by typing.ForwardRef between strings that end elsewhere",
		`import typing\nexec(typing.ForwardRef('"""x" \\'y""", ' + text.strip() + ', """z\\' "w"""').__forward_code__)`,
		{ beside: { "evil.txt": EVIL_WITHOUT_ESCAPES } },
	),
	withText(
		"name of a field of a dataclass that gives hash() another meaning",
		"import dataclasses\nname = text.strip()\nC = type('C', (), {'__annotations__': {name: int}, name: dataclasses.field(init=False)})\ndataclasses.dataclass(repr=False, eq=False)(C)",
		{ beside: { "evil.txt": `x=(hash:=print,hash("evil-ran-"+"42")),*y` } },
	),
	withText(
		"compile() while there is no memory for the frame",
		`import resource
before = resource.getrlimit(resource.RLIMIT_AS)
held = []
class Name:
    def __fspath__(self):
        resource.setrlimit(resource.RLIMIT_AS, before)
        held.clear()
        return "x"
def fill():
    resource.setrlimit(resource.RLIMIT_AS, (4096, before[1]))
    for size in range(24, 11, -1):
        try:
            while True: held.append(bytes(1 << size))
        except MemoryError: pass
def large(name):
    fill()
    return compile(text, name, "eval")
    ${Array.from({ length: 5000 }, (_, number) => `v${number}=`).join("")}0
eval(large(Name()))`,
	),
	withText(
		"text by _testcapi while a syntax tree is made",
		`import functools, _testcapi
class Name: __fspath__ = functools.partial(_testcapi.run_stringflags, text.encode(), 257, {"__builtins__": __builtins__})
compile("1", Name(), "exec", 0x400)`,
		{
			needs: `hasattr(__import__("_testcapi"), "run_stringflags") if sys.version_info >= (3, 13) and __import__("importlib.util").util.find_spec("_testcapi") else False`,
		},
	),
	withText(
		"exec() between two syntax trees that greenlet makes",
		`sys.path.insert(0, __file__[:-7])
import greenlet
class Name:
    def __init__(self, to): self.to = to
    def __fspath__(self):
        self.to.switch()
        return "x"
class Key:
    def __hash__(self): return hash("__builtins__")
    def __eq__(self, other):
        if not other_stack.dead: other_stack.switch()
        return False
own_stack = greenlet.getcurrent()
other_stack = greenlet.greenlet(lambda: compile("1", Name(own_stack), "exec", 0x400))
def main():
    compile("1", Name(other_stack), "exec", 0x400)
    exec(text, {Key(): 1})
main()`,
		{
			// Debian's greenlet is there for every CPython, but was compiled for one.
			needs: `(lambda spec: spec is not None and __import__("os").path.exists(spec.submodule_search_locations[0] + "/_greenlet" + __import__("sysconfig").get_config_var("EXT_SUFFIX")))(__import__("importlib.util").util.find_spec("greenlet"))`,
			prepare: ({ app, python }) => {
				const find = `import greenlet; print(greenlet.__path__[0])`;
				const source = execFileSync(python, ["-Ic", find], { encoding: "utf8" }).trim();
				cpSync(source, `${app}/greenlet`, { recursive: true, dereference: true });
			},
		},
	),
	withText("tree that ast.parse() does not make", "import ast\nast.PyCF_ONLY_AST = 0\nexec(ast.parse(text))"),
	withText(
		"exec() while a syntax tree is made",
		"class Name:\n    def __fspath__(self):\n        exec(text)\n        return 'x'\ncompile(text, Name(), 'exec', 0x400)",
	),
	withText(
		"exec() by a weak reference while a syntax tree is made",
		"import ast, gc, weakref\nclass C: pass\ndef end(_):\n    exec(text)\nfor _ in range(9):\n    c = C(); c.c = c\n    r = weakref.ref(c, end); del c\n    gc.set_threshold(1)\n    ast.parse(text)\n    gc.set_threshold(700)\n    gc.collect()",
	),
	withText("text that a decoder gives for a signed file", "", {
		signed: {
			"main.py": `${TEXT}import codecs, encodings
real = codecs.lookup("utf-8")
evil = codecs.CodecInfo(real.encode, lambda *_: (text, 1), name="koi8-r")
encodings._cache["koi8-r"] = encodings._cache["koi8_r"] = evil
import dep
`,
			"dep.py": "# coding: koi8-r\ngood = True\n",
		},
	}),
	withData(
		"constants of a code object replaced",
		"f = lambda: __import__('os').dup2(1, 2)\nf.__code__ = f.__code__.replace(co_names=tuple({'dup2': 'write'}.get(n, n) for n in f.__code__.co_names), co_consts=tuple({2: b'evil-ran-%d\\n' % (6 * 7)}.get(c, c) for c in f.__code__.co_consts))\nf()",
	),
	withData(
		"code by the module parser",
		"import json, parser\nexec(parser.sequence2st(json.load(open(data + '/evil.json'))).compile())",
		{
			arrange: ({ python, data }) =>
				execFileSync(python, [
					"-I",
					"-W",
					"ignore",
					"-c",
					"import json, parser, sys; json.dump(parser.suite(sys.argv[2]).tolist(), open(sys.argv[1], 'w'))",
					`${data}/evil.json`,
					EVIL,
				]),
			needs: "__import__('sys').version_info < (3, 10)",
		},
	),
	withText(
		"exec() after sys.audit() of a signed text",
		"sys.audit('compile', open(__file__, 'rb').read(), 'main')\nexec(text)",
	),
];
