/** `node:child_process`: other programs, which load what they like. Refused unless the policy has them; each is an event. */

import type { Gate } from "../../gate/gate.js";
import { toText } from "../../safe/captured.js";
import { forEachName, guard } from "../../safe/replace.js";

export function guardChildren(gate: Gate, childProcess: object): void {
	const ruling = gate.policy.runtime.children;
	// Below spawn, exec, execFile, fork and node:cluster alike.
	const { ChildProcess } = childProcess as { ChildProcess: { readonly prototype: object } }; // Node.js's own class.
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
