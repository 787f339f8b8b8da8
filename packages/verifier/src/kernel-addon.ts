/** The native addon beside the bundle, where it was built; nothing is wrong without it. */

import { createRequire } from "node:module";
import type { KernelAddon } from "./kernel-check.js";

export function loadKernelAddon(): KernelAddon | undefined {
	try {
		return createRequire(import.meta.url)("./native/sigtool.node") as KernelAddon; // Its interface is native/addon.c.
	} catch {
		return undefined;
	}
}
