/** Runs spython with a host configuration. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Site } from "./support.js";

export const isRoot = process.getuid?.() === 0;

/** Returns the path of the configuration of a site. */
export function configOf(site: Site): string {
	return join(site.root, "verifier.json");
}

/**
 * Runs under this configuration. The configuration's directory is below `/tmp`, which is accepted because of the sticky
 * bit of `/tmp`. The configuration pins the site's signer, unless `document` has other pins.
 */
export function under(
	site: Site,
	document: unknown,
	args: readonly string[] = ["app/main.py"],
	options: readonly string[] = [],
) {
	const config = configOf(site);
	const text =
		typeof document === "string" ? document : JSON.stringify({ version: 1, ...site.trusted, ...(document as object) });
	writeFileSync(config, text, { mode: 0o600 });
	return site.run(args, { options: ["--config", config, ...options] });
}

/** The results of a run. */
export const ran = { status: 0, stdout: "ran\n" };
export const refused = (code: string) => ({
	status: 126,
	stdout: "",
	stderr: expect.stringContaining(`spython: ${code}: `),
});
export const unjudged = (code: string) => ({ ...refused(code), status: 75 });
