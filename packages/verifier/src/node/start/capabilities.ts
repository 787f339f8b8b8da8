/**
 * Lists what the hook enforces on a release of Node.js, what only the launcher enforces, and what nothing enforces.
 * docs/reference/node.md has the table.
 */

import type { Capability } from "../../monitor/kernel-check.js";
import type { ReleaseFacts, Tier } from "../load/tier.js";

/** The facts about a process that the list depends on. */
export interface Runtime {
	/** How this release of Node.js loads modules. */
	readonly loading: ReleaseFacts;
	/** True if the launcher started the process. The launcher protects the process in the modes enforce and strict. */
	readonly launched: boolean;
	/** True if Node.js got `--disallow-code-generation-from-strings`. */
	readonly refusesStrings: boolean;
	/** The addon says "" if the native gate is there, else why not. Undefined if none was loaded. */
	readonly nativeGate: string | undefined;
}

export interface HookCapabilities {
	readonly tier: Tier;
	readonly capabilities: readonly Capability[];
}

export function capabilitiesOf(runtime: Runtime): readonly Capability[] {
	const { launched, refusesStrings, nativeGate } = runtime;
	const hasGate = nativeGate === "";
	const lacksGate = nativeGate === undefined ? "none was loaded" : `it guards nothing: ${nativeGate}`;
	const { details } = runtime.loading;
	const always = (name: string, detail: string): Capability => ({ name, enforced: true, detail });
	const never = (name: string, detail: string): Capability => ({ name, enforced: false, detail });
	const when = (enforced: boolean, name: string, by: string, open: string): Capability => {
		return { name, enforced, detail: enforced ? by : open };
	};
	return [
		always("commonjs", "every required file, and the main one"),
		always("json", "required or imported"),
		always("modules", details.modules),
		always("require-esm", details["require-esm"]),
		always("typescript", details.typescript),
		always("package-type", "the nearest package.json, and the format that Node.js took from it"),
		never(
			"package-redirect",
			"a package.json that is swapped while a name is resolved can lead to another signed file",
		),
		always("addons", hasGate ? "from sealed memory" : "the verified bytes are loaded, from a file without a name"),
		when(
			hasGate,
			"addon-libraries",
			"those that an addon is linked to or loads by a path; the system's own are not checked",
			"libraries that an addon loads itself are not checked",
		),
		always("workers", "each starts with the hook; none starts from text or a data: URL"),
		always("vm", "text is compiled if the policy allows it; cached bytecode is dropped"),
		when(refusesStrings, "string-code", "by a flag of V8", "eval and Function need a flag that only the launcher sets"),
		always("web-assembly", "only signed content, Node.js's own modules, or the policy's list"),
		always("compile-cache", "off"),
		always("hooks", "module.register and registerHooks only by the policy; another Module.wrap is refused"),
		always("bindings", "process.binding only for bindings that compile and start nothing"),
		always("builtins", details.builtins),
		always("inspector", "inspector.open and Session are refused; SIGUSR1 opens no inspector"),
		always("native-extensions", "SQLite extensions, OpenSSL engines and node:ffi are refused"),
		when(
			launched,
			"children",
			"the kernel refuses execve",
			"only child_process and process.execve are guarded, by the policy",
		),
		when(hasGate, "native-gate", "V8 and the loader take nothing that no signature names", lacksGate),
		always("start", "dangerous variables and options, the compile cache, and code on the command line are refused"),
		when(
			launched,
			"before-start",
			"the launcher starts a clean process",
			"code that ran before the hook can hide from it",
		),
		when(
			launched,
			"process-memory",
			"the kernel refuses writes to /proc/self/mem",
			"a program can change its memory by /proc/self/mem",
		),
		never("native-code", "a signed addon is not restricted"),
	];
}
