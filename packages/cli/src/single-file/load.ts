/** Loads modules from inside of the single file, in the place of Node.js' loader, which only knows files. */

import { compileFunction } from "node:vm";
import { loadAddon } from "./addon.js";
import { contentsOfSingleFile, partText } from "./assets.js";

interface LoadedModule {
	exports: unknown;
}

const loaded = new Map<string, LoadedModule>();

/**
 * Returns what a module exports: a bundle (`./main.cjs`), a package or a native addon.
 * @throws an Error with the code MODULE_NOT_FOUND if it is not inside
 */
export function load(specifier: string): unknown {
	const known = loaded.get(specifier);
	if (known !== undefined) return known.exports;
	const module: LoadedModule = { exports: {} };
	const { modules, addons } = contentsOfSingleFile();
	if (addons.includes(specifier)) {
		loadAddon(specifier, module);
		loaded.set(specifier, module);
		return module.exports;
	}
	if (!modules.includes(specifier)) {
		const error = new Error(`Cannot find ${JSON.stringify(specifier)} in this single file`);
		throw Object.assign(error, { code: "MODULE_NOT_FOUND" });
	}
	loaded.set(specifier, module);
	try {
		run(specifier, module);
	} catch (error) {
		loaded.delete(specifier);
		throw error;
	}
	return module.exports;
}

/** Runs a CommonJS module. */
function run(specifier: string, module: LoadedModule): void {
	const filename = `/sigtool/${specifier.replace(/^\.\//, "")}`; // Stack traces show this name. No file is read by it.
	const code = compileFunction(partText(specifier), ["exports", "require", "module", "__filename"], { filename });
	Reflect.apply(code, module.exports, [module.exports, requireInside, module, filename]);
}

function requireInside(specifier: string): unknown {
	return process.getBuiltinModule(specifier) ?? load(specifier);
}
