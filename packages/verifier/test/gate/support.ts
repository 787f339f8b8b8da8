/** Builds the C programs of this folder, which test how the gate changes functions. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect } from "vitest";
import { NATIVE } from "../launch/support.js";

export const PROCESSORS = ["x64", "arm64"] as const;
export type Processor = (typeof PROCESSORS)[number];

const GATE = join(NATIVE, "gate");
const FLAGS = ["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-I", GATE];
/** The code of patch-arm64.c that only reads and writes instructions works on every processor. */
const DEFINITIONS = { x64: [], arm64: ["-DPATCH_ARM64"] } as const;
export const SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"];

/** The compiler and emulator of arm64. This machine may be one. */
export const CROSS = process.arch === "arm64" ? "cc" : "aarch64-linux-gnu-gcc";
export const EMULATOR = process.arch === "arm64" ? [] : ["qemu-aarch64"];
export const hasEmulator = [CROSS, ...EMULATOR].every((program) => spawnSync(program, ["--version"]).status === 0);

export const directory = mkdtempSync(join(tmpdir(), "sigtool-gate-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Compiles a program or library of this folder with the sources in native/gate. Returns its path. */
export function compile(
	name: string,
	sources: readonly string[],
	processor: Processor,
	options: { compiler?: string; flags?: readonly string[] } = {},
): string {
	const output = join(directory, `${name}-${processor}`);
	const own = fileURLToPath(new URL(`${name}.c`, import.meta.url));
	const inputs = [own, ...sources.map((source) => join(GATE, source)), join(GATE, `patch-${processor}.c`)];
	const flags = [...FLAGS, ...DEFINITIONS[processor], ...(options.flags ?? [])];
	const { status, stderr } = spawnSync(options.compiler ?? "cc", [...flags, ...inputs, "-o", output], {
		encoding: "utf8",
	});
	expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	return output;
}
