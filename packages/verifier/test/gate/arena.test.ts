/** The memory in which the gate keeps ArrayBuffers (native/gate/arena.c). */

import { beforeAll, describe, expect, it } from "vitest";
import { spawnSync } from "../../../../test/outside.js";
import { hasCompiler } from "../launch/support.js";
import { compileWith, SANITIZED } from "./support.js";

describe.skipIf(!hasCompiler || process.platform !== "linux")("an arena (needs cc)", () => {
	let program: string;
	beforeAll(() => {
		program = compileWith("use-arena", ["gate/arena.c"], [...SANITIZED, "-pthread"]);
	});

	it("gives each block to one holder at a time, serves a size with blocks of that size, and takes back only those", () => {
		const { status, stderr } = spawnSync(program, { encoding: "utf8", env: { ASAN_OPTIONS: "detect_leaks=0" } });
		expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
	});

	it("has nothing before it that can be read", () => {
		const { signal } = spawnSync(program, ["outside"], { env: { ASAN_OPTIONS: "handle_segv=0" } });
		expect(signal).toBe("SIGSEGV");
	});
});
