/** What the hook enforces on a version of Node.js, and what it leaves to the launcher or to nobody; docs/node.md shows it. */

import module from "node:module";
import process from "node:process";
import type { Capability } from "../../gate/kernel-check.js";

/** What the answer depends on. */
export interface Runtime {
	/** Node.js ≥ 22.15: hooks in the thread, below `require` and `import` alike. */
	readonly hasSyncHooks: boolean;
	/** Started by the launcher, in enforce or strict. */
	readonly launched: boolean;
	/** `--disallow-code-generation-from-strings`. */
	readonly refusesStrings: boolean;
}

export interface HookCapabilities {
	readonly tier: Tier;
	readonly capabilities: readonly Capability[];
}

/** `enforce-limited`: files are verified all the same, by older means and with more left open. */
export type Tier = "enforce" | "enforce-limited";

export function tierOf({ hasSyncHooks }: Runtime): Tier {
	return hasSyncHooks ? "enforce" : "enforce-limited";
}

/** Of this process. */
export function currentRuntime(launched: boolean): Runtime {
	return {
		hasSyncHooks: "registerHooks" in module,
		launched,
		refusesStrings: process.execArgv.includes("--disallow-code-generation-from-strings"),
	};
}

export function capabilitiesOf(runtime: Runtime): readonly Capability[] {
	const { hasSyncHooks, launched, refusesStrings } = runtime;
	const always = (name: string, detail: string): Capability => ({ name, enforced: true, detail });
	const never = (name: string, detail: string): Capability => ({ name, enforced: false, detail });
	const when = (enforced: boolean, name: string, by: string, open: string): Capability => {
		return { name, enforced, detail: enforced ? by : open };
	};
	return [
		always("commonjs", "every file that is required, the main one too"),
		always("json", "required or imported"),
		always("modules", hasSyncHooks ? "a hook in the thread that imports" : "a hook in a thread of its own"),
		always("require-esm", hasSyncHooks ? "as any import" : "refused: its imports would pass every hook"),
		always("typescript", hasSyncHooks ? "verified, then stripped by Node.js" : "not stripped by this version"),
		always("package-type", "the nearest package.json, and what Node.js made of it"),
		never(
			"package-redirect",
			"a package.json that is swapped while a name is resolved can lead to another signed file",
		),
		always("addons", "the verified bytes are loaded, from a file without a name"),
		never("addon-libraries", "libraries that an addon loads itself are not seen"),
		always("workers", "each starts with the hook; none from text or data: URLs"),
		always("vm", "text is compiled as the policy has it; cached bytecode never"),
		when(refusesStrings, "string-code", "a flag of V8", "eval and Function: needs a flag, which the launcher sets"),
		always("web-assembly", "signed content, Node.js's own, or the policy's list"),
		always("compile-cache", "off"),
		always("hooks", "no second module.register or registerHooks; Module.wrap stays"),
		always("bindings", "process.binding only for those that compile and start nothing"),
		always("builtins", hasSyncHooks ? "guarded when a program first asks" : "guarded from the start"),
		always("inspector", "inspector.open and Session; SIGUSR1 opens none"),
		always("native-doors", "sqlite extensions, OpenSSL engines, node:ffi"),
		when(
			launched,
			"children",
			"no execve in the kernel",
			"child_process and process.execve only, as the policy has it",
		),
		always("start", "variables, options and the compile cache are refused; code on the command line too"),
		when(launched, "before-start", "the launcher starts it clean", "what ran before the hook can hide from it"),
		when(launched, "process-memory", "no writing to /proc/self/mem", "/proc/self/mem rewrites the process"),
		never("native-code", "a signed addon does what it likes"),
	];
}
