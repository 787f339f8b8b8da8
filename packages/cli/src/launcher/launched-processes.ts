/**
 * Finds the running processes that a launcher started, in /proc. A process is recognised by the path of a part of this
 * installation: on its command line, or among the files that it maps. A process can give itself another command line,
 * and any process can map a part, so this is a listing for administrators and no proof.
 */

import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

export interface LaunchedProcess {
	readonly pid: number;
	readonly uid: number;
	readonly runtime: "node" | "python";
	/** The absolute path of the script, or `-m` and a module. Undefined if the command line does not show it. */
	readonly script: string | undefined;
	/** True if the kernel filters the system calls of the process, as in the modes enforce and strict. */
	readonly restricted: boolean;
	/** The unit of systemd, or undefined. */
	readonly unit: string | undefined;
	/** The time of the start, in milliseconds since the epoch. */
	readonly startedAt: number;
	/** The names of the directories below `parts` that the process uses. */
	readonly parts: readonly string[];
}

/** Returns the processes that were launched from this prefix, of those that this user may look at. */
export function processesOf(prefix: string): LaunchedProcess[] {
	if (!existsSync(prefix) || !existsSync("/proc")) return [];
	const real = realpathSync(prefix); // Settings and command lines have real paths.
	return readdirSync("/proc").flatMap((name) => {
		try {
			return /^\d+$/.test(name) ? processAt(join("/proc", name), real) : [];
		} catch {
			return []; // The process has ended, or this user may not look at it.
		}
	});
}

function processAt(directory: string, prefix: string): LaunchedProcess[] {
	const words = readFileSync(join(directory, "cmdline"), "utf8").split("\0").slice(0, -1);
	const parts = [...new Set([...partsIn(words.join("\n"), prefix), ...partsIn(mapsOf(directory), prefix)])];
	if (parts.length === 0) return [];
	const status = readFileSync(join(directory, "status"), "utf8");
	const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1];
	const runtime = words.includes("--launched") ? "python" : "node";
	return [
		{
			pid: Number(field("Pid")),
			uid: Number(field("Uid")),
			runtime,
			script: scriptIn(words, runtime, directory),
			restricted: field("Seccomp") === "2" && field("NoNewPrivs") === "1",
			unit: unitIn(readFileSync(join(directory, "cgroup"), "utf8")),
			startedAt: statSync(directory).mtimeMs,
			parts,
		},
	];
}

/** Returns the names of the directories of parts whose files a text names. */
function partsIn(text: string, prefix: string): string[] {
	const start = `${prefix}/parts/`;
	return text
		.split(start)
		.slice(1)
		.flatMap((rest) => /^([0-9a-f]{32})\//.exec(rest)?.[1] ?? []);
}

/** Returns the list of the files that a process maps, or an empty text if this user may not read the list. */
function mapsOf(directory: string): string {
	try {
		return readFileSync(join(directory, "maps"), "utf8");
	} catch {
		return "";
	}
}

/** Finds the script behind the flags that the launcher adds. */
function scriptIn(words: readonly string[], runtime: "node" | "python", directory: string): string | undefined {
	const takesValue = runtime === "node" ? ["--require"] : SPYTHON_OPTIONS;
	for (let i = 1; i < words.length; i++) {
		const word = words[i] ?? "";
		if (word === "-m") return ["-m", words[i + 1]].join(" ");
		if (takesValue.includes(word)) i++;
		else if (!word.startsWith("-")) return resolve(readlinkSync(join(directory, "cwd")), word);
	}
	return undefined;
}

/** The options with a value that the launcher gives a spython. */
const SPYTHON_OPTIONS = ["--mode", "--config", "--audit", "--roots", "--index-sha256", "--content-sha256"];

/** Returns the last part of a path of control groups that is a unit, e.g. `app.service`. */
function unitIn(cgroup: string): string | undefined {
	const names = cgroup.split(/[/\n]/).filter((name) => /\.(service|scope)$/.test(name));
	return names.at(-1);
}
