/** Every way past the loader that JavaScript can see, closed as the policy says. */

import module from "node:module";
import process from "node:process";
import type { Gate } from "../../gate/gate.js";
import { forEachName } from "../../safe/replace.js";
import { guardAddons } from "./addons.js";
import { guardChildren } from "./children.js";
import { guardModule } from "./module-guard.js";
import { guardCrypto, guardInspector, guardProcess, guardSqlite, guardTls, guardV8 } from "./process-guards.js";
import { guardRepl, guardVm } from "./vm-guard.js";
import { guardWebAssembly } from "./wasm-guard.js";
import { watchEnvironment, watchFiles, watchNames, watchSockets } from "./watch.js";

export interface Doors {
	/** To be called before a program gets a built-in module, by its `node:` name. */
	prepare(builtin: string): void;
	/** To be called before a program imports anything: what it gets of built-in modules that way is a copy of their exports. */
	prepareImports(): void;
}

type Guard = (exports: object, name: string) => void;

/** A built-in module is guarded when a program first asks for it: loading it for that would cost every start. */
export function guardDoors(gate: Gate, writable: readonly string[]): Doors {
	const { syncBuiltinESMExports } = module;
	// Not `require`, which passes functions of node:module that a program may have replaced.
	const load = process.getBuiltinModule;
	const guards: Record<string, Guard | undefined> = {
		"node:child_process": (exports) => guardChildren(gate, exports),
		"node:crypto": (exports) => guardCrypto(gate, exports),
		"node:dns": (exports) => watchNames(gate, exports),
		// Raw memory, to read and to write: code is what it likes.
		"node:ffi": () => gate.rule("ffi.open", { path: "node:ffi" }, "refuse"),
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
	const leadsTo: Record<string, string | readonly string[] | undefined> = {
		"node:_tls_common": "node:tls",
		"node:_tls_wrap": "node:tls",
		"node:cluster": "node:child_process",
		"node:dns/promises": "node:dns",
		"node:fs/promises": "node:fs",
		"node:http": "node:net",
		"node:https": "node:tls",
		"node:inspector/promises": "node:inspector",
		"node:http2": "node:tls",
		"node:test": ["node:child_process", "node:vm"], // It takes functions of both while it is loaded.
	};
	Object.setPrototypeOf(guards, null);
	Object.setPrototypeOf(leadsTo, null);

	// Without a synchronous hook an import is seen by nobody.
	let areImportsPrepared = !("registerHooks" in module);

	function prepareImports(): void {
		if (areImportsPrepared) return;
		syncBuiltinESMExports(); // First: a program can make this fail once.
		areImportsPrepared = true;
	}

	function prepare(builtin: string): void {
		const names = leadsTo[builtin] ?? builtin;
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
			guards[name] = guard; // A program can make this fail once, and ask again.
			throw error;
		}
	}

	/** Getters of a program's own may run meanwhile, and ask for the same module. */
	function refuseHalfGuarded(_exports: object, name: string): void {
		gate.rule("process.binding", { name, reason: "ERR_START" }, "refuse");
	}

	// Those that are not too dear to load at every start.
	if (areImportsPrepared) {
		for (const name of ["child_process", "crypto", "dns", "fs", "inspector", "tls", "v8", "vm"])
			prepare(`node:${name}`);
	}
	guardProcess(gate, prepare);
	watchEnvironment(gate);
	guardAddons(gate, writable);
	guardWebAssembly(gate);
	return { prepare, prepareImports };
}
