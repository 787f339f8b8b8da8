/**
 * Adopts an installed CPython, with all directories from which it loads code, and a program beside it. Builds a spython
 * for them.
 */

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildOrCopySpython } from "../../packages/verifier/test/python/kept-spython.js";
import { isSanitized, type Python } from "../../packages/verifier/test/python/support.js";
import { adopt } from "./trust.js";

export interface Rules {
	readonly policy: object;
	/** The member `audit` of the host configuration. */
	readonly audit: object;
	/** Further members of the host configuration. */
	readonly host?: object;
	/** Directories to adopt beside those of Python. */
	readonly directories?: readonly string[];
}

/** Builds a spython in `home` for the current files in `program`. Returns the command line before the script. */
export async function adoptInstalled(python: Python, program: string, home: string, rules: Rules): Promise<string[]> {
	const spython = join(home, "spython");
	buildOrCopySpython(python, spython, { sanitize: isSanitized });
	const site = join(python.library, "sitecustomize.py");
	const ofSite = existsSync(site) ? [dirname(realpathSync(site))] : [];
	const places = [python.library, ...python.packages, ...ofSite, ...(rules.directories ?? [])];
	const real = [...new Set(places.map((place) => realpathSync(place)))];
	const outermost = real.filter((place) => !real.some((other) => place.startsWith(`${other}/`)));
	const { index, config } = await adopt([program, ...outermost], home, rules.policy, rules.audit, rules.host);
	return [spython, "--index", index, "--config", config, "--allow-development"];
}
