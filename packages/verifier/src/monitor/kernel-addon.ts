import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

/**
 * Loads the optional native addon. Returns undefined if the addon was not built or cannot be loaded. `file` is an
 * absolute path. The caller must trust the file like this code, because the addon can do everything that the process
 * can. The addon is taken out of `require.cache`, where a program would find it.
 */
export function loadKernelAddon(file: string | undefined): KernelAddon | undefined {
	if (file === undefined) return undefined;
	const known = LOADED.get(file);
	if (known !== undefined) return known;
	try {
		const load = createRequire(file);
		// The type assertion is safe: native/addon/addon.c registers the functions of KernelAddon.
		const addon = load(file) as KernelAddon;
		delete load.cache[load.resolve(file)];
		LOADED.set(file, addon);
		return addon;
	} catch {
		return undefined;
	}
}

const LOADED = new Map<string, KernelAddon>();
