/** The code that the gate puts in front of functions, and the instructions that it displaces for that. */

import { describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { CROSS, hasCompiler } from "../launch/support.js";
import { compile, EMULATOR, hasEmulator, NEEDS_EMULATOR, PROCESSORS, SANITIZED } from "./support.js";

/** Instructions that each decoder knows, and at last the check that find_work() knows. */
const BEGINNINGS = {
	x64: [
		...["50", "4154", "31c0", "89c3", "4531c0", "4889e5", "0fb6c0", "4883ec10", "4881ec00010000"],
		...["4889b700010000", "e800000100", "e9000000ff"],
		"488b8700010000483987000200007508" + "31c0c30f1f440000e900010000",
	],
	arm64: [
		...["ff8300d1", "fd7bbea9", "f30f1ef8", "00204091", "03008052", "e30304aa", "3f2303d5", "5f2403d5", "00000114"],
		"05bc40f9047c41f99f0005eb61000054" + "000080d2c0035fd6cafeff17",
	],
};
const ROUNDS = 100_000;
/** Keeps the order of the statements in patched-calls.c. */
const IN_ORDER = ["-fno-toplevel-reorder"];

describe.skipIf(!hasCompiler).each(PROCESSORS)("patches for %s (need cc)", (processor) => {
	it("displace no part of an instruction, and nothing behind 32 bytes, whatever the bytes are", () => {
		const program = compile("fuzz-patch", [], processor, { flags: SANITIZED });
		const { status, stdout, stderr } = spawnSync(program, [`${ROUNDS}`, ...BEGINNINGS[processor]], {
			encoding: "utf8",
		});
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
		const [known = 0, moved = 0] = stdout.split(" ").map(Number);
		expect(known).toBeGreaterThan(ROUNDS / 10);
		expect(known).toBeLessThan(ROUNDS);
		expect(moved).toBeGreaterThan(100);
	});
});

describe("functions with patches", () => {
	function outcomes(command: readonly string[]): string[] {
		const [program = "", ...args] = command;
		const { status, signal, stdout } = spawnSync(program, args, { encoding: "utf8" });
		expect({ status, signal }).toEqual({ status: 0, signal: null });
		return stdout.trimEnd().split("\n");
	}

	it.skipIf(!hasCompiler || process.arch !== "x64")("get their arguments on x64 (needs cc)", () => {
		const program = compile("patched-calls", ["patch.c"], "x64", { flags: IN_ORDER });
		const lines = outcomes([program]);
		expect(lines).toHaveLength(11);
		expect(lines.filter((line) => !line.endsWith(": ok"))).toEqual([]);
	});

	it.skipIf(!hasEmulator)(`get their arguments on arm64 (${NEEDS_EMULATOR})`, () => {
		const program = compile("patched-calls", ["patch.c"], "arm64", {
			compiler: CROSS,
			flags: [...IN_ORDER, "-static"],
		});
		const lines = outcomes([...EMULATOR, program]);
		expect(lines).toHaveLength(16);
		expect(lines.filter((line) => !line.endsWith(": ok"))).toEqual([]);
	});
});
