/** Builds the C programs of this folder, which test how the gate changes functions. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { nodeOfRelease } from "../../../../scripts/node-releases.mjs";
import { hasProgram, spawnSync } from "../../../../test/outside.js";
import { atEndOfFile, temporaryDirectory } from "../../../../test/temporary.js";
import { CROSS, hasCross, NATIVE } from "../launch/support.js";

export const PROCESSORS = ["x64", "arm64"] as const;
export type Processor = (typeof PROCESSORS)[number];

const GATE = join(NATIVE, "gate");
const FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-I", GATE];
/** The code of patch-arm64.c that only reads and writes instructions works on every processor. */
const DEFINITIONS = { x64: [], arm64: ["-DPATCH_ARM64"] } as const;
export const SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];

/** Debian's libraries of arm64. That of C comes with the compiler, and Node.js also needs that of C++. */
const LIBRARIES = "/usr/aarch64-linux-gnu";
export const EMULATOR = ["qemu-aarch64", "-L", LIBRARIES] as const;
export const hasEmulator = hasCross && hasProgram(EMULATOR[0]);
export const hasLibraryOfCPlusPlus = existsSync(join(LIBRARIES, "lib/libstdc++.so.6"));
export const NEEDS_EMULATOR = `needs ${CROSS} and ${EMULATOR[0]}`;

export const RELEASES = ["20", "22", "24", "26"];

export const directory = temporaryDirectory(atEndOfFile);

/** Compiles a program of this folder with the gate's code for a processor. Returns its path. */
export function compile(
	name: string,
	sources: readonly string[],
	processor: Processor,
	{ compiler = "cc", flags = [] }: { compiler?: string; flags?: readonly string[] } = {},
): string {
	const inputs = [...sources, `patch-${processor}.c`].map((source) => join(GATE, source));
	return build(compiler, name, `${name}-${processor}`, [...DEFINITIONS[processor], ...flags, ...inputs]);
}

/** Compiles a program of this folder with sources of `native/`. Returns its path. */
export function compileWith(name: string, sources: readonly string[], flags: readonly string[]): string {
	return build("cc", name, name, [...flags, ...sources.map((source) => join(NATIVE, source))]);
}

/** Compiles a program of this folder that needs nothing of the gate. Returns its path. */
export function compileTool(name: string): string {
	return build("cc", name, name, []);
}

function build(compiler: string, name: string, program: string, args: readonly string[]): string {
	const output = join(directory, program);
	const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
	const { status, stderr } = spawnSync(compiler, [...FLAGS, source, ...args, "-o", output], { encoding: "utf8" });
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	return output;
}

/** Returns the binary of a release of Node.js, or undefined if npm cannot fetch it. */
export function fetchedNode(release: string, processor: Processor): string | undefined {
	try {
		return nodeOfRelease(release, processor);
	} catch {
		return undefined;
	}
}

/** Compiles close-gate.c. */
export function compileCloseGate(processor: Processor): string {
	return compile("close-gate", [], processor, { flags: SANITIZED });
}

/** Closes the gate over the file of a release, without running it, and checks how each function is changed. */
export function expectGate(program: string, node: string, release: string): void {
	const { status, stdout, stderr } = spawnSync(program, [node], { encoding: "utf8" });
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	const lines = stdout
		.trimEnd()
		.split("\n")
		.map((line) => line.split(" "));
	const changes = (text: string) => lines.filter(([, , , name = ""]) => name.includes(text)).map(([kind]) => kind);
	expect(changes("CompileUnboundInternal")).toEqual(["in-front"]);
	expect(changes("CompileFunction")).toEqual(["in-front"]);
	expect(changes("SetModifyCodeGenerationFromStringsCallback")).toEqual(["in-front"]);
	expect(changes("SetAllowWasmCodeGenerationCallback")).toEqual(["in-front"]);
	expect(changes("AllowCodeGenerationFromStrings")).toEqual(["in-front"]);
	expect(changes("SetFlagsFrom")).toEqual(["in-front", "in-front", "in-front"]);
	expect(changes("7Context3New")).toEqual(["in-front"]);
	expect(changes("StartStreaming")).toEqual(["instead"]);
	expect(changes("StartConsumingCodeCache")).toEqual(release < "24" ? ["instead"] : ["instead", "instead"]);
	expect(changes("Agent7Connect")).toEqual(["instead"]);
	expect(changes("_register_ffi")).toEqual(release < "26" ? [] : ["instead"]);
	expect(changes("TryLoadAddon")).toEqual(["in-front"]);
	expect(changes("NewDefaultAllocator")).toEqual(["instead"]);
	expect(changes("NewBackingStore")).toEqual(["in-front"]);
	expect(changes("AdoptIntoBackingStore")).toEqual(release < "26" ? [] : ["in-front"]);
	expect(changes("PageAllocator")).toEqual(["instead", "instead"]);
	// Only the compiler of Node.js 20 has split a function.
	const moved = lines.filter(([, , distance]) => distance !== "0").map(([, , , name]) => name);
	expect(moved).toEqual(release === "20" ? [expect.stringContaining("CompileUnboundInternal")] : []);
}
