/**
 * The last step before CommonJS is compiled: `Module.prototype._compile`, which programs also call with text of their
 * own. It compiles what a hook handed out for that file, and other text only as the policy has it for strings.
 */

import module from "node:module";
import type { Gate } from "../../gate/gate.js";
import { apply, getOwnPropertyDescriptor, hasOwn, MapObject, mapDelete, mapSet, toText } from "../../safe/captured.js";
import { encodeUtf8, mapGet, sha256 } from "../../safe/primordials.js";

export interface ModuleText {
	/** Verified text that Node.js is about to compile for a file, once. */
	handOut(file: string, text: string): void;
}

type Compile = (this: unknown, content: string, filename: string, format?: unknown) => unknown;
interface InnerModule {
	prototype: { _compile: Compile };
	wrap: (text: string) => string;
	wrapper: readonly string[];
}

export function guardModuleText(gate: Gate): ModuleText {
	const inner = module as unknown as InnerModule; // Not in the types, and used by programs since Node.js 0.5.
	const compile = inner.prototype._compile;
	const { wrap, wrapper } = inner;
	const [head, tail] = wrapper;
	const handedOut = new MapObject<string, string>();

	inner.prototype._compile = function _compile(content, filename, format) {
		const text = toText(content); // Once: an object could answer differently the second time.
		const file = toText(filename);
		if (mapGet(handedOut, file) === text) mapDelete(handedOut, file);
		else checkOwnText(text, file);
		// Whoever sets these has text of theirs compiled around the module's.
		const isWrapped = inner.wrap !== wrap || inner.wrapper !== wrapper || !holds("0", head) || !holds("1", tail);
		if (isWrapped) gate.rule("module.register", { kind: "Module.wrap", path: file }, "refuse");
		return apply(compile, this, [text, file, format]);
	};

	function checkOwnText(text: string, file: string): void {
		const bytes = encodeUtf8(text);
		if (gate.decide(file, bytes).trusted) return;
		gate.rule("module.compile", { path: file, sha256: sha256(bytes) }, gate.policy.runtime.stringCode);
	}

	function holds(index: "0" | "1", text: string | undefined): boolean {
		const descriptor = getOwnPropertyDescriptor(wrapper, index);
		return descriptor !== undefined && hasOwn(descriptor, "value") && descriptor.value === text;
	}

	return { handOut: (file, text) => mapSet(handedOut, file, text) };
}
