/**
 * Installs the guards: wrappers around functions of Node.js by which JavaScript could run code that the load hook does
 * not see. The guards are a second barrier, because they run in the same realm as the program. docs/explanation/threat-model.md
 * lists the ways that remain open.
 */

import module from "node:module";
import process from "node:process";
import type { Gate } from "../../gate/gate.js";
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
	gate: Gate,
	writable: readonly string[],
	builtins: "on-demand" | "at-start",
	compileWasm: CompileWasm | undefined,
): Guards {
	const { syncBuiltinESMExports } = module;
	// Built-in modules are loaded by this function and not by `require`, because `require` calls functions of
	// node:module that a program may have replaced.
	const load = process.getBuiltinModule;
	const guards: Record<string, InstallGuard | undefined> = {
		"node:child_process": (exports) => guardChildren(gate, exports),
		"node:crypto": (exports) => guardCrypto(gate, exports),
		"node:dns": (exports) => watchNames(gate, exports),
		// node:ffi reads and writes raw memory, so it could undo every check.
		"node:ffi": () => gate.rule("ffi.open", { path: "node:ffi" }, "never"),
		"node:fs": (exports) => watchFiles(gate, exports),
		"node:inspector": (exports) => guardInspector(gate, exports),
		"node:module": (exports) => guardModule(gate, exports),
		"node:net": (exports) => watchSockets(gate, exports),
		"node:repl": (exports) => guardRepl(gate, exports),
		"node:sqlite": (exports) => guardSqlite(gate, exports),
		"node:tls": (exports) => {
			guardTls(gate, exports);
			prepare("node:net");
		},
		"node:v8": (exports) => guardV8(gate, exports),
		"node:vm": (exports) => guardVm(gate, exports),
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
		gate.rule("process.binding", { name, reason: "ERR_START" }, "never");
	}

	// With `at-start`, no hook in this thread will see an import. So these modules are guarded now. Loading them takes
	// little time.
	if (areImportsPrepared) {
		for (const name of ["child_process", "crypto", "dns", "fs", "inspector", "tls", "v8", "vm"])
			prepare(`node:${name}`);
	}
	guardProcess(gate, prepare);
	watchEnvironment(gate);
	// Mode audit loads the addon's own file, so that libraries beside it are found, as with a native gate.
	const needsCopy = compileWasm === undefined && gate.mode !== "audit";
	guardAddons(gate, needsCopy ? writable : undefined);
	guardWebAssembly(gate, compileWasm);
	return { prepare, prepareImports };
}
