/**
 * `node:vm` and `node:repl`: text that becomes code. Text that is a signed file's, under that file's name, is such code;
 * other text is what the policy says of strings. Bytecode that nobody signed is never taken.
 */

import type { Gate } from "../../gate/gate.js";
import { apply, assign, define, getPrototypeOf, toText } from "../../safe/captured.js";
import { encodeUtf8, sha256 } from "../../safe/primordials.js";
import { forEachName, guard, guardClass, replace } from "../../safe/replace.js";

type Options = Record<PropertyKey, unknown>;

export function guardVm(gate: Gate, vm: object): void {
	const { Script } = vm as { Script: new (...args: never[]) => object }; // Its shape is Node.js's own.
	const prototype = getPrototypeOf(Script.prototype);
	const GuardedScript = guardClass(Script, Function.prototype, (args, create) => {
		const text = toText(args[0]); // Once: an object could answer differently the second time.
		const own = ownOptions(args[1]);
		compile("Script", text, own);
		return create([text, own]);
	});
	// The class below compiles too.
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
					compile(name, text, own);
					if (name === "runInNewContext") withoutStrings(own, "contextCodeGeneration");
					// Not by assignment, which asks setters of Array.prototype where there was no such argument.
					define(args, 0, text, true);
					define(args, place, own, true);
					return apply(original, this, args);
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

	function compile(kind: string, text: string | undefined, options: Options): void {
		const { filename, cachedData } = options;
		const path = filename === undefined ? undefined : toText(filename);
		options.filename = path ?? (kind === "compileFunction" ? "" : "evalmachine.<anonymous>");
		if (cachedData !== undefined) gate.rule("vm.compile", { kind, path, reason: "ERR_UNSIGNED_BYTECODE" }, "refuse");
		if (text === ASKED_BY_REPL) return;
		const bytes = encodeUtf8(text ?? "");
		if (path !== undefined && gate.decide(path, bytes).trusted) return;
		const detail = { kind, path, sha256: sha256(bytes), sizeBytes: bytes.length };
		gate.rule("vm.compile", detail, gate.policy.runtime.stringCode);
	}

	/** A new realm has its own `eval` and `WebAssembly`, which no command line option and no wrap reaches. */
	function withoutStrings(options: Options, name: string): void {
		const { stringCode, webAssembly } = gate.policy.runtime;
		const wanted = ownOptions(options[name]);
		options[name] = {
			__proto__: null,
			strings: stringCode === "refuse" ? false : wanted.strings,
			wasm: webAssembly === "allow" ? wanted.wasm : false,
		};
	}
}

/** What node:repl runs while it is loaded, by the functions guarded here. */
const ASKED_BY_REPL = "Object.getOwnPropertyNames(globalThis)";

/** What somebody types, or sends, is compiled by no function of node:vm. */
export function guardRepl(gate: Gate, repl: object): void {
	const check = () => gate.rule("code.string", { kind: "REPL" }, gate.policy.runtime.stringCode);
	guard(repl, "start", check);
	const { REPLServer } = repl as { REPLServer: new (...args: never[]) => object }; // Its shape is Node.js's own.
	const guarded = guardClass(REPLServer, getPrototypeOf(REPLServer), (args, create) => {
		check();
		return create(args);
	});
	define(repl, "REPLServer", guarded, true);
}

/** A copy, each member read once; without a prototype, which a program could supply members through. */
function ownOptions(options: unknown): Options {
	if (typeof options === "string") return { __proto__: null, filename: options } as unknown as Options;
	return assign({ __proto__: null }, options) as Options;
}
