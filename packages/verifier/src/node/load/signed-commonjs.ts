/**
 * Loads required CommonJS files faster on Node.js ≥ 22.15, by replacing the function of `Module._extensions` for `.js`.
 * Otherwise the load hook would turn each path into a URL and back, and Node.js would read again the package.json that
 * was just verified.
 */

import module from "node:module";
import type { Monitor } from "../../monitor/monitor.js";
import { apply, endsWith, toText } from "../../safe/captured.js";
import { hasHooksOfProgram } from "./hooks-of-program.js";
import type { ModuleText } from "./module-text.js";
import { isTypedByPackage, type PackageScopes } from "./package-scope.js";
import { sourceText } from "./source-text.js";

interface InnerModule {
	_compile(content: string, filename: string, format: string | undefined): void;
}
type Extension = (module: InnerModule, filename: string) => void;

/**
 * Installs the faster function. The load hook still loads files that the verified package.json declares as ES modules,
 * and files that are neither `.js` nor `.cjs`. If Node.js would use a package.json outside every signed tree for a
 * file, the faster function loads the file.
 */
export function installFastCommonJs(monitor: Monitor, scopes: PackageScopes, texts: ModuleText): void {
	// The type assertion is safe: Node.js has had _extensions since 0.3, but the types do not have it.
	const { _extensions } = module as unknown as { _extensions: { ".js": Extension } };
	const hooked = _extensions[".js"];
	_extensions[".js"] = (target, filename) => {
		const file = toText(filename);
		const format = hasHooksOfProgram() ? "module" : formatOf(file);
		if (format === "module") {
			apply(hooked, undefined, [target, file]);
			return;
		}
		const text = sourceText(monitor, file, monitor.readCodeSync(file, "commonjs"));
		texts.handOut(file, text);
		target._compile(text, file, format);
	};

	/**
	 * Returns the format. Returns undefined if Node.js has to derive the format from the text, and `module` if the load
	 * hook has to load the file.
	 */
	function formatOf(file: string): "commonjs" | "typescript" | "module" | undefined {
		if (endsWith(file, ".cjs")) return "commonjs";
		if (!isTypedByPackage(file)) return "module";
		const type = scopes.typeOf(file);
		if (type === "bare") return endsWith(file, ".ts") ? "typescript" : undefined;
		if (!endsWith(file, ".js")) return "module";
		return type === "none" ? undefined : type;
	}
}
