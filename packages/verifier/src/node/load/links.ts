/**
 * Links on the way to a module. Node.js follows them before any hook hears of the file, in one function that it looks up in
 * node:fs each time: there each link inside a product must be one that was signed.
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
				// Nearly always nothing was followed, and this is asked for every module.
				if (real !== path && isOfLoader(options) && typeof real === "string") checkLinks(gate, path as string, real);
				return real;
			},
	);
	fs.realpathSync.native = native;
}

/** The modules' loaders bring a cache along, under a symbol that programs do not have. */
function isOfLoader(options: unknown): boolean {
	return typeof options === "object" && options !== null && getOwnPropertySymbols(options).length > 0;
}

/** `real` is where `path` led Node.js. */
export function checkLinks(gate: Gate, path: string, real: string): void {
	if (path === real || followLinks(path, gate.admitsLink) === real) return;
	gate.rule("module.open_code", { path, use: "link", reason: "ERR_LINK_CHANGED" }, "refuse");
}
