/**
 * Loads modules on Node.js before 22.15: `require` by the functions of `Module._extensions`, `import` by a second
 * thread.
 */

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
		if (monitor.policy.runtime.stringCode === "refuse") makeInnerRealm();
	},
	install: installLegacyCommonJs,
	serveImports: offerLoader,
};

/**
 * Makes Node.js create its inner realm now. Otherwise Node.js creates this realm when a program first releases a reader
 * of a web stream, for example by `fetch`. Node.js then calls a public function of node:vm, and the guard would refuse
 * the call.
 */
function makeInnerRealm(): void {
	new ReadableStream().getReader().releaseLock();
}
