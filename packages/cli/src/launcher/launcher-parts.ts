/**
 * The directories `parts/<beginning of a SHA-256>` below a prefix. Each holds one file of one version: a hook, an addon
 * or a spython. A file in such a directory never changes, so a process that runs finds the bytes that it started with,
 * whatever was installed since.
 */

import { existsSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { ioError } from "@sigtool/core/internal/errors";
import { processesOf } from "./launched-processes.js";
import type { LauncherConf } from "./launcher-conf.js";

/** The number of hexadecimal digits of a name. 128 bits are enough, because the launcher compares the whole digest. */
const NAME_LENGTH = 32;

/** Returns the path of the file `name` with this SHA-256. */
export function partPath(prefix: string, sha256: string, name: string): string {
	return join(prefix, PARTS, sha256.slice(0, NAME_LENGTH), name);
}
export const PARTS = "parts";

/**
 * Sets the time of the parts that this configuration names to now. Called before another configuration takes its place,
 * because removeUnusedParts() keeps a part for a month from then.
 */
export function touchParts(prefix: string, conf: LauncherConf): void {
	const now = new Date();
	for (const name of namesIn(prefix, conf)) {
		const directory = join(prefix, PARTS, name);
		try {
			if (existsSync(directory)) utimesSync(directory, now, now);
		} catch (cause) {
			throw ioError("write", directory, cause);
		}
	}
}

/**
 * Removes the parts that none of the configurations names, that no process uses that can be seen from here, and that
 * were replaced a month ago. The time is for processes that are just starting, and for those that cannot be seen: in a
 * container, or with another title.
 * @throws ERR_IO
 */
export function removeUnusedParts(prefix: string, confs: readonly LauncherConf[]): void {
	const parts = join(prefix, PARTS);
	const named = new Set(confs.flatMap((conf) => namesIn(prefix, conf)));
	const old = namesOfParts(parts).filter((name) => {
		return !named.has(name) && Date.now() - statSync(join(parts, name)).mtimeMs > KEPT_MS;
	});
	if (old.length === 0) return;
	const used = new Set(processesOf(prefix).flatMap((process) => process.parts));
	for (const name of old.filter((each) => !used.has(each))) {
		try {
			rmSync(join(parts, name), { recursive: true, force: true });
		} catch (cause) {
			throw ioError("remove", join(parts, name), cause);
		}
	}
}

const KEPT_MS = 30 * 86_400_000;

/** Returns the names of the directories with the parts of a configuration. */
export function namesIn(prefix: string, { bundle, addon, gate, spython }: LauncherConf): string[] {
	return [bundle, addon, gate, spython].flatMap((file) => {
		if (file === undefined) return [];
		const directory = dirname(file.path);
		return dirname(directory) === join(prefix, PARTS) ? [directory.slice(-NAME_LENGTH)] : [];
	});
}

function namesOfParts(parts: string): string[] {
	return existsSync(parts) ? readdirSync(parts).filter((name) => /^[0-9a-f]{32}$/.test(name)) : [];
}
