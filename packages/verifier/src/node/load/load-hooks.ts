/**
 * Hooks `require` and `import` on Node.js ≥ 22.15 by one synchronous function in the same thread. The function returns
 * the text of the bytes that were judged. Node.js runs this text and does not read the file again.
 */

import { pathOfFileUrl } from "../../monitor/file-url.js";
import type { CodeUse, Monitor } from "../../monitor/monitor.js";
import { endsWith, hasOwn } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import type { Guards } from "../guards/guards.js";
import { addLoadHook } from "./hook-chain.js";
import { admitHooksOfProgram, createAnswerJudge, hasHooksOfProgram, hasThreadOfHooks } from "./hooks-of-program.js";
import type { ModuleText } from "./module-text.js";
import type { PackageScopes } from "./package-scope.js";
import { bytesOf, sourceText, textForFormat, withoutByteOrderMark } from "./source-text.js";

/** The second argument of a load hook. The types of Node.js 20 do not have it. */
interface LoadContext {
	readonly format: string | null | undefined;
	/** This member is undefined if `require` loads the module. */
	readonly importAttributes: object | undefined;
}
interface LoadResult {
	readonly format: string | null | undefined;
	readonly source: string | Uint8Array | null;
	readonly shortCircuit?: boolean;
	/**
	 * If this member is true, Node.js 22 loads an imported CommonJS module by Module._load, as it does without hooks.
	 */
	readonly shouldBeReloadedByCJSLoader?: boolean;
}
type NextLoad = (url: string, context?: object) => LoadResult;

/** Installs the hook. From now on every module is loaded through `monitor`. */
export function installLoadHooks(monitor: Monitor, scopes: PackageScopes, texts: ModuleText, guards: Guards): void {
	addLoadHook(load, () => monitor.rule("module.register", { kind: "index of Array.prototype" }, "never"));
	const judge = createAnswerJudge(monitor, texts, guards);
	const isWatching = monitor.mode === "audit";
	const admitsHooks = !isWatching && monitor.policy.runtime.moduleHooks === "signed";
	if (admitsHooks) admitHooksOfProgram(monitor, judge, guards);

	function load(url: string, context: LoadContext, nextLoad: NextLoad): LoadResult {
		// Node.js gives the context its members by assignment. If the program defined a setter of this name on
		// Object.prototype, the value went there, and a getter of the program would answer here.
		if (!hasOwn(context, "format") || !hasOwn(context, "importAttributes")) {
			monitor.rule("module.register", { kind: "context of a load hook" }, "never");
		}
		const isRequired = context.importAttributes === undefined;
		if (!isRequired) guards.prepareImports();
		if (startsWith(url, "node:")) {
			guards.prepare(url);
			return hasThreadOfHooks() && !isRequired ? asked(url, nextLoad(url)) : nextLoad(url);
		}
		const { format: derived } = context;
		const path = pathOfFileUrl(url);
		if (path === undefined) {
			// The last hook of the thread refuses such a URL if no other one answers.
			if (hasThreadOfHooks() && !isRequired && !startsWith(url, "data:")) return asked(url, nextLoad(url, context));
			monitor.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "never");
			return nextLoad(url);
		}
		// The hook returns no source for an addon, because the guard of process.dlopen judges the addon's file.
		if (derived === "addon") return { format: derived, source: null, shortCircuit: true };
		const content = monitor.readCodeSync(path, useOf(path, derived, isRequired));
		if (isWatching && hasHooksOfProgram()) return nextLoad(url, context);
		const format = derived === "json" ? derived : scopes.formatOf(path, derived);
		if (format === "wasm") return { format, source: bytesOf(content), shortCircuit: true };
		const text = sourceText(monitor, path, content);
		if (isRequired) {
			judge.note(url, text);
			if (format !== "json") texts.handOut(path, text);
			return { format, source: text, shortCircuit: true };
		}
		const source = withoutByteOrderMark(text);
		judge.note(url, source);
		if (hasThreadOfHooks()) return asked(url, nextLoad(url, context), source);
		const own = { __proto__: null, format, source: textForFormat(source) };
		const found = format ?? nextLoad(scopes.urlForFormat(path, url), own).format;
		const typeless = texts.withoutTypes(source, path, found);
		if (typeless.format === "commonjs") texts.handOut(path, typeless.text);
		return {
			// The type assertion is safe: withoutTypes() returns the given format or another name of one.
			format: typeless.format as string,
			// Where a thread of hooks exists, only a file that Node.js itself loads has all members of `require`. Then this
			// hook judges the file again.
			source: admitsHooks && typeless.format === "commonjs" ? null : typeless.text,
			shortCircuit: true,
			shouldBeReloadedByCJSLoader: found === "commonjs",
		};
	}

	/** Judges what hooks of the program have answered in their thread. `text` is that of the file. */
	function asked(url: string, answer: LoadResult, text?: string): LoadResult {
		if (isWatching) return answer;
		const own = judge.judged(url, answer);
		// Node.js itself loads a file that no hook has changed, as below.
		if (own.format === "commonjs" && own.source === text) own.source = null;
		own.shortCircuit = true;
		// The type assertion is safe: the copy has the members of the answer.
		return own as unknown as LoadResult;
	}
}

function useOf(path: string, format: string | null | undefined, isRequired: boolean): CodeUse {
	if (format === "json" || format === "wasm" || format === "module") return format;
	if (format === "commonjs") return "commonjs";
	if (format !== undefined && format !== null && endsWith(format, "typescript")) return "typescript";
	return isRequired && !endsWith(path, ".mjs") ? "commonjs" : "module";
}
