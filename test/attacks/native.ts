/** Builds the C libraries for techniques that load one. */

import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import type { Library } from "./technique.js";

/** The library prints the marker as soon as a program loads it, whatever program this is. */
const EVIL = `#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void) {
	char line[32];
	volatile int six = 6;
	(void)!write(1, line, snprintf(line, sizeof line, "evil-ran-%d\\n", six * 7));
}
unsigned la_version(unsigned version) { return version; }
`;
const GOOD = "int answer(void) { return 1; }\n";
const LINKED = "int answer(void);\nint ask(void) { return answer(); }\n";

export const hasCompiler = spawnSync("cc", ["--version"]).status === 0;

/** Builds the libraries in a scratch directory. Returns undefined without a compiler. */
export function buildLibraries(scratch: string): Readonly<Record<Library, Uint8Array>> | undefined {
	if (!hasCompiler) return undefined;
	const build = (name: string, source: string, ...more: string[]) => {
		writeFileSync(`${scratch}/${name}.c`, source);
		execFileSync("cc", ["-shared", "-fPIC", "-O1", "-o", `${scratch}/${name}`, `${scratch}/${name}.c`, ...more]);
		return readFileSync(`${scratch}/${name}`);
	};
	const good = build("libdep.so", GOOD, "-Wl,-soname,libdep.so");
	return {
		evil: build("evil.so", EVIL),
		good,
		// The dynamic loader reads nothing behind the sections. So another library fits into these bytes.
		padded: Buffer.concat([good, new Uint8Array(100_000).fill(1)]),
		linked: build("linked.node", LINKED, `-L${scratch}`, "-l:libdep.so", "-Wl,-rpath,$ORIGIN"),
	};
}
