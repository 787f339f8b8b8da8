/**
 * Connects the library that a program imports with the hook of its process, which runs another copy of this code. No
 * decision depends on the shared object, and a program cannot weaken the hook by it: an audit hook can only refuse more.
 */

import type { AuditHook } from "../../audit/audit.js";
import type { HookCapabilities } from "./capabilities.js";

interface LiveHook {
	readonly capabilities: HookCapabilities;
	readonly addAuditHook: (hook: AuditHook) => void;
}

/**
 * Returns what the hook of this process enforces, or undefined if no hook is loaded.
 * @example
 * ```ts
 * import { hookCapabilities } from "@sigtool/verifier";
 *
 * const open = hookCapabilities()?.capabilities.filter(({ enforced }) => !enforced);
 * console.log(open?.map(({ name }) => name) ?? "no hook is loaded"); // no hook is loaded
 * ```
 */
export function hookCapabilities(): HookCapabilities | undefined {
	return liveHook()?.capabilities;
}

/**
 * Adds a function that sees every decision of this thread's hook before it takes effect, and can refuse by throwing.
 * The function cannot be removed. Returns false if no hook is loaded: then the function is never called.
 * @throws ERR_USAGE for a value that is no function
 * @example
 * ```ts
 * import { addAuditHook } from "@sigtool/verifier";
 *
 * const isHeard = addAuditHook(({ event, path }) => {
 * 	if (event === "fs.open" && path?.startsWith("/etc/")) throw new Error("not this file");
 * });
 * console.log(isHeard); // false
 * ```
 */
export function addAuditHook(hook: AuditHook): boolean {
	if (typeof hook !== "function") throw new TypeError("An audit hook must be a function");
	const live = liveHook();
	live?.addAuditHook(hook);
	return live !== undefined;
}

export function publishHook(live: LiveHook): void {
	Object.defineProperty(globalThis, PLACE, { value: Object.freeze(live) });
}

function liveHook(): LiveHook | undefined {
	// The type assertion is safe: only `publishHook` sets this property.
	return (globalThis as { [PLACE]?: LiveHook })[PLACE];
}

const PLACE = Symbol.for("sigtool.hook");
