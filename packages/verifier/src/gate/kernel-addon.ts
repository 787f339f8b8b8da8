/** The native addon, where it was built; nothing is wrong without it. */

import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

/** `file` absolute, and as trusted as the code that asks. */
export function loadKernelAddon(file: string | undefined): KernelAddon | undefined {
	if (file === undefined) return undefined;
	try {
		return createRequire(file)(file) as KernelAddon; // Its interface is native/addon.c.
	} catch {
		return undefined;
	}
}
