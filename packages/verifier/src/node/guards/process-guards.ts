/** `process` and the smaller doors: each lets in native code, another program, a debugger, or an inner binding. */

import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { Gate } from "../../gate/gate.js";
import { apply, toText } from "../../safe/captured.js";
import { indexOf, startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { forEachName, guard, replace } from "../../safe/replace.js";

/** `prepare` is told of a built-in module before the program gets it. */
export function guardProcess(gate: Gate, prepare: (builtin: string) => void): void {
	guard(process, "execve", (args) => {
		gate.rule("process.execve", { file: toText(args[0]) }, gate.policy.runtime.children);
	});
	replace(
		process,
		"binding",
		(original) =>
			function binding(this: unknown, given: unknown): unknown {
				const name = toText(given); // Once: an object could answer differently the second time.
				if (HARMLESS_BINDINGS[name] !== true) gate.rule("process.binding", { name }, "refuse");
				return apply(original, this, [name]);
			},
	);
	guard(process, "_linkedBinding", (args) => gate.rule("process.binding", { name: toText(args[0]) }, "refuse"));
	for (const kind of ["_debugProcess", "_debugEnd"]) {
		guard(process, kind, () => gate.rule("inspector.open", { kind }, "refuse"));
	}
	// A listener takes the signal away from Node.js, which would let a debugger in.
	if (isMainThread && !process.execArgv.includes("--disable-sigusr1")) process.on("SIGUSR1", () => {});
	guard(process, "getBuiltinModule", (args) => {
		const id = args[0];
		if (typeof id === "string") prepare(startsWith(id, "node:") ? id : `node:${id}`);
	});
}

/** Old packages look at these; none of them compiles, loads or starts anything. */
const HARMLESS_BINDINGS = recordOf(["config", "constants", "http_parser", "natives", "os", "util", "uv"]);

export function guardInspector(gate: Gate, inspector: object): void {
	const check = (kind: string) => () => gate.rule("inspector.open", { kind }, "refuse");
	const { Session } = inspector as { Session: { readonly prototype: object } }; // Node.js's own class.
	guard(inspector, "open", check("open"));
	guard(Session.prototype, "connect", check("Session"));
	guard(Session.prototype, "connectToMainThread", check("Session"));
}

/** OpenSSL loads engines by name from where its configuration says. */
export function guardCrypto(gate: Gate, crypto: object): void {
	guard(crypto, "setEngine", (args) => gate.rule("crypto.set_engine", { path: toText(args[0]) }, "refuse"));
}

export function guardTls(gate: Gate, tls: object): void {
	const { createSecureContext } = tls as { createSecureContext(): { context: object } }; // As documented.
	const prototype: object = Object.getPrototypeOf(createSecureContext().context);
	forEachName(["setEngineKey", "setClientCertEngine"], (name) => {
		guard(prototype, name, () => gate.rule("crypto.set_engine", { path: name }, "refuse"));
	});
}

export function guardSqlite(gate: Gate, sqlite: object): void {
	const { DatabaseSync } = sqlite as { DatabaseSync: { readonly prototype: object } }; // Node.js's own class.
	guard(DatabaseSync.prototype, "loadExtension", (args) => {
		gate.rule("sqlite.load_extension", { path: toText(args[0]) }, "refuse");
	});
}

/** V8's switches decide what may become code. */
export function guardV8(gate: Gate, v8: object): void {
	replace(
		v8,
		"setFlagsFromString",
		(original) =>
			function setFlagsFromString(this: unknown, given: unknown): unknown {
				const flag = toText(given);
				if (!isHarmlessFlag(flag)) gate.rule("code.string", { kind: `V8 flag ${flag}` }, "refuse");
				return apply(original, this, [flag]);
			},
	);
}

/** Sizes, and the garbage collector for tests; one flag at a time. */
function isHarmlessFlag(flag: string): boolean {
	if (indexOf(flag, " ") !== -1) return false;
	return (
		startsWith(flag, "--max") ||
		startsWith(flag, "--expose-gc") ||
		startsWith(flag, "--expose_gc") ||
		startsWith(flag, "--stack-size") ||
		startsWith(flag, "--stack_size")
	);
}
