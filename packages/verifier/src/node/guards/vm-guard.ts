/**
 * Guards `node:vm` and `node:repl`, which turn text into code. Text is trusted if it is the content of a signed file
 * and its `filename` is that file's path. The member `stringCode` of the policy decides about other text. Cached
 * bytecode is dropped, because it is not signed. V8 then compiles the text, as it does for bytecode of another release.
 */

import type { Monitor } from "../../monitor/monitor.js";
import { rulingOnText } from "../../monitor/text-ruling.js";
import { apply, assign, define, getPrototypeOf, isArrayBufferView, toText } from "../../safe/captured.js";
import { encodeUtf8, isArray, sha256, utf8Of } from "../../safe/primordials.js";
import { forEachName, guard, guardClass, replace } from "../../safe/replace.js";

type Options = Record<PropertyKey, unknown>;

export function guardVm(monitor: Monitor, vm: object): void {
	// The type assertion is safe: node:vm always exports the class Script.
	const { Script } = vm as { Script: new (...args: never[]) => object };
	const prototype = getPrototypeOf(Script.prototype);
	const GuardedScript = guardClass(Script, Function.prototype, (args, create) => {
		// The argument is converted only once, because an object could give another text at a second conversion.
		const text = toText(args[0]);
		const own = ownOptions(args[1]);
		const isWithout = compile("Script", text, own);
		return told(create([text, own]), isWithout);
	});
	// The base class of Script compiles text too. A program could get this class from the property `constructor` of its
	// prototype, so the property now leads to the guarded class.
	define(prototype, "constructor", GuardedScript, false);
	define(vm, "Script", GuardedScript, true);

	forEachName(["createScript", "runInThisContext", "runInContext", "runInNewContext", "compileFunction"], (name) => {
		const place = name === "runInContext" || name === "runInNewContext" || name === "compileFunction" ? 2 : 1;
		replace(
			vm,
			name,
			(original) =>
				function guarded(this: unknown, ...args: unknown[]): unknown {
					const text = name === "compileFunction" && typeof args[0] !== "string" ? undefined : toText(args[0]);
					const own = ownOptions(args[place]);
					const isModule = name === "compileFunction" && hasModuleParameters(args[1]);
					const isWithout = compile(name, text, own, isModule);
					if (name === "runInNewContext") withoutStrings(own, "contextCodeGeneration");
					// define() is used, because an assignment to a missing element could call a setter of
					// Array.prototype.
					define(args, 0, text, true);
					define(args, place, own, true);
					const result = apply(original, this, args);
					return name === "createScript" || name === "compileFunction" ? told(result as object, isWithout) : result;
				},
		);
	});
	replace(
		vm,
		"createContext",
		(original) =>
			function createContext(this: unknown, object: unknown, options: unknown): unknown {
				const own = ownOptions(options);
				withoutStrings(own, "codeGeneration");
				return object === undefined ? apply(original, this, [{}, own]) : apply(original, this, [object, own]);
			},
	);
	replace(
		Script.prototype,
		"runInNewContext",
		(original) =>
			function runInNewContext(this: unknown, object: unknown, options: unknown): unknown {
				const own = ownOptions(options);
				withoutStrings(own, "contextCodeGeneration");
				return apply(original, this, [object, own]);
			},
	);

	/**
	 * Judges a text that is about to be compiled. `isModule` is true for a function with the parameters of a CommonJS
	 * module. Returns true if the options had cached bytecode, which is dropped.
	 */
	function compile(kind: string, text: string | undefined, options: Options, isModule = false): boolean {
		const { filename } = options;
		const path = filename === undefined ? undefined : toText(filename);
		options.filename = path ?? (kind === "compileFunction" ? "" : "evalmachine.<anonymous>");
		// Node.js itself throws a TypeError for cached data of another type.
		const hasBytecode = isArrayBufferView(options.cachedData);
		if (hasBytecode) {
			monitor.rule("vm.compile", { kind, path, reason: "ERR_UNSIGNED_BYTECODE" }, "record");
			options.cachedData = undefined;
		}
		if (text === RUN_BY_REPL) return hasBytecode;
		const exact = utf8Of(text ?? "");
		if (path !== undefined && exact !== undefined && monitor.decide(path, exact).trusted) return hasBytecode;
		const bytes = exact ?? encodeUtf8(text ?? "");
		const detail = { kind, path, sha256: sha256(bytes), sizeBytes: bytes.length };
		const refused = monitor.refusalOfText(detail.sha256, isModule ? (path ?? "") : undefined);
		if (refused !== undefined) {
			const { reason, error } = refused;
			monitor.rule("vm.compile", { ...detail, reason }, "never", error);
			return hasBytecode;
		}
		// The native gate judges by content alone, so text of a signed file may have another name or none.
		if (monitor.policy.runtime.stringCode === "signed" && exact !== undefined && monitor.placeOfContent(detail.sha256))
			return hasBytecode;
		monitor.rule("vm.compile", detail, rulingOnText(monitor.policy));
		return hasBytecode;
	}

	/**
	 * Restricts a new realm by its options. A realm has a separate `eval` and `WebAssembly`, to which neither the
	 * guards nor the command-line options of Node.js apply.
	 */
	function withoutStrings(options: Options, name: string): void {
		const { stringCode, webAssembly } = monitor.policy.runtime;
		const wanted = ownOptions(options[name]);
		options[name] = {
			__proto__: null,
			strings: stringCode === "refuse" ? false : wanted.strings,
			wasm: webAssembly === "allow" ? wanted.wasm : false,
		};
	}
}

/** Returns true for the parameters that Node.js gives the functions of CommonJS modules. */
function hasModuleParameters(parameters: unknown): boolean {
	if (!isArray(parameters) || parameters.length !== MODULE_PARAMETERS.length) return false;
	for (let i = 0; i < MODULE_PARAMETERS.length; i++) if (parameters[i] !== MODULE_PARAMETERS[i]) return false;
	return true;
}

const MODULE_PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

/** Tells the program that its bytecode was not used, as Node.js does if V8 rejects bytecode. */
function told(compiled: object, isWithout: boolean): object {
	if (isWithout) define(compiled, "cachedDataRejected", true, true);
	return compiled;
}

/** While node:repl is loaded, it passes this text to a guarded function of node:vm. So the guard allows the text. */
const RUN_BY_REPL = "Object.getOwnPropertyNames(globalThis)";

/** Guards the start of the REPL, because it compiles input without the public functions of node:vm. */
export function guardRepl(monitor: Monitor, repl: object): void {
	const check = () => monitor.rule("code.string", { kind: "REPL" }, rulingOnText(monitor.policy));
	guard(repl, "start", check);
	// The type assertion is safe: node:repl always exports the class REPLServer.
	const { REPLServer } = repl as { REPLServer: new (...args: never[]) => object };
	const guarded = guardClass(REPLServer, getPrototypeOf(REPLServer), (args, create) => {
		check();
		return create(args);
	});
	define(repl, "REPLServer", guarded, true);
}

/**
 * Copies options and reads each member once. The copy has no prototype, because a program could add members to
 * Object.prototype.
 */
function ownOptions(options: unknown): Options {
	if (typeof options === "string") return { __proto__: null, filename: options } as unknown as Options;
	return assign({ __proto__: null }, options) as Options;
}
