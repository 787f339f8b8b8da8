/**
 * Lists the techniques that stay open, with the reason, the modes and the releases. The test compares the list with
 * real runs, name by name. docs/explanation/threat-model.md is made from the list.
 */

import type { Mode } from "./modes.js";
import { EVIL, RELEASES, type Release, type Technique } from "./technique.js";
import { freedBuffers } from "./techniques/freed-buffers.js";
import { filters, loaderModes } from "./techniques/native.js";

export interface Opening {
	readonly reason: string;
	readonly modes: readonly Mode[];
	/** The releases on which the techniques are open. Undefined if they are open on all releases. */
	readonly releases?: readonly Release[];
	readonly techniques: readonly string[];
}

export const OPEN: readonly Opening[] = [
	{
		reason:
			"The default policy only records code that is made from text (`stringCode: audit`). `refuse` closes these ways, and so does strict.",
		modes: ["hook", "enforce"],
		techniques: [
			"eval()",
			"eval() called indirectly",
			"Reflect.apply of eval",
			"eval() in a module",
			"new Function()",
			"constructor of a function",
			"class that extends Function",
			"Reflect.construct of Function",
			"parameter default of new Function()",
			"async function constructor",
			"generator function constructor",
			"async generator function constructor",
			"Function of a context made without a proxy",
			"read-eval-print loop inside the program",
			"evaluator of a read-eval-print loop",
			"vm.runInThisContext()",
			"vm.runInNewContext()",
			"vm.runInContext()",
			"vm.Script",
			"class that extends vm.Script",
			"Reflect.construct of vm.Script",
			"constructor of a script",
			"vm.compileFunction()",
			"vm by a named import",
			"vm by a default import",
			"vm by process.getBuiltinModule()",
			"vm by Module._load()",
			"vm asked for while Array.prototype has no iterator",
			"vm asked for while Module._load gives another",
			"text that reads differently a second time",
			"text made signed by String.prototype",
			"unsigned text before a signed one",
			"unsigned text behind the name that types removed leave",
			"unsigned text behind that name and U+2028",
			"unsigned text behind that name and a carriage return",
			"unsigned text between two such names",
			"unsigned text with a lone surrogate",
			"unsigned text of two-byte characters",
			"unsigned text in a string outside of V8's heap",
			"unsigned text in a two-byte string outside of V8's heap",
			"unsigned text joined of a thousand parts",
			"unsigned text before a source of Node.js",
			"unsigned text that has the address of a signed file",
			"eval of another realm, called by Array.prototype.map",
			"Function of another realm with a new.target of this one",
			"bound Function",
			"proxy of Function",
			"eval with spread arguments",
			"eval in a static block of a class",
			"eval as a reaction of a promise",
			"eval as a listener",
			"eval when the program ends",
			"eval after an uncaught error",
			"asm.js of text",
			"eval in a worker with source maps",
			"vm.Script in five threads at once",
			"vm.Script when index and record are closed",
			"vm.Script when all descriptors are used",
			"lone surrogate by vm.Script in a module",
			"lone surrogate by vm.runInThisContext()",
			"lone surrogate by vm.compileFunction()",
			"text that ends a signed literal, by vm.Script",
			"text that ends a signed literal, with the address of TypeScript",
			"text that ends a literal of signed TypeScript",
			"text that ends a signed literal behind a byte order mark",
			"eval in a context that an addon makes",
			"Function in a context that an addon makes",
			"Function in a context that an addon makes in a worker",
			"part of a longer signed text",
			"text that became the name of a member",
			"text behind a character that two pieces share",
			"text behind half of a character that ends a piece",
			"text whose last piece is half of a character",
			"text of 64 megabytes",
			"text in the description of a symbol",
			"text in a registered symbol",
			"text by String.raw()",
			"text by JSON.parse()",
			"text joined of characters",
			"text that a regular expression has flattened",
			"part of a text outside of V8's heap",
			"text of two bytes a character that is the name of a member",
			"text that is the name of a member of two objects",
			"text that ends with a zero",
			"text behind the line of an interpreter",
			"text behind a comment of HTML",
			"text behind a byte order mark",
			"text in normal form",
			"text by a TextDecoder",
			"text by a structured clone",
			"text behind a long signed text",
			"text before a long signed text",
			"text between two halves of a long signed text",
			"long signed text as the value of a member",
			"eval of a long text",
			"eval of a long text that is the name of a member",
			"Function of a long text",
			"Function with a long default of a parameter",
			"function whose parameter has a name of two megabytes",
			"text of eight megabytes in a worker with little memory",
			"text that is collected while it is compiled",
			"text that two threads compile while each makes it the name of a member",
		],
	},
	{
		reason:
			"The same policy. The program compiles text as a module, under the path of no file or of a signed one. Under the path of an unsigned file it is refused.",
		modes: ["hook", "enforce"],
		techniques: [
			"_compile() of Module.prototype by call()",
			"_compile() of a new module",
			"handler of .js replaced",
			"lone surrogate by module._compile()",
			"lone surrogate by module._compile() in a worker",
			"module._compile()",
			"text that ends a signed comment, by module._compile()",
			"text that ends a signed comment, between two names",
			"text that ends a comment of signed TypeScript",
			"part of a signed text that the gate has lent",
			"text of a megabyte that differs at its end from a signed one",
			"text in the place of JSON, by require.extensions",
		],
	},
	{
		reason: "The same policy, for the same text of a program.",
		modes: ["hook", "enforce"],
		releases: [22, 24, 26],
		techniques: ["text that stripTypeScriptTypes() made, with a name"],
	},
	{
		reason:
			"The same policy. Under the launcher the native gate compiles no long text that lies outside of V8's heap and is the name of a member.",
		modes: ["hook"],
		techniques: [
			"text outside of V8's heap that became the name of a member",
			"text of two bytes a character outside of V8's heap that is Latin",
		],
	},
	{
		reason:
			"The same policy. Under the launcher the native gate refuses the inspector that the read-eval-print loop asks for.",
		modes: ["hook"],
		releases: [22, 24, 26],
		techniques: ["REPL that loads a file"],
	},
	{
		reason: "The same policy. Node.js itself compiles the text.",
		modes: ["hook", "enforce"],
		releases: [24, 26],
		techniques: ["changed snapshot of node:test"],
	},
	{
		reason: "The same policy. On this release a program can skip the guard, because no list of hooks is in its way.",
		modes: ["hook", "enforce"],
		releases: [20],
		techniques: [
			"import of vm taken for a require by Object.prototype",
			"guard of vm skipped by index 1 of Array.prototype",
		],
	},
	{
		reason:
			"The one who starts Node.js decides before the hook is loaded. The launcher drops such variables and takes no such options.",
		modes: ["hook"],
		techniques: [
			"library by OPENSSL_CONF",
			"library by --openssl-config",
			"library by LD_PRELOAD",
			"library by LD_AUDIT",
			"library by LD_LIBRARY_PATH",
			"NODE_OPTIONS with --require",
			"NODE_OPTIONS in a file of --env-file",
			"start-up snapshot that is built",
		],
	},
	{
		reason:
			"The option starts another program in place of the script, and that program has no hook. The launcher takes no such option.",
		modes: ["hook"],
		releases: [22, 24, 26],
		techniques: ["script of package.json by --run"],
	},
	{
		reason:
			"The system's loader, and native code that is signed, load further libraries. Only the native gate sees that.",
		modes: ["hook"],
		techniques: [...loaderModes, ...filters].filter(({ notOn }) => notOn === undefined).map(({ name }) => name),
	},
	{
		reason: "The same. SQLite, which this release has, loads the library.",
		modes: ["hook"],
		releases: [22, 24, 26],
		techniques: [...loaderModes, ...filters].filter(({ notOn }) => notOn !== undefined).map(({ name }) => name),
	},
	{
		reason:
			"Node.js writes to memory of an ArrayBuffer that the program has given away, and libc to others. The native gate keeps such memory apart.",
		modes: ["hook"],
		techniques: freedBuffers.filter(({ notOn }) => notOn === undefined).map(({ name }) => name),
	},
	{
		reason: "The same. This release can transfer an ArrayBuffer by itself.",
		modes: ["hook"],
		releases: [22, 24, 26],
		techniques: freedBuffers.filter(({ notOn }) => notOn !== undefined).map(({ name }) => name),
	},
	{
		reason: "SQLite calls an address that a program gives it. The native gate takes that function away.",
		modes: ["hook"],
		releases: [22, 24, 26],
		techniques: ["library by a tokenizer of SQLite that is an address"],
	},
	{
		reason:
			"Node.js takes members of an object for addresses if a program gives it the object as a handle. The native gate has V8 look if the object is one.",
		modes: ["hook"],
		techniques: ["library by a handle of TLS that is a plain object"],
	},
	{
		reason: "The same, where the release finds the members.",
		modes: ["hook"],
		releases: [20, 22, 24],
		techniques: ["library by a handle of TLS that is a parser with members"],
	},
	{
		reason: "A process may write to its own memory. The launcher's Landlock rules refuse that.",
		modes: ["hook"],
		techniques: [
			"memory by /proc/self/mem",
			"memory by /proc/thread-self/mem",
			"memory by the process's number",
			"memory by the first thread",
		],
	},
];

/**
 * Returns true for a technique that puts a signed file in the place of another, so that the attacker's code is signed.
 * The gate judges content, so it admits such code wherever it lies. Only the hook judges which signed file runs.
 */
export function signsAttack({ signed }: Technique): boolean {
	return Object.values(signed).some((content) => String(content).includes(EVIL));
}

export function openingsOf(name: string, mode: Mode, release: Release): readonly Opening[] {
	return OPEN.filter(
		({ modes, releases = RELEASES, techniques }) =>
			modes.includes(mode) && releases.includes(release) && techniques.includes(name),
	);
}

/** Returns the names of the techniques that run in a mode, in the suite's order. */
export function openIn(mode: Mode, release: Release, techniques: readonly Technique[]): readonly string[] {
	return techniques.map(({ name }) => name).filter((name) => openingsOf(name, mode, release).length > 0);
}
