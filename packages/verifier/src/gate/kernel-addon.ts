import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

/**
 * Loads the optional native addon. Returns undefined if the addon was not built or cannot be loaded. `file` is an
 * absolute path. The caller must trust the file like this code, because the addon can do everything that the process
 * can.
 */
export function loadKernelAddon(file: string | undefined): KernelAddon | undefined {
	if (file === undefined) return undefined;
	try {
		// The type assertion is safe: native/addon/addon.c registers the functions of KernelAddon.
		return createRequire(file)(file) as KernelAddon;
	} catch {
		return undefined;
	}
}
