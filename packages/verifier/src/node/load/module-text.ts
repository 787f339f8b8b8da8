/**
 * Guards `Module.prototype._compile`, the last step before CommonJS is compiled. Programs also call this method with
 * text that they have made. The guard admits text that a hook handed out for the file, and text that is signed for the
 * file. The member `stringCode` of the policy decides about other text, unless an unsigned file is at that path, or the
 * text is denied.
 */

import module from "node:module";
import type { Monitor } from "../../monitor/monitor.js";
import { rulingOnText } from "../../monitor/text-ruling.js";
import { apply, getOwnPropertyDescriptor, hasOwn, MapObject, mapDelete, mapSet, toText } from "../../safe/captured.js";
import { encodeUtf8, indexOf, mapGet, sha256, utf8Of } from "../../safe/primordials.js";
import type { RemoveTypes } from "./remove-types.js";

export interface ModuleText {
	/**
	 * Returns text and format of TypeScript without its types, and other text as it is. Node.js itself refuses TypeScript
	 * in a directory node_modules, so it gets that text with its types.
	 */
	withoutTypes(text: string, file: string, format: unknown): Typeless;
	/**
	 * Judges text that a program gives as a module's. Signed text passes, text of an unsigned file does not, and
	 * `stringCode` of the policy decides about other text.
	 * @throws ERR_RUNTIME_RULE, ERR_UNTRUSTED_CODE or another refusal
	 */
	checkOwnText(text: string, file: string): void;
	/** Announces verified text that Node.js is about to compile for a file. The text is then admitted once. */
	handOut(file: string, text: string): void;
}

export interface Typeless {
	readonly text: string;
	readonly format: unknown;
}

type Compile = (this: unknown, content: string, filename: string, format?: unknown) => unknown;
interface InnerModule {
	prototype: { _compile: Compile };
	wrap: (text: string) => string;
	wrapper: readonly string[];
}

export function guardModuleText(monitor: Monitor, removeTypes: RemoveTypes): ModuleText {
	// The type assertion is safe: Node.js has had _compile, wrap and wrapper since 0.5, but the types do not have them.
	const inner = module as unknown as InnerModule;
	const compile = inner.prototype._compile;
	const { wrap, wrapper } = inner;
	const [head, tail] = wrapper;
	const handedOut = new MapObject<string, string>();

	inner.prototype._compile = function _compile(content, filename, format) {
		// Each argument is converted only once, because an object could give another text at a second conversion.
		const text = toText(content);
		const file = toText(filename);
		if (mapGet(handedOut, file) === text) mapDelete(handedOut, file);
		else checkOwnText(text, file);
		// If a program has changed Module.wrap or Module.wrapper, Node.js would compile other text around the module's
		// text.
		const isWrapped = inner.wrap !== wrap || inner.wrapper !== wrapper || !holds("0", head) || !holds("1", tail);
		if (isWrapped) monitor.rule("module.register", { kind: "Module.wrap", path: file }, "never");
		// The types are removed here, because Node.js would use functions of the program, which could replace the text.
		const typeless = withoutTypes(text, file, format);
		return apply(compile, this, [typeless.text, file, typeless.format]);
	};

	function withoutTypes(text: string, file: string, format: unknown): Typeless {
		const isTyped = format === "typescript" || format === "commonjs-typescript" || format === "module-typescript";
		if (!isTyped || indexOf(file, "/node_modules/") !== -1) return { text, format };
		const found = format === "typescript" ? undefined : format === "module-typescript" ? "module" : "commonjs";
		return { text: removeTypes(text, file), format: found };
	}

	function checkOwnText(text: string, file: string): void {
		const bytes = utf8Of(text);
		if (bytes !== undefined && monitor.decide(file, bytes).trusted) return;
		const detail = { path: file, sha256: sha256(bytes ?? encodeUtf8(text)) };
		const refused = monitor.refusalOfText(detail.sha256, file);
		if (refused !== undefined) {
			const { reason, error } = refused;
			monitor.rule("module.compile", { ...detail, reason }, "never", error);
			return;
		}
		monitor.rule("module.compile", detail, rulingOnText(monitor.policy));
	}

	function holds(index: "0" | "1", text: string | undefined): boolean {
		const descriptor = getOwnPropertyDescriptor(wrapper, index);
		return descriptor !== undefined && hasOwn(descriptor, "value") && descriptor.value === text;
	}

	return { withoutTypes, checkOwnText, handOut: (file, text) => mapSet(handedOut, file, text) };
}
