/**
 * Hooks `require` and `import` on Node.js ≥ 22.15 by one synchronous function in the same thread. The function returns
 * the text of the bytes that were judged. Node.js runs this text and does not read the file again.
 */

import type { CodeUse, Monitor } from "../../monitor/monitor.js";
import { endsWith, hasOwn } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import type { Guards } from "../guards/guards.js";
import { pathOfFileUrl } from "./file-url.js";
import { addLoadHook } from "./hook-chain.js";
import type { ModuleText } from "./module-text.js";
import type { PackageScopes } from "./package-scope.js";
import { bytesOf, sourceText, withoutByteOrderMark } from "./source-text.js";

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
			return nextLoad(url);
		}
		const { format: derived } = context;
		const path = pathOfFileUrl(url);
		if (path === undefined) {
			monitor.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "never");
			return nextLoad(url);
		}
		// The hook returns no source for an addon, because the guard of process.dlopen judges the addon's file.
		if (derived === "addon") return { format: derived, source: null, shortCircuit: true };
		const content = monitor.readCodeSync(path, useOf(path, derived, isRequired));
		const format = derived === "json" ? derived : scopes.formatOf(path, derived);
		if (format === "wasm") return { format, source: bytesOf(content), shortCircuit: true };
		const text = sourceText(monitor, path, content);
		if (isRequired) {
			if (format !== "json") texts.handOut(path, text);
			return { format, source: text, shortCircuit: true };
		}
		const source = withoutByteOrderMark(text);
		const found = format ?? nextLoad(scopes.urlForFormat(path, url), { __proto__: null, format, source }).format;
		const typeless = texts.withoutTypes(source, path, found);
		if (typeless.format === "commonjs") texts.handOut(path, typeless.text);
		return {
			// The type assertion is safe: withoutTypes() returns the given format or another name of one.
			format: typeless.format as string,
			source: typeless.text,
			shortCircuit: true,
			shouldBeReloadedByCJSLoader: found === "commonjs",
		};
	}
}

function useOf(path: string, format: string | null | undefined, isRequired: boolean): CodeUse {
	if (format === "json" || format === "wasm" || format === "module") return format;
	if (format === "commonjs") return "commonjs";
	if (format !== undefined && format !== null && endsWith(format, "typescript")) return "typescript";
	return isRequired && !endsWith(path, ".mjs") ? "commonjs" : "module";
}
