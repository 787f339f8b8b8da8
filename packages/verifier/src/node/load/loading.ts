/** Describes how a release of Node.js loads modules, for the code that starts enforcement in a process. */

import type { Monitor } from "../../monitor/monitor.js";
import type { Guards } from "../guards/guards.js";
import { installLoadHooks } from "./load-hooks.js";
import type { ModuleText } from "./module-text.js";
import type { PackageScopes } from "./package-scope.js";
import { installFastCommonJs } from "./signed-commonjs.js";
import type { ReleaseFacts } from "./tier.js";

export interface Loading extends ReleaseFacts {
	/**
	 * The value `at-start` means that no hook in the program's thread sees an import. Built-in modules must then be
	 * guarded before the program runs.
	 */
	readonly builtins: "on-demand" | "at-start";
	/** The options of Node.js that must be passed to each worker. */
	readonly options: readonly string[];
	/**
	 * Has to be called before anything is guarded. `asLoader(start)` gives the role `loader` to a thread that `start`
	 * starts.
	 */
	prepare(monitor: Monitor, asLoader: (start: () => void) => void): void;
	/** Makes `require` and `import` ask the monitor, from the return of this function on. */
	install(monitor: Monitor, scopes: PackageScopes, texts: ModuleText, guards: Guards): void;
	/** Answers the imports of another thread. Has to be called in a thread with the role `loader`. */
	serveImports(monitor: Monitor, scopes: PackageScopes): void;
}

/** On Node.js 22.15 and later, synchronous hooks see `require` and `import` in every thread. */
export const syncLoading: Loading = {
	tier: "enforce",
	details: {
		modules: "a hook in the thread that imports",
		"require-esm": "like any import",
		typescript: "verified, then stripped by Node.js",
		builtins: "guarded when a program first asks",
	},
	builtins: "on-demand",
	options: [],
	prepare() {},
	install(monitor, scopes, texts, guards) {
		installLoadHooks(monitor, scopes, texts, guards);
		installFastCommonJs(monitor, scopes, texts);
	},
	serveImports() {},
};
