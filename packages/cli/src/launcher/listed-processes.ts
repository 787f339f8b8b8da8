/** Tells of the launched processes that run, and if they run with the installed version. */

import { type LaunchedProcess, processesOf } from "./launched-processes.js";
import type { LauncherConf } from "./launcher-conf.js";
import { namesIn } from "./launcher-parts.js";

export interface ListedProcess extends Omit<LaunchedProcess, "parts" | "startedAt"> {
	/** The time of the start in UTC, e.g. `2026-01-31T12:00:00.000Z`. */
	readonly started: string;
	/** `other` if the process uses a part that is not of the installed version. */
	readonly version: "installed" | "other";
}

/** Returns the processes that were launched from a real path, by settings that are undefined if they cannot be read. */
export function listedProcesses(prefix: string, conf: LauncherConf | undefined): ListedProcess[] {
	const installed = conf === undefined ? [] : namesIn(prefix, conf);
	return processesOf(prefix).map(({ parts, startedAt, ...process }) => ({
		...process,
		started: new Date(startedAt).toISOString(),
		version: parts.every((name) => installed.includes(name)) ? "installed" : "other",
	}));
}
