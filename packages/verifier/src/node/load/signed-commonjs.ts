/**
 * Node.js ≥ 22.15, the short way for most of what `require` loads: CommonJS files, by the function of their extension. The
 * load hook would turn each path into a URL and back, and Node.js would read the package.json that was just verified.
 */

import module from "node:module";
import type { Gate } from "../../gate/gate.js";
import { apply, endsWith, toText } from "../../safe/captured.js";
import type { ModuleText } from "./module-text.js";
import { isTypedByPackage, type PackageScopes } from "./package-scope.js";
import { sourceText } from "./source-text.js";

interface InnerModule {
	_compile(content: string, filename: string, format: string | undefined): void;
}
type Extension = (module: InnerModule, filename: string) => void;

/**
 * Files that the verified package.json makes ES modules, and whatever is no `.js` or `.cjs`, take the way of the load hook;
 * but not those whose format Node.js would take from a package.json that is nobody's.
 */
export function installPlainCommonJs(gate: Gate, scopes: PackageScopes, texts: ModuleText): void {
	// Not in the types, and used by programs since Node.js 0.3.
	const { _extensions } = module as unknown as { _extensions: { ".js": Extension } };
	const hooked = _extensions[".js"];
	_extensions[".js"] = (target, filename) => {
		const file = toText(filename);
		const format = formatOf(file);
		if (format === "module") {
			apply(hooked, undefined, [target, file]);
			return;
		}
		const text = sourceText(gate, file, gate.readCodeSync(file, "commonjs"));
		texts.handOut(file, text);
		target._compile(text, file, format);
	};

	/** Undefined: Node.js looks at the text, and may find an ES module. `module`: the load hook's. */
	function formatOf(file: string): "commonjs" | "typescript" | "module" | undefined {
		if (endsWith(file, ".cjs")) return "commonjs";
		if (!isTypedByPackage(file)) return "module";
		const type = scopes.typeOf(file);
		if (type === "bare") return endsWith(file, ".ts") ? "typescript" : undefined;
		if (!endsWith(file, ".js")) return "module";
		return type === "none" ? undefined : type;
	}
}
