/**
 * Hooks `require` on Node.js before 22.15 by replacing `Module._extensions`, whose functions load every required file.
 * Refuses to require ES modules, because no hook would see their imports.
 */

import module from "node:module";
import type { Monitor } from "../../monitor/monitor.js";
import { define, endsWith, parseJson, toText } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import { guard } from "../../safe/replace.js";
import type { Guards } from "../guards/guards.js";
import type { ModuleText } from "../load/module-text.js";
import type { PackageScopes } from "../load/package-scope.js";
import { sourceText, withoutByteOrderMark } from "../load/source-text.js";

interface InnerModule {
	readonly id: string;
	exports: unknown;
	_compile(content: string, filename: string, format?: string): void;
}
type Extension = (module: InnerModule, filename: string) => void;

export function installLegacyCommonJs(
	monitor: Monitor,
	scopes: PackageScopes,
	texts: ModuleText,
	guards: Guards,
): void {
	// The type assertion is safe: Node.js has had _extensions since 0.3, but the types do not have it.
	const { _extensions } = module as unknown as { _extensions: Record<string, Extension> };
	const loadScript: Extension = (target, filename) => {
		const file = toText(filename);
		const text = sourceText(monitor, file, monitor.readCodeSync(file, "commonjs"));
		const isModule = endsWith(file, ".mjs") || (scopes.typeOf(file) === "module" && endsWith(file, ".js"));
		const isMain = target.id === ".";
		if (isModule && !isMain) throw requiresModule(file);
		texts.handOut(file, text);
		// Without a format, Node.js would load text that looks like an ES module as an ES module. Only the main module
		// may be an ES module, because a hook sees the import of the main module.
		target._compile(text, file, isModule ? "module" : isMain ? undefined : "commonjs");
	};
	_extensions[".js"] = loadScript;
	// Some releases that can require an ES module, such as 20.19, have a function of its own for it.
	if (_extensions[".mjs"] !== undefined) _extensions[".mjs"] = loadScript;
	_extensions[".json"] = (target, filename) => {
		const file = toText(filename);
		target.exports = parseJson(withoutByteOrderMark(sourceText(monitor, file, monitor.readCodeSync(file, "json"))));
	};
	// If an option makes Node.js strip types, TypeScript files are refused, because Node.js would read them without a
	// hook.
	for (const name of [".ts", ".cts", ".mts"]) {
		if (_extensions[name] === undefined) continue;
		_extensions[name] = (_target, filename) => {
			monitor.rule("module.compile", { path: toText(filename), format: "typescript" }, "never");
		};
	}
	guard(module, "_load", (args) => {
		const request = args[0];
		if (typeof request === "string") guards.prepare(startsWith(request, "node:") ? request : `node:${request}`);
	});
}

function requiresModule(file: string): Error {
	const error = new Error(
		`Cannot require ${file}: it is an ES module; load it with import(), or use Node.js 22 or later, where it can be required`,
	);
	define(error, "code", "ERR_REQUIRE_ESM", true);
	return error;
}
