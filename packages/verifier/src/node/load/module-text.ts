/**
 * Guards `Module.prototype._compile`, the last step before CommonJS is compiled. Programs also call this method with
 * text that they have made. The guard admits text that a hook handed out for the file, and text that is signed for the
 * file. The member `stringCode` of the policy decides about other text.
 */

import module from "node:module";
import type { Gate } from "../../gate/gate.js";
import {
	apply,
	endsWith,
	getOwnPropertyDescriptor,
	hasOwn,
	MapObject,
	mapDelete,
	mapSet,
	toText,
} from "../../safe/captured.js";
import { encodeUtf8, mapGet, sha256, slice } from "../../safe/primordials.js";

export interface ModuleText {
	/** Announces verified text that Node.js is about to compile for a file. The text is then admitted once. */
	handOut(file: string, text: string): void;
	/**
	 * Announces verified TypeScript that Node.js is about to compile for a file. Node.js 24 removes its types before it
	 * calls `_compile`, and appends `url`. The text is then admitted if the index lists it.
	 */
	handOutTypeScript(file: string, url: string): void;
}

type Compile = (this: unknown, content: string, filename: string, format?: unknown) => unknown;
interface InnerModule {
	prototype: { _compile: Compile };
	wrap: (text: string) => string;
	wrapper: readonly string[];
}

export function guardModuleText(gate: Gate): ModuleText {
	// The type assertion is safe: Node.js has had _compile, wrap and wrapper since 0.5, but the types do not have them.
	const inner = module as unknown as InnerModule;
	const compile = inner.prototype._compile;
	const { wrap, wrapper } = inner;
	const [head, tail] = wrapper;
	const handedOut = new MapObject<string, string>();
	const stripped = new MapObject<string, string>();

	inner.prototype._compile = function _compile(content, filename, format) {
		// Each argument is converted only once, because an object could give another text at a second conversion.
		const text = toText(content);
		const file = toText(filename);
		if (mapGet(handedOut, file) === text) mapDelete(handedOut, file);
		else checkOwnText(text, file);
		// If a program has changed Module.wrap or Module.wrapper, Node.js would compile other text around the module's
		// text.
		const isWrapped = inner.wrap !== wrap || inner.wrapper !== wrapper || !holds("0", head) || !holds("1", tail);
		if (isWrapped) gate.rule("module.register", { kind: "Module.wrap", path: file }, "never");
		return apply(compile, this, [text, file, format]);
	};

	/** Tells whether the text is that of a TypeScript file that a hook announced, without its types. */
	function isStripped(text: string, file: string): boolean {
		const name = mapGet(stripped, file);
		if (name === undefined || !endsWith(text, name)) return false;
		const isListed = gate.hasText(sha256(encodeUtf8(slice(text, 0, text.length - name.length))));
		if (isListed) mapDelete(stripped, file);
		return isListed;
	}

	function checkOwnText(text: string, file: string): void {
		if (isStripped(text, file)) return;
		const bytes = encodeUtf8(text);
		if (gate.decide(file, bytes).trusted) return;
		gate.rule("module.compile", { path: file, sha256: sha256(bytes) }, gate.policy.runtime.stringCode);
	}

	function holds(index: "0" | "1", text: string | undefined): boolean {
		const descriptor = getOwnPropertyDescriptor(wrapper, index);
		return descriptor !== undefined && hasOwn(descriptor, "value") && descriptor.value === text;
	}

	return {
		handOut: (file, text) => mapSet(handedOut, file, text),
		handOutTypeScript: (file, url) => mapSet(stripped, file, `\n\n//# sourceURL=${url}`),
	};
}
