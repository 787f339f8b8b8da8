/**
 * Guards `WebAssembly`, unless the policy allows every module. With the policy `signed`, a module is trusted if a
 * signed file has the same content, or if the policy or node-web-assembly.ts lists the module's digest. With `refuse`,
 * no module is trusted. A refusal is a CompileError, as V8 throws it, whatever `onRefusal` says: nothing unsigned runs
 * after it, and many programs have the same code in JavaScript. `validate` stays as it is, because it compiles nothing.
 */

import { SigtoolError } from "@sigtool/core/read";
import type { EventDetail } from "../../audit/events.js";
import type { Monitor } from "../../monitor/monitor.js";
import { apply, copyOfBytes, define, promiseThen, rejected, resolved } from "../../safe/captured.js";
import { sha256 } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { guardClass, replace } from "../../safe/replace.js";
import { unshown } from "../../safe/thrown-error.js";
import { NODE_WEB_ASSEMBLY } from "./node-web-assembly.js";

/** Compiles WebAssembly that a signature names. Returns undefined for other bytes, and throws what V8 throws. */
export type CompileWasm = (bytes: Uint8Array) => object | undefined;

/** `compileWasm` is given if only it can compile, because a native gate refuses every other way. */
export function guardWebAssembly(monitor: Monitor, compileWasm: CompileWasm | undefined): void {
	const ruling = monitor.policy.runtime.webAssembly;
	if (ruling === "allow") return;
	const { Module } = wasm;
	const exportsOf = Module.exports;
	const ofPolicy = recordOf(monitor.policy.runtime.webAssemblySha256);
	const ofNode = recordOf(NODE_WEB_ASSEMBLY);
	const guarded = guardClass(Module, Function.prototype, (args, create) => {
		const bytes = judged(args[0]);
		return compiled(bytes) ?? create([bytes, args[1]]);
	});
	define(wasm, "Module", guarded, false);
	replace(
		wasm,
		"compile",
		(original) =>
			function compile(this: unknown, ...args: unknown[]): unknown {
				try {
					args[0] = judged(args[0]);
					const module = compiled(args[0]);
					if (module !== undefined) return resolved(module);
				} catch (error) {
					return rejected(error);
				}
				return apply(original, wasm, args);
			},
	);
	replace(
		wasm,
		"instantiate",
		(original) =>
			function instantiate(this: unknown, ...args: unknown[]): unknown {
				try {
					if (!isModule(args[0])) {
						args[0] = judged(args[0]);
						const module = compiled(args[0]);
						if (module !== undefined) return instantiated(module, apply(original, wasm, [module, args[1]]));
					}
				} catch (error) {
					return rejected(error);
				}
				return apply(original, wasm, args);
			},
	);
	// These functions compile a response before all of its bytes have arrived. So the bytes cannot be judged before,
	// and the functions are refused.
	for (const name of ["compileStreaming", "instantiateStreaming"]) {
		replace(
			wasm,
			name,
			(original) =>
				function guarded(this: unknown, ...args: unknown[]): unknown {
					try {
						rule({ reason: "ERR_WASM_STREAM" }, "throw", new SigtoolError("ERR_RUNTIME_RULE", NO_STREAM));
					} catch (error) {
						return rejected(error);
					}
					return apply(original, wasm, args);
				},
		);
	}

	/** Lets the native gate compile bytes that were judged. Returns undefined if V8 has to, or if they are no bytes. */
	function compiled(bytes: unknown): object | undefined {
		return compileWasm === undefined || bytes === undefined ? undefined : compileWasm(bytes as Uint8Array);
	}

	/** Judges a copy of the bytes and returns the copy, so that exactly the judged bytes are compiled. */
	function judged(source: unknown): unknown {
		const bytes = copyOfBytes(source);
		// A source without bytes needs no judgement, because WebAssembly itself throws a TypeError for it.
		if (bytes === undefined) return undefined;
		const digest = sha256(bytes);
		const known = ruling === "signed" ? knownAs(digest) : undefined;
		rule({ sha256: digest, sizeBytes: bytes.length, ...known }, known === undefined ? "throw" : "allow");
		return bytes;
	}

	/** Does what `monitor.rule` does, and throws a refusal as V8 would. */
	function rule(detail: EventDetail<"wasm.compile">, ruled: "throw" | "allow", why?: SigtoolError): void {
		try {
			monitor.rule("wasm.compile", detail, ruled, why);
		} catch (error) {
			throw compileErrorOf(error);
		}
	}

	/** Says by which list a module counts as signed. Undefined if it does not. */
	function knownAs(digest: string): EventDetail<"wasm.compile"> | undefined {
		if (ofNode[digest] === true) return { rule: "node" };
		const place = monitor.placeOfContent(digest);
		if (place !== undefined) return { product: place.product, entry: place.entry, rule: "content" };
		return ofPolicy[digest] === true ? { rule: "webAssemblySha256" } : undefined;
	}

	/** Recognises a WebAssembly.Module by its internal slot, which no prototype or `Symbol.hasInstance` can imitate. */
	function isModule(value: unknown): boolean {
		try {
			exportsOf(value);
			return true;
		} catch {
			return false;
		}
	}
}

const NO_STREAM =
	"Cannot go on with wasm.compile: a stream is compiled before all of its bytes are there; compile the bytes of `arrayBuffer()` of the response";

/** Returns the CompileError of a refusal. An error of an audit hook, or of a sink, stays as it is. */
function compileErrorOf(error: unknown): unknown {
	if (!(error instanceof SigtoolError) || error.code !== "ERR_RUNTIME_RULE") return error;
	const message = `sigtool: ${error.code}: ${error.message}`;
	return unshown(new CompileError(message), "node-do-not-add-exception-line");
}

/** Lets Node.js itself compile its WebAssembly in a thread without a program, where only the native gate can. */
export function compileByGate(compileWasm: CompileWasm): void {
	const { Module } = wasm;
	const byGate = guardClass(Module, Function.prototype, (args, create) => {
		const bytes = copyOfBytes(args[0]);
		return (bytes && compileWasm(bytes)) ?? create(args);
	});
	define(wasm, "Module", byGate, false);
}

/** Returns what `WebAssembly.instantiate` returns for bytes. */
function instantiated(module: object, instance: unknown): Promise<unknown> {
	return promiseThen(instance as Promise<unknown>, (made) => ({ module, instance: made }));
}

interface ModuleClass {
	new (...args: never[]): object;
	exports(module: unknown): unknown;
}
interface WebAssemblyObject {
	readonly Module: ModuleClass;
	readonly CompileError: new (message: string) => Error;
}
// The type assertion is needed because the types of Node.js do not have WebAssembly.
const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyObject }).WebAssembly;
const { CompileError } = wasm;
