/**
 * Lists the techniques that run, with the reason, the modes, the versions, and the event that reports them. The test
 * compares the list with real runs. docs/explanation/threat-model.md is made from the list.
 */

import type { Mode } from "./modes.js";

export interface Opening {
	readonly reason: string;
	/** The modes in which the techniques run. Undefined if they run in all modes. */
	readonly modes?: readonly Mode[];
	/** Versions such as `3.12`, or releases such as `3.11.2`. Undefined if the techniques run on all versions. */
	readonly versions?: readonly string[];
	/**
	 * The event that reports each of the techniques if the policy selects the event. Undefined if no event reports them.
	 */
	readonly event?: string;
	/** A text that this event contains. */
	readonly told?: string;
	readonly techniques: readonly string[];
}

export const OPEN: readonly Opening[] = [
	{
		reason:
			"A signed program makes code of text. With `python.stringCode` set to `signed` or `refuse` it cannot, and neither can it in strict.",
		modes: ["enforce"],
		event: "python.compile",
		told: "evil-ran",
		techniques: [
			"text by -m timeit",
			"text by -m code",
			"unsigned tests by -m doctest",
			"entries of a signed archive's list changed",
			"text by decode_source()",
			"text by linecache",
			"SourceLoader with get_data() of its own",
			"SourceLoader with get_data() of its own by exec_module()",
			"get_data() of SourceFileLoader replaced",
			"source of a signed module changed in the frame of the loader by a trace function",
			"path_stats() and get_data() of a loader replaced",
			"open_code() of _io replaced",
			"open_code() of io replaced",
			"FileIO of _io in place of open_code()",
			"finder added to sys.meta_path",
			"hook added to sys.path_hooks",
			"finder put into sys.path_importer_cache",
			"source_to_code() of a loader",
			"__import__ replaced",
			"code of a signed module replaced in the cache of the loader",
			"exec() of text",
			"eval() of text",
			"exec() of compiled text",
			"eval() of compiled text",
			"exec() of a syntax tree",
			"exec() by another name",
			"exec() in a thread",
			"exec() in a forked child",
			"exec() when the program ends",
			"exec() when an object goes away",
			"exec() as a signal handler",
			"exec() as a trace function",
			"function of compiled text",
			"code of a function replaced",
			"function by type()",
			"code by replace()",
			"pickle that calls exec()",
			"pickle that calls exec(), by the Python class",
			"pickle in a shelf",
			"expression in logging.config.fileConfig()",
			"annotation by typing.get_type_hints()",
			"text by timeit.timeit()",
			"text by cProfile.run()",
			"text by profile.run()",
			"text by trace.Trace().run()",
			"text by bdb.Bdb().run()",
			"text by pdb commands",
			"text by code.InteractiveInterpreter",
			"text by code.interact()",
			"text by codeop.compile_command()",
			"text by doctest.testfile()",
			"default of a field by collections.namedtuple()",
			"grammar pickle of lib2to3",
			"text in a subinterpreter by _xxsubinterpreters",
			"text in a subinterpreter by _interpreters",
			"text in a subinterpreter by _testcapi",
			"exec() in a function that says it is namedtuple()",
			"code of namedtuple() with other globals",
			"text as the name of a field of a dataclass",
			"text by typing.ForwardRef",
			"tree that ast.parse() does not make",
			"exec() while a syntax tree is made",
			"exec() after sys.audit() of a signed text",
			"exec() by a weak reference while a syntax tree is made",
			"text by typing.ForwardRef between strings that end elsewhere",
			"name of a field of a dataclass that gives hash() another meaning",
			"compile() while there is no memory for the frame",
			"text by _testcapi while a syntax tree is made",
			"exec() between two syntax trees that greenlet makes",
			"compile() with flags of a number that changes",
			"exec() by a function in C while a syntax tree is made",
			"code by _peg_parser",
			"code by _peg_parser while a syntax tree is made",
			"exec() by the error handler that an event calls",
			"function of text in a subinterpreter by _interpreters",
			"annotation by functools.singledispatch()",
			"constant of an annotation by a subscript",
			"constant of an annotation by eval() in a slot",
			"constant of an annotation by |",
			"constant of an annotation behind |",
			"constant of an annotation by -",
			"constant of an annotation by *",
			"constant of an annotation in a function of its code",
			"constant of an annotation in a function that gets its code",
			"constant of an annotation by typing.get_type_hints()",
			"constant of an annotation by dataclasses.make_dataclass()",
			"constant of an annotation by functools.singledispatch()",
			"constant of an annotation of which a slot makes code",
			"constant of an annotation by code that was renamed",
			"constant of an annotation by a pickle alone",
			"text in a subinterpreter by _interpreters in the name of a syntax tree",
			"text in a subinterpreter by _interpreters in a number of compile()",
			"text in a subinterpreter by _xxsubinterpreters while a syntax tree is made",
			"text by ctypes in a file name while a syntax tree is made",
			"text by ctypes in a file name of ast.parse()",
			"text by ctypes in a number of compile()",
			"text by ctypes in the version of compile()",
			"text by ctypes in the choice whether compile() inherits",
			"text by ctypes in the search of a codec for a syntax tree",
			"text of Py_CompileString() by ctypes while a syntax tree is made",
			"Py_CompileString() with the name of a file",
			"Py_CompileString() with the name of the program",
			"Py_CompileString() of an expression with the name of a file",
			"Py_CompileString() of a line with the name of a file",
			"Py_CompileStringExFlags() with the name of a file",
			"Py_CompileStringObject() with the name of a file",
			"function of Py_CompileString() with the name of a file",
			"eval() in a thread of a subinterpreter that outlives the hooks",
			"PyEval_EvalCode() of Py_CompileString() with the name of a file",
		],
	},
	{
		reason: "A signed program decides how a signed text is decoded. The event has the text before it is decoded.",
		modes: ["enforce"],
		event: "python.compile",
		told: "coding: ",
		techniques: [
			"text that a decoder gives for a signed file",
			"text that a codec of the program gives for a signed file in utf8-evil",
			"text that a codec of the program gives for a signed file in ascii-evil",
			"text that a codec of the program gives for a signed file in latin1-evil",
			"text that a codec of the program gives for a signed constant",
		],
	},
	{
		reason: "A signed program puts a code object together.",
		modes: ["enforce"],
		event: "python.code.__new__",
		techniques: ["constants of a code object replaced"],
	},
	{
		reason: "The module makes code of numbers, without an event of its own. Strict refuses to run it.",
		modes: ["enforce"],
		versions: ["3.8", "3.9"],
		event: "python.exec",
		techniques: ["code by the module parser"],
	},
	{
		reason: "The module makes code of numbers, without an event of its own. Strict refuses the module.",
		modes: ["enforce"],
		versions: ["3.12", "3.13", "3.14"],
		event: "python.import",
		told: "_testinternalcapi",
		techniques: ["code that _testinternalcapi assembles"],
	},
	{
		reason: "The module runs text of its standard input. From 3.13 on it says that it is interactive, and is refused.",
		modes: ["enforce"],
		versions: ["3.8", "3.9", "3.10", "3.11", "3.12"],
		event: "python.compile",
		told: "evil-ran",
		techniques: ["text by -m asyncio"],
	},
	{
		reason: "In this release these modules open the script like any other file, not as code.",
		modes: ["enforce"],
		versions: ["3.11.2"],
		event: "python.compile",
		told: "evil-ran",
		techniques: [
			"unsigned script by -m pdb",
			"unsigned script by -m trace",
			"unsigned script by -m profile",
			"unsigned script by -m cProfile",
		],
	},
	{
		reason: "A signed program makes code of bytes. The event has the file that the code names as its own.",
		modes: ["enforce"],
		event: "python.exec",
		told: "evil.bin",
		techniques: [
			"exec() of marshalled code",
			"exec() of marshal.load()",
			"exec() of marshal.load() of a file that fills buffers",
		],
	},
	{
		reason: "A signed program makes a function of such code.",
		modes: ["enforce"],
		event: "python.function.__new__",
		told: "evil.bin",
		techniques: ["function of marshalled code"],
	},
	{
		reason: "A signed program gives such code to a function.",
		modes: ["enforce"],
		event: "python.object.__setattr__",
		told: "evil.bin",
		techniques: ["code of a function from marshalled code"],
	},
	{
		reason:
			"ctypes writes to any memory and calls any function. If you leave `_ctypes` out of the index, other native code may still do so.",
		event: "module.dlopen",
		told: "/_ctypes.",
		techniques: ["memory by ctypes"],
	},
	{
		reason:
			"ctypes clears the pointer of the hook. Strict also judges the text of the module. But the code that judges lies in the same memory.",
		modes: ["enforce"],
		event: "module.dlopen",
		told: "/_ctypes.",
		techniques: ["open-code hook cleared by ctypes"],
	},
	{
		reason:
			"ctypes makes memory executable. Strict refuses that. Under the launcher the kernel refuses it for memory that was writable (`launch.writableCode`).",
		// AddressSanitizer has a mmap() of its own, which hides who calls it.
		modes: process.env.SIGTOOL_SANITIZE === undefined ? ["enforce"] : ["enforce", "strict"],
		event: "module.dlopen",
		told: "/_ctypes.",
		techniques: ["machine code in executable memory"],
	},
	{
		reason: "The module `mmap` maps a file as code. Strict refuses that. Something else has to call the code.",
		modes: process.env.SIGTOOL_SANITIZE === undefined ? ["enforce"] : ["enforce", "strict"],
		event: "module.dlopen",
		told: "/two/x.so",
		techniques: ["file mapped as code by a module that shares its path with another library"],
	},
	{
		reason: "ctypes makes any system call. Under the launcher the kernel refuses this one.",
		modes: ["enforce", "strict"],
		event: "module.dlopen",
		told: "/_ctypes.",
		techniques: ["memory by process_vm_writev() of ctypes"],
	},
	{
		reason:
			"_cffi_backend writes to memory, as ctypes does. If a program needs cffi, leaving `_ctypes` out of the index does not help.",
		event: "module.dlopen",
		told: "/_cffi_backend.",
		techniques: ["memory by _cffi_backend"],
	},
	{
		reason:
			"numpy makes an array at any address that `__array_interface__` names. Other native code that takes addresses from its caller does the same.",
		event: "module.dlopen",
		told: "/_multiarray_umath.",
		techniques: ["memory by an array of numpy"],
	},
	{
		reason:
			"An error in CPython, and not the only one: the view writes to the memory where the buffer was, whatever lies there now.",
		techniques: ["memory by a view of a buffer that is gone"],
	},
	{
		reason: "Tcl is a language of its own. If your program does not need it, leave `_tkinter` out of the index.",
		event: "module.dlopen",
		told: "/_tkinter.",
		techniques: ["script in Tcl"],
	},
	{
		reason: "ctypes calls a function of the interpreter that makes code of text. Strict judges the text.",
		modes: ["enforce"],
		event: "python.ctypes.dlsym",
		techniques: ["text by ctypes.pythonapi.PyRun_SimpleString()"],
	},
];

/**
 * Returns the item of `OPEN` that lists this technique for this mode and version. Returns undefined if there is none,
 * which means that the technique is expected not to run.
 */
export function openingOf(name: string, mode: Mode, version: string): Opening | undefined {
	return OPEN.find(
		({ modes, versions, techniques }) =>
			techniques.includes(name) &&
			(modes?.includes(mode) ?? true) &&
			(versions?.some((each) => version === each || version.startsWith(`${each}.`)) ?? true),
	);
}
