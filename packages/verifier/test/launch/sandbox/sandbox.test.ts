/** Tries every probe with and without the launcher: by an addon and by ctypes, as root and as a user. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Attempt, missing, type Mode, type Runtime, runtimes, SandboxHost, type User } from "./host.js";
import { type Probe, PROTECTIONS } from "./protections.js";

const USERS: readonly User[] = ["root", "nobody"];
const MODES: readonly Mode[] = ["unguarded", "enforce", "strict"];

describe.skipIf(missing !== undefined)(`the sandbox (needs ${missing ?? "nothing else"})`, () => {
	const attempts = new Map<string, Attempt>();
	let host: SandboxHost;
	beforeAll(async () => {
		host = new SandboxHost();
		await host.startOutside();
		const names = PROTECTIONS.flatMap(({ probes }) => probes.map(({ name }) => name));
		for (const runtime of runtimes)
			for (const user of USERS)
				for (const mode of MODES) attempts.set(`${runtime} ${user} ${mode}`, host.attempt(runtime, user, mode, names));
	});
	afterAll(() => host?.remove());

	const cases = runtimes.flatMap((runtime) => USERS.map((user) => ({ runtime, user })));
	describe.each(cases)("$runtime as $user", ({ runtime, user }) => {
		const attempt = (mode: Mode) => {
			const found = attempts.get(`${runtime} ${user} ${mode}`);
			if (found === undefined) throw new Error(`${mode} was not tried`);
			return found;
		};

		it.each(MODES)("15: starts, %s", (mode) => {
			expect(attempt(mode)).toMatchObject({ status: 0, stderr: "" });
			if (runtime === "CPython") expect(attempt(mode).results.callback).toBe("0");
		});

		it.each(PROTECTIONS)("15.$number: $name: each attack works unguarded, then is refused", ({ probes }) => {
			const tried = (mode: Mode) => Object.fromEntries(probes.map(({ name }) => [name, attempt(mode).results[name]]));
			const unguarded = tried("unguarded");
			expect(unguarded).toEqual(
				Object.fromEntries(probes.map((probe) => [probe.name, expect.toBeOneOf([...possible(probe, user)])])),
			);
			const expected = Object.fromEntries(
				probes.map((probe) => [probe.name, isRefused(probe, runtime) ? probe.refused : unguarded[probe.name]]),
			);
			expect({ enforce: tried("enforce"), strict: tried("strict") }).toEqual({ enforce: expected, strict: expected });
		});
	});
});

/** Returns what may happen without the launcher. */
function possible(probe: Probe, user: User): readonly string[] {
	return user === "nobody" && probe.user !== undefined ? [probe.user] : probe.unguarded;
}

function isRefused(probe: Probe, runtime: Runtime): boolean {
	return probe.refused !== undefined && (probe.only === undefined || runtime === "CPython");
}
