/** Tries every probe with and without the launcher: by an addon and by ctypes, as root and as a user. */

import { beforeAll, describe, expect, it } from "vitest";
import { isRoot } from "../support.js";
import { expectRefusals } from "./compare.js";
import { type Attempt, MODES, type Mode, missing, runtimes, SandboxHost, titleOf, USERS } from "./host.js";
import { NETWORK, PROTECTIONS } from "./protections.js";

const cases = runtimes.flatMap((runtime) => USERS.map((user) => ({ runtime, user })));

describe.skipIf(missing !== undefined)(titleOf("the sandbox", missing), () => {
	const attempts = new Map<string, Attempt>();
	let host: SandboxHost;
	beforeAll(async () => {
		host = new SandboxHost();
		await host.startOutside();
		const names = PROTECTIONS.flatMap(({ probes }) => probes.map(({ name }) => name));
		for (const { runtime, user } of cases)
			for (const mode of MODES) attempts.set(`${runtime} ${user} ${mode}`, host.attempt(runtime, user, mode, names));
	});

	describe.each(cases)("$runtime as $user", ({ runtime, user }) => {
		const attempt = (mode: Mode) => {
			const found = attempts.get(`${runtime} ${user} ${mode}`);
			if (found === undefined) throw new Error(`${mode} was not tried`);
			return found;
		};

		it.each(MODES)("runs and says nothing, %s, with callbacks of ctypes", (mode) => {
			const { status, stderr } = attempt(mode);
			expect(status).toBe(0);
			// Files of a user other than root need `--allow-development`, and spython reports that option at each
			// start.
			expect(stderr).toMatch(isRoot ? /^$/ : /^(spython: development: .*\n)?$/);
			if (runtime === "CPython") expect(attempt(mode).results.callback).toBe("0");
		});

		for (const { number, name, probes } of PROTECTIONS)
			it(`15.${number}: ${name}: each attack works unguarded, then is refused`, () => {
				expectRefusals(probes, { runtime, user }, attempt);
			});
	});

	// These tests come last, because they change the settings of the host.
	it.each(cases)("TCP ports outside of the policy are refused to $runtime as $user", ({ runtime, user }) => {
		const { PROBE_LISTED, PROBE_FREE_LISTED } = host.environment;
		host.addSettings(`limit connect\nconnect ${PROBE_LISTED}\nlimit bind\nbind ${PROBE_FREE_LISTED}\n`);
		const names = NETWORK.probes.map(({ name }) => name);
		expectRefusals(NETWORK.probes, { runtime, user }, (mode) => host.attempt(runtime, user, mode, names));
	});
});
