/**
 * Node.js ≥ 22.15: one synchronous hook, in the thread, below `require` and `import` alike. What it returns is what runs,
 * so it returns the text of the very bytes that were judged; Node.js reads no source again.
 */

import module from "node:module";
import type { CodeUse, Gate } from "../../gate/gate.js";
import { endsWith } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import type { Doors } from "../guards/guards.js";
import { pathOfFileUrl } from "./file-url.js";
import type { ModuleText } from "./module-text.js";
import type { PackageScopes } from "./package-scope.js";
import { bytesOf, sourceText, withoutByteOrderMark } from "./source-text.js";

/** Node.js calls with these; its types are for newer hooks only. */
interface LoadContext {
	readonly format: string | null | undefined;
	/** Absent from `require`. */
	readonly importAttributes: object | undefined;
}
interface LoadResult {
	readonly format: string | null | undefined;
	readonly source: string | Uint8Array | null;
	readonly shortCircuit?: boolean;
	/** Node.js 22: an imported CommonJS module goes through Module._load, as it does without hooks. */
	readonly shouldBeReloadedByCJSLoader?: boolean;
}
type NextLoad = (url: string, context?: object) => LoadResult;
type RegisterHooks = (hooks: object) => unknown;

/** From here on no module is loaded but through `gate`. */
export function installLoadHooks(gate: Gate, scopes: PackageScopes, texts: ModuleText, doors: Doors): void {
	const { registerHooks } = module as unknown as { registerHooks: RegisterHooks }; // Since 22.15; types are of 20.
	registerHooks({ __proto__: null, load });

	function load(url: string, context: LoadContext, nextLoad: NextLoad): LoadResult {
		const isRequired = context.importAttributes === undefined;
		if (!isRequired) doors.prepareImports();
		if (startsWith(url, "node:")) {
			doors.prepare(url);
			return nextLoad(url);
		}
		const { format: derived } = context;
		const path = pathOfFileUrl(url);
		if (path === undefined) {
			gate.rule("code.string", { kind: startsWith(url, "data:") ? "data: URL" : "URL" }, "refuse");
			return nextLoad(url);
		}
		// Loaded as a file, which process.dlopen judges.
		if (derived === "addon") return { format: derived, source: null, shortCircuit: true };
		const content = gate.readCodeSync(path, useOf(path, derived, isRequired));
		const format = derived === "json" ? derived : scopes.formatOf(path, derived);
		if (format === "wasm") return { format, source: bytesOf(content), shortCircuit: true };
		const text = sourceText(gate, path, content);
		if (isRequired) {
			if (format !== "json") texts.handOut(path, text);
			return { format, source: text, shortCircuit: true };
		}
		const source = withoutByteOrderMark(text);
		const found = format ?? nextLoad(scopes.urlForFormat(path, url), { __proto__: null, format, source }).format;
		if (found === "commonjs" || found === "commonjs-typescript") texts.handOut(path, source);
		return { format: found, source, shortCircuit: true, shouldBeReloadedByCJSLoader: found === "commonjs" };
	}
}

function useOf(path: string, format: string | null | undefined, isRequired: boolean): CodeUse {
	if (format === "json" || format === "wasm" || format === "module") return format;
	if (format === "commonjs") return "commonjs";
	if (format !== undefined && format !== null && endsWith(format, "typescript")) return "typescript";
	return isRequired && !endsWith(path, ".mjs") ? "commonjs" : "module";
}
