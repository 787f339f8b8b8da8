/**
 * Checks the symbolic links on the path of a module: each link inside a product must be signed. Node.js follows links
 * before it calls any hook. It calls the present `realpathSync` of node:fs for that, so this function is wrapped.
 */

import fs from "node:fs";
import { followLinks } from "../../gate/follow-links.js";
import type { Gate } from "../../gate/gate.js";
import { getOwnPropertySymbols } from "../../safe/captured.js";
import { replace } from "../../safe/replace.js";

type RealPath = (path: unknown, options: unknown) => unknown;

export function guardLinks(gate: Gate): void {
	const { native } = fs.realpathSync;
	replace(
		fs,
		"realpathSync",
		(original) =>
			function realpathSync(path: unknown, options: unknown): unknown {
				const real = (original as RealPath)(path, options);
				// The cheapest test comes first: Node.js calls this for every module, and most paths have no link.
				if (real !== path && isOfLoader(options) && typeof real === "string") checkLinks(gate, path as string, real);
				return real;
			},
	);
	fs.realpathSync.native = native;
}

/** Recognises a call of a loader of Node.js: it passes a cache under a symbol that programs do not have. */
function isOfLoader(options: unknown): boolean {
	return typeof options === "object" && options !== null && getOwnPropertySymbols(options).length > 0;
}

/** Refuses if `path` does not lead to `real`, the path that Node.js found, or if a link on it may not be followed. */
export function checkLinks(gate: Gate, path: string, real: string): void {
	if (path === real || followLinks(path, gate.admitsLink) === real) return;
	gate.rule("module.open_code", { path, use: "link", reason: "ERR_LINK_CHANGED" }, "refuse");
}
