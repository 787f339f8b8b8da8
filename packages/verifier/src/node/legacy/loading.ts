/**
 * Loads modules on Node.js before 22.15: `require` by the functions of `Module._extensions`, `import` by a second
 * thread.
 */

import { runHooksOfProgram } from "../load/hooks-of-program.js";
import type { Loading } from "../load/loading.js";
import { installLegacyCommonJs } from "./commonjs.js";
import { offerLoader, startLoaderThread } from "./esm.js";

export const legacyLoading: Loading = {
	tier: "enforce-limited",
	details: {
		modules: "a hook in a separate thread",
		"require-esm": "refused: no hook would see its imports",
		typescript: "not stripped by this version",
		builtins: "guarded from the start",
	},
	builtins: "at-start",
	options: ["--no-experimental-require-module"],
	prepare(monitor, asLoader) {
		// The loader's thread starts first, because the guards would refuse to start it.
		asLoader(startLoaderThread);
		if (monitor.policy.runtime.stringCode !== "allow") makeInnerRealm();
	},
	install: installLegacyCommonJs,
	serveImports: offerLoader,
};

/**
 * In the thread in which Node.js ≥ 22.15 runs the hooks of a program, these functions load the hooks themselves: Node.js
 * asks no synchronous hook there.
 */
export const loadingOfHooks: Loading = {
	...legacyLoading,
	prepare: runHooksOfProgram,
	install(monitor, scopes, texts, guards) {
		installLegacyCommonJs(monitor, scopes, texts, guards);
		offerLoader(monitor, scopes);
	},
};

/**
 * Makes Node.js create its inner realm now. Otherwise Node.js creates this realm when a program first releases a reader
 * of a web stream, for example by `fetch`. Node.js then calls a public function of node:vm, and the guard would judge the
 * call as one of the program.
 */
function makeInnerRealm(): void {
	new ReadableStream().getReader().releaseLock();
}
