/**
 * Node.js before 22.15, `require`: the functions by extension, which are all that stands between a path and its module.
 * ES modules cannot be required: their imports would be read past every hook.
 */

import module from "node:module";
import type { Gate } from "../../gate/gate.js";
import { define, endsWith, parseJson, toText } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import { guard } from "../../safe/replace.js";
import type { Doors } from "../guards/guards.js";
import type { ModuleText } from "../load/module-text.js";
import type { PackageScopes } from "../load/package-scope.js";
import { sourceText, withoutByteOrderMark } from "../load/source-text.js";

interface InnerModule {
	readonly id: string;
	exports: unknown;
	_compile(content: string, filename: string, format?: string): void;
}
type Extension = (module: InnerModule, filename: string) => void;

export function installLegacyCommonJs(gate: Gate, scopes: PackageScopes, texts: ModuleText, doors: Doors): void {
	// Not in the types, and used by programs since Node.js 0.3.
	const { _extensions } = module as unknown as { _extensions: Record<string, Extension> };
	_extensions[".js"] = (target, filename) => {
		const file = toText(filename);
		const text = sourceText(gate, file, gate.readCodeSync(file, "commonjs"));
		const isModule = endsWith(file, ".mjs") || (scopes.typeOf(file) === "module" && endsWith(file, ".js"));
		const isMain = target.id === ".";
		if (isModule && !isMain) throw requiresModule(file);
		texts.handOut(file, text);
		// As CommonJS, or text that looks like an ES module would be taken for one. A main module is imported, past a hook.
		target._compile(text, file, isModule ? "module" : isMain ? undefined : "commonjs");
	};
	_extensions[".json"] = (target, filename) => {
		const file = toText(filename);
		target.exports = parseJson(withoutByteOrderMark(sourceText(gate, file, gate.readCodeSync(file, "json"))));
	};
	// TypeScript, where an option has Node.js strip it: it would read the file itself.
	for (const name of [".ts", ".cts", ".mts"]) {
		if (_extensions[name] === undefined) continue;
		_extensions[name] = (_target, filename) => {
			gate.rule("module.compile", { path: toText(filename), format: "typescript" }, "refuse");
		};
	}
	guard(module, "_load", (args) => {
		const request = args[0];
		if (typeof request === "string") doors.prepare(startsWith(request, "node:") ? request : `node:${request}`);
	});
}

function requiresModule(file: string): Error {
	const error = new Error(`Cannot require ${file}: it is an ES module, which the verifier loads by import() only`);
	define(error, "code", "ERR_REQUIRE_ESM", true);
	return error;
}
