/**
 * Installs the guards: wrappers around functions of Node.js by which JavaScript could run code that the load hook does
 * not see. The guards are a second barrier, because they run in the same realm as the program. docs/explanation/threat-model.md
 * lists the ways that remain open.
 */

import module from "node:module";
import process from "node:process";
import type { Monitor } from "../../monitor/monitor.js";
import { forEachName } from "../../safe/replace.js";
import { guardAddons } from "./addons.js";
import { guardChildren } from "./children.js";
import { guardModule } from "./module-guard.js";
import { guardCrypto, guardInspector, guardProcess, guardSqlite, guardTls, guardV8 } from "./process-guards.js";
import { guardRepl, guardVm } from "./vm-guard.js";
import { type CompileWasm, guardWebAssembly } from "./wasm-guard.js";
import { watchEnvironment, watchFiles, watchNames, watchSockets } from "./watch.js";

export interface Guards {
	/** Guards a built-in module, given by its `node:` name. Has to be called before a program gets that module. */
	prepare(builtin: string): void;
	/**
	 * Copies the guarded functions into the ES modules of the built-ins, which export copies of the original functions.
	 * Has to be called before a program imports anything.
	 */
	prepareImports(): void;
}

type InstallGuard = (exports: object, name: string) => void;

/**
 * Installs all guards. With `on-demand`, a built-in module is guarded when a program first asks for it, because loading
 * all built-in modules would slow down every start. `compileWasm` is given where a native gate is in front of V8 and of
 * the loader.
 */
export function installGuards(
	monitor: Monitor,
	writable: readonly string[],
	builtins: "on-demand" | "at-start",
	compileWasm: CompileWasm | undefined,
): Guards {
	const { syncBuiltinESMExports } = module;
	// Built-in modules are loaded by this function and not by `require`, because `require` calls functions of
	// node:module that a program may have replaced.
	const load = process.getBuiltinModule;
	const guards: Record<string, InstallGuard | undefined> = {
		"node:child_process": (exports) => guardChildren(monitor, exports),
		"node:crypto": (exports) => guardCrypto(monitor, exports),
		"node:dns": (exports) => watchNames(monitor, exports),
		// node:ffi reads and writes raw memory, so it could undo every check.
		"node:ffi": () => monitor.rule("ffi.open", { path: "node:ffi" }, "never"),
		"node:fs": (exports) => watchFiles(monitor, exports),
		"node:inspector": (exports) => guardInspector(monitor, exports),
		"node:module": (exports) => guardModule(monitor, exports, builtins === "at-start" ? "never" : "by policy"),
		"node:net": (exports) => watchSockets(monitor, exports),
		"node:repl": (exports) => guardRepl(monitor, exports),
		"node:sqlite": (exports) => guardSqlite(monitor, exports),
		"node:tls": (exports) => {
			guardTls(monitor, exports);
			prepare("node:net");
		},
		"node:v8": (exports) => guardV8(monitor, exports),
		"node:vm": (exports) => guardVm(monitor, exports),
	};
	const builtOn: Record<string, string | readonly string[] | undefined> = {
		"node:_tls_common": "node:tls",
		"node:_tls_wrap": "node:tls",
		"node:cluster": "node:child_process",
		"node:dns/promises": "node:dns",
		"node:fs/promises": "node:fs",
		"node:http": "node:net",
		"node:https": "node:tls",
		"node:inspector/promises": "node:inspector",
		"node:http2": "node:tls",
		// While node:test is loaded, it captures functions of these two modules. So they are guarded first.
		"node:test": ["node:child_process", "node:vm"],
	};
	Object.setPrototypeOf(guards, null);
	Object.setPrototypeOf(builtOn, null);

	// With `at-start`, no hook in this thread sees an import. So imports are prepared from the start.
	let areImportsPrepared = builtins === "at-start";

	function prepareImports(): void {
		if (areImportsPrepared) return;
		// A program can make this call fail once. So the variable is set only after the call has succeeded.
		syncBuiltinESMExports();
		areImportsPrepared = true;
	}

	function prepare(builtin: string): void {
		const names = builtOn[builtin] ?? builtin;
		if (typeof names === "string") prepareOne(names);
		else forEachName(names, prepareOne);
	}

	function prepareOne(name: string): void {
		const guard = guards[name];
		if (guard === undefined) return;
		guards[name] = refuseHalfGuarded;
		try {
			guard(load(name) as object, name);
			guards[name] = undefined;
			if (areImportsPrepared) syncBuiltinESMExports();
		} catch (error) {
			// The guard stays in its place, because a program could make it fail once and then ask for the module again.
			guards[name] = guard;
			throw error;
		}
	}

	/**
	 * Refuses a module while its guard is being installed, because getters of the program may run meanwhile and ask for
	 * the module.
	 */
	function refuseHalfGuarded(_exports: object, name: string): void {
		monitor.rule("process.binding", { name, reason: "ERR_START" }, "never");
	}

	// With `at-start`, no hook in this thread will see an import. So these modules are guarded now. Loading them takes
	// little time.
	if (areImportsPrepared) {
		for (const name of ["child_process", "crypto", "dns", "fs", "inspector", "tls", "v8", "vm"])
			prepare(`node:${name}`);
	}
	guardProcess(monitor, prepare);
	watchEnvironment(monitor);
	// Mode audit loads the addon's own file, so that libraries beside it are found, as with a native gate.
	const needsCopy = compileWasm === undefined && monitor.mode !== "audit";
	guardAddons(monitor, needsCopy ? writable : undefined);
	guardWebAssembly(monitor, compileWasm);
	return { prepare, prepareImports };
}
