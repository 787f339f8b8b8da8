/** Finds programs of this host. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { SigtoolError } from "../errors.js";
import { singleFile } from "./parts.js";

/** Returns the path of the first of these programs in a list of directories, such as PATH. Relative directories do not count. */
export function programIn(searchPath: string, names: readonly string[]): string | undefined {
	for (const directory of searchPath.split(delimiter).slice(0, MAX_DIRECTORIES)) {
		if (!isAbsolute(directory)) continue;
		const file = names.map((name) => join(directory, name)).find(isProgram);
		if (file !== undefined) return file;
	}
	return undefined;
}

const MAX_DIRECTORIES = 1000;

/**
 * Returns the Node.js that runs programs on this host: the one that runs sigtool or, because a single file has one for
 * itself alone, the first in PATH. Returns undefined if there is none.
 */
export function hostNode(): string | undefined {
	return singleFile() === undefined ? process.execPath : programIn(process.env.PATH ?? "", ["node", "nodejs"]);
}

/** Returns what `hostNode` returns. @throws ERR_LAUNCHER if there is none; the message says how to name one */
export function requireHostNode(): string {
	const node = hostNode();
	if (node !== undefined) return node;
	const mend = "install Node.js 20.20 or later, or name its program with --node";
	throw new SigtoolError("ERR_LAUNCHER", `Cannot find Node.js: no directory of PATH has the program node; ${mend}`);
}

function isProgram(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return statSync(path).isFile();
	} catch {
		return false;
	}
}
