/**
 * Guards `node:module`, because hooks of a program could change code after it was judged, and cached bytecode is not
 * signed.
 */

import { SigtoolError } from "@sigtool/core/read";
import type { Monitor } from "../../monitor/monitor.js";
import { guard, replace } from "../../safe/replace.js";

/** `hooks` is "never" where this thread, or this release of Node.js, takes no hooks of a program. */
export function guardModule(monitor: Monitor, module: object, hooks: "never" | "by policy"): void {
	const ruling = monitor.policy.runtime.moduleHooks === "signed" ? "allow" : "refuse";
	for (const kind of ["register", "registerHooks"]) {
		guard(module, kind, () => {
			if (hooks === "never")
				monitor.rule("module.register", { kind }, hooks, new SigtoolError("ERR_RUNTIME_RULE", NEVER));
			else monitor.rule("module.register", { kind }, ruling);
		});
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

const NEVER =
	"Cannot go on with module.register: a program registers hooks on Node.js 22.15 or later, and not from the thread that runs them";

/** The value of `module.constants.compileCacheStatus.DISABLED`. */
const COMPILE_CACHE_DISABLED = 3;
