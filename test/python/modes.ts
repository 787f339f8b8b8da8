/** How a program is started: by plain CPython, by spython, by the launcher. */

import { join } from "node:path";
import { buildSpython } from "../../packages/verifier/native/build-spython.mjs";
import type { Runtime, Site } from "./site.js";
import { adopt } from "./trust.js";

export const MODES = ["enforce", "strict"] as const;
export type Mode = (typeof MODES)[number];

export function plain({ python, home }: Site): Runtime {
	const { executable } = python;
	return {
		program: executable,
		command: (options, script) => [executable, ...options, ...script],
		environment: { PYTHONHOME: home, PYTHONDONTWRITEBYTECODE: "1" },
	};
}

/** Adopts the site as it stands; every event goes to standard error. */
export async function spython({ python, root, tree, home }: Site, mode: Mode): Promise<Runtime> {
	const program = join(root, "spython");
	buildSpython({ python: python.executable, output: program, home });
	const { index, config } = await adopt([tree, home], root, { python: { events: ["*"] } }, { stderr: "all" });
	const start = [program, "--index", index, "--config", config, "--mode", mode, "--allow-development"];
	return { program, command: (options, script) => [...start, ...options, ...script], environment: {} };
}
