/**
 * How a program that imports the library, which is another copy of this code than the hook's, reaches the hook of its
 * process. Nothing is decided by what stands here, and nothing can be taken from the hook by it: hooks only refuse more.
 */

import type { AuditHook } from "../../audit/audit.js";
import type { HookCapabilities } from "./capabilities.js";

interface LiveHook {
	readonly capabilities: HookCapabilities;
	readonly addAuditHook: (hook: AuditHook) => void;
}

/** What the hook of this process enforces; undefined without it. */
export function hookCapabilities(): HookCapabilities | undefined {
	return liveHook()?.capabilities;
}

/**
 * Lets a function see every decision of this thread's hook before it takes effect, and refuse by throwing. Cannot be
 * removed. False without a hook, when it will see nothing.
 */
export function addAuditHook(hook: AuditHook): boolean {
	if (typeof hook !== "function") throw new TypeError("An audit hook is a function");
	const live = liveHook();
	live?.addAuditHook(hook);
	return live !== undefined;
}

export function publishHook(live: LiveHook): void {
	Object.defineProperty(globalThis, PLACE, { value: Object.freeze(live) });
}

function liveHook(): LiveHook | undefined {
	return (globalThis as { [PLACE]?: LiveHook })[PLACE]; // Put there by `publishHook` alone.
}

const PLACE = Symbol.for("sigtool.hook");
