import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

/**
 * Loads the optional native addon; undefined where it was not built. `file` is an absolute path and trusted like this
 * code.
 */
export function loadKernelAddon(file: string | undefined): KernelAddon | undefined {
	if (file === undefined) return undefined;
	try {
		return createRequire(file)(file) as KernelAddon; // The interface matches native/addon/addon.c.
	} catch {
		return undefined;
	}
}
