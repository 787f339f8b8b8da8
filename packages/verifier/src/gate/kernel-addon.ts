import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

/**
 * Loads the optional native addon. Returns undefined if the addon was not built or cannot be loaded. `file` is an
 * absolute path, and the addon is trusted like this code.
 */
export function loadKernelAddon(file: string | undefined): KernelAddon | undefined {
	if (file === undefined) return undefined;
	try {
		// The type assertion is safe: native/addon/addon.c has this interface.
		return createRequire(file)(file) as KernelAddon;
	} catch {
		return undefined;
	}
}
