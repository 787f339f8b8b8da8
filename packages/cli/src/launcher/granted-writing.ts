/**
 * Says whether the installed launcher lets a program write to a path. Where it does not, the kernel refuses the write with
 * EACCES, and no event tells of it.
 */

import { existsSync, realpathSync } from "node:fs";
import { pathWithin } from "../output/locations.js";
import type { LauncherConf } from "./launcher-conf.js";

export interface GrantedWriting {
	readonly fields: { readonly granted: boolean; readonly directories: readonly string[] };
	readonly says: string;
}

/**
 * Compares a real path with the directories of launcher.conf. Returns undefined if the launcher does not restrict writing.
 * A process may have got more by --write when it was started, which no file tells.
 */
export function grantedWriting(realPath: string, { mode, writable, audit }: LauncherConf): GrantedWriting | undefined {
	if (mode !== "enforce" && mode !== "strict") return undefined;
	const directory = writable.find((each) => pathWithin(realPathIfThere(each), realPath) !== undefined);
	const granted = directory !== undefined || realPath === audit || realPath === "/dev/null";
	const fields = { granted, directories: writable };
	if (directory !== undefined) return { fields, says: `granted below ${directory}` };
	if (granted) return { fields, says: "granted" };
	const list = writable.length === 0 ? "none" : writable.join(", ");
	return {
		fields,
		says: `refused with EACCES, without an event: the policy grants no directory above it (launch.write: ${list}); start with --write DIR, or add DIR to launch.write, compile, and install the launcher again`,
	};
}

function realPathIfThere(directory: string): string {
	return existsSync(directory) ? realpathSync(directory) : directory;
}
