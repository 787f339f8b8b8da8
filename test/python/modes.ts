/** Starts programs in each mode: under unguarded CPython, under spython alone, and by the launcher. */

import { copyFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT, hasLauncher, pinned } from "../../packages/verifier/test/launch/support.js";
import { buildWithKeptObjects } from "../../packages/verifier/test/python/kept-spython.js";
import { isSanitized, SANITIZER } from "../../packages/verifier/test/python/support.js";
import type { Runtime, Site } from "./site.js";
import { adopt } from "./trust.js";

/** In the mode `launcher` the launcher starts spython in mode strict. */
export const MODES = ["enforce", "strict", "launcher"] as const;
export type Mode = (typeof MODES)[number];

export { hasLauncher };

export function unguarded({ python, home }: Site): Runtime {
	const { executable } = python;
	return {
		program: executable,
		command: (options, script) => [executable, ...options, ...script],
		environment: { PYTHONHOME: home, PYTHONDONTWRITEBYTECODE: "1" },
	};
}

/** Adopts the site in its present state. Every event goes to standard error. */
export async function enforcing(site: Site, mode: Mode): Promise<Runtime> {
	const { python, root, tree, home } = site;
	const program = join(root, "spython");
	buildWithKeptObjects({ python: python.executable, output: program, home, sanitize: isSanitized });
	const { index, config } = await adopt([tree, home], root, { python: { events: ["*"] } }, { stderr: "all" });
	if (mode !== "launcher") {
		const start = [program, "--index", index, "--config", config, "--mode", mode, "--allow-development"];
		return { program, command: (options, script) => [...start, ...options, ...script], environment: SANITIZER };
	}
	const settings = [
		"version 1",
		`python ${pinned(realpathSync(python.executable))}`,
		`spython ${pinned(program)}`,
		`index ${index}`,
		`config ${config}`,
		`tree ${tree}`,
		`tree ${home}`,
		"mode strict",
		"development allow",
	];
	const launcher = join(root, "sigtool-launch");
	copyFileSync(join(BUILT, "sigtool-launch"), launcher);
	writeFileSync(join(root, "launcher.conf"), `${settings.join("\n")}\n`);
	const command: Runtime["command"] = (options, script, { data }) => {
		// The launcher refuses a writable directory that contains the script.
		const write = script[0]?.startsWith(data) ? [] : ["--write", data];
		return [launcher, "--allow-development", ...write, ...options, ...script];
	};
	return { program, command, environment: SANITIZER };
}
