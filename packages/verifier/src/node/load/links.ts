/**
 * Checks the symbolic links on the path of a module: each link inside a product must be signed. Node.js follows links
 * before it calls any hook. It follows them by `realpathSync` of node:fs, so this function is wrapped.
 */

import fs from "node:fs";
import { followLinks } from "../../monitor/follow-links.js";
import type { Monitor } from "../../monitor/monitor.js";
import { untrustedCode } from "../../monitor/untrusted-code.js";
import { untrusted } from "../../monitor/verdict.js";
import { getOwnPropertySymbols } from "../../safe/captured.js";
import { replace } from "../../safe/replace.js";

type RealPath = (path: unknown, options: unknown) => unknown;

export function guardLinks(monitor: Monitor): void {
	const { native } = fs.realpathSync;
	replace(
		fs,
		"realpathSync",
		(original) =>
			function realpathSync(path: unknown, options: unknown): unknown {
				const real = (original as RealPath)(path, options);
				// Most paths have no link. So the cheapest test comes first, because Node.js calls this function for
				// every module.
				if (real !== path && isOfLoader(options) && typeof real === "string") checkLinks(monitor, path as string, real);
				return real;
			},
	);
	fs.realpathSync.native = native;
}

/**
 * Returns true for the options that a loader of Node.js passes: a cache under a symbol. If a program passes a symbol
 * too, the links on its path are checked, which does no harm.
 */
function isOfLoader(options: unknown): boolean {
	return typeof options === "object" && options !== null && getOwnPropertySymbols(options).length > 0;
}

/** Refuses if `path` does not lead to `real`, the path that Node.js found, or if a link on it may not be followed. */
export function checkLinks(monitor: Monitor, path: string, real: string): void {
	if (path === real || followLinks(path, monitor.admitsLink) === real) return;
	const reason = "ERR_LINK_CHANGED";
	monitor.rule("module.open_code", { path, use: "link", reason }, "never", untrustedCode(path, untrusted(reason)));
}
