/** Starts programs by the launcher, as `sigtool launcher install` sets it up. */

import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Python } from "../../packages/verifier/test/python/support.js";
import { LAUNCHER } from "../launcher.js";

export interface Launched {
	readonly python: Python;
	readonly spython: string;
	readonly index: string;
	readonly config: string;
	readonly trees: readonly string[];
}

/** Writes the launcher and its settings into a directory. Returns the command line before options and script. */
export function launcherIn(directory: string, { python, spython, index, config, trees }: Launched): string[] {
	mkdirSync(directory, { recursive: true });
	const settings = [
		"version 1",
		pinned("python", realpathSync(python.executable)),
		pinned("spython", spython),
		`index ${index}`,
		`config ${config}`,
		...trees.map((tree) => `tree ${tree}`),
		"mode enforce",
		"development allow",
	];
	const launcher = join(directory, "sigtool-launch");
	copyFileSync(LAUNCHER, launcher);
	writeFileSync(join(directory, "launcher.conf"), `${settings.join("\n")}\n`);
	return [launcher, "--allow-development"];
}

function pinned(key: string, path: string): string {
	return `${key} ${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
