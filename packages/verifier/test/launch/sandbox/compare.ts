import { expect } from "vitest";
import type { Attempt, Mode, Runtime, User } from "./host.js";
import type { Probe } from "./protections.js";

/**
 * Expects that each probe has an effect without the launcher, and that the launcher refuses exactly those that it must
 * refuse, in the modes enforce and strict.
 */
export function expectRefusals(
	probes: readonly Probe[],
	{ runtime, user }: { readonly runtime: Runtime; readonly user: User },
	attempt: (mode: Mode) => Attempt,
): void {
	const tried = (mode: Mode) => {
		const { results } = attempt(mode);
		return Object.fromEntries(probes.map(({ name }) => [name, results[name]]));
	};
	const unguarded = tried("unguarded");
	expect(unguarded).toEqual(
		Object.fromEntries(probes.map((probe) => [probe.name, expect.toBeOneOf([...possible(probe, user)])])),
	);
	const expected = Object.fromEntries(
		probes.map((probe) => [probe.name, isRefused(probe, runtime, user) ? probe.refused : unguarded[probe.name]]),
	);
	expect({ enforce: tried("enforce"), strict: tried("strict") }).toEqual({ enforce: expected, strict: expected });
}

/** Returns the results that are possible without the launcher. */
function possible(probe: Probe, user: User): readonly string[] {
	return user === "user" && probe.user !== undefined ? [probe.user] : probe.unguarded;
}

function isRefused({ refused, only }: Probe, runtime: Runtime, user: User): boolean {
	if (only === "python" && runtime !== "CPython") return false;
	if (only === "root" && user !== "root") return false;
	return refused !== undefined;
}
