/** These techniques trick a signed program into running text or bytes. No file is loaded as code. */

import { makeBytecode } from "../making.js";
import { before, EVIL, EVIL_SHELL, since, type Technique, withData, withText } from "../technique.js";

const marshalled: Partial<Technique> = {
	arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.bin` }),
};
/** A pickle in protocol 0 that calls exec(EVIL). In a string of this protocol a line break has to be an escape. */
const PICKLE = `cbuiltins\nexec\n(V${EVIL.replaceAll("\\", "\\u005c")}\ntR.`;
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
];
