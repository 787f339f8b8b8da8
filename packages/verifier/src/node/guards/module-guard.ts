/** `node:module`: hooks of a program's own would stand between what was judged and what runs, bytecode beside both. */

import type { Gate } from "../../gate/gate.js";
import { guard, replace } from "../../safe/replace.js";

export function guardModule(gate: Gate, module: object): void {
	for (const kind of ["register", "registerHooks"]) {
		guard(module, kind, () => gate.rule("module.register", { kind }, "refuse"));
	}
	// Programs ask for it to be faster, and run as well without: it is off, which is no reason to end them.
	replace(
		module,
		"enableCompileCache",
		() =>
			function enableCompileCache() {
				gate.rule("module.compile_cache", {}, "allow");
				return { status: COMPILE_CACHE_DISABLED };
			},
	);
}

/** `module.constants.compileCacheStatus.DISABLED`. */
const COMPILE_CACHE_DISABLED = 3;
