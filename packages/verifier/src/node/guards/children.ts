/**
 * Guards `node:child_process`, because another program loads code that nobody checks. Each start of a child process is
 * an event, and the policy allows or refuses it.
 */

import type { Gate } from "../../gate/gate.js";
import { toText } from "../../safe/captured.js";
import { forEachName, guard } from "../../safe/replace.js";

export function guardChildren(gate: Gate, childProcess: object): void {
	const ruling = gate.policy.runtime.children;
	// spawn, exec, execFile, fork and node:cluster all call ChildProcess.prototype.spawn(). Node.js exports the class.
	const { ChildProcess } = childProcess as { ChildProcess: { readonly prototype: object } };
	guard(ChildProcess.prototype, "spawn", (given) => {
		const { file, args } = (given[0] ?? {}) as { file?: unknown; args?: unknown };
		gate.rule("child_process.spawn", { file: toText(file), arguments: argumentsOf(args) }, ruling);
	});
	forEachName(["spawnSync", "execSync", "execFileSync"], (name) => {
		guard(childProcess, name, (given) => {
			const detail = { file: toText(given[0]), arguments: argumentsOf(given[1]), shell: name === "execSync" };
			gate.rule("child_process.spawn_sync", detail, ruling);
		});
	});
}

function argumentsOf(args: unknown): string | undefined {
	return typeof args === "object" && args !== null && "length" in args ? toText(args) : undefined;
}
