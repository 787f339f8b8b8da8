/** Asks a launcher what the kernel of this machine can protect. docs/reference/launcher.md explains each protection. */

import { spawnSync } from "node:child_process";

/** One protection of the kernel that the launcher uses. */
export interface Protection {
	/** The name that the launcher uses in messages, and in the record of a launch. */
	readonly name: string;
	/** The first version of Linux that has it, for example `6.12`. */
	readonly since: string;
	/** True if mode strict refuses to start without it. */
	readonly required: boolean;
	readonly holds: boolean;
	/** The effect on the launched program. */
	readonly effect: string;
}

/** The effect of each protection on the launched program. */
const EFFECTS: Readonly<Record<string, string>> = {
	landlock: "lets the program write only below granted directories",
	"landlock-truncate": "keeps the program from emptying other files",
	"landlock-network": "limits TCP ports, if the policy has `launch.network`",
	"landlock-devices": "keeps the program from controlling devices",
	"landlock-scopes": "keeps the program from signalling other processes, and from their abstract sockets",
	"landlock-log": "writes what Landlock refused to the kernel's log",
	"landlock-sockets": "limits sockets with a path, if the policy has `launch.network.sockets`",
	seccomp: "refuses system calls, above all those that start programs",
	"signal-owners": "keeps the program from signalling other processes by way of files",
	"writable-code": "keeps CPython from making code in memory",
	securebits: "tells interpreters to take no code from a person",
};

/** Returns an empty list if the launcher cannot be run, or is of a version that cannot tell. */
export function protectionsOf(launcher: string): Protection[] {
	const { status, stdout } = spawnSync(launcher, ["--protections"], { encoding: "utf8", env: {} });
	if (status !== 0) return [];
	return stdout.split("\n").flatMap((line) => {
		const [name = "", since, need, state] = line.split("\t");
		if (since === undefined) return [];
		const effect = EFFECTS[name] ?? "unknown to this version of the command";
		return [{ name, since, required: need === "required", holds: state === "holds", effect }];
	});
}
