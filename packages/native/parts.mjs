/** Lists the sources and the compiler's flags of the command's addon. Sources are relative to this folder. */

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder of the sources. */
export const NATIVE = fileURLToPath(new URL(".", import.meta.url));

export const OUTPUT = "sigtool.node";
export const SOURCES = readdirSync(NATIVE)
	.filter((name) => /\.[ch]$/.test(name))
	.sort();
/** glibc had dlopen() in a library of its own before version 2.34. */
export const LIBRARIES = ["-ldl"];
export const FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared", "-pthread"];
export const PLATFORM_FLAGS = { linux: ["-Wl,-z,relro,-z,now"], darwin: ["-undefined", "dynamic_lookup"] };
