import { spawnSync } from "node:child_process";

/** Returns the standard output of a program. @throws an Error with all of its output, if it fails */
export function run(program, args, options = {}) {
	const result = spawnSync(program, args, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
	if (result.status === 0) return result.stdout;
	const reason = result.error?.code === "ENOENT" ? "it is not installed" : `it ended with ${result.status}`;
	throw new Error(`Cannot run ${program}: ${reason}\n${result.stdout ?? ""}${result.stderr ?? ""}`);
}
