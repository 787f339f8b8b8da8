/**
 * Guards `node:module`, because hooks of a program could change code after it was judged, and cached bytecode is not
 * signed.
 */

import type { Monitor } from "../../monitor/monitor.js";
import { guard, replace } from "../../safe/replace.js";

export function guardModule(monitor: Monitor, module: object): void {
	for (const kind of ["register", "registerHooks"]) {
		guard(module, kind, () => monitor.rule("module.register", { kind }, "never"));
	}
	// The compile cache stays off. This is no refusal, because a program runs without the cache too, only more slowly.
	replace(
		module,
		"enableCompileCache",
		() =>
			function enableCompileCache() {
				monitor.rule("module.compile_cache", {}, "allow");
				return { status: COMPILE_CACHE_DISABLED };
			},
	);
}

/** The value of `module.constants.compileCacheStatus.DISABLED`. */
const COMPILE_CACHE_DISABLED = 3;
