/** These techniques borrow a right to make code of text: from code that was admitted, from CPython's own functions, and from the end of the process. */

import { makeBytecode } from "../making.js";
import { before, notOn, since, TEXT, type Technique, withData, withText } from "../technique.js";

/** A text without a double quote or backslash, so that it can be a string in an annotation. */
const QUOTED = `__import__('os').write(1, b'evil-ran-%d' % (6 * 7))`;
const quoted = (name: string, program: string, more: Partial<Technique> = {}) =>
	withText(name, program, { beside: { "evil.txt": QUOTED }, ...more });
const runs = (slot: string, by = "exec") => `x = type("X", (), {"${slot}": ${by}})()\n`;
const REF = (operation: string) => `typing.ForwardRef('${operation}' % text).__forward_code__`;

/** In protocol 0: `eval(ForwardRef('x["…"]').__forward_code__, {"x": type("X", (), {"__getitem__": exec})()})`. */
const PICKLE = [
	`cbuiltins\neval\n(cbuiltins\ngetattr\n(ctyping\nForwardRef\n(Vx["${QUOTED}"]\ntRV__forward_code__\ntR`,
	"(Vx\ncbuiltins\ntype\n(VX\n)(V__getitem__\ncbuiltins\nexec\ndtR)RdtR.",
].join("");

const constants: readonly Technique[] = [
	quoted(
		"constant of an annotation by a subscript",
		`import typing\n${runs("__getitem__")}eval(${REF('x["%s"]')}, {"x": x})`,
	),
	quoted(
		"constant of an annotation by eval() in a slot",
		`import typing\n${runs("__getitem__", "eval")}eval(${REF('x["%s"]')}, {"x": x})`,
	),
	quoted("constant of an annotation by |", `import typing\n${runs("__or__")}eval(${REF('x|"%s"')}, {"x": x})`),
	quoted("constant of an annotation behind |", `import typing\n${runs("__ror__")}eval(${REF('"%s"|x')}, {"x": x})`),
	quoted("constant of an annotation by -", `import typing\n${runs("__sub__")}eval(${REF('x-"%s"')}, {"x": x})`),
	quoted("constant of an annotation by *", `import typing\n${runs("__mul__")}eval(${REF('x*"%s"')}, {"x": x})`),
	quoted(
		"constant of an annotation in a function of its code",
		`import types, typing\n${runs("__getitem__")}types.FunctionType(${REF('x["%s"]')}, {"x": x, "__builtins__": __builtins__})()`,
	),
	quoted(
		"constant of an annotation in a function that gets its code",
		`import typing\n${runs("__getitem__")}def f(): pass\nf.__code__ = ${REF('x["%s"]')}\nf()`,
	),
	quoted(
		"constant of an annotation by typing.get_type_hints()",
		`import typing\n${runs("__getitem__")}def f(y): pass\nf.__annotations__ = {"y": 'x["%s"]' % text}\ntry: typing.get_type_hints(f)\nexcept TypeError: pass`,
	),
	quoted(
		"constant of an annotation by dataclasses.make_dataclass()",
		`import dataclasses, typing\n${runs("__getitem__")}C = dataclasses.make_dataclass("C", [("y", 'x["%s"]' % text)])\ntry: typing.get_type_hints(C, {"x": x})\nexcept TypeError: pass`,
	),
	quoted(
		"constant of an annotation by functools.singledispatch()",
		`import functools\n${runs("__getitem__")}@functools.singledispatch\ndef first(y): pass\ndef second(y): pass\nsecond.__annotations__ = {"y": 'x["%s"]' % text}\ntry: first.register(second)\nexcept TypeError: pass`,
	),
	quoted(
		"constant of an annotation of which a slot makes code",
		`import functools, typing\n${runs("__getitem__", `functools.partial(compile, filename="x", mode="exec")`)}exec(eval(${REF('x["%s"]')}, {"x": x}))`,
	),
	quoted(
		"constant of an annotation by code that was renamed",
		`import typing\n${runs("__getitem__")}eval(${REF('x["%s"]')}.replace(co_name="main"), {"x": x})`,
	),
	withData(
		"constant of an annotation by a pickle alone",
		`import pickle\ntry: pickle.load(open(data + "/evil.pickle", "rb"))\nexcept TypeError: pass`,
		{
			beside: { "evil.pickle": PICKLE },
		},
	),
];

const NATIVE = `import ctypes, functools
run = functools.partial(ctypes.pythonapi.PyRun_SimpleString, text.encode())
`;
const PARSES = (name: string, more = "") =>
	`try: compile(${more || '"1"'}, ${name}, "exec", 0x400)\nexcept (TypeError, SyntaxError, LookupError): pass`;
const xx = "import functools, _xxsubinterpreters as interpreters\n";
const own = `import functools, _interpreters as interpreters
run = functools.partial(interpreters.exec, interpreters.create(), text)
`;

const trees: readonly Technique[] = [
	withText(
		"text in a subinterpreter by _interpreters in the name of a syntax tree",
		`${own}class Name: __fspath__ = run\n${PARSES("Name()")}`,
		{
			notOn: before("3.13"),
		},
	),
	withText(
		"text in a subinterpreter by _interpreters in a number of compile()",
		`${own}class Number: __index__ = run\ntry: compile("1", "x", "exec", 0x400, optimize=Number())\nexcept TypeError: pass`,
		{
			notOn: before("3.13"),
		},
	),
	withText(
		"text in a subinterpreter by _xxsubinterpreters while a syntax tree is made",
		`${xx}class Name: __fspath__ = functools.partial(interpreters.run_string, interpreters.create(), text)\n${PARSES("Name()")}`,
		{ notOn: since("3.13") },
	),
	withText(
		"text by ctypes in a file name while a syntax tree is made",
		`${NATIVE}class Name: __fspath__ = run\n${PARSES("Name()")}`,
	),
	withText(
		"text by ctypes in a file name of ast.parse()",
		`${NATIVE}import ast\nclass Name: __fspath__ = run\ntry: ast.parse("1", Name())\nexcept TypeError: pass`,
	),
	withText(
		"text by ctypes in a number of compile()",
		`${NATIVE}class Number: __index__ = run\ncompile("1", "x", "exec", 0x400, optimize=Number())`,
	),
	withText(
		"text by ctypes in the version of compile()",
		`${NATIVE}class Number: __index__ = run\ncompile("1", "x", "exec", 0x400, _feature_version=Number())`,
	),
	withText(
		"text by ctypes in the choice whether compile() inherits",
		`${NATIVE}class Number:\n    __index__ = run\n    __bool__ = lambda self: bool(run())\ncompile("1", "x", "exec", 0x400, Number())`,
	),
	withText(
		"text by ctypes in the search of a codec for a syntax tree",
		`${NATIVE}import codecs\ncodecs.register(run)\n${PARSES('"x"', '"# coding: evil\\n1".encode()')}`,
	),
	withText(
		"text of Py_CompileString() by ctypes while a syntax tree is made",
		`import ctypes, functools
compile_text = ctypes.pythonapi.Py_CompileString
compile_text.restype = ctypes.py_object
made = []
class Name: __fspath__ = functools.partial(made.extend, map(compile_text, [text.encode()], [b"<string>"], [257]))
${PARSES("Name()")}
exec(made[0])`,
	),
];

const assembled: readonly Technique[] = [
	withText(
		"code that _testinternalcapi assembles",
		`import _testcapi, _testinternalcapi as maker
tree = compile(text, "x", "exec", 0x400)
made, parts = maker.compiler_codegen(tree, "x", 0, *[0] * (sys.version_info >= (3, 13)))
constants = [key[1] if isinstance(key, tuple) else key for key in parts["consts"]]
parts.update(name="x", qualname="x", firstlineno=1, fasthidden={})
code = maker.assemble_code_object("x", maker.optimize_cfg(made, constants, 0), parts)
_testcapi.eval_code_ex(code, {"__builtins__": __builtins__})`,
		{
			needs: `sys.version_info >= (3, 12) and all(map(__import__("importlib.util").util.find_spec, ("_testcapi", "_testinternalcapi")))`,
		},
	),
];

const COMPILES = `import ctypes
def of(name, *types):
    function = getattr(ctypes.pythonapi, name)
    function.restype = ctypes.py_object
    return function
text = text.encode()
`;
const named = (name: string, program: string, more: Partial<Technique> = {}) =>
	withText(name, `${COMPILES}${program}`, more);
const names: readonly Technique[] = [
	named("Py_CompileString() with the name of a file", `exec(of("Py_CompileString")(text, b"x.py", 257))`),
	named(
		"Py_CompileString() with the name of the program",
		`exec(of("Py_CompileString")(text, __file__.encode(), 257))`,
	),
	named(
		"Py_CompileString() of an expression with the name of a file",
		`eval(of("Py_CompileString")(text.strip(), b"x.py", 258))`,
	),
	named("Py_CompileString() of a line with the name of a file", `exec(of("Py_CompileString")(text, b"x.py", 256))`),
	named(
		"Py_CompileStringExFlags() with the name of a file",
		`exec(of("Py_CompileStringExFlags")(text, b"x.py", 257, None, -1))`,
	),
	named(
		"Py_CompileStringObject() with the name of a file",
		`exec(of("Py_CompileStringObject")(text, ctypes.py_object("x.py"), 257, None, -1))`,
	),
	named(
		"function of Py_CompileString() with the name of a file",
		`type(lambda: 0)(of("Py_CompileString")(text, b"x.py", 257), globals())()`,
	),
	named(
		"PyEval_EvalCode() of Py_CompileString() with the name of a file",
		`of("PyEval_EvalCode")(ctypes.py_object(of("Py_CompileString")(text, b"x.py", 257)), ctypes.py_object(globals()), ctypes.py_object(globals()))`,
	),
];

const NEVER = "CPython releases no members of static types";
const WRITES = `write(1, b"evil-ran-%d" % (6 * 7))`;

/**
 * Puts an object into the members of a static type, which CPython releases after the hooks. No function of Python runs
 * then, but the built-in ones do, and so does the text that they make code of. `{}` holds no built-in function.
 */
const late = (name: string, run: string, of = "KeyError", more: Partial<Technique> = {}) =>
	withText(
		`${name} when ${of} ends`,
		`import gc, marshal, os, types
names = {"write": os.write, "__builtins__": {}}
run = ${run}
gc.get_referents(${of}.__dict__)[0]["member"] = type("C", (), {"__del__": run.__next__})()`,
		{
			beside: { "evil.txt": WRITES },
			notOn: notOn(NEVER, "3.8", "3.9", "3.10"),
			...more,
		},
	);
const EVAL = "map(eval, [text], [names])";
const ends: readonly Technique[] = [
	late("eval()", EVAL),
	late("eval()", EVAL, "OSError"),
	late("eval()", EVAL, "UnicodeError"),
	late("eval()", EVAL, "BaseException"),
	late("eval() of bytes", "map(eval, [text.encode()], [names])"),
	late("exec()", "map(exec, [text], [names])"),
	late("exec() of bytes", "map(exec, [text.encode()], [names])"),
	late("eval() of code by compile()", `map(eval, map(compile, [text], ["x"], ["eval"]), [names])`),
	late("exec() of code by compile()", `map(exec, map(compile, [text], ["x"], ["exec"]), [names])`),
	late("eval() of all of a list", "enumerate(map(eval, [text], [names]))"),
	late("eval() in a pair", "zip(map(eval, [text], [names]))"),
	late(
		"eval() of marshalled code",
		"map(eval, map(marshal.loads, [open(data + '/evil.bin', 'rb').read()[16:]]), [names])",
		"KeyError",
		{
			arrange: (place) => makeBytecode(place, { target: `${place.data}/evil.bin`, text: WRITES }),
			notOn: notOn(NEVER, "3.8", "3.9", "3.10"),
		},
	),
	{
		name: "eval() in a thread of a subinterpreter that outlives the hooks",
		signed: {
			"main.py": `${TEXT}import _interpreters as interpreters, _thread, time
script = open(__file__[:-7] + "again.py").read()
_thread.start_new_thread(interpreters.exec, (interpreters.create(), script, {"text": text}))
time.sleep(0.3)
`,
			"again.py": `import time
while True:
    try: eval(text)
    except PermissionError: pass
    time.sleep(0.01)
`,
		},
		notOn: before("3.13"),
	},
];

export const provenance: readonly Technique[] = [...constants, ...trees, ...assembled, ...names, ...ends];
