/** Guards functions that load native code, start another program, open a debugger or return an internal binding. */

import process from "node:process";
import { isMainThread } from "node:worker_threads";
import type { Monitor } from "../../monitor/monitor.js";
import { rulingOfChildren } from "../../monitor/policy-rules.js";
import { apply, toText } from "../../safe/captured.js";
import { startsWith } from "../../safe/primordials.js";
import { recordOf } from "../../safe/record.js";
import { forEachName, guard, replace } from "../../safe/replace.js";

/** Guards functions of `process`. Calls `prepare` with a built-in module's name before the program gets that module. */
export function guardProcess(monitor: Monitor, prepare: (builtin: string) => void): void {
	guard(process, "execve", (args) => {
		monitor.rule("process.execve", { file: toText(args[0]) }, rulingOfChildren(monitor.policy.runtime.children));
	});
	replace(
		process,
		"binding",
		(original) =>
			function binding(this: unknown, given: unknown): unknown {
				// The argument is converted only once, because an object could give another text at a second
				// conversion.
				const name = toText(given);
				if (HARMLESS_BINDINGS[name] !== true) monitor.rule("process.binding", { name }, "never");
				return apply(original, this, [name]);
			},
	);
	guard(process, "_linkedBinding", (args) => monitor.rule("process.binding", { name: toText(args[0]) }, "never"));
	for (const kind of ["_debugProcess", "_debugEnd"]) {
		guard(process, kind, () => monitor.rule("inspector.open", { kind }, "never"));
	}
	// If SIGUSR1 has no listener, Node.js opens the inspector when the signal arrives.
	if (isMainThread && !process.execArgv.includes("--disable-sigusr1")) process.on("SIGUSR1", () => {});
	guard(process, "getBuiltinModule", (args) => {
		const id = args[0];
		if (typeof id === "string") prepare(startsWith(id, "node:") ? id : `node:${id}`);
	});
}

/**
 * Old packages read these bindings. They are allowed, because none of them compiles or loads code or starts a program.
 */
const HARMLESS_BINDINGS = recordOf(["config", "constants", "http_parser", "natives", "os", "util", "uv"]);

export function guardInspector(monitor: Monitor, inspector: object): void {
	const check = (kind: string) => () => monitor.rule("inspector.open", { kind }, "never");
	// The type assertion is safe: node:inspector always exports the class Session.
	const { Session } = inspector as { Session: { readonly prototype: object } };
	guard(inspector, "open", check("open"));
	guard(Session.prototype, "connect", check("Session"));
	guard(Session.prototype, "connectToMainThread", check("Session"));
}

/** Refuses OpenSSL engines, because OpenSSL would load the library of an engine without asking the monitor. */
export function guardCrypto(monitor: Monitor, crypto: object): void {
	guard(crypto, "setEngine", (args) => monitor.rule("crypto.set_engine", { path: toText(args[0]) }, "never"));
}

export function guardTls(monitor: Monitor, tls: object): void {
	// The type assertion is needed because the types hide the internal class of `context`.
	const { createSecureContext } = tls as { createSecureContext(): { context: object } };
	const prototype: object = Object.getPrototypeOf(createSecureContext().context);
	forEachName(["setEngineKey", "setClientCertEngine"], (name) => {
		guard(prototype, name, () => monitor.rule("crypto.set_engine", { path: name }, "never"));
	});
}

export function guardSqlite(monitor: Monitor, sqlite: object): void {
	// The type assertion is safe: node:sqlite always exports the class DatabaseSync.
	const { DatabaseSync } = sqlite as { DatabaseSync: { readonly prototype: object } };
	guard(DatabaseSync.prototype, "loadExtension", (args) => {
		monitor.rule("sqlite.load_extension", { path: toText(args[0]) }, "never");
	});
}

/** Refuses all flags of V8 except harmless ones, because some flags decide whether text may become code. */
export function guardV8(monitor: Monitor, v8: object): void {
	replace(
		v8,
		"setFlagsFromString",
		(original) =>
			function setFlagsFromString(this: unknown, given: unknown): unknown {
				const flag = toText(given);
				if (!isHarmlessFlag(flag)) monitor.rule("code.string", { kind: `V8 flag ${flag}` }, "never");
				return apply(original, this, [flag]);
			},
	);
}

/**
 * Returns true for a text that is one flag, and sets a size or exposes the garbage collector to tests. V8 splits the text
 * at white space, so a text with white space could contain a second flag. V8 takes `_` for `-`.
 */
function isHarmlessFlag(flag: string): boolean {
	// The loops compare characters by operators, because a program could replace the methods of strings.
	for (let at = 0; at < flag.length; at++) if (flag[at] <= " " || flag[at] > "~") return false;
	let name = "";
	for (let at = 0; at < flag.length && flag[at] !== "="; at++) name += flag[at] === "_" ? "-" : flag[at];
	return HARMLESS_FLAGS[name] === true;
}

/** The native gate has the same list. */
const HARMLESS_FLAGS = recordOf([
	"--expose-gc",
	"--max-heap-size",
	"--max-old-space-size",
	"--max-semi-space-size",
	"--stack-size",
]);
