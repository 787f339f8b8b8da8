/**
 * Node.js ≥ 22.15, the short way for most of what `require` loads: CommonJS files, by the function of their extension. The
 * load hook would turn each path into a URL and back, and Node.js would read the package.json that was just verified.
 */

import module from "node:module";
import type { Gate } from "../gate.js";
import { apply, endsWith, toText } from "./captured.js";
import type { ModuleText } from "./module-text.js";
import type { PackageScopes } from "./package-scope.js";
import { sourceText } from "./source-text.js";

interface InnerModule {
	_compile(content: string, filename: string, format: string | undefined): void;
}
type Extension = (module: InnerModule, filename: string) => void;

/** Files that the verified package.json makes ES modules, and whatever is no `.js` or `.cjs`, take the way of the load hook. */
export function installPlainCommonJs(gate: Gate, scopes: PackageScopes, texts: ModuleText): void {
	// Not in the types, and used by programs since Node.js 0.3.
	const { _extensions } = module as unknown as { _extensions: { ".js": Extension } };
	const hooked = _extensions[".js"];
	_extensions[".js"] = (target, filename) => {
		const file = toText(filename);
		const type = endsWith(file, ".cjs") ? "commonjs" : endsWith(file, ".js") ? scopes.typeOf(file) : "module";
		if (type === "module") {
			apply(hooked, undefined, [target, file]);
			return;
		}
		const { bytes } = gate.openCodeSync(file, "commonjs");
		const text = sourceText(gate, file, bytes);
		texts.handOut(file, text);
		// Without a type Node.js looks at the text, and may find an ES module.
		target._compile(text, file, type === "none" ? undefined : type);
	};
}
