/**
 * Guards `node:child_process`, because another program loads code that nobody checks. Each start of a child process is
 * an event, and the policy allows or refuses it.
 */

import { SigtoolError } from "@sigtool/core/read";
import type { Monitor } from "../../monitor/monitor.js";
import { rulingOfChildren } from "../../monitor/policy-rules.js";
import { getOwnPropertyDescriptor, getPrototypeOf, toText } from "../../safe/captured.js";
import { forEachName, guard } from "../../safe/replace.js";

export function guardChildren(monitor: Monitor, childProcess: object): void {
	const ruling = rulingOfChildren(monitor.policy.runtime.children);
	// spawn, exec, execFile, fork, node:cluster and ChildProcess.prototype.spawn() all call the method of the handle. A
	// program can get the handle from a ChildProcess, so the method of the handle is guarded.
	const { ChildProcess } = childProcess as { ChildProcess: new () => object };
	guard(prototypeOfHandles(new ChildProcess()), "spawn", (given) => {
		// Node.js 24 and later pass file and arguments one by one, earlier releases in one object.
		const first = given[0];
		const isWhole = typeof first === "object" && first !== null;
		const { file, args } = isWhole ? (first as { file?: unknown; args?: unknown }) : { file: first, args: given[1] };
		monitor.rule("child_process.spawn", { file: toText(file), arguments: argumentsOf(args) }, ruling);
	});
	forEachName(["spawnSync", "execSync", "execFileSync"], (name) => {
		guard(childProcess, name, (given) => {
			const detail = { file: toText(given[0]), arguments: argumentsOf(given[1]), shell: name === "execSync" };
			monitor.rule("child_process.spawn_sync", detail, ruling);
		});
	});
}

/** A program could define an accessor for the handle on a prototype. So only the child's own member counts. */
function prototypeOfHandles(child: object): object {
	const handle: unknown = getOwnPropertyDescriptor(child, "_handle")?.value;
	if (typeof handle === "object" && handle !== null) return getPrototypeOf(handle);
	throw new SigtoolError(
		"ERR_START",
		"Cannot guard child processes: this release of Node.js starts them in an unknown way",
	);
}

function argumentsOf(args: unknown): string | undefined {
	return typeof args === "object" && args !== null && "length" in args ? toText(args) : undefined;
}
