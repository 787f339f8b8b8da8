/** Tests that a crash runs no program, although the kernel's core_pattern names one. */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MODES, missingRoot, runtimes, SandboxHost, titleOf, USERS } from "./host.js";

const PATTERN = "/proc/sys/kernel/core_pattern";
const lacks = missingRoot ?? (canSetPattern() ? undefined : "a core_pattern that root can set");

function canSetPattern(): boolean {
	if (missingRoot !== undefined) return false;
	try {
		writeFileSync(PATTERN, readFileSync(PATTERN));
		return true;
	} catch {
		return false;
	}
}

describe.skipIf(lacks !== undefined)(titleOf("a crash", lacks), () => {
	let host: SandboxHost;
	let before: Buffer;
	beforeAll(() => {
		host = new SandboxHost();
		before = readFileSync(PATTERN);
		// The kernel runs this program as root, in its own environment.
		const handler = `#!/bin/sh\ncat >/dev/null\ntouch ${host.at("handled")}\n`;
		writeFileSync(host.at("handler"), handler, { mode: 0o755 });
		writeFileSync(PATTERN, `|${host.at("handler")}`);
	});
	afterAll(() => {
		if (before !== undefined) writeFileSync(PATTERN, before);
	});

	const cases = runtimes.flatMap((runtime) => USERS.map((user) => ({ runtime, user })));
	it.each(cases)("of $runtime as $user runs the program of core_pattern only unguarded", async ({ runtime, user }) => {
		const handled: boolean[] = [];
		for (const mode of MODES) {
			const { results } = host.attempt(runtime, user, mode, ["crash"]);
			expect(results.crash).toBe("255");
			const most = mode === "unguarded" ? 1200 : 20;
			for (let tries = 0; tries < most && !existsSync(host.at("handled")); tries++) await sleep(50);
			handled.push(existsSync(host.at("handled")));
			rmSync(host.at("handled"), { force: true });
		}
		expect(handled).toEqual([true, false, false]);
	});

	it.each(runtimes)(
		"of %s would reach that program if the hard limit is 0, which is named, and strict refuses",
		(runtime) => {
			const [enforced, strict] = (["enforce", "strict"] as const).map((mode) =>
				host.attempt(runtime, "user", mode, [], { through: ["prlimit", "--core=0:0"] }),
			);
			expect(enforced?.stderr).toMatch(
				/^sigtool-launch: core_pattern gives .* because the hard limit of core dumps is 0$/m,
			);
			expect(enforced?.status).toBe(0);
			expect(strict?.stderr).toMatch(/^sigtool-launch: Cannot enforce strictly: core_pattern gives .*LimitCORE=1.*$/m);
			expect(strict?.status).toBe(126);
			writeFileSync(PATTERN, "core");
			try {
				const plain = host.attempt(runtime, "user", "strict", [], { through: ["prlimit", "--core=0:0"] });
				expect([plain.status, plain.stderr]).toEqual([0, ""]);
			} finally {
				writeFileSync(PATTERN, `|${host.at("handler")}`);
			}
		},
	);

	it.each(runtimes)("of %s would be sent to a socket, which is named, and strict refuses", (runtime) => {
		const program = readFileSync(PATTERN);
		writeFileSync(PATTERN, `@${host.at("socket")}`);
		try {
			const [enforced, strict] = (["enforce", "strict"] as const).map((mode) =>
				host.attempt(runtime, "root", mode, []),
			);
			expect(enforced?.stderr).toMatch(
				/^sigtool-launch: core_pattern sends the memory of crashed processes to a socket$/m,
			);
			expect(enforced?.status).toBe(0);
			expect(strict?.stderr).toMatch(
				/^sigtool-launch: Cannot enforce strictly: core_pattern sends .*kernel\.core_pattern$/m,
			);
			expect(strict?.status).toBe(126);
		} finally {
			writeFileSync(PATTERN, program);
		}
	});
});
