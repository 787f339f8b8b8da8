/** Asks a gate whether it can be put in front of a Node.js. */

import { spawnSync } from "node:child_process";

/** Tells whether a Node.js gets a gate, and if not, why. */
export type GateAnswer = { readonly has: true } | { readonly has: false; readonly why: string };

/**
 * Starts the program with the gate, which answers before the program begins. Both files must be trusted like this
 * command, because they run.
 */
export function askGate(node: string, gate: string): GateAnswer {
	const { status, stdout } = spawnSync(node, ["--version"], {
		encoding: "utf8",
		env: { LD_PRELOAD: gate, SIGTOOL_LAUNCH: "probe" },
		timeout: 10_000,
		killSignal: "SIGKILL",
	});
	const answer = stdout?.trim() ?? "";
	if (status === 0 && answer === "gate") return { has: true };
	// A loader that cannot load the library only warns, and the program then prints its version.
	if (status !== 1 || answer === "") return { has: false, why: "it does not load the gate" };
	return { has: false, why: `this build has no ${answer} where the gate looks for it` };
}
