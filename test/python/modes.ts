/** Starts programs in each mode: under unguarded CPython, under spython alone, and by the launcher. */

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWithKeptObjects } from "../../packages/verifier/test/python/kept-spython.js";
import { isSanitized, SANITIZER } from "../../packages/verifier/test/python/support.js";
import type { Runtime, Site } from "./site.js";
import { adopt } from "./trust.js";

/** In the mode `launcher` the launcher starts spython in mode strict. */
export const MODES = ["enforce", "strict", "launcher"] as const;
export type Mode = (typeof MODES)[number];

const LAUNCHER = fileURLToPath(new URL("../../packages/verifier/dist/native/sigtool-launch", import.meta.url));
export const hasLauncher = existsSync(LAUNCHER);

function pinned(key: string, path: string): string {
	return `${key} ${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}

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
		pinned("python", realpathSync(python.executable)),
		pinned("spython", program),
		`index ${index}`,
		`config ${config}`,
		`tree ${tree}`,
		`tree ${home}`,
		"mode strict",
		"development allow",
	];
	const launcher = join(root, "sigtool-launch");
	copyFileSync(LAUNCHER, launcher);
	writeFileSync(join(root, "launcher.conf"), `${settings.join("\n")}\n`);
	const command: Runtime["command"] = (options, script, { data }) => {
		// The launcher refuses a writable directory that contains the script.
		const write = script[0]?.startsWith(data) ? [] : ["--write", data];
		return [launcher, "--allow-development", ...write, ...options, ...script];
	};
	return { program, command, environment: SANITIZER };
}
